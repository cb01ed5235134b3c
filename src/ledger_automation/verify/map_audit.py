"""Auditing the case map: its root at every checkpoint, recomputed from the leaves, and the tiles that proofs come from.

From the first leaf on, the map grows in memory with the log. An audit that goes on from a mark has no map to begin
with: it reads the tiles above the cases that changed, as the newest checkpoint signs them, takes the changes back, and
must come to the root where the last audit ended; what did not change is then the same, and costs nothing.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ledger_automation.errors import ProofError
from ledger_automation.tlog.case_map import Head, MapLeaf, key_of
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.map_trie import MapTrie
from ledger_automation.verify.sources import LogSource
from ledger_automation.verify.verdict import Finding

_HASH_BYTES: Final = 32
_MOST: Final = 2**63


class MapMark(NamedTuple):
    """Where an audit begins: after so many leaves, with this root."""

    size: int
    root: bytes


class MapAudit:
    """One pass over a log's leaves; ``proved`` are the sizes whose stored tiles must be there as a whole.

    ``roots`` are what the leaves lead to, by size.
    """

    def __init__(self, source: LogSource, start: MapMark, proved: frozenset[int]) -> None:
        self._source = source
        self._start = start
        self._proved = proved
        self._trie = MapTrie()
        self._changes: dict[str, Head] = {}
        self._later: list[tuple[int, dict[str, Head]]] = []
        self._versions = iter(()) if start.size else source.map_versions()
        self._row: tuple[Any, Any, Any] | None = next(self._versions, None)
        self._found: set[Any] = set()
        self.roots: dict[int, bytes] = {}
        self.findings: list[Finding] = []

    def take(self, case_id: Any, sequence: Any, leaf_hash: Any) -> None:
        """Take the next leaf; what is none is found with its event."""
        if isinstance(case_id, str) and _is_head(sequence, leaf_hash):
            self._changes[case_id] = Head(sequence, leaf_hash)

    def stop(self, size: int) -> None:
        """Close the map of a checkpoint's size."""
        if self._start.size:
            self._later.append((size, self._changes))
        else:
            self._put(size, self._changes)
            self._stored(size)
        self._changes = {}

    def close(self, newest: Checkpoint | None) -> None:
        """Look at what is left; recompute what an audit from a mark collected, as the ``newest`` checkpoint ends."""
        for at, path, tile in self._rows():
            self._nowhere(at, path, tile)
        if not self._later or newest is None:
            return
        cases = {case_id for _, changes in self._later for case_id in changes}
        try:
            self._trie = self._before(sorted(cases), newest)
        except ProofError as error:
            self._report(error.sentence, self._start.size, error.expected, error.actual)
            return
        for size, changes in self._later:
            self._put(size, changes)

    def _before(self, cases: list[str], newest: Checkpoint) -> MapTrie:
        """Return the map where the last audit ended, of which only what has changed since is in memory."""
        size = newest.tree_size
        trie = MapTrie(newest.case_map_root, lambda paths: self._source.map_tiles_at(paths, size))
        trie.read([key_of(case_id) for case_id in cases])
        old = self._source.heads(cases, self._start.size)
        for case_id in cases:
            if (head := old.get(case_id)) is None:
                trie.take(key_of(case_id))
            elif _is_head(*head):
                trie.put(MapLeaf.of(case_id, head))
        if (found := trie.root_hash()) != self._start.root:
            sentence = "The signed case map has changed in cases that have no new step."
            raise ProofError(sentence, expected=self._start.root.hex(), actual=found.hex())
        return trie

    def _stored(self, size: int) -> None:
        """Check the tiles that are stored as of this size, and, where proofs are made at it, that none is missing."""
        for at, path, tile in self._rows(size):
            expected = self._trie.tile(path) if isinstance(path, str) else None
            if at != size:
                self._nowhere(at, path, tile)
            elif expected is None or expected != tile:
                self._find(at, path, expected, tile)
        if size in self._proved:
            for path, expected, actual in _differing(self._source.map_tiles(size), self._trie.tiles()):
                if path not in self._found:
                    self._find(size, path, expected, actual)

    def _rows(self, size: int | None = None) -> Iterator[tuple[Any, Any, Any]]:
        """Yield the stored tiles up to a size, or all that are left."""
        while self._row is not None and not (size is not None and type(self._row[0]) is int and self._row[0] > size):
            yield self._row
            self._row = next(self._versions, None)

    def _find(self, size: int, path: Any, expected: bytes | None, actual: Any) -> None:
        self._found.add(path)
        sentence = f"The stored tile {path or 'of the root'} of the case map is not what the leaves lead to."
        self._report(sentence, size, expected, actual)

    def _nowhere(self, at: Any, path: Any, tile: Any) -> None:
        """Tiles are written together with a checkpoint: one of them was lost, or the tile put there."""
        self._found.add(path)
        sentence = f"The case map has a tile {path or 'of the root'} of a size at which the log has no checkpoint."
        self._report(sentence, at if type(at) is int else None, None, tile)

    def _report(self, sentence: str, size: int | None, expected: object, actual: object) -> None:
        facts = {"expected": expected, "actual": actual, "leaf_index": size}
        self.findings.append(Finding(tampering="T31", sentence=sentence, column="map_tile.tile", **facts))  # type: ignore[arg-type]

    def _put(self, size: int, changes: dict[str, Head]) -> None:
        for case_id, head in changes.items():
            self._trie.put(MapLeaf.of(case_id, head))
        self.roots[size] = self._trie.root_hash()


def _is_head(sequence: Any, leaf_hash: Any) -> bool:
    whole = type(sequence) is int and 0 <= sequence < _MOST
    return whole and isinstance(leaf_hash, bytes) and len(leaf_hash) == _HASH_BYTES


def _differing(
    stored: Iterator[tuple[str, bytes]], expected: Iterator[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes | None, bytes | None]]:
    """Compare two lists in order of their paths; yield path, what should stand there and what does."""
    ours, theirs = next(expected, None), next(stored, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours[0] < str(theirs[0])):
            yield (*ours, None)  # type: ignore[misc]
            ours = next(expected, None)
        elif ours is None or str(theirs[0]) < ours[0]:
            yield str(theirs[0]), None, theirs[1]
            theirs = next(stored, None)
        else:
            if ours[1] != theirs[1]:
                yield (*ours, theirs[1])
            ours, theirs = next(expected, None), next(stored, None)
