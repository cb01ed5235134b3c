"""Short lawful trails through a workflow that lead past every text that its steps may carry, found by random walks.

A trail is data: who does what, when. `loosened` tells which of its texts the law does not look at, so that they may be
anything; where one text names another (a condition, and that it is met), they are changed together.
"""

from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any, Final, NamedTuple

import msgspec

from contracts.laws.driver import hints_for
from contracts.laws.walks import Walk
from ledger_automation.errors import InvalidInput, TransitionNotAllowed
from ledger_automation.workflows import Command, Workflow

INFO = msgspec.inspect
SEED: Final = 20_26
LONGEST: Final = 40
Place = tuple[str | int, ...]


class Move(NamedTuple):
    command: Command
    at: datetime


class Text(NamedTuple):
    """Where a text stands in a trail, what its field is called, and how long it may be."""

    move: int
    place: Place
    field: str
    least: int
    most: int | None


def fields(table: Workflow[Any]) -> set[str]:
    """Name every free text that the payloads of a workflow may carry: ``action.member.member``."""
    found = set()
    for row in table.transitions.values():
        found |= {f"{row.action}{name}" for name, _, _ in _texts(INFO.type_info(row.payload))}
    return found


def _texts(kind: Any, at: str = "") -> Iterator[tuple[str, int, int | None]]:
    match kind:
        case INFO.StructType():
            for each in kind.fields:
                yield from _texts(each.type, f"{at}.{each.encode_name}")
        case INFO.VarTupleType():
            yield from _texts(kind.item_type, at)
        case INFO.UnionType():
            for each in kind.types:
                yield from _texts(each, at)
        case INFO.StrType() if not kind.pattern:
            yield at, kind.min_length or 0, kind.max_length


def texts(table: Workflow[Any], trail: list[Move]) -> Iterator[Text]:
    """Yield every free text of a trail."""
    for number, move in enumerate(trail):
        row = table.transition(move.command.action)
        bounds = {name: (least, most) for name, least, most in _texts(INFO.type_info(row.payload))}
        for place, name in _leaves(move.command.payload):
            if name in bounds:
                yield Text(number, place, move.command.action + name, *bounds[name])


def _leaves(value: Any, place: Place = (), name: str = "") -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(member, (*place, key), f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            yield from _leaves(member, (*place, index), name)
    elif isinstance(value, str):
        yield place, name


def trails(table: Workflow[Any], unread: frozenset[str]) -> list[list[Move]]:
    """Walk until every free text was met but those that the law reads; return few short trails that meet them all."""
    random, missing = Random(SEED), fields(table) - unread
    chosen: list[list[Move]] = []
    while missing:
        found = [each for each in (_walked(table, random) for _ in range(40)) if each]
        best = max(found, key=lambda each: len(_free(table, each) & missing) / (5 + len(each)))
        if new := _free(table, best) & missing:
            missing -= new
            chosen.append(_shortened(table, best, new))
    return chosen


def _shortened(table: Workflow[Any], trail: list[Move], needed: set[str]) -> list[Move]:
    """Leave out every step without which the law allows the rest, and the rest meets what is needed."""
    for at in reversed(range(len(trail))):
        shorter = trail[:at] + trail[at + 1 :]
        if needed <= _met(table, shorter) and holds(table, shorter) and needed <= _free(table, shorter):
            trail = shorter
    return trail


def _free(table: Workflow[Any], trail: list[Move]) -> set[str]:
    return {each.field for each in loosened(table, trail)}


def _met(table: Workflow[Any], trail: list[Move]) -> set[str]:
    return {each.field for each in texts(table, trail)}


def _walked(table: Workflow[Any], random: Random) -> list[Move]:
    walk, trail = Walk(table, random, hints_for(table.name)), list[Move]()
    for _ in range(LONGEST):
        command, at = walk.next()
        try:
            walk.case, walk.at = table.apply(walk.case, command, at).case, at
        except (InvalidInput, TransitionNotAllowed):
            continue
        trail.append(Move(command, at))
    return trail


def holds(table: Workflow[Any], trail: list[Move]) -> bool:
    """Say whether the law allows a whole trail."""
    case = None
    try:
        for command, at in trail:
            case = table.apply(case, command, at).case
    except (InvalidInput, TransitionNotAllowed):
        return False
    return True


def changed(trail: list[Move], places: list[Text], value: str) -> list[Move]:
    """Return a trail with another text at some places."""
    after = [
        Move(Command(c.action, c.actor, msgspec.json.decode(msgspec.json.encode(c.payload))), at) for c, at in trail
    ]
    for text in places:
        target: Any = after[text.move].command.payload
        for step in text.place[:-1]:
            target = target[step]
        target[text.place[-1]] = value
    return after


def loosened(table: Workflow[Any], trail: list[Move], probe: str = "probe \u00e9\u6f22") -> list[Text]:
    """Return the texts that may be anything, all of them the same thing at once."""
    free: list[Text] = []
    found = list(texts(table, trail))
    value_at = {each: _value(trail, each) for each in found}
    for group in [[each for each in found if value_at[each] == value] for value in dict.fromkeys(value_at.values())]:
        for few in [group, *([each] for each in group)]:
            wanted = list(dict.fromkeys([*free, *few]))
            if holds(table, changed(trail, wanted, probe)):
                free = wanted
    return free


def _value(trail: list[Move], text: Text) -> Any:
    value: Any = trail[text.move].command.payload
    for step in text.place:
        value = value[step]
    return value


def written(found: dict[str, list[list[Move]]]) -> str:
    """Write trails as JSON, one step a line."""
    text = msgspec.json.encode(found).decode().replace('{"', '{"').replace("[[{", "[\n[{").replace("}],[", "}],\n[")
    return text + "\n"


def read(text: str) -> dict[str, list[list[Move]]]:
    """Read what `written` wrote."""
    return msgspec.json.decode(text, type=dict[str, list[list[Move]]])
