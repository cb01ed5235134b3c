"""Requests are decided in groups: one transaction, one answer each.

    look     who asks, what its key was answered before, where its case stands: one query for the whole group
    decide   the caller's roles, whose case it is, what it expects, the law: each on its own, in memory
    record   all steps that the law allows, and all answers, in one commit (T1)

So a commit's cost is shared by those who come at the same time, and nobody's refusal harms another's step. A group
holds at most one request a case. Nothing is locked while the law is asked: a step is recorded only if its case is still
where it was looked at. Whoever was overtaken is decided once more, alone and under the case's lock, so that he waits
and is not refused for others' haste. The answer is stored with the step: if we die after the commit and before the
answer left, the same key gets it again, and if we die before it, nothing happened. What the law refuses is an answer.

This does not check who calls (`api.tokens`), and does not bring enforced steps to their contract.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from ledger_automation.errors import (
    Conflict,
    Forbidden,
    InvalidValue,
    LedgerError,
    NotFound,
    PreconditionFailed,
    TransitionNotAllowed,
)
from ledger_automation.orchestrator.asked import (
    Answer,
    Asked,
    Found,
    Member,
    Taken,
    Waiting,
    access_code,
    citizen,
    is_code,
)
from ledger_automation.orchestrator.enforce import Enforcer, Mark, Offer
from ledger_automation.orchestrator.ports import Begin, RecordedStep
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.values import timestamp
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import FORGOTTEN, CaseRecord
from ledger_automation.workflows import Actor, Command

APPLICANT: Final = "applicant"


class Taking(NamedTuple):
    """A request that the law allows: who acts, from where, what."""

    standing: Standing
    intent: Intent


class Outcome(NamedTuple):
    """What became of a request: the step that it led to, or why not, or neither, where a contract decides.

    ``held`` is a step that waits for its contract.
    """

    taken: Taken | None
    error: LedgerError | None = None
    held: Waiting | None = None


UNDECIDED: Final = Outcome(None)
"""Of a request that a contract decides (`Decider.hold`)."""


class Decider:
    """Decides requests for one log; ``levels`` gives a workflow's cases their level, ``backdating`` bounds officers.

    ``begin`` opens a unit of work that locks what it looks at, the other one a brief one: it may lock nothing, and make
    each of its statements durable on its own.
    """

    def __init__(
        self,
        begin: tuple[Begin, Begin],
        recorder: Recorder,
        secret: bytes,
        *,
        levels: dict[str, Level],
        backdating: timedelta,
    ) -> None:
        self._begin, self._brief = begin
        self._recorder = recorder
        self._secret = secret
        self._levels = levels
        self._backdating = backdating

    def at(self, moment: datetime) -> "Decider":
        """Return one for which it is always that moment."""
        begin, recorder = (self._begin, self._brief), self._recorder.at(moment)
        return Decider(begin, recorder, self._secret, levels=self._levels, backdating=self._backdating)

    def decide(self, group: Sequence[Asked]) -> list[Outcome]:
        """Decide a group to its end; raises what concerns any of it, such as Unreachable."""
        outcomes = self.attempt(group)
        return [outcome or self.again(asked) for asked, outcome in zip(group, outcomes, strict=True)]

    def attempt(self, group: Sequence[Asked]) -> list[Outcome | None]:
        """Decide a group without waiting for anybody; None for whoever is to be decided `again`.

        That is who was overtaken, and who brings documents: they would hold up all that are recorded with them.
        """
        light = [each for each in group if not each.documents]
        try:
            decided = iter(self._decide(light, self._brief) if light else [])
        except Conflict:
            return [None] * len(group)
        return [None if each.documents else next(decided) for each in group]

    def again(self, asked: Asked) -> Outcome:
        """Decide one request while nobody else can move its case; raises what concerns it, such as Unreachable.

        Whoever was faster may have used this very key meanwhile: the next look finds his answer.
        """
        error = Conflict("Somebody was faster: the case moved on meanwhile.")
        for _ in range(2):
            try:
                (outcome,) = self._decide([asked], self._begin)
            except Conflict as conflict:
                error = conflict
            else:
                if outcome is not None:
                    return outcome
        return Outcome(None, error)

    def hold(self, asked: Asked, enforcer: Enforcer) -> Outcome:
        """Have a step signed that a contract decides, and held until it has; what `decide` leaves alone.

        Its answer is stored with it: asked again, it tells whether the contract has taken the step meanwhile.
        """
        found = self._look(asked)
        if found.answer is not None:
            return self._repeated(asked, found, found.answer)
        standing, intent = self.take(asked, found)
        answer = self._answer(asked, 0, "")
        if standing.case is None:
            held = enforcer.hold_opening(asked.case_id, asked.table, intent, answer)
        else:
            held = enforcer.hold(asked.case_id, intent, answer)
        return Outcome(None, held=Waiting(held.case_id, held.sequence))

    def offer(self, asked: Asked, enforcer: Enforcer, mark: Mark) -> Outcome | Offer:
        """Draft a step that a contract decides, for whoever signs it elsewhere; have it held where his key is at hand.

        For a decider at the mark's moment. Nothing is kept of a draft: whoever comes back with the same mark, and his
        signature, has it made again.
        """
        found = self._look(asked)
        if found.answer is not None:
            return self._repeated(asked, found, found.answer)
        standing, intent = self.take(asked, found)
        if enforcer.has_key_of(intent.command.actor.id):
            return self.hold(asked, enforcer)
        return enforcer.at(mark).offer(standing, intent)

    def _look(self, asked: Asked) -> Found:
        with self._begin() as unit:
            return unit.requests.look([asked])[0]

    def _decide(self, group: Sequence[Asked], begin: Begin) -> list[Outcome | None]:
        """Decide a group; of whoever was overtaken, nothing is recorded, and None returned."""
        steps: list[RecordedStep] = []
        answers: list[Answer] = []
        overtaken: frozenset[str] = frozenset()
        with begin() as unit:
            found = unit.requests.look(group)
            outcomes = [self._one(*pair, steps, answers) for pair in zip(group, found, strict=True)]
            if answers:
                overtaken = unit.requests.record(steps, answers)
                unit.commit()
        return [None if asked.case_id in overtaken else outcome for asked, outcome in zip(group, outcomes, strict=True)]

    def _one(self, asked: Asked, found: Found, steps: list[RecordedStep], answers: list[Answer]) -> Outcome:
        try:
            if found.answer is not None:
                return self._repeated(asked, found, found.answer)
            taking = self.take(asked, found)
            if taking.standing.level is Level.ENFORCED:
                return UNDECIDED
            step, after = self._recorder.step(taking.standing, taking.intent)
        except TransitionNotAllowed as refusal:
            answers.append(self._answer(asked, None, _written(refusal)))
            return Outcome(None, refusal)
        except LedgerError as error:
            return Outcome(None, error)
        steps.append(step)
        event = step.event
        answers.append(self._answer(asked, event.sequence, ""))
        taken = Taken(event.case_id, event.sequence, event.action, event.to_state, after.level.value, step.commitment)
        return Outcome(taken)

    def take(self, asked: Asked, found: Found) -> Taking:
        """Return what a request comes to, short of the law; raises Forbidden, NotFound, InvalidValue or Conflict."""
        member = self._member(asked, found)
        role = _role(asked, member)
        standing = self._standing(asked, found.case, Actor(member.actor_id, role))
        now = self._recorder.clock()
        if asked.occurred_at is not None:
            self._allow_moment(asked, role)
        command = Command(asked.action, Actor(member.actor_id, role), asked.payload)
        return Taking(standing, Intent(command, asked.occurred_at or now, asked.documents))

    def _member(self, asked: Asked, found: Found) -> Member:
        return found.member or citizen(asked.identity, self._secret)

    def _repeated(self, asked: Asked, found: Found, answer: Answer) -> Outcome:
        """Return what was answered before, to whoever may still ask for it; what was held may be a step by now."""
        _role(asked, self._member(asked, found))
        if answer.fingerprint != asked.fingerprint:
            fresh = "a fresh one, since what is asked for is not the same"
            raise InvalidValue("An Idempotency-Key", "used before", fresh)
        if found.taken is not None:
            return Outcome(found.taken)
        if answer.sequence is not None:
            return Outcome(None, held=Waiting(answer.case_id, answer.sequence))
        kept: dict[str, Any] = msgspec.json.decode(answer.refusal)
        return Outcome(None, TransitionNotAllowed(kept["rule"], kept["sentence"], **kept["facts"]))

    def _standing(self, asked: Asked, case: CaseRecord | None, actor: Actor) -> Standing:
        if asked.opens:
            return Standing(asked.case_id, asked.table, self._levels.get(asked.table.name, Level.ANCHORED))
        if case is None or case.workflow != asked.table.name:
            raise unknown(asked.case_id)
        if actor.role == APPLICANT and not self._may_be_his(asked, case, actor.id):
            raise unknown(asked.case_id)
        if asked.expected is not None and asked.expected != case.head:
            raise PreconditionFailed(
                "The case has moved on; look at it again.", expected=asked.expected.hex(), actual=case.head.hex()
            )
        return Standing.of(case)

    def _may_be_his(self, asked: Asked, case: CaseRecord, actor_id: str) -> bool:
        """Tell whether somebody may act in a case as in his own; in one that was forgotten, nobody.

        One that names nobody yet is for whoever has the letter's code.
        """
        return actor_id in parties_of(case) or is_of_letter(asked.code, case, self._secret)

    def _allow_moment(self, asked: Asked, role: str) -> None:
        """Officers may enter what happened some days ago; an applicant acts now, or he would reopen his own terms."""
        now, at = self._recorder.clock(), asked.occurred_at
        if role == APPLICANT:
            raise Forbidden("Who acts as applicant acts now; the moment is not his to set.")
        if at is None or not now - self._backdating <= at <= now:
            sentence = f"What happened is entered within {self._backdating.days} days, and not before it happens."
            raise TransitionNotAllowed("outside_backdating", sentence, action=asked.action)

    def _answer(self, asked: Asked, sequence: int | None, refusal: str) -> Answer:
        now = timestamp(self._recorder.clock())
        return Answer(asked.key, asked.fingerprint, asked.case_id, sequence, refusal, now)


def parties_of(case: CaseRecord) -> tuple[str, ...]:
    """Return those whose own case it is; nobody, while a fine's person or a programme's applicant is not known."""
    standing = Standing.of(case)
    return () if standing.case is None or standing.is_forgotten else standing.table.parties(standing.case.data)


def names_nobody(case: CaseRecord) -> bool:
    """Tell whether a case waits for its person; one that was forgotten waits for nobody."""
    return case.data != FORGOTTEN and not parties_of(case)


def is_of_letter(code: str, case: CaseRecord, secret: bytes) -> bool:
    """Tell whether a code is that of the letter about a case that names nobody."""
    return names_nobody(case) and is_code(code, access_code(case.case_id, secret))


def unknown(case_id: str) -> NotFound:
    """Say that there is no such case: the same words for one that is not there and one that is not for the caller."""
    return NotFound(f"There is no case {case_id}.", case_id=case_id)


def _role(asked: Asked, member: Member) -> str:
    """Choose the role to act in: the one that is named, or the first of the law's that the caller has."""
    if asked.role:
        if asked.role not in member.roles:
            raise Forbidden(f"You do not have the role {asked.role}.", role=asked.role)
        if asked.role in asked.table.transition(asked.action).roles:
            return asked.role
    allowed = asked.table.transition(asked.action).roles
    fitting = [role for role in allowed if role in member.roles and asked.role in {"", role}]
    if not fitting:
        raise Forbidden(f"{asked.action} is for {' or '.join(allowed)}.", action=asked.action, allowed=allowed)
    return fitting[0]


def _written(refusal: TransitionNotAllowed) -> str:
    facts = {name: value for name, value in refusal.facts.items() if name != "rule"}
    kept = {"rule": refusal.rule, "sentence": refusal.sentence, "facts": facts}
    return msgspec.json.encode(kept, enc_hook=str).decode()
