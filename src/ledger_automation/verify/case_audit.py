"""Auditing one case: its rows, its order, its law, its projection.

`CaseAudit.examine` costs little when everything holds. When something does not, it explains the case from its causes: a
deleted event makes every later event look displaced, so consequences are reported only where no cause was found.

    1  content that is gone: lawfully erased, or not
    2  events that are gone: the log's leaves remember whose they were
    3  rows that do not agree with themselves or with their leaf
    4  rows that are not in the log although later ones are, or that contradict what the case's row says
    5  the law: replayed event by event
    6  the case's own row: the projection that the events lead to
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import msgspec

from ledger_automation.audit.event import AuditEvent
from ledger_automation.audit.trail import Divergence, Trail
from ledger_automation.errors import LedgerError
from ledger_automation.values import parse_timestamp, timestamp
from ledger_automation.verify.log_audit import LogReport
from ledger_automation.verify.policy import Level
from ledger_automation.verify.reconstruction import plainly_holds
from ledger_automation.verify.row_audit import diagnose, diagnose_documents, found, sound
from ledger_automation.verify.sources import CaseRecord, CaseSource, EventRecord, LeafRecord
from ledger_automation.verify.verdict import Finding

_CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far a server's clock may run back before a late event counts as back-dated."""

_DISPLACED: Final = ("T08", "T29")
"""What every event after a deleted one seems to be."""


class Tombstones(msgspec.Struct):
    """Which content was erased: (case, sequence), with None for a whole case. ``forged`` ones are not in the log."""

    valid: set[tuple[str, int | None]] = set()
    forged: set[tuple[str, int | None]] = set()

    @classmethod
    def read(cls, rows: Iterable[EventRecord], origin: str) -> "Tombstones":
        """Collect the erasures of the log's own case."""
        stones = cls(set(), set())
        for row in rows:
            event = sound(row, origin)
            if row.action == "record_erasure" and event is None:
                stones.forged.add(("", None))
            elif event is not None and event.action == "record_erasure":
                key = (str(event.payload.get("case_id")), event.payload.get("sequence"))
                (stones.forged if row.leaf_index is None else stones.valid).add(key)
        return stones

    def lawful(self, row: EventRecord) -> bool:
        """Tell whether the row's content was erased by a decision that stands in the log."""
        return not self.valid.isdisjoint({(row.case_id, row.sequence), (row.case_id, None)})

    def pretended(self, row: EventRecord) -> bool:
        """Tell whether there is an erasure for the row that is not in the log, or was altered."""
        return not self.forged.isdisjoint({(row.case_id, row.sequence), (row.case_id, None), ("", None)})


class Evidence(msgspec.Struct):
    """What was seen of one case: its sound rows' events by event id, and the law's first divergence."""

    case_id: str
    record: CaseRecord | None
    rows: list[EventRecord]
    missing: list[LeafRecord]
    trail: Trail
    events: dict[int, AuditEvent]
    unsound: list[EventRecord]
    erased: list[EventRecord]
    divergence: Divergence | None = None

    @property
    def holds(self) -> bool:
        """Nothing is missing, unsound or unlawful, and the case's row says what the events lead to."""
        return not (self.unsound or self.missing or self.divergence) and (
            bool(self.erased) or _is_projected(self.record, self.trail, self.rows)
        )

    @property
    def logged(self) -> bool:
        """The case's events belong in the log."""
        return self.record is None or self.record.level != Level.RECORDED


def _is_projected(record: CaseRecord | None, trail: Trail, rows: list[EventRecord]) -> bool:
    """Tell whether the case's row is where its events lead."""
    case, table = trail.case, trail.table
    if record is None or table is None or case is None:
        return False
    return (
        record.state == case.state
        and record.sequence == case.sequence
        and record.head == trail.head
        and (record.workflow, record.workflow_version) == (table.name, table.version)
        and record.at == rows[-1].occurred_at
        and record.data == table.freeze(case.data)
    )


class CaseAudit:
    """Examines cases one by one; counts what it saw."""

    def __init__(self, source: CaseSource, origin: str, log: LogReport, tombstones: Tombstones) -> None:
        self._source = source
        self._origin = origin
        self._log = log
        self._tombstones = tombstones
        self.events = 0
        self.cases = 0
        self.pending = 0
        self.erased = 0

    def examine(self, case_id: str, record: CaseRecord | None, rows: list[EventRecord]) -> list[Finding]:
        """Return everything that does not hold in a case, causes before consequences."""
        self.cases += 1
        self.events += len(rows)
        if case_id not in self._log.missing and plainly_holds(record, rows, self._origin):
            return []
        return self._closely(case_id, record, rows)

    def _closely(self, case_id: str, record: CaseRecord | None, rows: list[EventRecord]) -> list[Finding]:
        evidence = Evidence(case_id, record, rows, self._log.missing.pop(case_id, []), Trail(), {}, [], [])
        last_leaf = -1
        for row in rows:
            event = sound(row, self._origin)
            if event is None or (row.leaf_index is not None and row.leaf_index < last_leaf):
                lawful = row.canonical is None and self._tombstones.lawful(row)
                (evidence.erased if lawful else evidence.unsound).append(row)
                continue
            evidence.events[row.event_id] = event
            if row.leaf_index is not None:
                last_leaf = row.leaf_index
            if evidence.divergence is None and not evidence.unsound and not evidence.erased:
                evidence.divergence = evidence.trail.follow(event, row.commitment)
        self.erased += len(evidence.erased)
        findings = self._documents(evidence) + self._slipped_in(evidence)
        return findings if evidence.holds else findings or _explain(evidence, self._log, self._tombstones)

    def _documents(self, evidence: Evidence) -> list[Finding]:
        return [
            finding
            for row in evidence.rows
            if (event := evidence.events.get(row.event_id)) is not None and (event.attachments or row.documents)
            for finding in diagnose_documents(row, event, self._source.documents(row.event_id))
        ]

    def _slipped_in(self, evidence: Evidence) -> list[Finding]:
        """Rows that the log does not know although it should, or that nobody but the event table knows."""
        unlogged = [row for row in evidence.rows if row.leaf_index is None] if evidence.logged else []
        if not unlogged:
            return []
        self.pending += len(unlogged)
        last_logged = max((row.sequence for row in evidence.rows if row.leaf_index is not None), default=-1)
        known = -1 if evidence.record is None else evidence.record.sequence
        return [
            finding for row in unlogged if (finding := self._slipped(row, last_logged, known, evidence)) is not None
        ]

    def _slipped(self, row: EventRecord, last_logged: int, known: int, evidence: Evidence) -> Finding | None:
        twin = next((each for each in evidence.rows if each is not row and each.commitment == row.commitment), None)
        if twin is not None:
            return found(row, "T10", "The event stands twice in the case.", "commitment", twin.event_id, row.event_id)
        if row.sequence < last_logged or _is_back_dated(row, self._log.edge.last_recorded):
            sentence = "The event was slipped in afterwards: the log has gone past the moment it claims."
            return found(row, "T07", sentence, "recorded_at", f"after {self._log.edge.last_recorded}", row.recorded_at)
        divergence = evidence.divergence
        unlawful = divergence is not None and divergence.sequence == row.sequence
        if unlawful and divergence is not None and divergence.rule == "before_previous_step":
            return found(row, "T07", "The event is dated before its predecessor.", "occurred_at", None, row.occurred_at)
        if row.sequence > known or unlawful:
            sentence = "The event was added to the table, but the case does not know it or the law refuses it."
            return found(row, "T06", sentence, "sequence", known, row.sequence)
        return None


def _is_back_dated(row: EventRecord, last_recorded: str) -> bool:
    """Tell whether a row without a leaf claims a moment well before what the log already holds."""
    try:
        return parse_timestamp(last_recorded) - parse_timestamp(row.recorded_at) > _CLOCK_TOLERANCE
    except LedgerError:
        return False


def _explain(evidence: Evidence, log: LogReport, tombstones: Tombstones) -> list[Finding]:
    """Find the causes; consequences are named only where there is no cause."""
    erased = [_content_gone(row, tombstones) for row in evidence.unsound if row.canonical is None]
    deleted = _deleted(evidence)
    changed = [
        finding
        for row in evidence.unsound
        if row.canonical is not None
        for finding in [_changed(row, log)]
        if not (deleted and finding.tampering in _DISPLACED)
    ]
    findings = [*erased, *deleted, *changed]
    if not findings and evidence.divergence is not None:
        findings = [_unlawful(evidence, evidence.divergence)]
    if not findings:
        findings = _projection(evidence)
    return findings


def _content_gone(row: EventRecord, tombstones: Tombstones) -> Finding:
    if tombstones.pretended(row):
        sentence = "The content is gone, and the erasure that is claimed does not stand in the log."
        return found(row, "T19", sentence, "content", "an erasure in the log", None)
    return found(row, "T18", "The content is gone without a decision to erase it.", "content", "content", None)


def _changed(row: EventRecord, log: LogReport) -> Finding:
    finding = diagnose(row)
    if finding.tampering in ("T31", "T32") and not log.mismatches and not log.nodes:
        sentence = "The event was rewritten under a new commitment; the log still holds the old one."
        return msgspec.structs.replace(finding, tampering="T02", column="commitment", sentence=sentence)
    return finding


def _deleted(evidence: Evidence) -> list[Finding]:
    """Name events whose leaves are there and whose rows are not."""
    case_id, rows = evidence.case_id, evidence.rows
    if not rows:
        count = len(evidence.missing)
        first = evidence.missing[0] if evidence.missing else None
        sentence = "All events of the case were deleted."
        return [
            Finding(
                tampering="T05",
                sentence=sentence,
                case_id=case_id,
                sequence=first.sequence if first else None,
                leaf_index=first.leaf_index if first else None,
                expected=count,
                actual=0,
            )
        ]
    last = max(row.sequence for row in rows)
    renumbered = any(row.leaf_sequence not in (None, row.sequence) for row in rows)
    findings = []
    for leaf in evidence.missing:
        kind, what = ("T03", "last") if leaf.sequence > last else ("T04", "middle") if renumbered else ("T29", "gap")
        findings.append(
            Finding(
                tampering=kind,
                sentence=f"An event of the case was deleted ({what}).",
                case_id=case_id,
                sequence=leaf.sequence,
                leaf_index=leaf.leaf_index,
                expected=leaf.leaf_hash,
            )
        )
    return findings


def _unlawful(evidence: Evidence, divergence: Divergence) -> Finding:
    row = next((row for row in evidence.rows if row.sequence == divergence.sequence), evidence.rows[-1])
    kind = "T04" if divergence.rule == "sequence" else "T49"
    sentence = f"{divergence.sentence} (rule {divergence.rule})"
    return Finding(
        tampering=kind,
        sentence=sentence,
        case_id=evidence.case_id,
        sequence=divergence.sequence,
        leaf_index=row.leaf_index,
        column=divergence.rule,
        expected=divergence.expected,
        actual=divergence.actual,
    )


def _projection(evidence: Evidence) -> list[Finding]:
    """Compare the case's row with where its events lead."""
    record, trail, case_id = evidence.record, evidence.trail, evidence.case_id
    if record is None:
        return [Finding(tampering="T05", sentence="The case's row was deleted.", case_id=case_id, column="case")]
    if trail.case is None or trail.table is None or _is_projected(record, trail, evidence.rows):
        return []
    if record.sequence > trail.case.sequence:
        sentence = "The case's row knows a later event than there is: the last was deleted."
        expected = record.sequence
        return [
            Finding(
                tampering="T03",
                sentence=sentence,
                case_id=case_id,
                sequence=expected,
                expected=expected,
                actual=trail.case.sequence,
            )
        ]
    led = (
        trail.table.name,
        trail.table.version,
        trail.case.state,
        trail.case.sequence,
        timestamp(trail.case.at),
        trail.head,
        trail.table.freeze(trail.case.data),
    )
    names = ("workflow", "workflow_version", "state", "sequence", "at", "head", "data")
    return [
        Finding(
            tampering="T02",
            sentence=f"The case's {name} is not where its events lead.",
            case_id=case_id,
            sequence=trail.case.sequence,
            column=f"case.{name}",
            expected=said,
            actual=getattr(record, name),
        )
        for name, said in zip(names, led, strict=True)
        if getattr(record, name) != said
    ]
