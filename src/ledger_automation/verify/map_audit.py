"""Auditing the case map: its root at every checkpoint, recomputed from the leaves, and the tiles that proofs come from.

From the first leaf on, the map grows again (`map_parts`). An audit that goes on from a mark has no map to begin
with: it reads the tiles above the cases that changed, as the newest checkpoint signs them, takes the changes back, and
must come to the root where the last audit ended; what did not change is then the same, and costs nothing.
"""

from typing import Any, Final, NamedTuple

from ledger_automation.errors import ProofError
from ledger_automation.tlog.case_map import Head, MapLeaf, key_of
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.map_trie import MapTrie
from ledger_automation.verify.map_parts import MapParts, report
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

    ``roots`` are what the leaves lead to, by size; they and ``findings`` are complete when it is closed.
    """

    def __init__(self, source: LogSource, start: MapMark, proved: frozenset[int]) -> None:
        self._source = source
        self._start = start
        self._parts = MapParts(proved)
        self._changes: dict[str, tuple[int, bytes]] = {}
        self._later: list[tuple[int, dict[str, Head]]] = []
        self.roots: dict[int, bytes] = {}
        self.findings: list[Finding] = []

    def take(self, case_id: Any, sequence: Any, leaf_hash: Any) -> None:
        """Take the next leaf; what is none is found with its event."""
        whole = type(sequence) is int and 0 <= sequence < _MOST
        if whole and isinstance(leaf_hash, bytes) and len(leaf_hash) == _HASH_BYTES and isinstance(case_id, str):
            self._changes[case_id] = (sequence, leaf_hash)

    def stop(self, size: int) -> None:
        """Close the map of a checkpoint's size."""
        changes = {case_id: Head(*last) for case_id, last in self._changes.items()}
        if self._start.size:
            self._later.append((size, changes))
        else:
            self._parts.stop(size, changes)
        self._changes = {}

    def close(self, newest: Checkpoint | None) -> None:
        """Recompute; an audit from a mark starts from the map as the ``newest`` checkpoint ends."""
        if not self._start.size:
            self._parts.recompute(self._source.map_versions())
            self.roots, self.findings = self._parts.roots, self._parts.findings
        elif self._later and newest is not None:
            self._go_on(newest)

    def _go_on(self, newest: Checkpoint) -> None:
        cases = {case_id for _, changes in self._later for case_id in changes}
        try:
            trie = self._before(sorted(cases), newest)
        except ProofError as error:
            self.findings.append(report(error.sentence, self._start.size, error.expected, error.actual))
            return
        for size, changes in self._later:
            for case_id, head in changes.items():
                trie.put(MapLeaf.of(case_id, head))
            self.roots[size] = trie.root_hash()

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


def _is_head(sequence: Any, leaf_hash: Any) -> bool:
    whole = type(sequence) is int and 0 <= sequence < _MOST
    return whole and isinstance(leaf_hash, bytes) and len(leaf_hash) == _HASH_BYTES
