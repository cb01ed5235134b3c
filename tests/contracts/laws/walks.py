"""Random cases of any workflow: mostly lawful steps, with values that lie on the law's own edges.

A value is drawn from what its type allows, and often from what the case already holds: an amount that is open, the
moment at which a term ends, and one more or less of it. A workflow may give hints (``hints_<name>.py``): values that a
type alone does not suggest.
"""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from ledger_automation.errors import InvalidInput, TransitionNotAllowed
from ledger_automation.workflows import Actor, Case, Command, Workflow
from ledger_automation.workflows._table import ROLES, Transition

INFO = msgspec.inspect
PEOPLE = ("anna", "boris", "clara", "dora", "emil")
WORDS = ("a", "b", "c", "x" * 200)
AMOUNTS = (1, 2, 5, 10, 100, 1_000, 10_000, 2**53 - 1)
START = datetime(2001, 4, 2, 9, 30, tzinfo=UTC)
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
LAWFUL, LIKED = 0.85, 0.8


class Walk:
    """One case on its way; `next` proposes a step, `go` takes it."""

    def __init__(self, table: Workflow[Any], random: Random, hints: dict[str, tuple[Any, ...]]) -> None:
        self.table, self.random, self.hints = table, random, hints
        self.case: Case | None = None
        self.at = START

    def next(self) -> tuple[Command, datetime]:
        """Half of the time, look a while for a step that the law allows: a walk of refusals leads nowhere."""
        for _ in range(self.random.choice((1, 10))):
            command, at = self._propose()
            try:
                self.table.apply(self.case, command, at)
            except (InvalidInput, TransitionNotAllowed):
                continue
            break
        return command, at

    def _propose(self) -> tuple[Command, datetime]:
        row, role = self._action()
        actor = Actor(self.random.choice(PEOPLE), role)
        payload = self._value(INFO.type_info(row.payload), row.action)
        return Command(row.action, actor, payload), self._moment()

    def _action(self) -> tuple[Transition, str]:
        state = self.case.state if self.case else None
        rows = [row for row in self.table.transitions.values() if self._leads_on(row, state)]
        if rows and self.random.random() < LAWFUL:
            liked = [row for row in rows if row.action in self.hints.get("rows", ())]
            row = self.random.choice(liked if liked and self.random.random() < LIKED else rows)
            return row, self.random.choice(row.roles)
        return self.random.choice(list(self.table.transitions.values())), self.random.choice(ROLES)

    def _leads_on(self, row: Transition, state: str | None) -> bool:
        if (state not in row.sources) if state else bool(row.sources):
            return False
        return self.random.random() < (0.05 if set(row.targets) <= self.table.final else 1)

    def _moment(self) -> datetime:
        """A little later; or on, just before or just after a moment that the case remembers; rarely in the past."""
        known = [each for each in _leaves(self.case.data if self.case else None) if isinstance(each, datetime)]
        chance = self.random.random()
        if known and chance < 0.3:
            return self.random.choice(known) + self.random.choice((-1, 0, 0, 1)) * MICROSECOND
        if 0.3 <= chance < 0.33:
            return self.at - HOUR
        return self.at + self.random.choice((0, 1, 30, 24 * 9, 24 * 40)) * HOUR * self.random.random()

    def _value(self, kind: Any, field: str) -> Any:
        kind = kind.type if isinstance(kind, INFO.Metadata) else kind
        chance = self.random.random()
        if field in self.hints and chance < 0.8:
            return self.random.choice(self.hints[field])
        if isinstance(kind, INFO.StructType):
            return {
                each.encode_name: self._value(each.type, each.encode_name)
                for each in kind.fields
                if each.required or self.random.random() < 0.7
            }
        if isinstance(kind, INFO.VarTupleType):
            return [
                self._value(kind.item_type, field)
                for _ in range(kind.min_length or self.random.choice((0, 1, 1, 2, 3)))
            ]
        if isinstance(kind, INFO.UnionType):
            return self._value(self.random.choice(kind.types), field)
        return self._leaf(kind)

    def _leaf(self, kind: Any) -> Any:  # noqa: PLR0911  one return a type
        match kind:
            case INFO.NoneType():
                return None
            case INFO.BoolType():
                return self.random.random() < 0.5
            case INFO.LiteralType():
                return self.random.choice(kind.values)
            case INFO.IntType():
                return self._integer(kind)
            case INFO.DateTimeType():
                return (self._moment() + self.random.choice((0, 24, 24 * 60)) * HOUR).isoformat()
            case INFO.DateType():
                return (self._day() + timedelta(days=self.random.choice((-1, 0, 1, 30)))).isoformat()
        if kind.pattern and "64" in kind.pattern:
            return self.random.choice("0123") * 64
        return self.random.choice((*PEOPLE, *WORDS))

    def _integer(self, kind: Any) -> int:
        known = [each for each in _leaves(self.case.data if self.case else None) if type(each) is int]
        near = [each + self.random.choice((-1, 0, 0, 0, 1)) for each in known if self.random.random() < 0.7]
        value = self.random.choice((*near, *AMOUNTS))
        least = kind.ge if kind.ge is not None else (kind.gt + 1 if kind.gt is not None else 0)
        most = kind.le if kind.le is not None else value
        return max(least, min(most, value))

    def _day(self) -> date:
        known = [each for each in _leaves(self.case.data if self.case else None) if type(each) is date]
        return self.random.choice((*known, self.at.date()))


def _leaves(value: Any) -> list[Any]:
    """Everything that a case remembers, however deep."""
    if isinstance(value, msgspec.Struct):
        return [leaf for name in value.__struct_fields__ for leaf in _leaves(getattr(value, name))]
    if isinstance(value, tuple | list):
        return [leaf for each in value for leaf in _leaves(each)]
    return [] if value is None else [value]
