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
from typing import Annotated, Any, Final, Generic, TypeVar, cast

import msgspec

from ledger_automation.errors import InvalidDefinition, InvalidValue, TransitionNotAllowed, UnknownAction
from ledger_automation.values import MAX_INTEGER

ROLES: Final = ("applicant", "clerk", "approver", "finance", "auditor", "system", "administrator")
"""Who may act. An administrator has no rights in any workflow; nobody decides in his own case."""

Cents = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
"""An amount of money in integer cents."""

PositiveCents = Annotated[int, msgspec.Meta(gt=0, le=MAX_INTEGER)]
"""An amount of money in integer cents that is more than nothing."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
"""Words that must not be missing: a reason, a reference, a legal basis."""


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=False):
    """What a step carries, or what a case remembers: typed, frozen, without unknown fields, without floats."""


class Nothing(Payload, frozen=True):
    """The payload of a step that carries nothing."""


class Actor(msgspec.Struct, frozen=True):
    """Who acts: a pseudonym, and the role it acts in."""

    id: str
    role: str


class Command(msgspec.Struct, frozen=True):
    """What somebody asks for, in the imperative: ``grant``, ``record_payment``."""

    action: str
    actor: Actor
    payload: Mapping[str, Any]


class Case(msgspec.Struct, frozen=True):
    """Where a case stands. ``sequence`` is that of its last event; ``data`` is what its law needs to remember."""

    state: str
    sequence: int
    at: datetime
    data: Any


class Step(msgspec.Struct, frozen=True):
    """One command as guards and effects see it, with its typed payload and the moment it happened."""

    state: str | None
    actor: Actor
    payload: Any
    at: datetime


class Applied(msgspec.Struct, frozen=True):
    """What follows from a command. ``payload`` is complete: every default is written out, so that law outlives code."""

    event: str
    from_state: str | None
    case: Case
    payload: dict[str, Any]


class Guard(msgspec.Struct, frozen=True):
    """A named rule: ``holds`` decides on the case's data and the step, ``sentence`` says what is required."""

    rule: str
    sentence: str
    holds: Callable[[Any, Step], bool]


class Barred(msgspec.Struct, frozen=True):
    """Why a step is refused in certain states, under a name of its own instead of ``not_in_state``.

    It never widens the table: a barred state is outside the row's sources, which `Workflow` checks.
    """

    rule: str
    sentence: str
    states: tuple[str, ...]


class Transition(msgspec.Struct, frozen=True):
    """One row of the table.

    ``sources`` is empty for the step that opens a case. With several ``targets``, ``resolve`` picks one from the new
    data. ``effect`` returns the new data; it may assume that every guard holds.
    """

    action: str
    event: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    roles: tuple[str, ...]
    payload: type[Payload]
    effect: Callable[[Any, Step], Any]
    guards: tuple[Guard, ...] = ()
    resolve: Callable[[Any, Step], str] | None = None
    barred: tuple[Barred, ...] = ()


D = TypeVar("D", bound=Payload)


class Workflow(Generic[D]):
    """A checked table. Raises InvalidDefinition when the table contradicts itself (see `_check`)."""

    def __init__(
        self, *, name: str, version: int, data: type[D], final: tuple[str, ...], transitions: tuple[Transition, ...]
    ) -> None:
        self.name = name
        self.version = version
        self.data = data
        self.final = frozenset(final)
        self.transitions: Mapping[str, Transition] = {each.action: each for each in transitions}
        self.states = frozenset(final).union(*(each.targets + each.sources for each in transitions))
        self._check(transitions)

    def apply(self, case: Case | None, command: Command, at: datetime) -> Applied:
        """Apply one command to a case (None opens one) at a moment (aware, UTC).

        Raises UnknownAction, InvalidValue (payload) or TransitionNotAllowed; the case itself never changes.
        """
        transition = self.transition(command.action)
        payload = self._typed(transition, command.payload)
        state = case.state if case is not None else None
        if (state not in transition.sources) if case is not None else bool(transition.sources):
            raise self._not_in_state(transition, state)
        if command.actor.role not in transition.roles:
            sentence = f"{command.action} is for {' or '.join(transition.roles)}, not for {command.actor.role}."
            raise TransitionNotAllowed("wrong_role", sentence, role=command.actor.role, allowed=transition.roles)
        if case is not None and at < case.at:
            sentence = f"{command.action} cannot have happened before the previous step of the case."
            raise TransitionNotAllowed("before_previous_step", sentence, at=at, previous=case.at)
        data = case.data if case is not None else None
        step = Step(state, command.actor, payload, at)
        for guard in transition.guards:
            if not guard.holds(data, step):
                raise TransitionNotAllowed(guard.rule, guard.sentence, action=command.action, state=state)
        after = transition.effect(data, step)
        target = transition.targets[0] if transition.resolve is None else transition.resolve(after, step)
        sequence = case.sequence + 1 if case is not None else 0
        written = cast("dict[str, Any]", msgspec.to_builtins(payload))
        return Applied(transition.event, state, Case(target, sequence, at, after), written)

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

    def _typed(self, transition: Transition, payload: Mapping[str, Any]) -> Payload:
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

    def _check(self, rows: tuple[Transition, ...]) -> None:
        """One opening state, no exit from a final one, every state reachable and reaching an end, roles known."""
        flaws = []
        if len({each.action for each in rows}) != len(rows):
            flaws.append("an action stands twice")
        if len({target for each in rows if not each.sources for target in each.targets}) != 1:
            flaws.append("there must be exactly one initial state")
        if any(source in self.final and source not in each.targets for each in rows for source in each.sources):
            flaws.append("a final state has an exit")
        if any(not each.roles or set(each.roles) - set(ROLES) for each in rows):
            flaws.append("a transition has no role or an unknown one")
        if any((len(each.targets) > 1) != (each.resolve is not None) for each in rows):
            flaws.append("several targets and resolve go together")
        if any(
            set(bar.states) - self.states or set(bar.states) & set(row.sources) for row in rows for bar in row.barred
        ):
            flaws.append("a barred state is unknown or a source")
        edges = {(source, target) for each in rows for source in each.sources for target in each.targets}
        start = {target for each in rows if not each.sources for target in each.targets}
        if self.states - _closure(start, edges):
            flaws.append("a state is out of reach")
        if self.states - _closure(set(self.final), {(target, source) for source, target in edges}):
            flaws.append("a state reaches no end")
        if flaws:
            raise InvalidDefinition(f"The workflow {self.name} is not sound: {'; '.join(flaws)}.", flaws=flaws)


def _closure(start: set[str], edges: set[tuple[str, str]]) -> set[str]:
    """Return every state that can be reached from ``start`` along ``edges``."""
    reached, frontier = set(start), list(start)
    while frontier:
        here = frontier.pop()
        for source, target in edges:
            if source == here and target not in reached:
                reached.add(target)
                frontier.append(target)
    return reached
