"""The register of persons."""

import pytest

from ledger_automation.errors import InvalidValue
from ledger_automation.study.privacy.forms import LEAST, compact, forms
from ledger_automation.study.privacy.register import KINDS, MOST, OWNED, PLATES, plate, plates, register


def test_the_same_seed_gives_the_same_people() -> None:
    assert register(50, 7) == register(50, 7)
    assert register(50, 7) != register(50, 8)


def test_nobody_shares_a_name_a_plate_or_an_account_with_anybody() -> None:
    people = register(MOST, 1)
    for kind in ("surname", "street", "plate", "iban", "file", "login", "born"):
        assert len({getattr(each, kind) for each in people}) == MOST, kind
    streets = {each.street.removesuffix("straße") for each in people}
    assert not streets & {each.surname for each in people}


def test_an_account_number_has_the_right_check_digits() -> None:
    for each in register(20, 3):
        digits = compact(each.iban)
        assert int(f"{digits[4:]}1314{digits[2:4]}") % 97 == 1


def test_every_text_is_long_enough_to_be_searched_without_spaces_too() -> None:
    for person in register(500, 2):
        assert tuple(person.entries()) == KINDS
        for kind, text in person.entries().items():
            assert len(compact(text)) >= LEAST, (kind, text)
            assert next(forms(kind, text)).needle == text.encode()


def test_the_dictionary_has_every_plate_of_the_register_among_its_first() -> None:
    first = set(plates(OWNED))
    assert len(first) == OWNED
    assert {each.plate for each in register(MOST, 5)} <= first
    assert PLATES >= 10_000_000
    assert plate(PLATES - 1) == "HH-ZZ 999"


@pytest.mark.parametrize("count", [0, MOST + 1])
def test_there_are_only_so_many_people(count: int) -> None:
    with pytest.raises(InvalidValue, match=f"1 to {MOST} people"):
        register(count, 1)
