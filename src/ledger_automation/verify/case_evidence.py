"""What was seen of one case, before anything is named; and what may be erased in it."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ledger_automation.audit.event import AuditEvent
from ledger_automation.audit.trail import Divergence, Trail
from ledger_automation.merkle import leaf_hash
from ledger_automation.verify.policy import Level
from ledger_automation.verify.row_audit import sound
from ledger_automation.verify.sources import CaseRecord, EventRecord, LeafRecord
from ledger_automation.verify.verdict import Finding
from ledger_automation.workflows.log import ERASURE

_LOGGED: Final = (Level.LOGGED, Level.ANCHORED, Level.ENFORCED)
"""The levels of a case whose events have leaves."""


class Tombstones(msgspec.Struct):
    """Which content was erased: (case, sequence), with None for a whole case. ``forged`` ones are not in the log."""

    valid: set[tuple[str, Any]] = set()
    forged: set[tuple[str, Any]] = set()

    @classmethod
    def read(cls, rows: Iterable[EventRecord], origin: str) -> "Tombstones":
        """Collect the erasures of the log's own case."""
        stones = cls(set(), set())
        for row in rows:
            event = sound(row, origin)
            if row.action == ERASURE and event is None:
                stones.forged.add(("", None))
            elif event is not None and event.action == ERASURE:
                sequence = event.payload.get("sequence")
                key = (str(event.payload.get("case_id")), sequence if sequence is None else whole(sequence))
                (stones.forged if row.leaf_index is None else stones.valid).add(key)
        return stones

    def lawful(self, row: EventRecord) -> bool:
        """Tell whether the row's content was erased by a decision that stands in the log, and its leaf still is."""
        decided = not self.valid.isdisjoint({(row.case_id, row.sequence), (row.case_id, None)})
        return decided and row.canonical is None and row.leaf_hash == leaf_hash(row.commitment)

    def pretended(self, row: EventRecord) -> bool:
        """Tell whether there is an erasure for the row that is not in the log, or was altered."""
        return not self.forged.isdisjoint({(row.case_id, row.sequence), (row.case_id, None), ("", None)})


class Evidence(msgspec.Struct):
    """One case: its well-formed rows, the sound ones' events by event id, and the law's first divergence.

    ``intruders`` are rows that are already known not to belong here, ``malformed`` findings about rows that cannot even
    be put in order.
    """

    case_id: str
    record: CaseRecord | None
    missing: list[LeafRecord]
    trail: Trail
    rows: list[EventRecord]
    events: dict[int, AuditEvent]
    unsound: list[EventRecord]
    erased: list[EventRecord]
    malformed: list[Finding]
    intruders: set[int]
    divergence: Divergence | None = None
    last_leaf: int = -1

    @classmethod
    def of(cls, case_id: str, record: CaseRecord | None, missing: list[LeafRecord]) -> "Evidence":
        """Begin with a case of which nothing was seen yet."""
        return cls(case_id, record, missing, Trail(), [], {}, [], [], [], set())

    @property
    def holds(self) -> bool:
        """Nothing is missing, unsound or unlawful, and the case's row says what the events lead to."""
        spoilt = self.malformed or self.unsound or self.missing or self.divergence or self.intruders
        return not spoilt and (bool(self.erased) or is_projected(self.record, self.trail, self.rows))

    @property
    def logged(self) -> bool:
        """The case's events belong in the log."""
        return self.record is None or self.record.level != Level.RECORDED


def is_projected(record: CaseRecord | None, trail: Trail, rows: list[EventRecord]) -> bool:
    """Tell whether the case's row is where its events lead."""
    case, table = trail.case, trail.table
    if record is None or table is None or case is None:
        return False
    logged = any(row.leaf_index is not None for row in rows)
    return (
        record.level in (_LOGGED if logged else tuple(Level))
        and record.state == case.state
        and record.sequence == case.sequence
        and record.head == trail.head
        and (record.workflow, record.workflow_version) == (table.name, table.version)
        and record.at == rows[-1].occurred_at
        and record.data == table.freeze(case.data)
    )


def whole(value: object) -> int:
    """Return a whole number, -1 for anything else: what stands in a database may be anything."""
    return value if type(value) is int else -1
