"""Bringing signed steps to their end: sent, taken by the contract, recorded; or refused.

    send     the lane relays the step; a contract that refuses ends it here, under the name of its own rule
    record   final on the chain: event, case and content in one commit, and the step is held no longer (T1)
    refuse   a signed step may be shown to the contract by anybody until its deadline; so a refused one is kept until
             then, or until the case has moved on, and recorded should the contract take it after all

No step stands in another's way. What this does not do: it signs nothing (`enforce`) and knows no nonce (`submit`).
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from ledger_automation.audit.encoding import decode, encode
from ledger_automation.audit.enforced import ActorSignature, deadline_of
from ledger_automation.audit.event import AuditEvent
from ledger_automation.canonical import commit
from ledger_automation.errors import ChainRefused, Conflict, Contradiction, InvalidInput, InvalidValue, Unreachable
from ledger_automation.orchestrator.ledgers import CaseLedgers
from ledger_automation.orchestrator.ports import Begin, RecordedStep
from ledger_automation.orchestrator.submission import OPEN, AlarmKind, HeldStep, State
from ledger_automation.orchestrator.submit import Lane
from ledger_automation.orchestrator.transition import Recorder, Standing
from ledger_automation.values import CaseId, parse_timestamp
from ledger_automation.verify.enforcement_audit import standing
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import CaseRecord, DocumentRecord
from ledger_automation.workflows import Command, workflow

_POLL: Final = 0.05
_GRACE: Final = 86_400
"""Seconds for which a chain's clock may be behind ours: until then a deadline may not have passed there."""


class Decided(NamedTuple):
    """What became of a held step: the event that it is now, or why the contract refused it."""

    held: HeldStep
    step: RecordedStep | None
    refusal: ChainRefused | None


class Settler:
    """Brings held steps on, with one lane and the contracts of one deployment."""

    def __init__(self, begin: Begin, recorder: Recorder, lane: Lane, ledgers: CaseLedgers) -> None:
        self._begin = begin
        self._recorder = recorder
        self._lane = lane
        self._ledgers = ledgers

    def settle(self) -> list[Decided]:
        """Bring every held step on: send what was not sent, record what is final; returns those that ended.

        No step stands in another's way: of one whose row is not what was signed an alarm tells, and it stays.
        """
        self._lane.settle()
        with self._begin() as unit:
            held, refused = unit.steps.held(), unit.steps.refused()
        ended = [self._ended(each, self._bring_on) for each in held]
        ended += [self._ended(each, self._look_again) for each in refused]
        return [each for each in ended if each is not None]

    def wait(self, *, seconds: float) -> list[Decided]:
        """Settle until no step is held; returns what ended, raises Unreachable when that takes longer."""
        ended: list[Decided] = []
        give_up = time.monotonic() + seconds
        while True:
            try:
                ended += self.settle()
            except Unreachable:
                if time.monotonic() > give_up:
                    raise
            with self._begin() as unit:
                if not (left := len(unit.steps.held())):
                    return ended
            if time.monotonic() > give_up:
                raise Unreachable(f"{left} signed steps still wait for the chain after {seconds:.0f} seconds.")
            time.sleep(_POLL)

    def decided(self, held: HeldStep, seconds: float) -> RecordedStep:
        """Bring one step to its end.

        Raises ChainRefused, Conflict, and Unreachable where that takes longer: then the step is held.
        """
        give_up = time.monotonic() + seconds
        while True:
            try:
                self._lane.settle()
                if (step := self._bring_on(held)) is not None:
                    return step
            except (Conflict, Unreachable):  # another transaction of the key is before it, or nobody answers
                if time.monotonic() > give_up:
                    raise
            if time.monotonic() > give_up:
                sentence = f"The chain did not decide the step within {seconds:.0f} seconds; it is held."
                raise Unreachable(sentence, case_id=held.case_id, sequence=held.sequence)
            time.sleep(_POLL)

    def _bring_on(self, held: HeldStep) -> RecordedStep | None:
        """Send a held step, or record it once it is final; None while the chain has not decided."""
        event = _unchanged(held)
        with self._begin() as unit:
            states = {each.state for each in unit.anchors.of(held.subject)}
        if State.FINAL in states:
            return self._record(held, event)
        if states & set(OPEN):
            return None
        if self._lane.is_final(self._taken_in(event)):  # somebody else relayed it
            return self._record(held, event)
        try:
            self._lane.send(held.subject, held.call)
        except ChainRefused:
            if self._taken_in(event) is None:
                with self._begin() as unit:
                    unit.steps.refuse(held)
                    unit.commit()
                raise
        return None

    def _look_again(self, held: HeldStep) -> RecordedStep | None:
        """Record a refused step that the contract took after all; forget one that it cannot take any more."""
        event = _unchanged(held)
        if self._lane.is_final(self._taken_in(event)):
            return self._record(held, event)
        deadline = deadline_of(ActorSignature.read(event.signature or {}).step().terms)
        with self._begin() as unit:
            record = unit.cases.case(CaseId(held.case_id))
            moved_on = record is not None and record.sequence >= held.sequence
            if moved_on or self._recorder.clock().timestamp() > deadline + _GRACE:
                unit.steps.release(held)
                unit.commit()
        return None

    def _ended(self, held: HeldStep, bring_on: Callable[[HeldStep], RecordedStep | None]) -> Decided | None:
        """Bring one step on; None while it has not ended, whatever keeps it."""
        try:
            step = bring_on(held)
        except ChainRefused as refusal:
            return Decided(held, None, refusal)
        except (Conflict, Unreachable):
            return None  # another transaction of the key is before it, or nobody answers: next time
        except (InvalidInput, Contradiction) as error:
            self._lane.ring(AlarmKind.HELD_STEP, held.subject.key, error.sentence, **error.facts)
            return None
        return Decided(held, step, None) if step is not None else None

    def _taken_in(self, event: AuditEvent) -> int | None:
        """Return the block in which the contract took the step, whoever relayed it."""
        kept = ActorSignature.read(event.signature or {})
        return self._ledgers.taken(event.workflow, standing(event, kept.after()))

    def _record(self, held: HeldStep, event: AuditEvent) -> RecordedStep:
        """Make the step an event (T1). Whoever was faster has recorded the same one."""
        with self._begin() as unit:
            record = unit.cases.case(held.case_id)
            before = _before(record, event)
            if record is not None and record.sequence >= held.sequence:
                unit.steps.release(held)
                unit.commit()
                raise Conflict(f"Step {held.sequence} of case {held.case_id} was recorded by another process.")
            command = Command(event.action, event.actor, event.payload)
            case = before.table.apply(before.case, command, parse_timestamp(event.occurred_at)).case
            ready, _ = self._recorder.complete(before, case, event, held.salt, _documents(held))
            unit.cases.record([ready])
            unit.steps.release(held)
            unit.commit()
        return ready


def _unchanged(held: HeldStep) -> AuditEvent:
    """Read a held step; raises Contradiction or InvalidInput where its row is not what the actor signed."""
    try:
        event = decode(held.canonical)
        found = commit(held.salt, encode(msgspec.structs.replace(event, signature=None))).hex()
    except TypeError as error:  # a database holds anything in any column
        raise InvalidValue("A held step", held.case_id, "bytes that are an event and its salt") from error
    signed = ActorSignature.read(event.signature or {}).commitment
    if found != signed:
        sentence = f"The held step {held.sequence} of case {held.case_id} is not what its actor signed."
        raise Contradiction(sentence, expected=signed, actual=found, case_id=held.case_id)
    return event


def _documents(held: HeldStep) -> tuple[DocumentRecord, ...]:
    try:
        return msgspec.msgpack.decode(held.documents, type=tuple[DocumentRecord, ...])
    except (msgspec.MsgspecError, TypeError) as error:
        raise InvalidValue("The documents of a held step", held.case_id, "what was stored with it") from error


def _before(record: CaseRecord | None, event: AuditEvent) -> Standing:
    if record is not None:
        return Standing.of(record)
    return Standing(CaseId(event.case_id), workflow(event.workflow), Level.ENFORCED)
