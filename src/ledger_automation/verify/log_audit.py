"""Auditing the log: leaves in order without gaps, every stored node, every checkpoint, recomputed from the leaves.

The log is read once, from where the last audit ended. What this pass cannot know is why a root is wrong: that is
decided together with what the cases say (`auditor.Auditor`), so mismatches are collected here and named there.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec

from ledger_automation.errors import NoteError
from ledger_automation.merkle import node_hash
from ledger_automation.merkle.tree import TILE_HEIGHT, Frontier, StoredNode
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.verify.sources import CheckpointRecord, Edge, LeafRecord, LogSource
from ledger_automation.verify.verdict import Finding

OWN_KEY: Final = "the log's own key"
"""Who vouches for the checkpoints that the database itself holds."""

_BLOCK: Final = 4_096


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
    agreed: list[tuple[int, str]] = []
    mismatches: list[RootMismatch] = []
    nodes: list[StoredNode] = []
    missing: dict[str, list[LeafRecord]] = {}
    edge: Edge = Edge(0, "")
    signed: int = 0
    end: int = 0


class LogAudit:
    """One pass over a log; ``vouched`` are roots that others hold (a chain, a reader), by size."""

    def __init__(
        self, source: LogSource, policy: VerificationPolicy, start: Frontier, vouched: dict[int, tuple[bytes, str]]
    ) -> None:
        self._source = source
        self._policy = policy
        self._vouched = vouched
        self._start = start.size
        self._report = LogReport(start)
        self._node_rows: dict[int, deque[StoredNode]] = {}

    def run(self) -> LogReport:
        """Read leaves, nodes and checkpoints."""
        records = list(self._source.checkpoints(self._start))
        sizes = sorted({record.tree_size for record in records if _is_size(record.tree_size)} | set(self._vouched))
        self._report.signed = max([self._start, *sizes])
        stops = iter(size for size in sizes if size > self._start)
        self._leaves(stops)
        self._report.edge = self._source.edge()
        for leaf in self._source.orphans(self._start):
            self._report.missing.setdefault(str(leaf.case_id), []).append(leaf)
        self._surplus_nodes()
        for record in records:
            self._checkpoint(record)
        for size, (root, holder) in self._vouched.items():
            self._compare(size, root, holder)
        return self._report

    def _leaves(self, stops: Iterator[int]) -> None:
        frontier, expected = self._report.frontier, self._start
        stop = next(stops, None)
        block: list[bytes] = []
        for index, leaf in self._after_the_start():
            if index != expected:
                self._gap(expected, index)
            expected = index if type(index) is int else expected
            block.append(_hash(leaf))
            expected += 1
            if expected == stop or len(block) == _BLOCK:
                self._extend(block)
                block = []
                if expected == stop:
                    self._report.roots[stop] = frontier.root_hash()
                    stop = next(stops, None)
        self._extend(block)
        self._report.end = expected

    def _after_the_start(self) -> Iterator[tuple[int, bytes]]:
        """Yield the new leaves, after a look at the last one that an earlier audit saw: it must still be there."""
        if not self._start:
            return self._source.leaves(0)
        leaves = self._source.leaves(self._start - 1)
        index, leaf = next(leaves, (-1, b""))
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
            checkpoint = open_checkpoint(record.note, self._policy.origin, self._policy.keys())
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
        self._compare(checkpoint.tree_size, checkpoint.root_hash, OWN_KEY)

    def _malformed(
        self, record: CheckpointRecord, column: str, expected: object, actual: object, sentence: str
    ) -> None:
        place = f"checkpoint.{column}"
        leaf = record.tree_size if _is_size(record.tree_size) else None
        self._report.findings.append(
            Finding(tampering="T40", sentence=sentence, leaf_index=leaf, column=place, expected=expected, actual=actual)
        )

    def _compare(self, size: int, stated: bytes, by: str) -> None:
        if size > self._report.frontier.size or size <= self._start:
            return
        recomputed = self._report.roots.get(size)
        if recomputed == stated:
            self._report.agreed.append((size, by))
        elif recomputed is not None:
            self._report.mismatches.append(RootMismatch(size, stated, recomputed, by))


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
