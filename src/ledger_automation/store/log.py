"""The log as rows: leaves, nodes and checkpoints, all insert-only."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from ledger_automation.errors import Conflict, NotFound
from ledger_automation.merkle.tree import TILE_HEIGHT, TILE_WIDTH, Frontier, StoredNode, fold
from ledger_automation.orchestrator.ports import NewLeaf, PendingEvent
from ledger_automation.store.bulk import insert_rows
from ledger_automation.store.case_map import VERSIONS, SqlCaseMap
from ledger_automation.store.dialect import dialect
from ledger_automation.store.tables import (
    CaseRow,
    CheckpointRow,
    CosignatureRow,
    EventRow,
    LeafRow,
    NodeRow,
    SubmissionRow,
    table,
)
from ledger_automation.tlog.case_map import Head
from ledger_automation.verify.sources import CheckpointRecord, CosignatureRecord, Edge, LeafRecord, SubmissionRecord

_BATCH = 4_096
_CASE, _EVENT, _LEAF, _NODE, _CHECKPOINT, _COSIGNATURE, _SUBMISSION = (
    table(each) for each in (CaseRow, EventRow, LeafRow, NodeRow, CheckpointRow, CosignatureRow, SubmissionRow)
)
_PENDING = (
    select(_EVENT.c.id, _EVENT.c.case_id, _EVENT.c.sequence, _EVENT.c.commitment)
    .join(_CASE, _CASE.c.case_id == _EVENT.c.case_id)
    .outerjoin(_LEAF, _LEAF.c.event_id == _EVENT.c.id)
    .where(_LEAF.c.event_id.is_(None), _CASE.c.level != "recorded")
    .order_by(_EVENT.c.id)
)
_LEAVES = select(*(_LEAF.c[name] for name in LeafRecord._fields)).order_by(_LEAF.c.leaf_index)
_HASHES = select(_LEAF.c.leaf_index, _LEAF.c.leaf_hash).order_by(_LEAF.c.leaf_index)
_ENTRIES = select(_EVENT.c.commitment).join(_LEAF, _LEAF.c.event_id == _EVENT.c.id).order_by(_LEAF.c.leaf_index)
_LAST_LOGGED = select(func.max(_LEAF.c.event_id)).scalar_subquery()
_EDGE = select(
    select(func.coalesce(func.max(_EVENT.c.id), 0)).scalar_subquery(),
    func.coalesce(select(_EVENT.c.recorded_at).where(_EVENT.c.id == _LAST_LOGGED).scalar_subquery(), ""),
)
_CHECKPOINTS = select(*(_CHECKPOINT.c[name] for name in CheckpointRecord._fields)).order_by(_CHECKPOINT.c.tree_size)
_COSIGNATURES = select(*(_COSIGNATURE.c[name] for name in CosignatureRecord._fields)).order_by(
    _COSIGNATURE.c.tree_size, _COSIGNATURE.c.witness
)
_SUBMISSIONS = select(*(_SUBMISSION.c[name] for name in SubmissionRecord._fields)).order_by(_SUBMISSION.c.tree_size)


class SqlLog:
    """Satisfies `orchestrator.ports.LogStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ways = dialect(connection)
        self._map = SqlCaseMap(connection)
        self._horizon: str | None = None

    def edge(self) -> Edge:
        """Return how far events and log have come."""
        return Edge._make(self._connection.execute(_EDGE).one())

    def orphans(self, start: int) -> Iterator[LeafRecord]:
        """Stream leaves without an event."""
        gone = _LEAVES.outerjoin(_EVENT, _EVENT.c.id == _LEAF.c.event_id).where(_EVENT.c.id.is_(None))
        return map(LeafRecord._make, self._stream(gone.where(_LEAF.c.leaf_index >= start)))

    def pending(self, limit: int, *, sweep: bool) -> list[PendingEvent]:
        """Return the outbox; one sequencer after another, where the database does not see to that.

        Where commits overtake each other, "behind the last sequenced id" loses events. So each event says which
        transaction it is of, and this look notes its horizon: the oldest transaction that was still open then. Every
        event of an older one is seen by it, or never will be. With the checkpoint the horizon is stored, and the next
        look begins there. A look that was cut short by its limit notes none.
        """
        if not self._connection.get_execution_options().get("reading"):
            self._ways.take_turn(self._connection, "log")
        wanted = _PENDING.add_columns(self._ways.horizon)
        if not sweep:
            wanted = wanted.where(self._ways.behind(self._connection))
        rows = self._connection.execute(wanted.limit(limit)).fetchall()
        self._horizon = rows[0][-1] if 0 < len(rows) < limit else None
        return [PendingEvent._make(row[:-1]) for row in rows]

    def frontier(self) -> Frontier:
        """Read the right edge: at most 255 hashes a row."""
        size = int(self._connection.execute(select(func.coalesce(func.max(_LEAF.c.leaf_index) + 1, 0))).scalar_one())
        rows = [
            self._row(height * TILE_HEIGHT, start, length)
            for height, (start, length) in enumerate(Frontier.shape(size))
        ]
        return Frontier(size, rows)

    def subtree(self, level: int, number: int) -> bytes:
        """Put a full subtree's root together from the highest stored row below it."""
        stored = level - level % TILE_HEIGHT
        width = 1 << (level - stored)
        row = self._row(stored, number * width, width)
        if len(row) != width:
            raise NotFound(f"The log has no full subtree {number} at level {level}.", level=level, number=number)
        return fold(row)

    def tile(self, level: int, number: int, width: int) -> list[bytes]:
        """Return the first hashes of a tile."""
        return self._row(level * TILE_HEIGHT, number * TILE_WIDTH, width)

    def entries(self, start: int, length: int) -> list[bytes]:
        """Return commitments by leaf index."""
        wanted = _ENTRIES.where(_LEAF.c.leaf_index >= start, _LEAF.c.leaf_index < start + length)
        return list(self._connection.execute(wanted).scalars())

    def append(self, leaves: Sequence[NewLeaf], nodes: Sequence[StoredNode]) -> None:
        """Insert leaves and nodes; their primary keys are the compare-and-swap on the log's size."""
        try:
            insert_rows(self._connection, _LEAF, leaves)
            insert_rows(self._connection, _NODE, nodes)
        except IntegrityError as error:
            raise Conflict("Another sequencer extended the log.", leaf_index=leaves[0].leaf_index) from error

    def sign_off(self, checkpoint: CheckpointRecord) -> None:
        """Insert a checkpoint."""
        try:
            self._ways.sign_off(self._connection, checkpoint, self._horizon)
        except IntegrityError as error:
            sentence = "There is a checkpoint of this size already."
            raise Conflict(sentence, tree_size=checkpoint.tree_size) from error

    def leaves(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Stream leaves."""
        return self._stream(_HASHES.where(_LEAF.c.leaf_index >= start))

    def places(self, start: int) -> Iterator[LeafRecord]:
        """Stream leaves with whose they are."""
        return self._stream(_LEAVES.where(_LEAF.c.leaf_index >= start))

    def map_tiles_at(self, paths: Sequence[str], size: int) -> Mapping[str, bytes]:
        """Read some tiles."""
        return self._map.tiles(paths, size)

    def place(self, index: int) -> LeafRecord | None:
        """Read one leaf with whose it is."""
        row = self._connection.execute(_LEAVES.where(_LEAF.c.leaf_index == index)).one_or_none()
        return LeafRecord._make(row) if row else None

    def map_versions(self) -> Iterator[tuple[int, str, bytes]]:
        """Stream every stored tile."""
        return self._stream(VERSIONS)

    def heads(self, case_ids: Sequence[str], size: int) -> dict[str, Head]:
        """Read the last leaf below a size of some cases."""
        return self._map.heads_before(case_ids, size)

    def nodes(self, level: int, start: int) -> Iterator[StoredNode]:
        """Stream the nodes of a level."""
        wanted = select(_NODE.c.level, _NODE.c.number, _NODE.c.hash).order_by(_NODE.c.number)
        return map(StoredNode._make, self._stream(wanted.where(_NODE.c.level == level, _NODE.c.number >= start)))

    def checkpoints(self, after_size: int) -> Iterator[CheckpointRecord]:
        """Stream checkpoints."""
        return map(CheckpointRecord._make, self._stream(_CHECKPOINTS.where(_CHECKPOINT.c.tree_size > after_size)))

    def final_size(self) -> int:
        """Read how many leaves are on the chain for good."""
        largest = select(func.max(_SUBMISSION.c.tree_size)).where(_SUBMISSION.c.state == "final")
        return int(self._connection.execute(largest).scalar_one() or 0)

    def recent(self, count: int) -> list[CheckpointRecord]:
        """Read the newest checkpoints."""
        wanted = _CHECKPOINTS.order_by(None).order_by(_CHECKPOINT.c.tree_size.desc()).limit(count)
        return [CheckpointRecord._make(row) for row in self._connection.execute(wanted)]

    def cosignatures(self, after_size: int) -> Iterator[CosignatureRecord]:
        """Stream cosignatures."""
        wanted = _COSIGNATURES.where(_COSIGNATURE.c.tree_size > after_size)
        return map(CosignatureRecord._make, self._stream(wanted))

    def submissions(self, after_size: int) -> Iterator[SubmissionRecord]:
        """Stream submissions."""
        return map(SubmissionRecord._make, self._stream(_SUBMISSIONS.where(_SUBMISSION.c.tree_size > after_size)))

    def _row(self, level: int, start: int, length: int) -> list[bytes]:
        if level == 0:
            wanted = select(_LEAF.c.leaf_hash).order_by(_LEAF.c.leaf_index)
            wanted = wanted.where(_LEAF.c.leaf_index >= start, _LEAF.c.leaf_index < start + length)
        else:
            wanted = select(_NODE.c.hash).order_by(_NODE.c.number).where(_NODE.c.level == level)
            wanted = wanted.where(_NODE.c.number >= start, _NODE.c.number < start + length)
        return list(self._connection.execute(wanted).scalars())

    def _stream(self, statement: Any) -> Iterator[Any]:
        for block in self._connection.execute(statement, execution_options={"yield_per": _BATCH}).partitions():
            yield from block
