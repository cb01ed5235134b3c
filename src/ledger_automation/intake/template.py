"""How an attribute of a log becomes a value of a payload: `Template`, compiled once, called for every event.

Four types and a literal. Text stays what it is, cut at `MAX_TEXT`; a date is the first ten characters of an ISO
moment; an int is an int; cents are a decimal amount of euros, and a fraction of a cent is refused unless the mapping
itself says ``round = "half-up"`` (commercial rounding, DIN 1333). No float is ever made.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from ledger_automation.errors import InvalidDefinition, InvalidValue
from ledger_automation.values import Money

MAX_TEXT: Final = 500
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,16}")

Attributes = Mapping[str, str]
Fill = Callable[[Attributes, Attributes], Any]
"""Event's attributes, trace's attributes -> value, or None when an optional attribute is absent."""


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a payload's field comes from: an attribute of the event, one of the trace, or a literal."""

    event: str = ""
    trace: str = ""
    literal: Any = None
    type: Literal["text", "cents", "date", "int"] = "text"
    round: Literal["", "half-up"] = ""
    optional: bool = False

    def compile(self, field: str) -> Fill:
        """Return the function that fills the field; raises InvalidDefinition for a template that says nothing."""
        if (bool(self.event) + bool(self.trace) + (self.literal is not None)) != 1:
            raise InvalidDefinition(f"The field {field} needs exactly one of event, trace and literal.", field=field)
        if self.literal is not None:
            literal = self.literal
            return lambda _event, _trace: literal
        return self._reader(field)

    def _reader(self, field: str) -> Fill:
        name, of_event, optional = self.event or self.trace, bool(self.event), self.optional
        read = _READERS[self.type + self.round]

        def fill(event: Attributes, trace: Attributes) -> Any:
            text = (event if of_event else trace).get(name)
            if text is not None:
                return read(text)
            if optional:
                return None
            raise InvalidValue(f"The attribute {name} for {field}", None, "present")

        return fill


def _text(text: str) -> str:
    return text[:MAX_TEXT]


def _int(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise InvalidValue("A whole number", text, "digits only")
    return int(text)


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError as error:
        raise InvalidValue("A date", text, "ISO 8601") from error


@lru_cache(maxsize=4096)
def _cents(text: str) -> int:
    return int(Money.parse(text))


@lru_cache(maxsize=4096)
def _cents_half_up(text: str) -> int:
    try:
        rounded = (Decimal(text) * 100).quantize(Decimal(1), ROUND_HALF_UP)
    except InvalidOperation as error:
        raise InvalidValue("An amount", text, "a number of euros") from error
    return int(Money(int(rounded)))


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "text": _text,
    "int": _int,
    "date": _date,
    "cents": _cents,
    "centshalf-up": _cents_half_up,
}
