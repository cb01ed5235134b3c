"""The machine that every workflow is a table for: states, transitions, roles, guards, effects.

A workflow is law as data. `Workflow.apply` takes a case, a command and the moment it happened, and either returns what
follows or raises `TransitionNotAllowed` with the name of the rule that refuses. It has no clock, no chance and no I/O,
so the verifier can replay a case years later and must come to the same end.

The order of the checks is fixed, because the first rule that fails is the one that is named:

    1. the action exists                     UnknownAction
    2. the payload fits the action's schema  InvalidValue
    3. the case is in one of the sources     not_in_state, or the name that the row gives to that state (`Barred`)
    4. the actor has one of the roles        wrong_role
    5. time does not run backwards           before_previous_step
    6. the guards, in the order of the table their own names

Two steps of a tiny workflow, as a worked example:

    >>> class Opened(Payload, frozen=True):
    ...     title: str
    >>> class Data(Payload, frozen=True):
    ...     title: str
    >>> table = Workflow(
    ...     name="toy", version=1, data=Data, final=("closed",),
    ...     transitions=(
    ...         Transition("open", "opened", (), ("running",), ("clerk",), Opened, lambda _, s: Data(s.payload.title)),
    ...         Transition("close", "closed", ("running",), ("closed",), ("clerk",), Nothing, lambda data, step: data),
    ...     ),
    ... )
    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> applied = table.apply(None, Command("open", Actor("clerk-1", "clerk"), {"title": "a"}), noon)
    >>> applied.case.state, applied.event
    ('running', 'opened')
    >>> table.apply(applied.case, Command("open", Actor("clerk-1", "clerk"), {"title": "a"}), noon)
    Traceback (most recent call last):
    ...
    ledger_automation.errors.TransitionNotAllowed: The case is running; open needs a case that is not open yet.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import msgspec

from ledger_automation.errors import InvalidDefinition, InvalidValue, TransitionNotAllowed, UnknownAction
from ledger_automation.workflows import _soundness
from ledger_automation.workflows._enforcement import Enforcement
from ledger_automation.workflows._table import Applied, Case, Command, Payload, Retention, Step, Term, Transition

LAST_YEAR: Final = 2199
_YEARS = (1900, LAST_YEAR)

D = TypeVar("D", bound=Payload)


class Workflow(Generic[D]):
    """A checked table. Raises InvalidDefinition when the table contradicts itself (see `_soundness`).

    ``enforcement`` tells how a contract states the same law on chain, for cases of level enforced; None: none does.
    ``parties`` names those who may see a case as their own. ``retention`` tells how long an ended case is kept.
    ``terms`` tells what is to be done until when, in a state.
    """

    def __init__(  # noqa: PLR0913  a table has as many parts
        self,
        *,
        name: str,
        version: int,
        data: type[D],
        final: tuple[str, ...],
        transitions: tuple[Transition, ...],
        enforcement: Enforcement | None = None,
        parties: Callable[[D], tuple[str, ...]] = lambda _: (),
        retention: Retention | None = None,
        terms: Callable[[str, D], tuple[Term, ...]] = lambda _, __: (),
    ) -> None:
        self.parties = parties
        self.terms = terms
        self.retention = retention
        self.name = name
        self.version = version
        self.enforcement = enforcement
        self.data = data
        self.final = frozenset(final)
        self.transitions: Mapping[str, Transition] = {each.action: each for each in transitions}
        self.states = frozenset(final).union(*(each.targets + each.sources for each in transitions))
        if flaws := _soundness.flaws(transitions, self.states, self.final):
            raise InvalidDefinition(f"The workflow {name} is not sound: {'; '.join(flaws)}.", flaws=flaws)

    @property
    def contract(self) -> str | None:
        """The name of the contract that states the same law."""
        return self.enforcement.contract if self.enforcement is not None else None

    def apply(self, case: Case | None, command: Command, at: datetime) -> Applied:
        """Apply one command to a case (None opens one) at a moment (aware, UTC).

        Raises UnknownAction, InvalidValue (payload) or TransitionNotAllowed; the case itself never changes.
        """
        transition = self.transition(command.action)
        payload = self.typed(transition, command.payload)
        after = self.decide(case, transition, Step(case.state if case else None, command.actor, payload, at))
        written = msgspec.json.decode(
            msgspec.json.encode(payload, enc_hook=str)
        )  # as a reader of the event will see it
        return Applied(transition.event, case.state if case else None, after, written)

    def decide(self, case: Case | None, transition: Transition, step: Step) -> Case:
        """Return the case after a step whose payload is typed already; raises InvalidValue, TransitionNotAllowed."""
        if not _YEARS[0] <= step.at.year <= _YEARS[1]:  # terms are computed from it, and must end within the calendar
            raise InvalidValue("A moment", step.at.isoformat(), f"within the years {_YEARS[0]} to {_YEARS[1]}")
        if (step.state not in transition.sources) if case is not None else bool(transition.sources):
            raise self._not_in_state(transition, step.state)
        if step.actor.role not in transition.roles:
            sentence = f"{transition.action} is for {' or '.join(transition.roles)}, not for {step.actor.role}."
            raise TransitionNotAllowed("wrong_role", sentence, role=step.actor.role, allowed=transition.roles)
        if case is not None and step.at < case.at:
            sentence = f"{transition.action} cannot have happened before the previous step of the case."
            raise TransitionNotAllowed("before_previous_step", sentence, at=step.at, previous=case.at)
        data = case.data if case is not None else None
        for guard in transition.guards:
            if not guard.holds(data, step):
                raise TransitionNotAllowed(guard.rule, guard.sentence, action=transition.action, state=step.state)
        after = transition.effect(data, step)
        target = transition.targets[0] if transition.resolve is None else transition.resolve(after, step)
        return Case(target, case.sequence + 1 if case is not None else 0, step.at, after)

    def transition(self, action: str) -> Transition:
        """Return the row of an action; raises UnknownAction."""
        try:
            return self.transitions[action]
        except KeyError:
            raise UnknownAction(self.name, action, sorted(self.transitions)) from None

    def allowed(self, state: str | None, role: str) -> list[str]:
        """Name the actions that the table allows in a state (None: not open yet) to a role, guards aside."""
        return [
            each.action
            for each in self.transitions.values()
            if role in each.roles and (state in each.sources if state is not None else not each.sources)
        ]

    def freeze(self, data: Payload) -> bytes:
        """Write a case's data for storage (a projection, never evidence)."""
        return msgspec.json.encode(data, order="sorted")

    def thaw(self, stored: bytes) -> D:
        """Read what `freeze` wrote; raises InvalidValue."""
        try:
            return msgspec.json.decode(stored, type=self.data)
        except msgspec.MsgspecError as error:
            raise InvalidValue(f"The stored state of a {self.name} case", stored, str(error)) from error

    def typed(self, transition: Transition, payload: Mapping[str, Any]) -> Payload:
        """Return a payload in its schema's type; raises InvalidValue."""
        try:
            return msgspec.convert(payload, transition.payload)
        except msgspec.ValidationError as error:
            what = f"The payload of {self.name}.{transition.action}"
            raise InvalidValue(what, payload, f"as its schema says ({error})") from error

    def _not_in_state(self, transition: Transition, state: str | None) -> TransitionNotAllowed:
        for each in transition.barred:
            if state in each.states:
                return TransitionNotAllowed(each.rule, each.sentence, state=state, action=transition.action)
        where = "not open yet" if state is None else state
        needed = " or ".join(transition.sources) if transition.sources else "not open yet"
        sentence = f"The case is {where}; {transition.action} needs a case that is {needed}."
        return TransitionNotAllowed("not_in_state", sentence, state=state, action=transition.action)
