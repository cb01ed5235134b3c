"""Tiles byte by byte: the specification's own examples, its definition at every size, and nothing believed unproven."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_automation.errors import InvalidValue, NotFound, TileError
from ledger_automation.merkle import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from ledger_automation.tlog.tiles import (
    MOST_LEVELS,
    Bundle,
    Tile,
    TiledTree,
    bundles_of,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    parse_index,
    parse_path,
    tiles_of,
)
from ledger_automation.values import MAX_INTEGER
from support.tiled import TiledLog, fetching, spelled

LOG = TiledLog(70_000)
SIZES = (1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 70_000)


def tree(log: TiledLog, size: int, files: dict[str, bytes] | None = None) -> TiledTree:
    return TiledTree(fetching(log.files(size) if files is None else files), size, log.root(size))


# C2SP tlog-tiles, section "Merkle Tree": "index 1234067 will be encoded as x001/x234/067".
def test_an_index_is_written_in_groups_of_three_digits() -> None:
    assert Tile(0, 1_234_067).path == "tile/0/x001/x234/067"
    assert Tile(63, 0, 1).path == "tile/63/000.p/1"
    assert Bundle(1_234_067, 255).path == "tile/entries/x001/x234/067.p/255"
    assert [Tile(1, number).path for number in (999, 1_000)] == ["tile/1/999", "tile/1/x001/000"]


# Section "Partial Tiles": "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0
# tile of width 112, one full level 1 tile, one partial level 1 tile of width 17, and one partial level 2 tile of width
# 1".
def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    tiles = list(tiles_of(70_000))
    full = [tile.level for tile in tiles if tile.width == 256]
    assert (full.count(0), full.count(1), len(full)) == (273, 1, 274)
    assert [tile for tile in tiles if tile.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]


# The same section: "a tree of size 256 will be represented by a full level 0 tile and a partial level 1 tile of width
# 1".
def test_a_tree_of_256_has_a_full_tile_and_one_above_it() -> None:
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]


# The same section: "The partial tile at level l for a tree of size s has floor(s / 256**l) mod 256 entries. Empty tiles
# MUST NOT be served."
@settings(deadline=None)
@given(st.integers(0, MAX_INTEGER))
def test_every_partial_tile_has_the_width_of_the_rule_and_none_is_empty(size: int) -> None:
    partial = {tile.level: tile for tile in tiles_of(size, max(0, size - 300)) if tile.width < 256}
    for level in range(MOST_LEVELS + 1):
        width = size // 256**level % 256
        assert (partial[level].width if level in partial else 0) == width


@pytest.mark.parametrize("size", SIZES)
def test_our_files_are_those_of_the_definition_to_the_byte(size: int) -> None:
    files = LOG.files(size)
    made = {tile.path: encode_tile(tree(LOG, size, files).tile(tile.level, tile.number)) for tile in tiles_of(size)}
    made |= {bundle.path: encode_bundle(tree(LOG, size, files).entries(bundle.number)) for bundle in bundles_of(size)}
    assert {"checkpoint": files["checkpoint"], **made} == files
    assert {len(octets) for path, octets in made.items() if ".p/" not in path and "entries" not in path} <= {8_192}


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_what_is_new_since_a_smaller_tree_is_what_that_one_has_not(one: int, other: int) -> None:
    before, after = sorted((one, other))
    fresh = set(tiles_of(after, before))
    assert fresh == set(tiles_of(after)) - set(tiles_of(before)) | {
        tile for tile in tiles_of(after) if tile.width < 256 and before != after
    }
    assert {Bundle(tile.number, tile.width) for tile in fresh if tile.level == 0} == set(bundles_of(after, before))


@settings(deadline=None)
@given(st.integers(0, MAX_INTEGER >> 8), st.integers(1, 256))
def test_a_path_is_read_as_it_was_written(number: int, width: int) -> None:
    assert parse_path(Tile(0, number, width).path) == Tile(0, number, width)
    assert parse_path(Bundle(number, width).path) == Bundle(number, width)
    assert Tile(0, number).path == f"tile/0/{spelled(number)}"


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1234", "tile/00/000",
        "tile/-1/000", "tile/7/000", "tile/64/000", "tile/x/000", "tile/\u0660/000", "tile/0/\u0660\u0660\u0660",
        "tile/0/x000/000", "tile/0/x000/x001/000", "tile/0/001/000", "tile/0/x001/x001", "tile/0/X001/001",
        "/tile/0/000", "tile//000", "tile/0/000/", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/01",
        "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/1000", "tile/0/000.p/1/", "tile/0/000.p/-1",
        "tile/0/000\n", "tile/entries/", "tile/entries/0/000", "tile/Entries/000", "checkpoint",
        "tile/0/../../etc/passwd", "tile/0/x999/x999/x999/x999/x999/999", "tile/6/256", "tile/0/000.p/1.p/1",
    ],
)  # fmt: skip
def test_a_path_that_no_tree_has_is_refused(path: str) -> None:
    with pytest.raises(InvalidValue):
        parse_path(path)


@pytest.mark.parametrize(("number", "width"), [(-1, 256), (0, 0), (0, 257), (0, -1)])
def test_no_path_is_written_for_what_no_tree_has(number: int, width: int) -> None:
    with pytest.raises(InvalidValue):
        _ = Tile(0, number, width).path


def test_the_largest_log_that_a_checkpoint_may_tell_of_has_a_path_for_each_tile() -> None:
    top = MAX_INTEGER >> 8
    assert parse_index(Tile(0, top).path.removeprefix("tile/0/")) == (top, 256)
    with pytest.raises(InvalidValue):
        parse_index(Tile(0, top + 1).path.removeprefix("tile/0/"))
    assert max(tile.level for tile in tiles_of(MAX_INTEGER, MAX_INTEGER - 1)) == MOST_LEVELS - 1


@pytest.mark.parametrize("octets", [b"", b"\x00" * 31, b"\x00" * 33, b"\x00" * 64])
def test_a_tile_of_another_length_is_refused(octets: bytes) -> None:
    with pytest.raises(TileError):
        decode_tile(octets, Tile(0, 0, 1))


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"\x00\x20" + b"\x01" * 31, b"\x00\x20" + b"\x01" * 33,
        b"\x00\x1f" + b"\x01" * 32, b"\x20\x00" + b"\x01" * 32,
        b"\x00\x00" + b"\x01" * 32, b"\x00\x21" + b"\x01" * 32, (b"\x00\x20" + b"\x01" * 32) * 2,
        b"\x00\x0f" + b"\x01" * 15 + b"\x00\x0f" + b"\x01" * 15,
    ],
)  # fmt: skip
def test_a_bundle_holds_commitments_of_32_bytes_behind_their_length(octets: bytes) -> None:
    assert decode_bundle(b"\x00\x20" + b"\x01" * 32, Bundle(0, 1)) == [b"\x01" * 32]
    with pytest.raises(TileError):
        decode_bundle(octets, Bundle(0, 1))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 70_000), st.randoms(use_true_random=False))
def test_proofs_from_tiles_alone_are_those_of_the_tree(size: int, random: Random) -> None:
    files, index, first = LOG.files(size), random.randrange(size), random.randint(1, size)
    asked: list[str] = []
    read = TiledTree(fetching(files, asked), size, LOG.root(size))
    proof = inclusion_proof(read.node, index, size)
    assert proof == inclusion_proof(LOG.subtree, index, size)
    verify_inclusion(LOG.leaves[index], index, size, proof, LOG.root(size))
    extension = consistency_proof(read.node, first, size)
    assert extension == consistency_proof(LOG.subtree, first, size)
    verify_consistency(first, size, extension, LOG.root(first), LOG.root(size))
    assert len(asked) <= 3 * 3, "the edge, and for each proof one tile a level"
    assert "checkpoint" not in asked


@pytest.mark.parametrize("size", [1, 256, 300, 65_792, 70_000])
def test_no_hash_of_a_changed_file_is_ever_used(size: int) -> None:
    """Whatever single octet is changed, in whatever file: whoever needs that file is told so, by its name."""
    random, files, root = Random(size), LOG.files(size), LOG.root(size)
    paths = sorted(set(files) - {"checkpoint"})
    for path in {*random.sample(paths, min(40, len(paths))), *(each for each in paths if ".p/" in each)}:
        place, octets = parse_path(path), bytearray(files[path])
        octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
        read = TiledTree(fetching({**files, path: bytes(octets)}), size, root)
        with pytest.raises(TileError) as refused:
            read.entries(place.number) if isinstance(place, Bundle) else read.tile(place.level, place.number)
        assert path in refused.value.path


def test_a_true_tile_in_another_place_is_refused() -> None:
    files = LOG.files(70_000)
    for wrong, true in (
        ("tile/0/000", "tile/0/001"),
        ("tile/1/000", "tile/0/000"),
        ("tile/entries/000", "tile/entries/001"),
    ):
        read = tree(LOG, 70_000, {**files, wrong: files[true]})
        with pytest.raises(TileError):
            read.entries(0)


def test_a_true_tree_under_another_size_or_root_is_refused() -> None:
    files = LOG.files(70_000)
    for size, root in ((69_999, LOG.root(70_000)), (70_000, LOG.root(69_999)), (70_000, b"\x00" * 32)):
        shorter = {**LOG.files(69_999), **files}
        with pytest.raises(TileError):
            TiledTree(fetching(shorter), size, root).node(0, 5)


def test_a_partial_tile_that_went_is_read_from_the_full_one() -> None:
    before, after = LOG.files(300), LOG.files(600)
    for path in [each for each in before if "001.p/" in each]:
        del before[path]
    read = tree(LOG, 300, {**before, **{path: octets for path, octets in after.items() if path.endswith("/001")}})
    assert (read.entries(1), read.tile(0, 1)) == (LOG.entries[256:300], LOG.leaves[256:300])
    other = {**before, "tile/0/001": after["tile/0/000"], "tile/entries/001": after["tile/entries/001"]}
    with pytest.raises(TileError):
        tree(LOG, 300, other).entries(1)
    with pytest.raises(TileError):
        tree(LOG, 300, {**before, "tile/0/001": after["tile/0/001"][:-1]}).entries(1)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/273.p/112", "tile/1/000", "tile/entries/273.p/112"])
def test_a_file_that_is_missing_is_named(path: str) -> None:
    files = LOG.files(70_000)
    del files[path]
    with pytest.raises(NotFound, match=path):
        [tree(LOG, 70_000, files).entries(number) for number in (0, 273)]


@pytest.mark.parametrize("place", [(0, -1), (-1, 0), (0, 274), (1, 2), (2, 1), (3, 0)])
def test_a_tile_that_the_tree_has_not_is_not_asked_for(place: Any) -> None:
    asked: list[str] = []
    with pytest.raises(InvalidValue):
        TiledTree(fetching({}, asked), 70_000, b"").tile(*place)
    assert asked == []


def test_an_empty_tree_has_the_root_of_nothing_and_no_file() -> None:
    assert (list(tiles_of(0)), list(bundles_of(0))) == ([], [])
    assert TiledTree(fetching({}), 0, LOG.root(0)).edge() == [[]]
    with pytest.raises(TileError):
        TiledTree(fetching({}), 0, LOG.root(1)).edge()
