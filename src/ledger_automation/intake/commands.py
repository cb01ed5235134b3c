"""From traces to commands: what the mapping makes of every event, in the order of the file.

Each event becomes exactly one `Arrival`: a command with the moment it happened, or the reason why the mapping ignores
it, or the flaw that keeps it from being a command at all (an attribute is missing, an amount has a fraction of a cent).
A flaw is counted as a refusal under the rule ``malformed_event``; nothing is dropped.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ledger_automation.errors import InvalidDefinition, InvalidValue, UnmappedActivities
from ledger_automation.intake.mapping import ActorSource, MappedStep, Mapping
from ledger_automation.intake.template import Attributes, Fill
from ledger_automation.intake.trace import TIMESTAMP, LoggedEvent, Trace
from ledger_automation.values import ActorId
from ledger_automation.workflows import Actor, Command, workflow

MALFORMED: Final = "malformed_event"
"""The rule name under which an event is refused that cannot be made a command."""

OPENING: Final = 0
"""The number of an arrival that is no event of the file but the mapping's own opening step."""

_STRANGE: Final = re.compile(r"[^a-z0-9._-]+")
_LONGEST: Final = 64


class Arrival(NamedTuple):
    """What became of one event of the file; exactly one of ``command``, ``ignored`` and ``flaw`` is given."""

    number: int
    case: str
    activity: str
    at: datetime | None
    command: Command | None = None
    ignored: str = ""
    flaw: InvalidValue | None = None


class _Compiled(NamedTuple):
    when: tuple[tuple[str, str], ...]
    action: str
    actor: Callable[[Attributes, Attributes], Actor]
    fields: tuple[tuple[str, Fill], ...]


def commands(traces: Iterable[Trace], mapping: Mapping) -> Iterator[Arrival]:
    """Yield one arrival per event; raises UnmappedActivities at an activity that the mapping does not know."""
    steps = _compiled(mapping)
    ignored: dict[str, str] = {}
    for trace in traces:
        case = trace.attributes.get(mapping.key, "")
        opened = mapping.opening is None
        for event in trace.events:
            activity = event.attributes.get(mapping.activity, "")
            if activity not in ignored:
                ignored[activity] = mapping.reason_to_ignore(activity)
            arrival = (
                Arrival(event.number, case, activity, None, ignored=ignored[activity])
                if ignored[activity]
                else _arrival(event, trace, mapping, steps.get(activity), (case, activity))
            )
            if not opened and arrival.at is not None:
                opened = True
                yield _opening(mapping, case, arrival.at)
            yield arrival


def _opening(mapping: Mapping, case: str, at: datetime) -> Arrival:
    opening = mapping.opening
    if opening is None:
        raise InvalidDefinition(f"The mapping {mapping.name} has no opening.", mapping=mapping.name)
    payload = {**opening.payload, **({"rules": mapping.rules} if mapping.rules else {})}
    command = Command(opening.action, Actor(pseudonym(opening.actor), opening.role), payload)
    return Arrival(OPENING, case, opening.action, at, command)


def _arrival(
    event: LoggedEvent, trace: Trace, mapping: Mapping, steps: list[_Compiled] | None, name: tuple[str, str]
) -> Arrival:
    number, attributes = event
    case, activity = name
    if steps is None:
        raise UnmappedActivities({activity: 1})
    try:
        at = _moment(attributes.get(TIMESTAMP, ""), mapping.zone)
        step = _chosen(steps, attributes)
        payload = {
            name: value for name, fill in step.fields if (value := fill(attributes, trace.attributes)) is not None
        }
        actor = step.actor(attributes, trace.attributes)
    except InvalidValue as flaw:
        return Arrival(number, case, activity, None, flaw=flaw)
    return Arrival(number, case, activity, at, Command(step.action, actor, payload))


def _chosen(steps: list[_Compiled], attributes: Attributes) -> _Compiled:
    for step in steps:
        if all(attributes.get(name) == value for name, value in step.when):
            return step
    raise InvalidValue("The event", dict(attributes), "one whose conditions the mapping foresees")


def _compiled(mapping: Mapping) -> dict[str, list[_Compiled]]:
    opening = {row.action for row in workflow(mapping.workflow).transitions.values() if not row.sources}
    steps: dict[str, list[_Compiled]] = {}
    for each in mapping.step:
        fields = [(name, template.compile(name)) for name, template in each.payload.items()]
        if each.action in opening and mapping.rules:
            fields.append(("rules", _constant(mapping.rules)))
        actor = _actor_source(each.actor, each)
        steps.setdefault(each.activity, []).append(
            _Compiled(tuple(each.when.items()), each.action, actor, tuple(fields))
        )
    return steps


def _constant(value: Any) -> Fill:
    return lambda _event, _trace: value


def _actor_source(source: ActorSource, step: MappedStep) -> Callable[[Attributes, Attributes], Actor]:
    role, name, prefix, default = step.role, source.event or source.trace, source.prefix, source.default
    if source.literal:
        fixed = Actor(pseudonym(source.literal), role)
        return lambda _event, _trace: fixed
    if not name:
        raise InvalidDefinition(f"{step.activity} names no source for its actor.", activity=step.activity)
    of_event = bool(source.event)

    def actor(event: Attributes, trace: Attributes) -> Actor:
        found = (event if of_event else trace).get(name)
        return Actor(pseudonym(prefix + found) if found else pseudonym(default), role)

    return actor


@lru_cache(maxsize=16384)
def pseudonym(text: str) -> ActorId:
    """Return the actor for a log's resource: lower case, and a short digest wherever characters had to go.

    >>> pseudonym("Resource02"), pseudonym("STAFF MEMBER")
    ('resource02', 'staff-member-affd4d23')
    """
    plain = text.lower()
    clean = _STRANGE.sub("-", plain).strip("._-")
    if clean == plain and len(clean) <= _LONGEST:
        return ActorId(clean)
    digest = sha256(text.encode()).hexdigest()[:8]
    return ActorId(f"{clean[: _LONGEST - 9] or 'actor'}-{digest}")


@lru_cache(maxsize=8192)
def _moment(text: str, zone: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue("A moment", text, "ISO 8601") from error
    if moment.tzinfo is None:
        if not zone:
            raise InvalidValue("A moment", text, "a time with a zone, or a mapping that names the zone")
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)
