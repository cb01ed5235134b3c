"""What a workflow's table is made of: roles, payloads, commands, cases, guards, transitions.

Only data: frozen, typed, compared by value, and never part of a cycle, so that the garbage collector need not look
(``gc=False``). `_machine.Workflow` applies such a table, `_soundness` checks it at import.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from ledger_automation.values import MAX_INTEGER

ROLES: Final = ("applicant", "clerk", "approver", "finance", "auditor", "system", "administrator")
"""Who may act. An administrator has no rights in any workflow; nobody decides in his own case."""

CENTS: Final = {"unit": "cents"}
BASIS_POINTS: Final = {"unit": "basis points"}
"""What a number counts, for whoever shows it or reads it from people."""

Cents = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER, extra=CENTS)]
"""An amount of money in integer cents."""

PositiveCents = Annotated[int, msgspec.Meta(gt=0, le=MAX_INTEGER, extra=CENTS)]
"""An amount of money in integer cents that is more than nothing."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
"""Words that must not be missing: a reason, a reference, a legal basis."""


class Payload(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=False):
    """What a step carries, or what a case remembers: typed, frozen, without unknown fields, without floats."""


class Nothing(Payload, frozen=True):
    """The payload of a step that carries nothing."""


class Actor(msgspec.Struct, frozen=True, gc=False):
    """Who acts: a pseudonym, and the role it acts in."""

    id: str
    role: str


class Command(msgspec.Struct, frozen=True, gc=False):
    """What somebody asks for, in the imperative: ``grant``, ``record_payment``."""

    action: str
    actor: Actor
    payload: Mapping[str, Any]


class Case(msgspec.Struct, frozen=True, gc=False):
    """Where a case stands. ``sequence`` is that of its last event; ``data`` is what its law needs to remember."""

    state: str
    sequence: int
    at: datetime
    data: Any


class Step(msgspec.Struct, frozen=True, gc=False):
    """One command as guards and effects see it, with its typed payload and the moment it happened."""

    state: str | None
    actor: Actor
    payload: Any
    at: datetime


class Retention(msgspec.Struct, frozen=True, gc=False):
    """How long an ended case is kept: to the end of so many calendar years behind the one in which it ended."""

    years: int
    basis: str


class Term(NamedTuple):
    """Something that is to be done, or may be done, before a moment: the first one that is too late."""

    name: str
    ends: datetime


class Applied(msgspec.Struct, frozen=True, gc=False):
    """What follows from a command. ``payload`` is complete: every default is written out, so that law outlives code."""

    event: str
    from_state: str | None
    case: Case
    payload: dict[str, Any]


class Guard(msgspec.Struct, frozen=True, gc=False):
    """A named rule: ``holds`` decides on the case's data and the step, ``sentence`` says what is required."""

    rule: str
    sentence: str
    holds: Callable[[Any, Step], bool]


def own_case_only(is_own: Callable[[Any, str], bool]) -> Guard:
    """Return the rule for applicants, the same in every workflow; ``is_own`` says whose case it is."""
    return Guard(
        "own_case_only",
        "Who acts as applicant acts in his own case only.",
        lambda data, step: step.actor.role != "applicant" or is_own(data, step.actor.id),
    )


class Barred(msgspec.Struct, frozen=True, gc=False):
    """Why a step is refused in certain states, under a name of its own instead of ``not_in_state``.

    It never widens the table: a barred state is outside the row's sources, which `_soundness` checks.
    """

    rule: str
    sentence: str
    states: tuple[str, ...]


class Transition(msgspec.Struct, frozen=True, gc=False):
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
