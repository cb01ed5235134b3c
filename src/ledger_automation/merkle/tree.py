"""Growing a tree: a frontier that remembers the ragged right edge of a tree of any size in a few hundred hashes.

Leaves are grouped into tiles of 256 (C2SP tlog-tiles, section "Merkle Tree"). A tile that is full becomes one hash of
the row above, so a frontier holds at most 255 hashes a row, and each full tile is reported once: those nodes are what a
log stores to prove anything later without touching all of its leaves.

    >>> from ledger_automation.merkle import leaf_hash, root_hash
    >>> frontier = Frontier()
    >>> frontier.extend([leaf_hash(b"a"), leaf_hash(b"b")])
    []
    >>> frontier.root_hash() == root_hash([leaf_hash(b"a"), leaf_hash(b"b")])
    True
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from ledger_automation.errors import InvalidValue
from ledger_automation.merkle.hashing import EMPTY_ROOT

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT


class StoredNode(NamedTuple):
    """The root of leaves ``number * 2**level`` up to ``(number + 1) * 2**level``; ``level`` is 8, 16, 24, ..."""

    level: int
    number: int
    hash: bytes


class Frontier:
    """The right edge of a growing tree.

    ``rows[k]`` holds the hashes at level ``8 k`` that no full tile covers yet; raises InvalidValue when rows and size
    do not belong together.
    """

    def __init__(self, size: int = 0, rows: Sequence[Sequence[bytes]] = ()) -> None:
        self.size = size
        self.rows = [list(row) for row in rows] or [[]]
        if [len(row) for row in self.rows] != [length for _, length in self.shape(size)]:
            lengths = [len(row) for row in self.rows]
            raise InvalidValue("A frontier", lengths, f"the right edge of a tree of {size} leaves")

    @staticmethod
    def shape(size: int) -> list[tuple[int, int]]:
        """Return, row by row from the leaves up, which hashes the right edge needs: (first index, how many)."""
        rows: list[tuple[int, int]] = []
        while size or not rows:
            rows.append((size - size % TILE_WIDTH, size % TILE_WIDTH))
            size >>= TILE_HEIGHT
        return rows

    def extend(self, leaf_hashes: Sequence[bytes]) -> list[StoredNode]:
        """Append leaves; returns the nodes of the tiles that they filled, lowest first."""
        filled: list[StoredNode] = []
        start = 0
        while start < len(leaf_hashes):
            room = TILE_WIDTH - len(self.rows[0])
            batch = leaf_hashes[start : start + room]
            self.rows[0].extend(batch)
            self.size += len(batch)
            start += len(batch)
            if len(batch) == room:
                self._fill(filled)
        return filled

    def root_hash(self) -> bytes:
        """Return the root of all leaves so far (RFC 9162 section 2.1.1); the hash of nothing for an empty tree."""
        edge: list[bytes] = []
        for row in self.rows:
            edge = [fold([*row, *edge])] if row or edge else []
        return edge[0] if edge else EMPTY_ROOT

    def _fill(self, filled: list[StoredNode]) -> None:
        height = 0
        while len(self.rows[height]) == TILE_WIDTH:
            root = fold(self.rows[height])
            self.rows[height] = []
            height += 1
            if height == len(self.rows):
                self.rows.append([])
            self.rows[height].append(root)
            level = height * TILE_HEIGHT
            filled.append(StoredNode(level, (self.size >> level) - 1, root))


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over neighbouring subtrees, of which only the last may be smaller than the others."""
    row = list(hashes)
    while len(row) > 1:
        paired = [sha256(b"\x01" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)]
        row = paired + row[-1:] if len(row) % 2 else paired
    return row[0]


def root_hash(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes (RFC 9162 section 2.1.1)."""
    return fold(leaf_hashes) if leaf_hashes else EMPTY_ROOT


def subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield (level, index) of the full subtrees that cover leaves ``start .. end``, from left to right.

    Requires that ``start`` is where RFC 9162's recursion splits: 0, or a multiple of the largest subtree to its right.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level
