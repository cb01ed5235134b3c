from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_automation.values import MAX_INTEGER
from ledger_automation.workflows.money import WHOLE, share_of


@given(st.integers(0, MAX_INTEGER), st.integers(0, WHOLE))
def test_a_share_is_the_exact_share_rounded_half_up(cents: int, rate: int) -> None:
    exact = Fraction(cents * rate, WHOLE)
    assert Fraction(-1, 2) <= exact - share_of(cents, rate) < Fraction(1, 2)


def test_half_a_cent_goes_up() -> None:
    assert [share_of(cents, 5_000) for cents in (1, 2, 3)] == [1, 1, 2]


def test_a_share_of_a_debt_is_not_defined() -> None:
    with pytest.raises(ValueError, match="not negative"):
        share_of(-1, 10)
