"""The log as static files (C2SP tlog-tiles): where a tile lies, what is in it, and a tree read from tiles alone.

    checkpoint                         the newest signed note
    tile/<L>/<N>[.p/<W>]               hashes of one tile; level 0 holds leaf hashes, level L roots of full tiles below
    tile/entries/<N>[.p/<W>]           the entries under a tile of level 0, each behind its length (uint16, big-endian)

N is written in groups of three digits, all but the last behind an ``x``; ``.p/<W>`` stands for a partial tile, which
only the right edge of a tree has. An entry of this log is a commitment, so every entry has 32 bytes.

    >>> Tile(0, 1_234_067).path
    'tile/0/x001/x234/067'
    >>> [each.path for each in tiles_of(70_000) if each.width < TILE_WIDTH]
    ['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1']

What this does not do: fetch. Who reads hands over a function from a path to octets, and nothing that it returns is
believed before it leads to the root of a checkpoint (`TiledTree`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from ledger_automation.errors import InvalidValue, NotFound, TileError
from ledger_automation.merkle import Frontier, leaf_hash
from ledger_automation.merkle.tree import TILE_HEIGHT, TILE_WIDTH, fold
from ledger_automation.values import MAX_INTEGER

Fetch = Callable[[str], bytes]
"""Returns the octets at a path; raises NotFound where there is nothing, Unreachable where nobody answers."""

CHECKPOINT: Final = "checkpoint"
ENTRIES: Final = "entries"
MOST_LEVELS: Final = 7
"""So many levels has a tree of 2^53 - 1 leaves, which is the largest that a checkpoint may tell of."""

INDEX: Final = re.compile(r"((?:x[0-9]{3}/){0,5})([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
"""``<N>[.p/<W>]`` of a path; which of them a tree can have is for `parse_index` to say."""

_ROOT: Final = "tile"
_HASH_BYTES: Final = 32
_LENGTH_BYTES: Final = 2


class Tile(NamedTuple):
    """A tile's place: the ``number``-th of its level, with as many hashes as it is wide."""

    level: int
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it lies."""
        return f"{_ROOT}/{self.level}/{write_index(self.number, self.width)}"

    @property
    def full(self) -> "Tile":
        """The full tile in the same place."""
        return Tile(self.level, self.number)


class Bundle(NamedTuple):
    """The place of a bundle of entries: those under the ``number``-th tile of level 0."""

    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it lies."""
        return f"{_ROOT}/{ENTRIES}/{write_index(self.number, self.width)}"

    @property
    def full(self) -> "Bundle":
        """The full bundle in the same place."""
        return Bundle(self.number)


def write_index(number: int, width: int = TILE_WIDTH) -> str:
    """Write ``<N>[.p/<W>]``. Requires 0 <= number and 0 < width <= 256; raises InvalidValue."""
    if number < 0 or not 0 < width <= TILE_WIDTH:
        raise InvalidValue("A tile", (number, width), f"a number from 0 on, 1 to {TILE_WIDTH} hashes wide")
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    partial = f".p/{width}" if width < TILE_WIDTH else ""
    return "/".join([*(f"x{each}" for each in groups[:-1]), groups[-1]]) + partial


def parse_index(text: str, level: int = 0) -> tuple[int, int]:
    """Read ``<N>[.p/<W>]`` as number and width; raises InvalidValue for another spelling, and for what no tree has."""
    found = INDEX.fullmatch(text)
    if found is None:
        raise InvalidValue("A tile's index", text, "written in groups of three digits, such as x001/234")
    number, width = int(found[1].replace("x", "").replace("/", "") + found[2]), int(found[3] or TILE_WIDTH)
    if number > MAX_INTEGER >> TILE_HEIGHT * (level + 1) or write_index(number, width) != text:
        raise InvalidValue("A tile's index", text, "one that a log can have, in its one spelling")
    return number, width


def parse_level(text: str) -> int:
    """Read a level; raises InvalidValue."""
    if text not in map(str, range(MOST_LEVELS)):
        raise InvalidValue("A tile's level", text, f"0 to {MOST_LEVELS - 1}")
    return int(text)


def parse_path(path: str) -> Tile | Bundle:
    """Read the path of a tile or a bundle; raises InvalidValue."""
    root, _, rest = path.partition("/")
    level, _, index = rest.partition("/")
    if root != _ROOT:
        raise InvalidValue("A tile's path", path, f"one that begins with {_ROOT}/")
    if level == ENTRIES:
        return Bundle(*parse_index(index))
    row = parse_level(level)
    return Tile(row, *parse_index(index, row))


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """Write a tile."""
    return b"".join(hashes)


def decode_tile(octets: bytes, tile: Tile) -> list[bytes]:
    """Read a tile of that width; raises TileError."""
    if len(octets) != tile.width * _HASH_BYTES:
        raise TileError(tile.path, "has the wrong length", tile.width * _HASH_BYTES, len(octets))
    return [octets[at : at + _HASH_BYTES] for at in range(0, len(octets), _HASH_BYTES)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Write a bundle of entries."""
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES) + entry for entry in entries)


def decode_bundle(octets: bytes, bundle: Bundle) -> list[bytes]:
    """Read a bundle of so many commitments; raises TileError."""
    step = _LENGTH_BYTES + _HASH_BYTES
    if len(octets) != bundle.width * step:
        raise TileError(bundle.path, "has the wrong length", bundle.width * step, len(octets))
    entries = [octets[at + _LENGTH_BYTES : at + step] for at in range(0, len(octets), step)]
    if encode_bundle(entries) != octets:
        raise TileError(bundle.path, "holds an entry that is no commitment", _HASH_BYTES, "another length")
    return entries


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the tiles that a tree of a size has, level by level; with ``since``, those that a smaller one has not."""
    for level, (edge, width) in enumerate(Frontier.shape(size) if size else ()):
        first = (since >> TILE_HEIGHT * level) // TILE_WIDTH
        yield from (Tile(level, number) for number in range(first, edge // TILE_WIDTH))
        if width and size != since:
            yield Tile(level, edge // TILE_WIDTH, width)


def bundles_of(size: int, since: int = 0) -> Iterator[Bundle]:
    """Yield the bundles that a log of a size has; with ``since``, those that a smaller one has not."""
    yield from (Bundle(number, width) for level, number, width in tiles_of(size, since) if level == 0)


class TiledTree:
    """A tree of which only size and root are believed: each tile is held against them before a hash of it is used.

    The tiles of the right edge lead to the root together; every other tile leads to its place in the tile above it, and
    so on up to the edge. Raises TileError for what leads elsewhere, and what ``fetch`` raises. A partial tile that is
    not there any more is looked for in the full one that took its place.
    """

    def __init__(self, fetch: Fetch, size: int, root_hash: bytes) -> None:
        self.size = size
        self._fetch = fetch
        self._root_hash = root_hash
        self._edge: list[list[bytes]] | None = None
        self._upper: dict[tuple[int, int], list[bytes]] = {}
        self._lowest: tuple[int, list[bytes]] = (-1, [])

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a full subtree, as proofs ask for it (`merkle.proof.Node`)."""
        rows, inner = divmod(level, TILE_HEIGHT)
        number, place = divmod(index << inner, TILE_WIDTH)
        return fold(self.tile(rows, number)[place : place + (1 << inner)])

    def tile(self, level: int, number: int) -> list[bytes]:
        """Return the hashes of a tile of this tree. Requires that the tree has it; raises InvalidValue."""
        edge, width = self._place(level, number)
        if number == edge:
            return self.edge()[level][:width]
        if level == 0 and self._lowest[0] == number:
            return self._lowest[1]
        if (level, number) not in self._upper:
            hashes = self._full(Tile(level, number))
            if level == 0:  # read in order, and as many as all others together
                self._lowest = (number, hashes)
                return hashes
            self._upper[level, number] = hashes
        return self._upper[level, number]

    def entries(self, number: int) -> list[bytes]:
        """Return the entries of a bundle, each held against its leaf. Requires that the tree has it."""
        hashes = self.tile(0, number)
        bundle = Bundle(number, len(hashes))
        found = decode_bundle(self._octets(bundle), bundle)
        for at, (entry, expected) in enumerate(zip(found, hashes, strict=True)):
            if leaf_hash(entry) != expected:
                leaf = number * TILE_WIDTH + at
                raise TileError(bundle.path, f"holds another entry than leaf {leaf}", expected, leaf_hash(entry))
        return found

    def edge(self) -> list[list[bytes]]:
        """Return the right edge, row by row, once it has led to the root."""
        if self._edge is None:
            tiles = [
                Tile(level, at // TILE_WIDTH, width) for level, (at, width) in enumerate(Frontier.shape(self.size))
            ]
            rows = [decode_tile(self._octets(tile), tile) if tile.width else [] for tile in tiles]
            root = Frontier(self.size, rows).root_hash()
            if root != self._root_hash:
                named = " and ".join(tile.path for tile in tiles if tile.width) or "no tile"
                raise TileError(named, "does not lead to the checkpoint's root", self._root_hash, root)
            self._edge = rows
        return self._edge

    def _place(self, level: int, number: int) -> tuple[int, int]:
        """Return where the edge of a level lies, and how wide the tile is."""
        hashes = self.size >> TILE_HEIGHT * max(0, level)
        width = min(TILE_WIDTH, hashes - number * TILE_WIDTH)
        if level < 0 or number < 0 or width <= 0:
            raise InvalidValue("A tile", (level, number), f"one of a tree of {self.size} leaves")
        return hashes // TILE_WIDTH, width

    def _full(self, tile: Tile) -> list[bytes]:
        above, place = divmod(tile.number, TILE_WIDTH)
        expected = self.tile(tile.level + 1, above)[place]
        hashes = decode_tile(self._octets(tile), tile)
        if (root := fold(hashes)) != expected:
            raise TileError(tile.path, "does not lead to the tile above it", expected, root)
        return hashes

    def _octets(self, place: Tile | Bundle) -> bytes:
        try:
            return self._fetch(place.path)
        except NotFound as missing:
            if place.width == TILE_WIDTH:
                raise
            try:
                octets = self._fetch(place.full.path)
            except NotFound:
                raise missing from None
        whole = _HASH_BYTES if isinstance(place, Tile) else _LENGTH_BYTES + _HASH_BYTES
        return octets[: place.width * whole] if len(octets) == TILE_WIDTH * whole else octets
