"""Background work: what happens between "recorded" and "final" without anybody asking for it.

    sequence   what is pending becomes leaves and a signed checkpoint; in an idle interval, a heartbeat does (T2)
    sweep      the same without a bound: whatever the bound of `sequence` may ever have missed
    anchor     the newest checkpoint goes to the chain, after what was open has been brought on (T3)
    settle     what was sent becomes final, and signed steps are brought to their end (T4, T1)
    cosign     the newest checkpoint goes to each witness, whose cosignature is kept
    audit      what is new since the last audit is held against log, law and chain
    audit_whole    the same from the first event on, when somebody asks for it
    deliver    whoever asked to be told is told what the log has (webhooks)
    erase      what the log says is to be destroyed is destroyed
    forget     answers and documents that nobody will ask for again go

Each may be run any number of times, by any number of processes at once, and may die anywhere in: what it goes by stands
in the database or on the chain, and what two of them write at once has one key (spec/faults.md, P12 to P19). Who comes
second gets a Conflict, which is a normal outcome here and no error. Everything else that is raised is for whoever runs
the duty to report; the next run is the repetition.

What this does not do: keep a time (`worker.timetable`), open a chain (`worker.workplace`), or repair what contradicts
itself: a database that is behind its chain is said to be so, and stays (P22). Another duty is a word of `Duty` and a
method here.
"""

from contextlib import nullcontext
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from ledger_automation.errors import AnchorRefused, Conflict, Contradiction
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.audits import AuditRun
from ledger_automation.orchestrator.cosign import WitnessRound
from ledger_automation.orchestrator.enforce import Enforcer
from ledger_automation.orchestrator.erase import OpenEraser, erase
from ledger_automation.orchestrator.ports import Begin, UnitOfWork
from ledger_automation.orchestrator.sequence import record_heartbeat, sequence
from ledger_automation.orchestrator.submission import Alarm, AlarmKind, Listen
from ledger_automation.orchestrator.transition import Recorder
from ledger_automation.orchestrator.uploads import KEPT
from ledger_automation.orchestrator.webhooks import Messenger
from ledger_automation.tlog.note import SignerKey
from ledger_automation.values import parse_timestamp, timestamp
from ledger_automation.verify.auditor import Auditor, AuditReport, Mark
from ledger_automation.verify.verdict import Verdict, shown

ANSWERS_KEPT: Final = timedelta(days=1)
"""How long the same Idempotency-Key gets the same answer."""

_OVERTAKEN: Final = "StalePreviousSize"
"""What the registry says to whoever builds upon a size that is no longer its last one."""


class Duty(StrEnum):
    """The duties by name; a queue knows no more of them than these words."""

    SEQUENCE = "sequence"
    SWEEP = "sweep"
    ANCHOR = "anchor"
    SETTLE = "settle"
    COSIGN = "cosign"
    AUDIT = "audit"
    AUDIT_WHOLE = "audit_whole"
    DELIVER = "deliver"
    ERASE = "erase"
    FORGET = "forget"


class Duties:
    """The duties of one log. ``silence`` is how long nothing may happen before that is itself recorded."""

    def __init__(self, begin: Begin, recorder: Recorder, key: SignerKey, silence: timedelta, listen: Listen) -> None:
        self._begin = begin
        self._recorder = recorder
        self._key = key
        self._silence = silence
        self._listen = listen

    def sequence(self, *, sweep: bool = False) -> int:
        """Put all that is pending into the log; returns how many leaves were added."""
        added = 0
        try:
            while (done := sequence(self._begin, self._recorder, self._key, sweep=sweep)) is not None:
                added += done.leaves
            if not added:
                self._beat()
        except Conflict:
            pass  # another sequencer is at it, and sees whatever we saw
        return added

    def sweep(self) -> int:
        """Put into the log what was pending all along; returns how many leaves were added."""
        return self.sequence(sweep=True)

    def anchor(self, anchorer: Anchorer) -> int | None:
        """Anchor the newest checkpoint; returns the newest size that is on the chain or on its way to it."""
        try:
            size = self._submitted(anchorer)
        except Conflict:
            return None  # another process sends one; the next run looks again
        except Contradiction as error:
            self._ring(AlarmKind.FINAL_CONTRADICTED, error.sentence)
            raise
        self._quiet(AlarmKind.FINAL_CONTRADICTED)
        return size

    def settle(self, anchorer: Anchorer, enforcer: Enforcer | None) -> None:
        """Ask the chain about what is open and, where contracts enforce laws, bring signed steps to their end."""
        try:
            if enforcer is not None:
                enforcer.settle()  # everything of the key, checkpoints too
            else:
                anchorer.settle()
        except Conflict:
            pass

    def cosign(self, witnesses: WitnessRound) -> None:
        """Have the newest checkpoint cosigned; what contradicts this log stands as an alarm until it is over."""
        for visit in witnesses.go():
            if visit.alarm is not None:
                self._tell(visit.alarm)
            elif visit.error is None:
                self._quiet(AlarmKind.WITNESS, visit.witness.text)

    def audit(self, auditor: Auditor, read: Begin, mark: Mark | None) -> AuditReport:
        """Audit what is new since a mark; findings stand as an alarm until an audit finds all as it should be."""
        with read() as unit:
            report = auditor.audit(unit.cases, unit.log, mark, unit.soundness, unit.readers)
        if report.verdict is Verdict.CONTRADICTED:
            found = len(report.findings)
            sentence = f"The audit found {found} thing{'s' if found > 1 else ''} that must not be."
            self._ring(AlarmKind.AUDIT, sentence, findings=[each.tampering for each in report.findings])
        elif report.verdict is Verdict.FINAL:
            self._quiet(AlarmKind.AUDIT)
        with self._begin() as unit:
            at, written = timestamp(self._recorder.clock()), msgspec.json.encode(shown(report))
            unit.audits.keep(AuditRun(0, at, report.verdict.value, written))
            unit.commit()
        return report

    def deliver(self, messenger: Messenger) -> None:
        """Tell whoever asked to be told; one that takes nothing any more stands as an alarm."""
        for alarm in messenger.deliver():
            self._tell(alarm)

    def erase(self, eraser: OpenEraser) -> int:
        """Carry out the erasures that stand in the log; returns how many steps lost their content now."""
        return erase(self._begin, self._recorder, eraser)

    def forget(self) -> None:
        """Forget answers of requests, and documents that no step took."""
        now = self._recorder.clock()
        with self._begin() as unit:
            unit.requests.purge(timestamp(now - ANSWERS_KEPT))
            unit.uploads.purge(timestamp(now - KEPT))
            unit.commit()

    def _submitted(self, anchorer: Anchorer) -> int | None:
        """Anchor; raises Conflict where somebody did so between our look and our call, however often we look (C25)."""
        try:
            return anchorer.submit()
        except AnchorRefused as error:
            if error.error != _OVERTAKEN:
                raise
            raise Conflict("Another process anchored meanwhile.", **error.facts) from error

    def _beat(self) -> None:
        """Record that nothing happened, at most once an interval.

        In one transaction with the look, which is the sequencers' turn: a second process sees the beat of the first one
        pending. A clock that was set back lengthens the silence and doubles nothing.
        """
        with self._begin() as unit:
            if not unit.log.pending(1, sweep=False) and self._is_silent(unit):
                record_heartbeat(lambda: nullcontext(unit), self._recorder)

    def _is_silent(self, unit: UnitOfWork) -> bool:
        last = unit.log.edge().last_recorded
        return not last or self._recorder.clock() - parse_timestamp(last) >= self._silence

    def _ring(self, kind: AlarmKind, sentence: str, **facts: object) -> None:
        self._tell(Alarm(kind, self._recorder.origin, sentence, facts))

    def _tell(self, alarm: Alarm) -> None:
        with self._begin() as unit:
            fresh = unit.anchors.ring(alarm, timestamp(self._recorder.clock()))
            unit.commit()
        if fresh:
            self._listen(alarm)

    def _quiet(self, kind: AlarmKind, about: str = "") -> None:
        about = about or self._recorder.origin
        with self._begin() as unit:
            if any((each.kind, each.about) == (kind, about) for each in unit.anchors.alarms()):
                unit.anchors.quiet(kind, about)
                unit.commit()
