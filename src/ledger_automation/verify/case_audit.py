"""Auditing one case: its rows, its order, its law, its projection.

`CaseAudit.examine` costs little when everything holds (`reconstruction`). Otherwise the case is looked at closely: each
row is decoded and checked, the law is replayed, and `case_diagnosis` names what does not hold. Nothing that stands in
the database, of whatever type, makes an examination fail: it becomes a finding.
"""

from collections.abc import Iterable

from ledger_automation.audit.event import AuditEvent
from ledger_automation.audit.trail import Divergence, Trail
from ledger_automation.verify.case_diagnosis import explain, intruders
from ledger_automation.verify.case_evidence import Evidence, Tombstones
from ledger_automation.verify.document_audit import diagnose_documents
from ledger_automation.verify.enforcement_audit import EnforcementAudit
from ledger_automation.verify.log_audit import LogReport
from ledger_automation.verify.policy import Level
from ledger_automation.verify.reconstruction import LAW_GAVE_UP, plainly_holds
from ledger_automation.verify.row_audit import malformed, sound
from ledger_automation.verify.shares import Share
from ledger_automation.verify.sources import CaseRecord, CaseSource, EventRecord
from ledger_automation.verify.verdict import Finding


class CaseAudit:
    """Examines cases one by one; counts what it saw."""

    def __init__(
        self,
        source: CaseSource,
        origin: str,
        log: LogReport,
        tombstones: Tombstones,
        enforcement: EnforcementAudit,
    ) -> None:
        self._source = source
        self._origin = origin
        self._log = log
        self._tombstones = tombstones
        self._enforcement = enforcement
        self.events = 0
        self.cases = 0
        self.pending = 0
        self.erased = 0

    def examine(self, case_id: str, record: CaseRecord | None, rows: list[EventRecord]) -> list[Finding]:
        """Return everything that does not hold in a case, causes before consequences."""
        self.cases += 1
        self.events += len(rows)
        if self._signed and case_id not in self._log.missing and plainly_holds(record, rows, self._origin):
            return []
        return self._closely(case_id, record, rows)

    @property
    def takes_shares(self) -> bool:
        """Whether a case that plainly holds needs no other look, whoever saw that; so it is where no leaf is amiss."""
        return self._signed and not self._log.missing

    def take(self, shares: Iterable[Share]) -> list[int]:
        """Count the cases that plainly hold; returns the openings of the others. Requires `takes_shares`."""
        doubtful: list[int] = []
        for share in shares:
            self.cases += share.plain_cases
            self.events += share.plain_events
            doubtful += share.doubtful
        return doubtful

    @property
    def _signed(self) -> bool:
        return self._log.signed >= self._log.frontier.size

    def _closely(self, case_id: str, record: CaseRecord | None, rows: list[EventRecord]) -> list[Finding]:
        evidence = Evidence.of(case_id, record, self._log.missing.pop(case_id, []))
        for row in rows:
            flaw = malformed(row)
            if flaw is None:
                self._take(row, evidence)
            else:
                evidence.malformed.append(flaw)
        self.erased += len(evidence.erased)
        self.pending += sum(row.leaf_index is None for row in evidence.rows) if evidence.logged else 0
        known = intruders(evidence, self._log, self._source)
        documents = self._documents(evidence)
        if not evidence.holds:
            return documents + explain(evidence, self._log, self._tombstones, known)
        return documents + self._enforced(evidence)

    def _enforced(self, evidence: Evidence) -> list[Finding]:
        """Hold a case that is sound by itself against its signatures and its contract."""
        seen = [(evidence.events.get(row.event_id), row.salt) for row in evidence.rows]
        readable = [event for event, _ in seen if event is not None]
        if not readable:
            return []
        enforced = any(event.signature is not None for event in readable)
        if evidence.record is not None and enforced != (evidence.record.level == Level.ENFORCED):
            return [
                Finding(
                    tampering="T02",
                    sentence="The case's row names another level than its events show.",
                    case_id=evidence.case_id,
                    column="level",
                    expected="enforced" if enforced else "another",
                    actual=evidence.record.level,
                )
            ]
        return self._enforcement.examine(evidence.case_id, seen) if enforced else []

    def _take(self, row: EventRecord, evidence: Evidence) -> None:
        """Sort one row in; the trail is followed up to the first that does not hold."""
        evidence.rows.append(row)
        event = sound(row, self._origin)
        if event is not None:
            evidence.events[row.event_id] = event
        early = row.leaf_index is not None and row.leaf_index < evidence.last_leaf
        if event is None or early:
            (evidence.erased if self._tombstones.lawful(row) else evidence.unsound).append(row)
            return
        if row.leaf_index is not None:
            evidence.last_leaf = row.leaf_index
        if evidence.divergence is None and not evidence.unsound and not evidence.erased and not evidence.malformed:
            evidence.divergence = _follow(evidence.trail, event, row.commitment)

    def _documents(self, evidence: Evidence) -> list[Finding]:
        return [
            finding
            for row in evidence.rows
            if (event := evidence.events.get(row.event_id)) is not None and (event.attachments or row.documents)
            for finding in diagnose_documents(row, event, self._source.documents(row.event_id))
        ]


def _follow(trail: Trail, event: AuditEvent, commitment: bytes) -> Divergence | None:
    try:
        return trail.follow(event, commitment)
    except LAW_GAVE_UP as error:
        sentence = f"The law cannot be applied to the event: {error}."
        return Divergence("invalid", sentence, event.sequence, "a lawful step", event.action)
