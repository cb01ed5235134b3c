"""What an event may have been before somebody changed it: guesses that only its commitment can confirm.

A commitment says that content was changed, not how. But many changes leave few possibilities: another type for the same
value, another form of the same text, another role, the other hour of a clock that was set back. Each guess undoes one
such change; the one that opens the commitment (256 bits, so never by chance) names it, and tells what stood there:

    T08  another place in the case
    T11  a value and its look-alike: null, "", 0 or nothing at all; 100, "100", 100.0, true
    T12  other bytes for the same text: white space, order or doubling of keys, NFC and NFD, a shifted field boundary
    T13  a moment moved by whole hours, as a change of zone or of summer time does
    T20  another role of the actor

Guessing costs a few hundred hashes, and only for events that are known to be spoiled.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

from ledger_automation.audit.event import AuditEvent
from ledger_automation.errors import LedgerError
from ledger_automation.values import MAX_INTEGER, parse_timestamp, timestamp
from ledger_automation.workflows import workflow
from ledger_automation.workflows._table import ROLES

_EMPTY: Final[tuple[Any, ...]] = (None, "", 0, False, [], {})
_HOURS: Final = tuple(timedelta(hours=hours) for hours in range(-14, 15) if hours)
_FURTHEST: Final = 40
"""How many places in a case are guessed at beyond the one that is claimed."""

_MANY: Final = 4_000
"""How many guesses are made at most: hostile content can be large."""


class Guess(NamedTuple):
    """One change undone: the bytes before it, its class, and where in the event it was."""

    canonical: bytes
    tampering: str
    column: str


def explain(canonical: bytes, opens: Callable[[bytes], bool], known: tuple[Any, ...]) -> Guess | None:
    """Return the guess that opens the commitment, if any. ``known`` are values that other copies still tell."""
    for number, guess in enumerate(_guesses(canonical, known)):
        if opens(guess.canonical):
            return guess
        if number > _MANY:
            break
    return None


def _guesses(canonical: bytes, known: tuple[Any, ...]) -> Iterator[Guess]:
    try:
        text = canonical.decode()
        for form in ("NFC", "NFD"):
            yield Guess(unicodedata.normalize(form, text).encode(), "T12", "content.canonical")
        values = [json.loads(text), json.loads(text, object_pairs_hook=lambda pairs: dict(reversed(pairs)))]
    except (ValueError, RecursionError):
        return
    for value in values:
        yield from _undone(value, "T12", "content.canonical")
    if isinstance(values[0], dict):
        yield from _changes(values[0], known)


def _changes(value: dict[str, Any], known: tuple[Any, ...]) -> Iterator[Guess]:
    yield from _roles(value)
    yield from _moments(value)
    sequence = value.get("sequence")
    if type(sequence) is int and 0 <= sequence < MAX_INTEGER:
        yield from _instead(value, "sequence", range(sequence + _FURTHEST), value, "T08", "sequence")
    yield from _types(value, known)
    yield from _absent(value, known)
    yield from _boundaries(value)


def _undone(whole: Any, tampering: str, column: str) -> Iterator[Guess]:
    try:
        written = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError):
        return
    yield Guess(written, tampering, column)


def _instead(  # noqa: PLR0913, PLR0917  a place, what to put there, and what that would mean
    holder: Any, key: Any, others: Any, whole: Any, tampering: str, column: str
) -> Iterator[Guess]:
    """Put other values in one place, one after the other, and what was there back in the end."""
    before = holder[key]
    for other in others:
        holder[key] = other
        yield from _undone(whole, tampering, column)
    holder[key] = before


def _roles(value: dict[str, Any]) -> Iterator[Guess]:
    actor = value.get("actor")
    if isinstance(actor, dict) and "role" in actor:
        yield from _instead(actor, "role", ROLES, value, "T20", "actor_role")


def _moments(value: dict[str, Any]) -> Iterator[Guess]:
    for name in ("occurred_at", "recorded_at"):
        try:
            moment = parse_timestamp(value[name])
            others = [timestamp(moment + shift) for shift in _HOURS]
        except (LedgerError, LookupError, OverflowError):
            continue
        yield from _instead(value, name, others, value, "T13", name)


def _types(value: dict[str, Any], known: tuple[Any, ...]) -> Iterator[Guess]:
    for holder, key, path in list(_places(value, "")):
        yield from _instead(holder, key, _look_alikes(holder[key], known), value, "T11", path)


def _absent(value: dict[str, Any], known: tuple[Any, ...]) -> Iterator[Guess]:
    """Put back what may have been left out: fields of the event, and of its payload as the law writes it."""
    payload = value.get("payload")
    fields = [(value, name, name) for name in AuditEvent.__struct_fields__]
    if isinstance(payload, dict):
        fields += [(payload, name, f"payload.{name}") for name in _payload_fields(value)]
    for holder, name, path in fields:
        if name not in holder:
            holder[name] = None
            yield from _instead(holder, name, (*_EMPTY, *known), value, "T11", path)
            del holder[name]


def _payload_fields(value: dict[str, Any]) -> tuple[str, ...]:
    try:
        return workflow(str(value.get("workflow"))).transition(str(value.get("action"))).payload.__struct_fields__
    except LedgerError:
        return ()


def _boundaries(value: dict[str, Any]) -> Iterator[Guess]:
    """Move the boundary between two neighbouring texts: ("12", "3") may have been ("1", "23")."""
    places = [place for place in _places(value, "") if isinstance(place[0][place[1]], str)]
    for (left, first, path), (right, second, _) in pairwise(places):
        before = left[first], right[second]
        joined = "".join(before)
        for cut in range(len(joined) + 1):
            left[first], right[second] = joined[:cut], joined[cut:]
            yield from _undone(value, "T12", path)
        left[first], right[second] = before


def _places(value: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield every place in a value: what holds it, the key there, and the path; deeper than JSON's own depth never."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in list(members):
        inner = f"{path}.{key}" if path else str(key)
        yield value, key, inner
        yield from _places(member, inner)


def _look_alikes(value: Any, known: tuple[Any, ...]) -> list[Any]:
    if isinstance(value, bool):
        return [int(value), str(value).lower(), *known]
    if value in (None, "", [], {}):
        return [*_EMPTY, *known]
    if isinstance(value, int | float):
        whole = value == value and abs(value) < 2**63 and int(value) == value  # noqa: PLR0124  NaN differs from itself
        return [int(value), str(int(value)), bool(value)] if whole else [str(value)]
    if isinstance(value, str):
        return [int(value)] if value.isascii() and value.isdecimal() and len(value) < 17 else []  # noqa: PLR2004
    return []
