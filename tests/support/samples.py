"""The smallest values of a workflow's types: payloads and cases that nobody has to write by hand."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec

from ledger_automation.workflows import Case, Workflow
from ledger_automation.workflows._table import Transition

NOON = datetime(2026, 4, 20, 12, tzinfo=UTC)


def sample(kind: Any) -> Any:
    """Build the smallest value of a type, as plain data."""
    return next(build(kind) for shape, build in BUILDERS if isinstance(kind, shape))


def _text(kind: Any) -> str:
    return "0" * 64 if kind.pattern and "64" in kind.pattern else "x"


def _integer(kind: Any) -> int:
    return kind.ge if kind.ge is not None else (kind.gt or 0) + 1


INFO = msgspec.inspect
BUILDERS: list[tuple[type, Any]] = [
    (INFO.StructType, lambda t: {f.encode_name: sample(f.type) for f in t.fields if f.required or _empties(f)}),
    (INFO.IntType, _integer),
    (INFO.StrType, _text),
    (INFO.LiteralType, lambda t: t.values[0]),
    (INFO.UnionType, lambda t: sample(next(each for each in t.types if not isinstance(each, INFO.NoneType)))),
    (INFO.VarTupleType, lambda t: [sample(t.item_type)] * (t.min_length or 0)),
    (INFO.BoolType, lambda _: False),
    (INFO.DateTimeType, lambda _: NOON.isoformat()),
    (INFO.DateType, lambda _: date(2026, 4, 20).isoformat()),
]


def _empties(field: msgspec.inspect.Field) -> bool:
    return field.default is None


def payload_of(row: Transition) -> dict[str, Any]:
    built: dict[str, Any] = sample(msgspec.inspect.type_info(row.payload))
    return built


def case_in(table: Workflow[Any], state: str) -> Case:
    data = msgspec.convert(sample(msgspec.inspect.type_info(table.data)), table.data)
    return Case(state, 3, NOON, data)
