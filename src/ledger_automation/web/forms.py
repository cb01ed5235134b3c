"""A step's payload as a form, and a posted form as a payload: both made from the law's own types (msgspec).

    fields_of(type)        what to ask for, in the order of the type
    payload_of(fields, …)  what was answered, as the law reads it, and the fields that cannot be read

A field's name is its path: `reason`, `rules.rate`, `cost_plan.0.item`. Money is entered in euros, shares in per cent,
with the reader's decimal comma or point; a field that stays empty is left out, and the law's default holds. What is
allowed is the law's to say: nothing is checked here but what a text must look like to be read.

    >>> from ledger_automation.workflows.parking_fine.case import Amount
    >>> payload_of(fields_of(Amount), {"amount": "1.234,50"}, ",")
    ({'amount': 123450}, [])
    >>> payload_of(fields_of(Amount), {"amount": "12,3"}, ",")
    ({}, ['amount'])
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import inspect

from ledger_automation.values import timestamp

_TOWN: Final = ZoneInfo("Europe/Berlin")
_LONG: Final = 200
"""A text that may be longer than this is written in several lines."""

_FIRST_ROWS: Final = 3
MOST_ROWS: Final = 60
_MONEY: Final = {
    ",": re.compile(r"(\d{1,3}(?:\.\d{3})+|\d{1,14})(?:,(\d\d))?", re.ASCII),
    ".": re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,14})(?:\.(\d\d))?", re.ASCII),
}
_YES_OR_NO: Final = ("yes", "no")
_WHOLE: Final = re.compile(r"\d{1,16}", re.ASCII)


class Kind(StrEnum):
    """How a field is asked for."""

    LINE = "line"
    WORDS = "words"
    MONEY = "money"
    SHARE = "share"
    WHOLE = "whole"
    DAY = "day"
    MOMENT = "moment"
    CHOICE = "choice"
    LINES = "lines"
    PART = "part"
    ROWS = "rows"


_LINES: Final[tuple[Kind, dict[str, Any]]] = (Kind.LINES, {})
_COUNTED: Final = {"cents": Kind.MONEY, "basis points": Kind.SHARE}
_PLAIN: Final[dict[type[inspect.Type], Kind]] = {
    inspect.IntType: Kind.WHOLE,
    inspect.DateType: Kind.DAY,
    inspect.DateTimeType: Kind.MOMENT,
}


class Field(NamedTuple):
    """One thing to ask for; ``fields`` are those of a part or of each row, ``default`` what holds if it stays empty."""

    name: str
    kind: Kind
    required: bool
    default: Any
    choices: tuple[str, ...] = ()
    fields: "tuple[Field, ...]" = ()
    most: int | None = None


@cache
def fields_of(payload: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Return what to ask for."""
    described = inspect.type_info(payload)
    return tuple(map(_field, described.fields)) if isinstance(described, inspect.StructType) else ()


def _field(of: inspect.Field) -> Field:
    kind, more = _kind(of.type)
    default = of.default if of.default is not msgspec.NODEFAULT else None
    return Field(of.name, kind, of.required, default, **more)


def _kind(of: inspect.Type) -> tuple[Kind, dict[str, Any]]:
    """Return how a type is asked for, and what else is known of it."""
    if isinstance(of, inspect.UnionType):  # with None: what need not be said
        (of,) = (each for each in of.types if not isinstance(each, inspect.NoneType))
    match of:
        case inspect.Metadata():
            return _COUNTED[(of.extra or {})["unit"]], {}
        case inspect.StrType():
            is_line = of.max_length is not None and of.max_length <= _LONG
            kind = Kind.LINE if is_line or of.pattern or of.min_length is None else Kind.WORDS
            return kind, {"most": of.max_length}
        case inspect.BoolType() | inspect.LiteralType():
            values = _YES_OR_NO if isinstance(of, inspect.BoolType) else of.values
            return Kind.CHOICE, {"choices": tuple(map(str, values))}
        case inspect.StructType():
            return Kind.PART, {"fields": fields_of(of.cls)}
        case inspect.VarTupleType():
            row = of.item_type
            return (Kind.ROWS, {"fields": fields_of(row.cls)}) if isinstance(row, inspect.StructType) else _LINES
    return _PLAIN[type(of)], {}


def rows_of(name: str, given: Mapping[str, str]) -> int:
    """Return how many rows of a field to show: those that are filled in, and some more."""
    filled = (each.split(".")[1] for each, text in given.items() if each.startswith(f"{name}.") and text.strip())
    numbers = [int(each) for each in filled if _WHOLE.fullmatch(each)]
    return min(max(numbers, default=-1) + 1 + _FIRST_ROWS, MOST_ROWS)


def payload_of(
    fields: tuple[Field, ...], given: Mapping[str, str], decimal: str, path: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """Return what was answered, and the names of the fields that cannot be read; ``decimal`` is the reader's mark."""
    payload: dict[str, Any] = {}
    unread: list[str] = []
    for field in fields:
        name = f"{path}{field.name}"
        if field.kind in {Kind.PART, Kind.ROWS}:
            value, flaws = _nested(field, given, decimal, name)
            unread += flaws
            if value:
                payload[field.name] = value
            continue
        text = given.get(name, "").replace("\r\n", "\n").strip()
        if not text:
            continue
        try:
            payload[field.name] = _READ[field.kind](text, decimal)
        except ValueError:
            unread.append(name)
    return payload, unread


def _nested(field: Field, given: Mapping[str, str], decimal: str, name: str) -> tuple[Any, list[str]]:
    if field.kind is Kind.PART:
        asked = any(given.get(each, "").strip() for each in given if each.startswith(f"{name}."))
        return payload_of(field.fields, given, decimal, f"{name}.") if asked else ({}, [])
    rows, unread = [], []
    for number in range(MOST_ROWS):
        at = f"{name}.{number}."
        if any(given.get(f"{at}{each.name}", "").strip() for each in field.fields):
            row, flaws = payload_of(field.fields, given, decimal, at)
            rows.append(row)
            unread += flaws
    return rows, unread


def _hundredths(text: str, decimal: str) -> int:
    found = _MONEY[decimal].fullmatch(text.removesuffix("€").removesuffix("%").strip())
    if found is None:
        raise ValueError(text)
    return 100 * int(re.sub(r"\D", "", found[1])) + int(found[2] or 0)


def _whole(text: str, _: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _moment(text: str, _: str) -> str:
    local = datetime.fromisoformat(text)
    try:
        return timestamp(local.replace(tzinfo=local.tzinfo or _TOWN))
    except OverflowError:
        raise ValueError(text) from None


def _choice(text: str, _: str) -> str | bool:
    return {"yes": True, "no": False}.get(text, text)


def _text(text: str, _: str) -> str:
    return text


def _lines(text: str, _: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _day(text: str, _: str) -> str:
    return date.fromisoformat(text).isoformat()


_READ: Final[dict[Kind, Callable[[str, str], Any]]] = {
    Kind.LINE: _text,
    Kind.WORDS: _text,
    Kind.MONEY: _hundredths,
    Kind.SHARE: _hundredths,
    Kind.WHOLE: _whole,
    Kind.DAY: _day,
    Kind.MOMENT: _moment,
    Kind.CHOICE: _choice,
    Kind.LINES: _lines,
}


def flawed(sentence: str) -> str:
    """Return the name of the field that the law's reader points to (`$.cost_plan[0].item`), or nothing."""
    found = re.search(r"`\$\.([^`]*)`", sentence)
    return re.sub(r"\[(\d+)\]", r".\1", found[1]) if found else ""


def hundredths(value: int, decimal: str) -> str:
    """Write cents as euros, or basis points as per cent.

    >>> hundredths(123450, ",")
    '1.234,50'
    """
    grouped = f"{value // 100:,}.{value % 100:02d}"
    return grouped if decimal == "." else grouped.translate(str.maketrans(",.", ".,"))
