"""Enforced steps: the actor signs, the contract decides, and only what it took becomes an event.

    draft    the law in Python applies the step: what the contract must know of it is the actor's to sign (EIP-712)
    offer    whoever signs elsewhere, with a passkey, is told what and with which; nothing is stored
    complete the signature is put to the draft, made just now or, with the same salt and moment (`Mark`), made again
    hold     the signed step is stored; nothing has happened yet, and no other step of the case may start
    settle   the lane relays it; final on the chain it becomes an event, refused it is let go     `settle`

If we die after `hold`, `settle` sends the very same step again; after `send`, the lane knows its bytes by hash; after
the chain took it, `settle` records it. So the database never says of an enforced step that it happened before the chain
does, and never forgets one that the chain has taken.

What this does not do: it holds no actor's key and cannot make up for one. Anyone may relay a signed step; what another
relayer brought to the contract is recorded just the same.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from ledger_automation.audit.encoding import decode, encode
from ledger_automation.audit.enforced import (
    ActorSignature,
    Blinded,
    EnforcedStep,
    Link,
    Noted,
    in_numbers,
    member_number,
)
from ledger_automation.audit.event import AuditEvent
from ledger_automation.canonical import commit
from ledger_automation.errors import Conflict, Contradiction, NoPasskey, NoSeat, NotFound, NotSigned
from ledger_automation.orchestrator.asked import Answer
from ledger_automation.orchestrator.ledgers import ActorKeys, CaseLedgers
from ledger_automation.orchestrator.passkey import Passkey
from ledger_automation.orchestrator.ports import Begin, RecordedStep, UnitOfWork
from ledger_automation.orchestrator.settle import Decided, Settler
from ledger_automation.orchestrator.submission import HeldStep
from ledger_automation.orchestrator.submit import Lane
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.values import CaseId, Salt
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import EventRecord
from ledger_automation.workflows import Workflow
from ledger_automation.workflows._enforcement import Enforcement, Names
from ledger_automation.workflows._table import ROLES, Case, Step

VALIDITY: Final = timedelta(days=7)
"""How long a signature may be used: longer than a node is usually away, shorter than a forgotten step is harmless."""


class Standpoint(NamedTuple):
    """Where a case stands, in the database and on chain, and how its words become numbers."""

    standing: Standing
    link: Link
    names: Names


class Mark(NamedTuple):
    """All that chance and clock have to do with a draft: with the same mark, the same draft is made again."""

    moment: datetime
    salt: Salt


class Draft(NamedTuple):
    """A step that the law allows and nobody has signed yet: from where, what is wanted, and what it comes to."""

    standing: Standing
    intent: Intent
    salt: Salt
    event: AuditEvent
    case: Case
    noted: Noted
    step: EnforcedStep


class Offer(NamedTuple):
    """A draft for somebody who signs elsewhere: what it says, what is signed of it, and with which passkey."""

    event: AuditEvent
    digest: bytes
    passkey: Passkey


class Seat(NamedTuple):
    """A member's seat in a workflow's contract: the roles, and the signer that it believes; both may be nothing."""

    workflow: str
    roles: tuple[str, ...]
    signer: bytes


Prove = Callable[[bytes], bytes]
"""Returns the signature over a digest as a passkey's verifier takes it; raises NotSigned where it is over another."""


class ByPasskey(NamedTuple):
    """What somebody signed with a passkey, in the place of keys at hand; satisfies `ledgers.ActorKeys`."""

    keys: ActorKeys
    passkey: Passkey
    prove: Prove

    def sign(self, actor_id: str, digest: bytes) -> tuple[bytes, bytes]:
        """Return the passkey's signer and signature; raises NotSigned."""
        if not self.has(actor_id):
            raise NotSigned("the passkey is another's")
        return self.signer(self.passkey.key), self.prove(digest)

    def has(self, actor_id: str) -> bool:
        """Tell whether the passkey is that actor's."""
        return actor_id == self.passkey.actor_id

    def signer(self, key: bytes) -> bytes:
        """Return a passkey's signer."""
        return self.keys.signer(key)


class Enforcer:
    """Takes enforced cases on, with the contracts of one deployment."""

    def __init__(  # noqa: PLR0913, PLR0917  each is a port of its own
        self,
        begin: Begin,
        recorder: Recorder,
        lane: Lane,
        ledgers: CaseLedgers,
        actors: ActorKeys,
        secret: bytes,
        salt: Callable[[], Salt] = Salt.random,
    ) -> None:
        self._begin = begin
        self._recorder = recorder
        self._lane = lane
        self._settler = Settler(begin, recorder, lane, ledgers)
        self._ledgers = ledgers
        self._actors = actors
        self._secret = secret
        self._salt = salt

    def at(self, mark: Mark, actors: Callable[[ActorKeys], ActorKeys] = lambda known: known) -> "Enforcer":
        """Return one that drafts with a mark, and signs with other ``actors``, made of those that are known."""
        recorder, signing = self._recorder.at(mark.moment), actors(self._actors)
        return Enforcer(self._begin, recorder, self._lane, self._ledgers, signing, self._secret, lambda: mark.salt)

    def has_key_of(self, actor_id: str) -> bool:
        """Tell whether an actor's key is at hand."""
        return self._actors.has(actor_id)

    def signer(self, key: bytes) -> bytes:
        """Return the signer that a passkey is here."""
        return self._actors.signer(key)

    def seat(self, workflow: str, actor_id: str) -> Seat:
        """Return an actor's seat, by the word of the contract."""
        bits, signer = self._ledgers.seat(workflow, member_number(self._secret, actor_id))
        return Seat(workflow, tuple(role for place, role in enumerate(ROLES) if bits >> place & 1), signer)

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
        return self._hold(point, intent, self._salt(), answer)

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

    def offer(self, standing: Standing, intent: Intent) -> Offer:
        """Draft a step for its actor to sign elsewhere; raises what the law raises, NoPasskey, NoSeat."""
        with self._begin() as unit:
            known = unit.passkeys.all_of(intent.command.actor.id)
            point = self.standpoint(unit, standing.case_id) if standing.case is not None else None
        if point is None:
            point, salt = self._opening(standing.case_id, standing.table)
        else:
            salt = self._salt()
        draft = self.draft(point, intent, salt)
        return Offer(draft.event, self._digest(draft), self._seated(draft.event, known))

    def draft(self, point: Standpoint, intent: Intent, salt: Salt) -> Draft:
        """Apply the law; raises what the law raises, and InvalidValue for what cannot be enforced."""
        event, case = self._recorder.draft(point.standing, intent)
        noted = Noted(point.names)
        step = self.in_contract_words(point._replace(names=noted), intent, commit(salt, encode(event)))
        return Draft(point.standing, intent, salt, event, case, noted, step)

    def complete(self, draft: Draft, signed: tuple[bytes, bytes]) -> HeldStep:
        """Put signer and signature to a draft; nothing is stored and nothing sent."""
        standing, intent, salt, event, case, noted, step = draft
        domain = self._ledgers.domain(event.workflow)
        facts = _enforcement(standing.table).facts(case.data, noted)
        kept = msgspec.to_builtins(ActorSignature.of(step, facts, noted.members, domain, signed))
        ready, _ = self._recorder.complete(
            standing, case, msgspec.structs.replace(event, signature=kept), salt, intent.documents
        )
        call = self._ledgers.call(event.workflow, step, signed[1])
        documents = msgspec.msgpack.encode(intent.documents)
        return HeldStep(event.case_id, event.sequence, salt, ready.canonical, documents, call)

    def sign(self, point: Standpoint, intent: Intent, salt: Salt) -> HeldStep:
        """Apply the law and have the actor sign; nothing is stored and nothing sent."""
        draft = self.draft(point, intent, salt)
        return self.complete(draft, self._actors.sign(draft.event.actor.id, self._digest(draft)))

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
        salt = self._salt()
        fresh = Standing(case_id, table, Level.ENFORCED)
        return Standpoint(fresh, Link(), Blinded(self._secret, salt)), salt

    def _digest(self, draft: Draft) -> bytes:
        return draft.step.digest(self._ledgers.domain(draft.event.workflow))

    def _seated(self, event: AuditEvent, known: list[Passkey]) -> Passkey:
        """Return the passkey that the contract believes its actor by; raises NoPasskey, NoSeat."""
        if not known:
            raise NoPasskey("The actor's key is not at hand, and no passkey is registered.", actor_id=event.actor.id)
        _, roles, signer = self.seat(event.workflow, event.actor.id)
        found = next((each for each in known if self.signer(each.key) == signer), None)
        if found is None or event.actor.role not in roles:
            raise NoSeat("No passkey of the actor has a seat with this role.", actor_id=event.actor.id)
        return found

    def _hold(self, point: Standpoint, intent: Intent, salt: Salt, answer: Answer | None = None) -> HeldStep:
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
