r"""Canonical JSON after RFC 8785 (JCS), in the strict profile that everything hashed here uses.

The profile is RFC 8785 without what readers disagree on. Refused, with a CanonicalError that names the place:

* floats, NaN and infinities (money is integer cents; RFC 8785 section 3.2.2.3 is where implementations differ),
* integers beyond +-(2^53-1) (RFC 7493 section 2.2),
* lone surrogates (RFC 8785 section 3.2.2.2: text must be valid Unicode); other text is kept as given, never normalised,
* duplicate keys in input (RFC 7493 section 2.3) and keys outside ASCII (so that sorting by UTF-16 units, by code points
  and by bytes is the same, RFC 8785 section 3.2.3),
* nesting beyond 64 levels.

    >>> canonicalize({"b": 1, "a": [True, None, "é"]})
    b'{"a":[true,null,"\xc3\xa9"],"b":1}'
    >>> parse(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    ledger_automation.errors.CanonicalError: The key 'a' stands twice in one object.
"""

import json
from typing import Any, Final, NoReturn

import msgspec
import rfc8785

from ledger_automation.errors import CanonicalError
from ledger_automation.values import MAX_INTEGER

MAX_DEPTH: Final = 64

_encode = msgspec.json.Encoder(order="sorted").encode


def canonicalize(value: Any) -> bytes:
    """Write a value of None, bool, int, str, list, tuple and dict as canonical UTF-8; raises CanonicalError."""
    conform(value)
    return _encode(value)


def parse(text: bytes) -> Any:
    """Read UTF-8 JSON in the strict profile (any spacing, any key order); raises CanonicalError."""
    try:
        value = _DECODER.decode(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CanonicalError(f"The JSON text is not UTF-8 at byte {error.start}.", offset=error.start) from error
    except json.JSONDecodeError as error:
        raise CanonicalError(
            f"The text is not JSON: {error.msg} at character {error.pos}.", offset=error.pos
        ) from error
    except RecursionError:
        raise CanonicalError(f"The JSON text nests deeper than {MAX_DEPTH} levels.") from None
    conform(value)
    return value


def canonicalize_rfc8785(value: Any) -> bytes:
    """Write a value on the full RFC 8785 path, floats included: for interchange with others, never hashed here."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise CanonicalError(f"RFC 8785 cannot write this value: {error}.") from error


_Place = tuple["_Place", str | int] | None
"""Where a value stands: the place of what holds it, and the key or index there; formatted only for an error."""


def conform(value: Any, place: _Place = None, depth: int = 0) -> None:
    """Hold a value against the strict profile; raises CanonicalError. ``place`` is where it stands in a larger one."""
    kind = type(value)
    if kind is str:
        _check_text(value, place)
    elif kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise CanonicalError(f"The integer at {_path(place)} is beyond 2^53-1.", place=_path(place), value=value)
    elif value is not None and kind is not bool:
        _check_container(value, place, depth + 1)


def _check_container(value: Any, place: _Place, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise CanonicalError(f"The value nests deeper than {MAX_DEPTH} levels.", depth=depth)
    if isinstance(value, dict):
        for key, member in value.items():
            if type(key) is not str or not key.isascii():
                raise CanonicalError(f"The key {key!r} at {_path(place)} is not ASCII text.", place=_path(place))
            if type(member) is not str or not member.isascii():  # ASCII text always conforms: the hot path
                conform(member, (place, key), depth)
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            conform(member, (place, index), depth)
    else:
        kind = type(value).__name__
        raise CanonicalError(f"The value at {_path(place)} is a {kind}, which the strict profile refuses.")


def _path(place: _Place) -> str:
    """Format a place as a JSON path: ``$.actor.id``, ``$.attachments[0]``."""
    if place is None:
        return "$"
    parent, key = place
    return f"{_path(parent)}[{key}]" if isinstance(key, int) else f"{_path(parent)}.{key}"


def _check_text(value: str, place: _Place) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CanonicalError(f"The text at {_path(place)} holds a lone surrogate.", place=_path(place)) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise CanonicalError(f"The key {double!r} stands twice in one object.", key=double)
    return members


def _no_float(text: str) -> NoReturn:
    raise CanonicalError(f"The number {text:.40} is not whole; money is written in whole cents.", number=text[:40])


def _integer(text: str) -> int:
    if len(text) > len(str(-MAX_INTEGER)):
        raise CanonicalError(f"The integer {text:.40} is beyond 2^53-1.", number=text[:40])
    if text == "-0":
        raise CanonicalError("The number -0 is not canonical.", number=text)
    return int(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_no_float, parse_int=_integer, parse_constant=_no_float
)
