"""Single fields of arguments and of facts, set to what the law's edges are, on steps that are lawful otherwise.

The harness asks the law without cases, so the facts can be set too: nine who checked, a list that is full.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import pytest

from contracts.laws.attacks import ADVISED, NEVER_PENALISED, taken
from contracts.laws.driver import Law, Question
from contracts.laws.lawful import WORD, chain, count, lawful, refusals, with_arguments
from contracts.laws.test_laws import LAWS
from ledger_automation.chain.connection import Connection

__all__ = ["chain"]

MOST = 2**53 - 1
FACTS, ARGUMENTS = "facts", "arguments"


class Field(NamedTuple):
    """Bits of a word of the arguments or facts of an action, what they are set to, and the error that follows."""

    action: str
    what: str
    word: int
    bit: int
    width: int
    value: int
    error: str


FIELDS: dict[str, tuple[Field, ...]] = {
    "subsidy": (
        Field("open_programme", ARGUMENTS, 0, 0, 176, 1, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 0, 251, 5, 16, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 1, 240, 16, 1 << 15, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 0, 208, 14, 10_001, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 0, 222, 14, 10_001, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 0, 236, 10, 0, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 0, 236, 10, 521, "ArgumentOutOfRange"),
        Field("apply", ARGUMENTS, 0, 0, 56, MOST + 1, "ArgumentOutOfRange"),
        Field("apply", ARGUMENTS, 0, 56, 56, 0, "ArgumentOutOfRange"),
        Field("apply", ARGUMENTS, 0, 112, 32, 0, "ArgumentOutOfRange"),
        Field("check_application", FACTS, 3, 0, 256, int("00000009" * 8, 16), "ListFull"),
        Field("grant", ARGUMENTS, 0, 56, 56, MOST + 1, "ArgumentOutOfRange"),
        Field("grant", ARGUMENTS, 0, 0, 56, 0, "ArgumentOutOfRange"),
        Field("request_tranche", ARGUMENTS, 0, 0, 16, 0, "ArgumentOutOfRange"),
        Field("request_tranche", ARGUMENTS, 0, 0, 16, 1_001, "ArgumentOutOfRange"),
        Field("request_tranche", ARGUMENTS, 0, 16, 56, 0, "ArgumentOutOfRange"),
        Field("request_tranche", ARGUMENTS, 0, 72, 32, 0, "ArgumentOutOfRange"),
        Field("request_tranche", ARGUMENTS, 0, 104, 56, MOST + 1, "ArgumentOutOfRange"),
        Field("disburse_tranche", ARGUMENTS, 0, 16, 32, 1, "TermTooShort"),
        Field("disburse_tranche", ARGUMENTS, 0, 16, 32, 2**32 - 1, "TermTooLong"),
        Field("prove_use", ARGUMENTS, 0, 16, 53, 0, "ArgumentOutOfRange"),
        Field("prove_use", FACTS, 1, 168, 64, 2**64 - 1, "ArgumentOutOfRange"),
        Field("submit_final_proof", FACTS, 1, 168, 64, 2**64 - 1, "FinalProofBelowTranches"),
        Field("reduce_grant", ARGUMENTS, 0, 0, 256, 0, "ArgumentOutOfRange"),
        Field("reclaim", ARGUMENTS, 0, 16, 53, 0, "ArgumentOutOfRange"),
        Field("record_repayment", ARGUMENTS, 0, 16, 53, 0, "ArgumentOutOfRange"),
    ),
    "parking_fine": (
        Field("record_fine", ARGUMENTS, 0, 88, 53, 0, "ArgumentOutOfRange"),
        Field("record_fine", ARGUMENTS, 0, 0, 32, 1, "ArgumentOutOfRange"),
        Field("correct_amount", ARGUMENTS, 0, 0, 256, 0, "ArgumentOutOfRange"),
        Field("send_notice", ARGUMENTS, 0, 0, 256, MOST + 1, "ArgumentOutOfRange"),
        Field("record_service", ARGUMENTS, 0, 0, 40, 1, "TermTooShort"),
        Field("record_service", ARGUMENTS, 0, 40, 40, 1, "TermTooShort"),
        Field("record_service", ARGUMENTS, 0, 120, 40, 1, "TermTooShort"),
        Field("decide_appeal", ARGUMENTS, 0, 0, 256, 2, "ArgumentOutOfRange"),
        Field("record_payment", ARGUMENTS, 0, 0, 256, 0, "ArgumentOutOfRange"),
    ),
    "permit": (
        Field("submit_application", ARGUMENTS, 0, 128, 12, 0, "ArgumentOutOfRange"),
        Field("submit_application", ARGUMENTS, 0, 128, 12, 3_661, "ArgumentOutOfRange"),
        Field("submit_application", ARGUMENTS, 0, 99, 4, 13, "ArgumentOutOfRange"),
        Field("submit_application", ARGUMENTS, 0, 64, 34, 1, "TermTooShort"),
        Field("draft_letter", ARGUMENTS, 0, 0, 256, 3, "ArgumentOutOfRange"),
        Field("request_advice", ARGUMENTS, 0, 0, 256, 0, "ArgumentOutOfRange"),
        Field("request_advice", ARGUMENTS, 0, 0, 256, 5 << 32 | 9, "ArgumentOutOfRange"),
        Field("notify", ARGUMENTS, 0, 0, 256, 1, "TermTooShort"),
    ),
}


@pytest.fixture(scope="module")
def law_of(chain: Connection, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Law]:
    """Compile a workflow's law when it is asked for: a mutant's tests ask for one of them."""
    return cache(lambda name: Law(chain, LAWS[name], tmp_path_factory.mktemp(name)))


def with_field(question: Question, field: Field) -> Question:
    facts = len(question.witness) // WORD - count(question)
    at = (field.word if field.what == FACTS else facts + field.word) * WORD
    word = int.from_bytes(question.witness[at : at + WORD], "big")
    mask = ((1 << field.width) - 1) << field.bit
    changed = ((word & ~mask) | field.value << field.bit).to_bytes(WORD, "big")
    return question._replace(witness=question.witness[:at] + changed + question.witness[at + WORD :])


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_at_the_edge_is_refused_by_name(law_of: Callable[[str], Law], name: str) -> None:
    law = law_of(name)
    samples = lawful(name)
    for field in FIELDS[name]:
        asked = [with_field(each, field) for each in samples if each.command.action == field.action]
        assert set(errors(law, asked)) == {field.error}, field


def test_a_penalty_that_the_rules_of_a_parking_fine_do_not_know_has_no_day(law_of: Callable[[str], Law]) -> None:
    law = law_of("parking_fine")
    *_, last = taken(law.table, [NEVER_PENALISED])
    day = Field("record_service", ARGUMENTS, 0, 80, 40, 1, "ArgumentOutOfRange")
    assert errors(law, [last, with_field(last, day)]) == [None, day.error]


def test_nobody_gives_no_advice_on_a_permit(law_of: Callable[[str], Law]) -> None:
    law = law_of("permit")
    *_, last = taken(law.table, [ADVISED])
    nobody = Field("receive_advice", ARGUMENTS, 0, 0, 256, 0, "ArgumentOutOfRange")
    assert errors(law, [last, with_field(last, nobody)]) == [None, nobody.error]


def test_the_list_of_a_subsidy_ends(law_of: Callable[[str], Law]) -> None:
    """After a hundred conditions and tranches, each condition one of a tranche that can be."""
    samples = {each.command.action: each for each in lawful("subsidy")}
    granting, requesting = samples["grant"], samples["request_tranche"]
    facts = granting.witness[: -count(granting) * WORD]
    given = granting.witness[len(facts) :][:WORD]
    kept, argument = requesting.witness[: 3 * WORD], requesting.witness[-WORD:]
    asked = [
        *(with_arguments(granting, 1 + each, facts + given + condition(1) * each) for each in (100, 101)),
        *(
            requesting._replace(terms=with_facts(requesting, 3 + each), witness=kept + condition(1) * each + argument)
            for each in (99, 100)
        ),
        *(
            with_arguments(granting, 2, facts + given + condition(*each))
            for each in ((0, 7), (1_001, 7), (1, 2**64), (1_000, 7), (1, 2**64 - 1))
        ),
    ]
    assert errors(law_of("subsidy"), asked) == [*[None, "ListFull"] * 2, *["ArgumentOutOfRange"] * 3, None, None]


def test_eight_parties_at_most_owe_advice_on_a_permit(law_of: Callable[[str], Law]) -> None:
    requesting = next(each for each in lawful("permit") if each.command.action == "request_advice")
    asked = []
    for open_ in (7, 8):
        parties = sum((100 + place) << 32 * place for place in range(open_)).to_bytes(WORD, "big")
        one_more = requesting.witness[: 2 * WORD] + parties + (9).to_bytes(WORD, "big")
        asked.append(requesting._replace(terms=with_facts(requesting, 3), witness=one_more))
    assert errors(law_of("permit"), asked) == [None, "TooManyParties"]


def errors(law: Law, asked: list[Question]) -> list[str | None]:
    return [each[0] if each else None for each in refusals(law, asked)]


def condition(first: int, name: int = 7) -> bytes:
    return (first << 16 | name << 32).to_bytes(WORD, "big")


def with_facts(question: Question, number: int) -> int:
    return (question.terms & ~(0xFF << 208)) | number << 208
