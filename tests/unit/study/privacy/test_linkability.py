"""How well an observer tells what is related: against cases whose answer is known, and against counting every pair."""

from itertools import combinations
from random import Random

import pytest

from ledger_automation.study.privacy.linkability import Area, Leaf, _steps_and_leaves, by_number, by_time


def counted(items: list[tuple[str, int]]) -> float:
    """Compare each related pair with each unrelated one."""
    same = [abs(a - b) for (one, a), (two, b) in combinations(items, 2) if one == two]
    other = [abs(a - b) for (one, a), (two, b) in combinations(items, 2) if one != two]
    won = sum(1.0 if near < far else 0.5 if near == far else 0.0 for near in same for far in other)
    return round(won / (len(same) * len(other)), 4)


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_that_of_counting_every_pair(seed: int) -> None:
    random = Random(seed)
    items = [(f"case-{random.randrange(12)}", random.randrange(9)) for _ in range(60)]
    assert by_time(items).area == counted(items)


def test_cases_that_are_done_in_one_interval_are_told_with_certainty() -> None:
    items = [(f"case-{number}", number) for number in range(10) for _ in range(3)]
    assert by_time(items) == Area(1.0, 1.0, 30, 405)


def test_cases_that_all_come_at_once_are_not_told_apart() -> None:
    assert by_time([(f"case-{number % 5}", 7) for number in range(40)]) == Area(0.5, 0.1795, 140, 640)


def test_cases_spread_by_chance_are_told_hardly_better_than_by_a_coin() -> None:
    random = Random(1)
    items = [(f"case-{number % 200}", random.randrange(50)) for number in range(1_000)]
    assert 0.47 < by_time(items).area < 0.53


def test_a_number_that_is_the_same_for_a_person_tells_all() -> None:
    items = [(f"person-{number % 4}", number % 4 + 100) for number in range(20)]
    assert by_number(items).area == 1.0


def test_a_number_that_is_another_each_time_tells_nothing() -> None:
    assert by_number([(f"person-{number % 4}", number) for number in range(20)]).area == 0.5


def test_where_nothing_is_related_nothing_is_told() -> None:
    assert by_number([("a", 1), ("b", 2)]) == Area(0.5, 0.0, 0, 1)
    assert by_time([]) == Area(0.5, 0.0, 0, 0)


def leaf(interval: int, signed: bytes = b"") -> Leaf:
    return Leaf(interval, "enforced" if signed else "logged", "case", "actor", signed)


def test_an_enforced_step_alone_in_its_interval_is_found_among_the_leaves() -> None:
    leaves = [leaf(0), leaf(0), leaf(1, b"a"), leaf(2, b"b"), leaf(2, b"c")]
    assert _steps_and_leaves(leaves, [b"a", b"b", b"c"]) == (3, 2.0)


def test_among_other_leaves_it_is_found_by_chance() -> None:
    random, leaves = Random(4), []
    for interval in range(300):
        some = [leaf(interval, b"%d" % interval), *(leaf(interval) for _ in range(9))]
        random.shuffle(some)
        leaves += some
    found, chance = _steps_and_leaves(leaves, [b"%d" % interval for interval in range(300)])
    assert chance == 30.0
    assert 15 <= found <= 48
