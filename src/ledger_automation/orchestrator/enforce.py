"""Enforced steps: the actor signs, the contract decides, and only what it took becomes an event.

    draft    the law in Python applies the step; the actor signs what the contract must know of it (EIP-712)
    hold     the signed step is stored; nothing has happened yet, and no other step of the case may start
    settle   the lane relays it; final on the chain it becomes an event, refused it is let go     `settle`

If we die after `hold`, `settle` sends the very same step again; after `send`, the lane knows its bytes by hash; after
the chain took it, `settle` records it. So the database never says of an enforced step that it happened before the chain
does, and never forgets one that the chain has taken.

What this does not do: it holds no actor's key and cannot make up for one. Anyone may relay a signed step; what another
relayer brought to the contract is recorded just the same.
"""

from datetime import timedelta
from typing import Any, Final, NamedTuple

import msgspec

from ledger_automation.audit.encoding import decode, encode
from ledger_automation.audit.enforced import ActorSignature, Blinded, EnforcedStep, Link, Noted, in_numbers
from ledger_automation.canonical import commit
from ledger_automation.errors import Conflict, Contradiction, NotFound
from ledger_automation.orchestrator.asked import Answer
from ledger_automation.orchestrator.ports import ActorKeys, Begin, CaseLedgers, RecordedStep, UnitOfWork
from ledger_automation.orchestrator.settle import Decided, Settler
from ledger_automation.orchestrator.submission import HeldStep
from ledger_automation.orchestrator.submit import Lane
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.values import CaseId, Salt
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import EventRecord
from ledger_automation.workflows import Workflow
from ledger_automation.workflows._enforcement import Enforcement, Names
from ledger_automation.workflows._table import Step

VALIDITY: Final = timedelta(days=7)
"""How long a signature may be used: longer than a node is usually away, shorter than a forgotten step is harmless."""


class Standpoint(NamedTuple):
    """Where a case stands, in the database and on chain, and how its words become numbers."""

    standing: Standing
    link: Link
    names: Names


class Enforcer:
    """Takes enforced cases on, with the contracts of one deployment."""

    def __init__(  # noqa: PLR0913, PLR0917  each is a port of its own
        self, begin: Begin, recorder: Recorder, lane: Lane, ledgers: CaseLedgers, actors: ActorKeys, secret: bytes
    ) -> None:
        self._begin = begin
        self._recorder = recorder
        self._settler = Settler(begin, recorder, lane, ledgers)
        self._ledgers = ledgers
        self._actors = actors
        self._secret = secret

    def open_case(self, table: Workflow[Any], intent: Intent, *, seconds: float = 60) -> RecordedStep:
        """Open an enforced case under a fresh random id; raises as `advance` does."""
        point, salt = self._opening(CaseId.random(), table)
        return self._settler.decided(self._hold(point, intent, salt), seconds)

    def advance(self, case_id: CaseId, intent: Intent, *, seconds: float = 60) -> RecordedStep:
        """Take an enforced case one step on, and wait for the chain.

        Raises NotFound, what the law raises, ChainRefused with the contract's own error, Conflict where another step
        of the case waits, Unreachable where the chain does not decide in time: then the step is held, and `settle`
        brings it to its end.
        """
        return self._settler.decided(self.hold(case_id, intent), seconds)

    def hold(self, case_id: CaseId, intent: Intent, answer: Answer | None = None) -> HeldStep:
        """Have a step signed and stored, and leave it to `settle`; raises as `advance` does, short of the chain.

        With the ``answer`` to a request, that is stored in the same transaction.
        """
        with self._begin() as unit:
            point = self.standpoint(unit, case_id)
        return self._hold(point, intent, Salt.random(), answer)

    def hold_opening(self, case_id: CaseId, table: Workflow[Any], intent: Intent, answer: Answer) -> HeldStep:
        """Have the opening of a case signed and stored, as `hold` does."""
        point, salt = self._opening(case_id, table)
        return self._hold(point, intent, salt, answer)

    def settle(self) -> list[Decided]:
        """Bring every held step on, as `Settler.settle` does."""
        return self._settler.settle()

    def wait(self, *, seconds: float) -> list[Decided]:
        """Bring every held step to its end, as `Settler.wait` does."""
        return self._settler.wait(seconds=seconds)

    def standpoint(self, unit: UnitOfWork, case_id: CaseId) -> Standpoint:
        """Return where an enforced case stands; raises NotFound, Conflict for a case of another level."""
        record = unit.cases.case(case_id)
        if record is None:
            raise NotFound(f"There is no case {case_id}.", case_id=case_id)
        if record.level != Level.ENFORCED:
            raise Conflict(f"Case {case_id} is of level {record.level}; no contract decides its steps.")
        stored, trail = Standing.of(record), unit.cases.trail(case_id)
        if trail[0].salt is None:
            raise Conflict(f"The first step of case {case_id} was erased; nothing can be enforced in it any more.")
        names = Blinded(self._secret, trail[0].salt)
        return Standpoint(stored, _link(trail[-1]), names)

    def sign(self, point: Standpoint, intent: Intent, salt: bytes) -> HeldStep:
        """Apply the law and have the actor sign; nothing is stored and nothing sent."""
        event, case = self._recorder.draft(point.standing, intent)
        noted = Noted(point.names)
        step = self.in_contract_words(point._replace(names=noted), intent, commit(salt, encode(event)))
        domain = self._ledgers.domain(event.workflow)
        signed = self._actors.sign(event.actor.id, step.digest(domain))
        facts = _enforcement(point.standing.table).facts(case.data, noted)
        kept = msgspec.to_builtins(ActorSignature.of(step, facts, noted.members, domain, signed))
        ready, _ = self._recorder.complete(
            point.standing, case, msgspec.structs.replace(event, signature=kept), salt, intent.documents
        )
        call = self._ledgers.call(event.workflow, step, signed[1])
        documents = msgspec.msgpack.encode(intent.documents)
        return HeldStep(event.case_id, event.sequence, salt, ready.canonical, documents, call)

    def in_contract_words(self, point: Standpoint, intent: Intent, commitment: bytes) -> EnforcedStep:
        """Return a step as the contract sees it, lawful or not; raises InvalidValue for what cannot be enforced."""
        table, case = point.standing.table, point.standing.case
        command, at, _ = intent
        typed = table.typed(table.transition(command.action), command.payload)
        step = Step(case.state if case else None, command.actor, typed, at)
        until = int((self._recorder.clock() + VALIDITY).timestamp())
        terms, arguments = in_numbers(table, case, command.action, step, point.names, until)
        return EnforcedStep(point.link, commitment, terms, arguments)

    def _opening(self, case_id: CaseId, table: Workflow[Any]) -> tuple[Standpoint, Salt]:
        salt = Salt.random()
        fresh = Standing(case_id, table, Level.ENFORCED)
        return Standpoint(fresh, Link(), Blinded(self._secret, salt)), salt

    def _hold(self, point: Standpoint, intent: Intent, salt: bytes, answer: Answer | None = None) -> HeldStep:
        held = self.sign(point, intent, salt)
        with self._begin() as unit:
            record = unit.cases.case(held.case_id)
            if (record.head if record else None) != point.standing.head:
                raise Conflict(f"Case {held.case_id} moved on meanwhile; look at it again.", case_id=held.case_id)
            unit.steps.hold(held)
            if answer is not None:
                unit.requests.answer([answer._replace(sequence=held.sequence)])
            unit.commit()  # from here on the signed step survives us
        return held


def _link(last: EventRecord) -> Link:
    """Return where a case stands on chain; raises Contradiction where its last event is not signed."""
    kept = decode(last.canonical).signature if last.canonical is not None else None
    if kept is None:
        raise Contradiction(f"The last step of case {last.case_id} carries no signature.", case_id=last.case_id)
    return ActorSignature.read(kept).after()


def _enforcement(table: Workflow[Any]) -> Enforcement:
    if table.enforcement is None:
        raise NotFound(f"No contract enforces the workflow {table.name}.", workflow=table.name)
    return table.enforcement
