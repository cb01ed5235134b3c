"""Auditing the log: leaves in order without gaps, every stored node, every checkpoint, recomputed from the leaves.

The log is read once, from where the last audit ended. What this pass cannot know is why a root is wrong: that is
decided together with what the cases say (`auditor.Auditor`), so mismatches are collected here and named there.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from ledger_automation.errors import NoteError
from ledger_automation.merkle import node_hash
from ledger_automation.merkle.tree import TILE_HEIGHT, Frontier, StoredNode
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.verify.cosignature_audit import examine
from ledger_automation.verify.key_audit import signed_by
from ledger_automation.verify.map_audit import MapAudit, MapMark
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.verify.sources import CLAIMED, AnchoredCheckpoint, CheckpointRecord, Edge, LeafRecord, LogSource
from ledger_automation.verify.verdict import Finding

OWN_KEY: Final = "the log's own key"
"""Who vouches for the checkpoints that the database itself holds."""

_BLOCK: Final = 4_096


class Vouched(NamedTuple):
    """Two roots of a size that somebody else holds, and who."""

    root_hash: bytes
    case_map_root: bytes
    by: str


def vouched_for(checkpoints: Iterable[Checkpoint | AnchoredCheckpoint], by: str) -> dict[int, Vouched]:
    """Return the roots of checkpoints, by size."""
    return {each.tree_size: Vouched(each.root_hash, each.case_map_root, by) for each in checkpoints}


class RootMismatch(msgspec.Struct, frozen=True):
    """At this size somebody vouched for another root than the leaves have."""

    tree_size: int
    stated: bytes
    recomputed: bytes
    by: str


class LogReport(msgspec.Struct):
    """What the pass saw. ``missing`` are leaves whose event's row is gone, by case.

    ``agreed`` are the sizes at which somebody vouches for the root that the leaves have.
    ``end`` is where the leaves end, gaps included.
    ``signed`` is the largest size that a checkpoint is stored of, or that somebody else vouches for.
    """

    frontier: Frontier
    findings: list[Finding] = []
    roots: dict[int, bytes] = {}
    checkpoints: dict[int, Checkpoint] = {}
    signed_by: dict[int, tuple[str, ...]] = {}
    agreed: list[tuple[int, str]] = []
    mismatches: list[RootMismatch] = []
    map_root: bytes = EMPTY_MAP_ROOT
    map_mismatches: list[RootMismatch] = []
    map_findings: list[Finding] = []
    nodes: list[StoredNode] = []
    missing: dict[str, list[LeafRecord]] = {}
    edge: Edge = Edge(0, "")
    signed: int = 0
    end: int = 0


class LogAudit:
    """One pass over a log, from a frontier and its case map root on; ``vouched`` is what others hold, by size."""

    def __init__(
        self,
        source: LogSource,
        policy: VerificationPolicy,
        start: tuple[Frontier, bytes],
        vouched: dict[int, Vouched],
    ) -> None:
        self._source = source
        self._policy = policy
        self._keys = policy.keys()
        self._vouched = vouched
        frontier, map_root = start
        self._start = frontier.size
        self._report = LogReport(frontier, map_root=map_root)
        self._node_rows: dict[int, deque[StoredNode]] = {}

    def run(self) -> LogReport:
        """Read leaves, nodes and checkpoints."""
        records = list(self._source.checkpoints(self._start))
        sizes = sorted({record.tree_size for record in records if _is_size(record.tree_size)} | set(self._vouched))
        self._report.signed = max([self._start, *sizes])
        self._map = MapAudit(self._source, MapMark(self._start, self._report.map_root), self._proved(records))
        stops = iter(size for size in sizes if size > self._start)
        self._leaves(stops)
        self._report.edge = self._source.edge()
        for leaf in self._source.orphans(self._start):
            self._report.missing.setdefault(str(leaf.case_id), []).append(leaf)
        self._surplus_nodes()
        for record in records:
            self._checkpoint(record)
        stored = {record.tree_size for record in records}
        cosignatures = self._source.cosignatures(self._start)
        self._report.findings += examine(cosignatures, self._report.checkpoints, stored)
        self._map.close(self._report.checkpoints.get(max(self._report.checkpoints, default=0)))
        self._report.map_findings += self._map.findings
        self._report.map_root = self._map.roots.get(self._report.frontier.size, self._report.map_root)
        own = vouched_for(self._report.checkpoints.values(), OWN_KEY)
        for size, vouched in (*own.items(), *self._vouched.items()):
            self._compare(size, vouched)
        return self._report

    def _proved(self, records: list[CheckpointRecord]) -> frozenset[int]:
        """Return the sizes at which receipts are made: of the newest checkpoint, and of the newest on a chain."""
        on_chain = (each.tree_size for each in self._source.submissions(self._start) if each.state in CLAIMED)
        newest = (each.tree_size for each in records if _is_size(each.tree_size))
        return frozenset((max(newest, default=0), max((each for each in on_chain if _is_size(each)), default=0)))

    def _leaves(self, stops: Iterator[int]) -> None:
        frontier, expected = self._report.frontier, self._start
        stop = next(stops, None)
        block: list[bytes] = []
        for index, _, case_id, sequence, leaf in self._after_the_start():
            if index != expected:
                self._gap(expected, index)
            expected = index if type(index) is int else expected
            block.append(_hash(leaf))
            self._map.take(case_id, sequence, leaf)
            expected += 1
            if expected == stop or len(block) == _BLOCK:
                self._extend(block)
                block = []
                if expected == stop:
                    self._report.roots[stop] = frontier.root_hash()
                    self._map.stop(stop)
                    stop = next(stops, None)
        self._extend(block)
        self._report.end = expected

    def _after_the_start(self) -> Iterator[LeafRecord]:
        """Yield the new leaves, after a look at the last one that an earlier audit saw: it must still be there."""
        if not self._start:
            return self._source.places(0)
        leaves = self._source.places(self._start - 1)
        index, *_, leaf = next(leaves, (-1, b""))
        last = self._report.frontier.rows[0][-1:] or [leaf]
        if (index, leaf) != (self._start - 1, last[0]):
            sentence = "The log ends, or reads otherwise, before the place where the last audit ended."
            self._report.findings.append(
                Finding(tampering="T21", sentence=sentence, leaf_index=self._start - 1, expected=last[0], actual=leaf)
            )
        return leaves

    def _gap(self, expected: int, actual: int) -> None:
        sentence = f"The log has no leaf {expected}."
        self._report.findings.append(
            Finding(tampering="T29", sentence=sentence, leaf_index=expected, expected=expected, actual=actual)
        )

    def _extend(self, block: list[bytes]) -> None:
        for node in self._report.frontier.extend(block):
            if self._stored(node) != node:
                self._report.nodes.append(node)

    def _stored(self, node: StoredNode) -> StoredNode | None:
        """Return what is stored in a node's place; whatever stands before it in the table is surplus."""
        rows = self._node_rows.get(node.level)
        if rows is None:
            rows = self._node_rows[node.level] = deque(self._source.nodes(node.level, node.number))
        while rows and not (type(rows[0].number) is int and rows[0].number >= node.number):
            self._report.nodes.append(rows.popleft())
        return rows.popleft() if rows and rows[0].number == node.number else None

    def _surplus_nodes(self) -> None:
        """Stored nodes that no full tile of the log explains."""
        for level in range(TILE_HEIGHT, 64, TILE_HEIGHT):
            rows = self._node_rows.get(level)
            left = self._source.nodes(level, self._report.frontier.size >> level) if rows is None else iter(rows)
            self._report.nodes.extend(left)

    def _checkpoint(self, record: CheckpointRecord) -> None:
        try:
            checkpoint = open_checkpoint(record.note, self._policy.origin, self._keys)
        except NoteError as error:
            self._malformed(record, "note", error.expected, error.actual, error.sentence)
            return
        except (TypeError, AttributeError, ValueError):
            self._malformed(record, "note", "text", type(record.note).__name__, "The checkpoint's note is not text.")
            return
        for column, said in (("tree_size", checkpoint.tree_size), ("root_hash", checkpoint.root_hash)):
            stored = getattr(record, column)
            if stored != said:
                self._malformed(record, column, said, stored, f"The column {column} is not what the note says.")
                return
        self._report.checkpoints[checkpoint.tree_size] = checkpoint
        self._report.signed_by[checkpoint.tree_size] = signed_by(record.note, self._keys)

    def _malformed(
        self, record: CheckpointRecord, column: str, expected: object, actual: object, sentence: str
    ) -> None:
        place = f"checkpoint.{column}"
        leaf = record.tree_size if _is_size(record.tree_size) else None
        self._report.findings.append(
            Finding(tampering="T40", sentence=sentence, leaf_index=leaf, column=place, expected=expected, actual=actual)
        )

    def _compare(self, size: int, vouched: Vouched) -> None:
        if size > self._report.frontier.size or size <= self._start:
            return
        root_hash, case_map_root, by = vouched
        recomputed, map_root = self._report.roots.get(size), self._map.roots.get(size)
        if recomputed == root_hash:
            self._report.agreed.append((size, by))
        elif recomputed is not None:
            self._report.mismatches.append(RootMismatch(size, root_hash, recomputed, by))
        if map_root is not None and map_root != case_map_root:
            self._report.map_mismatches.append(RootMismatch(size, case_map_root, map_root, by))


def size_of_root(source: LogSource, root: bytes) -> int | None:
    """Return the size at which the log had a root, None for never. Costs the whole log: only asked about a lie."""
    frontier = Frontier()
    for _, leaf in source.leaves(0):
        frontier.extend([_hash(leaf)])
        if frontier.root_hash() == root:
            return frontier.size
    return None


def stands_above(source: LogSource, digest: object, corrected: dict[int, bytes]) -> bool:
    """Tell whether a hash is an interior node over the leaves, some of them put right. Costs the whole log too."""
    row = [_hash(corrected.get(index, leaf)) for index, leaf in source.leaves(0)]
    while len(row) > 1:
        paired = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        if digest in paired:
            return True
        row = paired + row[-1:] if len(row) % 2 else paired
    return False


def _hash(leaf: object) -> bytes:
    """Return a leaf's hash; what is none leads to no root, and is found with its event."""
    return leaf if isinstance(leaf, bytes) else b""


def _is_size(value: object) -> bool:
    return type(value) is int and value > 0
