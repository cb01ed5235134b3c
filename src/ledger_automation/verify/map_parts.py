"""Recomputing the case map from its first leaf on, at every checkpoint, in sixteen parts one after another.

A map of millions of cases does not fit into memory beside everything else. But what happens below one place of the
root's tile has nothing to do with the others: so the log's pass only writes down which case changed by which checkpoint
(76 bytes each), and then one part after another grows through all checkpoints. What each leads to in the root's tile is
kept, and in the end the root's tile, and so the map's root, is put together as it was at every checkpoint.

Stored tiles are held against that on the way: every version at its checkpoint, and where proofs are made (``proved``)
that none is missing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any, Final

from ledger_automation.tlog.case_map import Head, MapLeaf
from ledger_automation.tlog.map_trie import MapTrie, root_of
from ledger_automation.verify.verdict import Finding

Version = tuple[Any, Any, Any]
"""A stored tile: the size from which on it is so, its path, its octets; each may be anything."""

_DIGITS: Final = "0123456789abcdef"
_NUMBER: Final = 4
_RECORD: Final = _NUMBER + 72
_ROOT: Final = ""
_PATH: Final = re.compile(r"[0-9a-f]+")


class MapParts:
    """The changes of a map, by part and checkpoint; `recompute` fills ``roots`` (by size) and ``findings``."""

    def __init__(self, proved: frozenset[int]) -> None:
        self._proved = proved
        self._sizes: list[int] = []
        self._parts = [bytearray() for _ in _DIGITS]
        self._found: list[tuple[int, int, str, Finding]] = []
        self.roots: dict[int, bytes] = {}

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with stored tiles, by checkpoint and path."""
        return [finding for *_, finding in sorted(self._found, key=lambda each: each[:3])]

    def stop(self, size: int, changes: Mapping[str, Head]) -> None:
        """Write down what changed up to a checkpoint's size."""
        number = len(self._sizes).to_bytes(_NUMBER)
        self._sizes.append(size)
        for case_id, head in changes.items():
            leaf = MapLeaf.of(case_id, head)
            part = self._parts[leaf[0] >> 4]
            part += number
            part += leaf

    def recompute(self, versions: Iterable[Version]) -> None:
        """Grow the map and compare; ``versions`` are all stored tiles, in order of their paths."""
        entries: list[dict[int, bytes]] = [{} for _ in self._sizes]
        strange: list[Version] = []
        waiting = 0
        for first, rows in groupby(_proper(versions, strange), key=_first):
            digit = _DIGITS.index(first)
            for each in range(waiting, digit):
                self._part(each, [], entries)
            self._part(digit, list(rows), entries)
            waiting = digit + 1
        for each in range(waiting, len(_DIGITS)):
            self._part(each, [], entries)
        self._top(strange, entries)

    def _part(self, digit: int, rows: list[Version], entries: list[dict[int, bytes]]) -> None:
        """Grow one part through all checkpoints; note what it comes to in the root's tile."""
        trie, changes = MapTrie(), _changes(self._parts[digit])
        self._parts[digit] = bytearray()
        stored = _Stored(rows, self._note)
        after, leaf = next(changes, (-1, MapLeaf()))
        for number, size in enumerate(self._sizes):
            if after == number:
                while after == number:
                    trie.put(leaf)
                    after, leaf = next(changes, (-1, MapLeaf()))
                entries[number][digit] = trie.entry(digit)
            stored.compare(number, size, trie.tile)
            if size in self._proved:
                stored.compare_all(number, size, dict(islice(trie.tiles(), 1, None)))  # without the root's own
        stored.end(len(self._sizes))

    def _top(self, rows: list[Version], entries: list[dict[int, bytes]]) -> None:
        """Put the root's tile together at every checkpoint."""
        places = [b""] * len(_DIGITS)
        stored = _Stored(rows, self._note)
        for number, size in enumerate(self._sizes):
            for digit, entry in entries[number].items():
                places[digit] = entry
            tile = b"".join(places)
            self.roots[size] = root_of(tile)
            stored.compare(number, size, {_ROOT: tile}.get)
            if size in self._proved:
                stored.compare_all(number, size, {_ROOT: tile})
        stored.end(len(self._sizes))

    def _note(self, number: int, rank: int, path: Any, finding: Finding) -> None:
        self._found.append((number, rank, str(path), finding))


class _Stored:
    """The stored tiles of one part, followed from checkpoint to checkpoint."""

    def __init__(self, rows: list[Version], note: Callable[[int, int, Any, Finding], None]) -> None:
        known = [row for row in rows if isinstance(row[0], int | float)]
        self._strange = [row for row in rows if not isinstance(row[0], int | float)]
        self._rows = sorted(known, key=lambda row: (row[0], str(row[1])))
        self._note = note
        self._next = 0
        self._now: dict[Any, Any] = {}
        self._found: set[Any] = set()

    def compare(self, number: int, size: int, expected: Callable[[str], bytes | None]) -> None:
        """Check the tiles that are stored as of a size."""
        while self._next < len(self._rows) and self._rows[self._next][0] <= size:
            at, path, tile = self._rows[self._next]
            self._next += 1
            self._now[path] = tile
            if type(at) is not int or at != size:
                self._nowhere(number, at, path, tile)
                continue
            wanted = expected(path) if isinstance(path, str) else None
            if wanted is None or wanted != tile:
                self._differs(number, 0, size, path, wanted, tile)

    def compare_all(self, number: int, size: int, expected: Mapping[str, bytes]) -> None:
        """Check that what is stored for a size is the whole map of that size."""
        for path in (self._now.keys() | expected.keys()) - self._found:
            if (wanted := expected.get(path)) != (tile := self._now.get(path)):
                self._differs(number, 1, size, path, wanted, tile)

    def end(self, number: int) -> None:
        """Name what is left: tiles of no checkpoint."""
        for at, path, tile in (*self._rows[self._next :], *self._strange):
            self._nowhere(number, at, path, tile)

    def _differs(self, number: int, rank: int, size: int, path: Any, expected: bytes | None, actual: Any) -> None:  # noqa: PLR0913, PLR0917  a finding's facts
        self._found.add(path)
        sentence = f"The stored tile {path or 'of the root'} of the case map is not what the leaves lead to."
        self._note(number, rank, path, report(sentence, size, expected, actual))

    def _nowhere(self, number: int, at: Any, path: Any, tile: Any) -> None:
        """Tiles are written together with a checkpoint: one of them was lost, or the tile put there."""
        self._found.add(path)
        sentence = f"The case map has a tile {path or 'of the root'} of a size at which the log has no checkpoint."
        self._note(number, 0, path, report(sentence, at if type(at) is int else None, None, tile))


def report(sentence: str, size: int | None, expected: object, actual: object) -> Finding:
    """Say what is wrong with the case map as it is stored."""
    facts = {"expected": expected, "actual": actual, "leaf_index": size}
    return Finding(tampering="T31", sentence=sentence, column="map_tile.tile", **facts)  # type: ignore[arg-type]


def _proper(versions: Iterable[Version], strange: list[Version]) -> Iterator[Version]:
    """Yield the tiles of the sixteen parts; put aside those of the root, and those whose path is no path."""
    for version in versions:
        if isinstance(version[1], str) and _PATH.fullmatch(version[1]):
            yield version
        else:
            strange.append(version)


def _first(version: Version) -> str:
    """Return the part that a tile belongs to."""
    return str(version[1][0])


def _changes(part: bytearray) -> Iterator[tuple[int, MapLeaf]]:
    """Yield what was written down: the number of a checkpoint, and a case's leaf at it."""
    octets = bytes(part)
    for at in range(0, len(octets), _RECORD):
        yield int.from_bytes(octets[at : at + _NUMBER]), MapLeaf(octets[at + _NUMBER : at + _RECORD])
