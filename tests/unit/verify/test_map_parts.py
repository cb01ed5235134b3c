"""The case map recomputed in parts: each checkpoint has the root of the definition, each stored tile is held to it."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT, Head, MapLeaf
from ledger_automation.tlog.map_trie import MapTrie, root_of
from ledger_automation.verify.map_parts import MapParts, Version
from support import case_maps

Runs = list[tuple[int, dict[str, Head]]]


def drawn(random: Random, cases: int, runs: int) -> Runs:
    """Draw what changes up to each checkpoint; now and then, but not up to the first, nothing does."""
    counts = [1 + random.randrange(9), *(random.randrange(9) for _ in range(runs - 1))]
    return [
        (10 * (number + 1), {f"case {random.randrange(cases)}": head(random) for _ in range(count)})
        for number, count in enumerate(counts)
    ]


def head(random: Random) -> Head:
    return Head(random.randrange(2**40), random.randbytes(32))


def stored(runs: Runs) -> list[Version]:
    """Store the tiles as a sequencer does, in order of their paths."""
    trie, versions = MapTrie(), []
    for size, changes in runs:
        leaves = [MapLeaf.of(case_id, each) for case_id, each in changes.items()]
        for leaf in leaves:
            trie.put(leaf)
        versions += [(size, path, tile) for path, tile in trie.tiles_above([each.key for each in leaves]).items()]
    return sorted(versions, key=lambda each: (each[1], each[0]))


def recomputed(runs: Runs, versions: list[Version]) -> MapParts:
    parts = MapParts(frozenset({runs[-1][0]}))
    for size, changes in runs:
        parts.stop(size, changes)
    parts.recompute(versions)
    return parts


def said(parts: MapParts) -> list[tuple[Any, Any]]:
    return [(each.leaf_index, each.actual) for each in parts.findings]


@given(st.randoms(use_true_random=False), st.integers(1, 80), st.integers(1, 12))
def test_at_every_checkpoint_the_root_is_that_of_the_definition(random: Random, cases: int, count: int) -> None:
    runs, heads = drawn(random, cases, count), dict[str, Head]()
    parts = recomputed(runs, stored(runs))
    for size, changes in runs:
        heads |= changes
        assert parts.roots[size] == case_maps.root(heads)
    assert parts.findings == []


@given(st.randoms(use_true_random=False))
def test_a_tile_that_was_changed_or_lost_is_found_at_its_checkpoint(random: Random) -> None:
    runs = drawn(random, 60, 6)
    versions = stored(runs)
    at = random.randrange(len(versions))
    size, path, tile = versions[at]
    other = bytes([*tile[:-1], tile[-1] ^ 1]) if tile else b"x"
    assert said(recomputed(runs, [*versions[:at], (size, path, other), *versions[at + 1 :]])) == [(size, other)]
    newest = [each for each in versions if each[1] == path][-1]
    if versions[at] == newest:
        (finding,) = recomputed(runs, versions[:at] + versions[at + 1 :]).findings
        assert (finding.leaf_index, finding.expected) == (runs[-1][0], tile)


@pytest.mark.parametrize("path", ["", "0", "0a", "g", "A", "0 ", 7, None, b"0", 1.5])
@pytest.mark.parametrize("size", [10, 15, 99, "10", None, 2.5, b"\x0a"])
def test_a_tile_too_many_is_found_wherever_it_is_and_nothing_else(path: Any, size: Any) -> None:
    random = Random(7)
    runs = drawn(random, 60, 6)
    versions = [each for each in stored(runs) if each[:2] != (size, path)]
    places = [0, len(versions) // 2, len(versions)]
    if path in ("", "0", "0a"):  # what is a path comes in its order
        places = [sum(each[1] < path for each in versions)]
    for place in places:
        parts = recomputed(runs, [*versions[:place], (size, path, b"?"), *versions[place:]])
        assert said(parts) == [(size if type(size) is int else None, b"?")], (path, size, place)


def test_an_empty_map_has_the_empty_root() -> None:
    assert root_of(b"") == EMPTY_MAP_ROOT
    assert recomputed([(10, {})], []).roots == {10: EMPTY_MAP_ROOT}
