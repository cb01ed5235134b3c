"""A sample follows from its seed, and from nothing else."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ledger_automation.orchestrator.sample import draw


@given(st.text(max_size=64), st.integers(0, 2**40), st.integers(0, 60))
def test_a_sample_has_as_many_different_leaves_as_were_asked_for(seed: str, size: int, count: int) -> None:
    found = draw(seed, size, count) if size else []
    assert found == draw(seed, size, count) if size else not found
    assert len(found) == min(size, count)
    assert all(before < after for before, after in pairwise(found))
    assert all(0 <= each < size for each in found)


def test_no_leaf_is_likelier_than_another() -> None:
    """Chi-squared over 7 leaves, 20,000 draws: 22.5 is what one in a thousand honest seeds would exceed."""
    counted = Counter(index for seed in range(20_000) for index in draw(str(seed), 7, 1))
    expected = 20_000 / 7
    assert sum((counted[index] - expected) ** 2 / expected for index in range(7)) < 22.5


def test_anybody_can_draw_it_again() -> None:
    """By the words of the docstring: SHA-256 over seed, NUL and counter; the first eight octets, reduced."""
    assert draw("2026-11", 1_000, 3) == [207, 803, 825]
