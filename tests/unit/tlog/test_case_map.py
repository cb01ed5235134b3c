"""The case map: one root whatever the order and however it is stored, and proofs that hold for nothing else."""

from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_automation.errors import ProofError
from ledger_automation.merkle import node_hash
from ledger_automation.tlog.case_map import (
    EMPTY_MAP_ROOT,
    Head,
    MapLeaf,
    inner_hash,
    key_of,
    verify_absence,
    verify_completeness,
)
from ledger_automation.tlog.map_trie import MapTrie
from support import case_maps


def head(random: Random) -> Head:
    return Head(random.randrange(2**40), random.randbytes(32))


def grown(heads: dict[str, Head]) -> MapTrie:
    trie = MapTrie()
    for case_id, each in heads.items():
        trie.put(MapLeaf.of(case_id, each))
    return trie


class Stored:
    """A map in tiles, changed as a sequencer changes it."""

    def __init__(self) -> None:
        self.tiles: dict[str, bytes] = {}
        self.root = EMPTY_MAP_ROOT
        self.reads = 0

    def open(self, keys: list[bytes]) -> MapTrie:
        def tiles(paths: object) -> dict[str, bytes]:
            self.reads += 1
            return {path: self.tiles[path] for path in paths if path in self.tiles}  # type: ignore[attr-defined]

        trie = MapTrie(self.root, tiles)
        trie.read(keys)
        return trie

    def set(self, heads: dict[str, Head]) -> None:
        leaves = [MapLeaf.of(case_id, each) for case_id, each in heads.items()]
        trie = self.open([leaf.key for leaf in leaves])
        for leaf in leaves:
            trie.put(leaf)
        self.root = trie.root_hash()
        self.tiles |= trie.tiles_above([leaf.key for leaf in leaves])


def test_the_bytes_that_are_hashed_are_those_of_the_specification() -> None:
    one, two = Head(1, b"\x01" * 32), Head(2, b"\x02" * 32)
    leaf = sha256(b"\x02" + sha256(b"a").digest() + bytes(7) + b"\x01" + b"\x01" * 32).digest()
    assert grown({}).root_hash() == sha256(b"").digest()
    assert grown({"a": one}).root_hash() == leaf
    other = sha256(b"\x02" + sha256(b"b").digest() + bytes(7) + b"\x02" + b"\x02" * 32).digest()
    assert (key_of("a")[0] >> 7, key_of("b")[0] >> 7, key_of("b")[0] >> 6 & 1, key_of("a")[0] >> 6 & 1) == (1, 0, 0, 1)
    assert grown({"a": one, "b": two}).root_hash() == sha256(b"\x03" + other + leaf).digest()
    assert inner_hash(leaf, other) != node_hash(leaf, other)


@given(st.randoms(use_true_random=False), st.integers(1, 60), st.integers(1, 12))
def test_in_any_order_and_any_parts_the_root_is_that_of_the_definition(random: Random, cases: int, runs: int) -> None:
    stored, heads = Stored(), dict[str, Head]()
    for _ in range(runs):
        changed = {f"case {random.randrange(cases)}": head(random) for _ in range(random.randrange(1, 9))}
        heads |= changed
        stored.set(changed)
        assert stored.root == case_maps.root(heads)
    shuffled = list(heads.items())
    random.shuffle(shuffled)
    whole = grown(dict(shuffled))
    assert whole.root_hash() == stored.root
    assert list(whole.tiles()) == sorted(stored.tiles.items())


@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_what_is_taken_out_leaves_the_map_as_if_it_had_never_been(random: Random, cases: int) -> None:
    heads = {f"case {number}": head(random) for number in range(cases)}
    trie = grown(heads)
    gone = random.sample(sorted(heads), random.randrange(cases + 1))
    for case_id in (*gone, "nobody"):
        trie.take(key_of(case_id))
    rest = {case_id: each for case_id, each in heads.items() if case_id not in gone}
    assert trie.root_hash() == case_maps.root(rest)
    assert list(trie.tiles()) == list(grown(rest).tiles())


def test_every_case_is_proved_and_everybody_else_is_proved_to_be_absent() -> None:
    random = Random(5)
    stored, heads = Stored(), {f"case {number}": head(random) for number in range(300)}
    stored.set(heads)
    for case_id, each in heads.items():
        leaf, siblings = stored.open([key_of(case_id)]).prove(key_of(case_id))
        assert leaf == MapLeaf.of(case_id, each)
        verify_completeness(stored.root, case_id, each, siblings)
        with pytest.raises(ProofError):
            verify_absence(stored.root, case_id, None, siblings)
        with pytest.raises(ProofError):
            verify_absence(stored.root, case_id, leaf, siblings)
    beside = 0
    for number in range(300):
        key = key_of(f"nobody {number}")
        other, siblings = stored.open([key]).prove(key)
        verify_absence(stored.root, f"nobody {number}", other, siblings)
        beside += other is not None
    assert 0 < beside < 300


def test_no_changed_proof_holds() -> None:
    random = Random(6)
    heads = {f"case {number}": head(random) for number in range(64)}
    trie = grown(heads)
    root, mine = trie.root_hash(), heads["case 1"]
    _, siblings = trie.prove(key_of("case 1"))

    def refused(case_id: str, each: Head, proof: list[bytes], root: bytes = root) -> None:
        with pytest.raises(ProofError):
            verify_completeness(root, case_id, each, proof)

    refused("case 2", mine, siblings)
    refused("case 1", mine._replace(sequence=mine.sequence + 1), siblings)
    refused("case 1", mine._replace(leaf_hash=heads["case 2"].leaf_hash), siblings)
    refused("case 1", mine, siblings, bytes(32))
    for at in range(len(siblings)):
        refused("case 1", mine, [*siblings[:at], random.randbytes(32), *siblings[at + 1 :]])
        refused("case 1", mine, siblings[:at] + siblings[at + 1 :])
    refused("case 1", mine, [*siblings, EMPTY_MAP_ROOT])
    refused("case 1", mine, siblings[::-1])
    refused("case 1", mine, [siblings[0][:31], *siblings[1:]])
    refused("case 1", mine, [EMPTY_MAP_ROOT] * 257)


def test_a_lone_case_that_is_put_below_the_place_where_it_belongs_is_refused() -> None:
    """Were it not, one map had several roots."""
    mine = Head(0, bytes(32))
    leaf = MapLeaf.of("case", mine)
    lower = inner_hash(EMPTY_MAP_ROOT, leaf.hash()) if leaf.key[0] >> 7 else inner_hash(leaf.hash(), EMPTY_MAP_ROOT)
    with pytest.raises(ProofError, match="stands at its top"):
        verify_completeness(lower, "case", mine, [EMPTY_MAP_ROOT])


def test_absence_is_not_proved_by_a_case_that_stands_elsewhere() -> None:
    random = Random(7)
    trie = grown({f"case {number}": head(random) for number in range(64)})
    key = key_of("nobody")
    for number in range(64):
        other, siblings = trie.prove(key_of(f"case {number}"))
        if other is not None and trie.prove(key)[0] != other:
            with pytest.raises(ProofError, match="elsewhere"):
                verify_absence(trie.root_hash(), "nobody", other, siblings)
    with pytest.raises(ProofError, match="72 bytes"):
        verify_absence(trie.root_hash(), "nobody", MapLeaf(bytes(71)), [])


def test_a_tile_that_is_missing_or_changed_is_never_used() -> None:
    random = Random(8)
    stored, heads = Stored(), {f"case {number}": head(random) for number in range(500)}
    stored.set(heads)
    key = key_of("case 1")
    above = [path for path in stored.tiles if key.hex().startswith(path)]
    assert len(above) > 1
    for path in above:
        for tile in (
            None,
            b"",
            stored.tiles[path][:-1],
            bytes(len(stored.tiles[path])),
            "text",
            stored.tiles[""][::-1],
        ):
            changed = Stored()
            changed.root, changed.tiles = stored.root, {**stored.tiles, path: tile}  # type: ignore[dict-item]
            if tile is None:
                del changed.tiles[path]
            with pytest.raises(ProofError) as refused:
                changed.open([key])
            assert refused.value.facts["path"] == path


def test_a_change_reads_and_writes_what_stands_above_it() -> None:
    random = Random(9)
    stored = Stored()
    stored.set({f"case {number}": head(random) for number in range(20_000)})
    tiles, stored.reads = len(stored.tiles), 0
    trie = stored.open([key_of("case 1"), key_of("case 2")])
    assert stored.reads <= 5
    trie.put(MapLeaf.of("case 1", head(random)))
    assert len(trie.tiles_above([key_of("case 1")])) <= 5 < tiles


def test_nothing_is_read_through_what_was_not_opened() -> None:
    with pytest.raises(AssertionError, match="are read before"):
        MapTrie(bytes(32)).prove(bytes(32))
    with pytest.raises(AssertionError, match="are read before"):
        MapTrie(bytes(32)).put(MapLeaf(bytes(72)))
