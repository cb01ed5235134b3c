"""Naming what was done to a case: causes before consequences.

A deleted event makes every later event look displaced, and an event that was slipped in makes the law refuse what
follows; so consequences are named only where no cause was found.

    1  rows that do not belong: in the table twice, not in the log although they should be, not under a signature
    2  content that is gone: lawfully erased, or not
    3  events that are gone: the log's leaves remember whose they were
    4  rows that do not agree with themselves or with their leaf
    5  the law: replayed event by event
    6  the case's own row: the projection that the events lead to

What evidence cannot tell apart: content that was changed together with its columns and its checksum looks like a salt
that was replaced (T17), where no guess of `confusion` opens the commitment; a lawful step that somebody adds behind the
last leaf looks like one that was just recorded, and is a matter of who may write, not of what is written.
"""

from datetime import timedelta
from hashlib import sha256
from typing import Final

import msgspec

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.trail import Divergence
from ledger_automation.errors import LedgerError
from ledger_automation.merkle import leaf_hash
from ledger_automation.values import parse_timestamp, timestamp
from ledger_automation.verify.case_evidence import Evidence, Tombstones, is_projected, whole
from ledger_automation.verify.log_audit import LogReport
from ledger_automation.verify.policy import Level
from ledger_automation.verify.row_audit import diagnose, found
from ledger_automation.verify.sources import CaseSource, EventRecord
from ledger_automation.verify.verdict import Finding

_CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far a server's clock may run back before a late event counts as back-dated."""

_DISPLACED: Final = ("T08", "T29")
"""What every event after a deleted or slipped-in one seems to be."""

_UNLAWFUL: Final = {"sequence": "T04", "previous": "T36"}
"""Divergences that are not about the law; every other rule is T49."""


def intruders(evidence: Evidence, log: LogReport, source: CaseSource) -> list[Finding]:
    """Name the rows that do not belong in the case, and remember them in the evidence."""
    findings = []
    for row in evidence.rows:
        finding = _renumbered(row, evidence) or _copied(row, evidence, source) or _unsigned(row, log)
        if finding is None and row.leaf_index is None and evidence.logged:
            finding = _slipped(row, evidence, log)
        if finding is not None:
            evidence.intruders.add(row.event_id)
            findings.append(finding)
    return findings


def explain(evidence: Evidence, log: LogReport, tombstones: Tombstones, known: list[Finding]) -> list[Finding]:
    """Find the causes behind evidence that does not hold; ``known`` are the intruders' findings."""
    rows = [row for row in evidence.unsound if row.event_id not in evidence.intruders]
    gone = [_content_gone(row, tombstones) for row in rows if row.canonical is None]
    deleted = _deleted(evidence)
    changed = [
        finding
        for row in rows
        if row.canonical is not None
        for finding in [_changed(row, evidence, log)]
        if not ((deleted or known) and finding.tampering in _DISPLACED and row.leaf_case_id == row.case_id)
    ]
    findings = [*evidence.malformed, *known, *gone, *deleted, *changed]
    if not findings and evidence.divergence is not None:
        findings = [_unlawful(evidence, evidence.divergence)]
    return findings or _projection(evidence)


def _renumbered(row: EventRecord, evidence: Evidence) -> Finding | None:
    """Name a row whose leaf is there, but under another event id; the leaf is then no longer missing."""
    for leaf in evidence.missing if row.leaf_index is None else ():
        if leaf.sequence == row.sequence and leaf.leaf_hash == leaf_hash(row.commitment):
            evidence.missing.remove(leaf)
            sentence = "The event's id was changed: its leaf and its content belong to another."
            finding = found(row, "T29", sentence, "id", leaf.event_id, row.event_id)
            return msgspec.structs.replace(finding, leaf_index=leaf.leaf_index)
    return None


def _copied(row: EventRecord, evidence: Evidence, source: CaseSource) -> Finding | None:
    """Name a row that repeats an event of this case, or of the one that its content speaks of."""
    originals = [each for each in evidence.rows if each.commitment == row.commitment]
    if row.event_id not in evidence.events and len(originals) == 1:
        try:
            home = decode(row.canonical or b"").case_id
        except LedgerError:
            return None
        if home != evidence.case_id:
            originals += [each for each in source.trail(home) if each.commitment == row.commitment]
    first = min(originals, key=_age)
    if first.event_id == row.event_id:
        return None
    sentence = f"The event stands twice: it repeats step {first.sequence} of case {first.case_id}."
    return found(row, "T10", sentence, "commitment", first.event_id, row.event_id)


def _age(row: EventRecord) -> tuple[bool, int, int]:
    """Order rows by what the log knows of their age: leaves first."""
    return row.leaf_index is None, whole(row.leaf_index), whole(row.event_id)


def _unsigned(row: EventRecord, log: LogReport) -> Finding | None:
    if row.leaf_index is None or row.leaf_index < log.signed:
        return None
    sentence = "The event has a leaf that no checkpoint covers: leaves and checkpoint are written together."
    return found(row, "T06", sentence, "leaf", f"below {log.signed}", row.leaf_index)


def _slipped(row: EventRecord, evidence: Evidence, log: LogReport) -> Finding | None:
    """Name a row that the log does not know although it should, or that nobody but the event table knows."""
    last_logged = max((each.sequence for each in evidence.rows if each.leaf_index is not None), default=-1)
    if row.sequence < last_logged or _is_back_dated(row, log.edge.last_recorded):
        sentence = "The event was slipped in afterwards: the log has gone past the moment it claims."
        return found(row, "T07", sentence, "recorded_at", f"after {log.edge.last_recorded}", row.recorded_at)
    rule = evidence.divergence.rule if evidence.divergence and evidence.divergence.sequence == row.sequence else None
    if rule == "before_previous_step":
        return found(row, "T07", "The event is dated before its predecessor.", "occurred_at", None, row.occurred_at)
    known = -1 if evidence.record is None else whole(evidence.record.sequence)
    if row.sequence > known or rule is not None:
        sentence = "The event was added to the table, but the case does not know it or the law refuses it."
        return found(row, "T06", sentence, "sequence", known, row.sequence)
    return None


def _is_back_dated(row: EventRecord, last_recorded: str) -> bool:
    """Tell whether a row without a leaf claims a moment well before what the log already holds."""
    try:
        return parse_timestamp(last_recorded) - parse_timestamp(row.recorded_at) > _CLOCK_TOLERANCE
    except LedgerError:
        return False


def _content_gone(row: EventRecord, tombstones: Tombstones) -> Finding:
    if tombstones.pretended(row):
        sentence = "The content is gone, and the erasure that is claimed does not stand in the log."
        return found(row, "T19", sentence, "content", "an erasure in the log", None)
    return found(row, "T18", "The content is gone without a decision to erase it.", "content", "content", None)


def _changed(row: EventRecord, evidence: Evidence, log: LogReport) -> Finding:
    if row.event_id in evidence.events:
        sentence = "The event stands in the log before its predecessor: their leaves were exchanged."
        return found(row, "T08", sentence, "leaf_index", f"above {row.leaf_index}", row.leaf_index)
    opened = sha256((row.salt or b"") + (row.canonical or b"")).digest()
    if any(each.commitment == opened for each in evidence.rows if each is not row):
        return found(row, "T08", "The content is that of another event of the case.", "content", row.commitment, opened)
    finding = diagnose(row)
    if finding.tampering in ("T31", "T32") and not log.mismatches and not log.nodes:
        sentence = "The event was rewritten under a new commitment; the log still holds the old one."
        return msgspec.structs.replace(finding, tampering="T02", column="commitment", sentence=sentence)
    if finding.tampering == "T17" and not _continues(row, evidence):
        return found(row, "T09", "The event does not continue this case: it was moved here.", "previous")
    return finding


def _continues(row: EventRecord, evidence: Evidence) -> bool:
    """Tell whether a row's content names the event before it as its predecessor, if that one is there."""
    before = {each.commitment.hex() for each in evidence.rows if each.sequence == row.sequence - 1}
    previous = decode(row.canonical or b"").previous
    if before or row.sequence == 0:
        return (previous in before) if before else previous is None
    return any(whole(leaf.sequence) == row.sequence - 1 for leaf in evidence.missing)


def _deleted(evidence: Evidence) -> list[Finding]:
    """Name events whose leaves are there and whose rows are not."""
    if not evidence.rows and not evidence.malformed:
        first = min(evidence.missing, key=lambda leaf: whole(leaf.sequence), default=None)
        place = {} if first is None else {"sequence": whole(first.sequence), "leaf_index": first.leaf_index}
        sentence, count = "All events of the case were deleted.", len(evidence.missing)
        return [_lost("T05", sentence, evidence, expected=count, actual=0, **place)]
    numbers = {row.sequence for row in evidence.rows if row.event_id not in evidence.intruders}
    findings = []
    for leaf in evidence.missing:
        number = whole(leaf.sequence)
        last = number > max(numbers, default=-1)
        kind, what = ("T03", "last") if last else ("T04", "middle") if number in numbers else ("T29", "gap")
        sentence, place = f"An event of the case was deleted ({what}).", {"leaf_index": leaf.leaf_index}
        findings.append(_lost(kind, sentence, evidence, sequence=number, expected=leaf.leaf_hash, **place))
    return findings


def _lost(kind: str, sentence: str, evidence: Evidence, **facts: object) -> Finding:
    return Finding(tampering=kind, sentence=sentence, case_id=evidence.case_id, **facts)  # type: ignore[arg-type]


def _unlawful(evidence: Evidence, divergence: Divergence) -> Finding:
    row = next((row for row in evidence.rows if row.sequence == divergence.sequence), evidence.rows[-1])
    return Finding(
        tampering=_UNLAWFUL.get(divergence.rule, "T49"),
        sentence=f"{divergence.sentence} (rule {divergence.rule})",
        case_id=evidence.case_id,
        sequence=divergence.sequence,
        leaf_index=row.leaf_index,
        column=divergence.rule,
        expected=divergence.expected,
        actual=divergence.actual,
    )


def _projection(evidence: Evidence) -> list[Finding]:
    """Compare the case's row with where its events lead."""
    record, trail = evidence.record, evidence.trail
    if record is None:
        return [_lost("T05", "The case's row was deleted.", evidence, column="case")]
    if trail.case is None or trail.table is None or evidence.erased or is_projected(record, trail, evidence.rows):
        return []
    reached = trail.case.sequence
    if whole(record.sequence) > reached and record.head != trail.head:
        sentence, known = "The case's row knows a later event than there is: the last was deleted.", record.sequence
        return [_lost("T03", sentence, evidence, sequence=known, expected=known, actual=reached)]
    led = {
        "workflow": trail.table.name,
        "workflow_version": trail.table.version,
        "state": trail.case.state,
        "sequence": reached,
        "at": timestamp(trail.case.at),
        "head": trail.head,
        "data": trail.table.freeze(trail.case.data),
        "level": record.level if any(row.leaf_index is None for row in evidence.rows) else Level.LOGGED.value,
    }
    return [
        _lost("T02", f"The case's {name} is not where its events lead.", evidence, sequence=reached,
              column=f"case.{name}", expected=said, actual=getattr(record, name))
        for name, said in led.items()
        if getattr(record, name) != said
    ]  # fmt: skip
