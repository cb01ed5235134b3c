"""The smallest values of a workflow's types: payloads and cases that nobody has to write by hand."""

import re
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
    (INFO.Metadata, lambda t: sample(t.type)),
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


def of_schema(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """Build the smallest value that a JSON Schema of an OpenAPI document allows: what is required, and nothing else."""
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return of_schema(found, document)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return of_schema(schema[choice][0], document)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    return _PLAIN[schema["type"]](schema, document)


def _text_of(schema: dict[str, Any], _: dict[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return NOON.isoformat()
    if schema.get("format") == "date":
        return NOON.date().isoformat()
    found = next((text for text in _TEXTS if re.search(schema.get("pattern", ""), text)), None)
    assert found is not None, f"no sample for {schema['pattern']}; add one"
    return found


_TEXTS = (
    "x",
    "https://receiver.example/",
    "0" * 64,
    "0" * 32,
    "00000000-0000-4000-8000-000000000000",
    "000",
    f'"{"0" * 64}"',
)
_PLAIN: dict[str, Any] = {
    "object": lambda s, d: {name: of_schema(s["properties"][name], d) for name in s.get("required", ())},
    "array": lambda s, d: [of_schema(s["items"], d)] * s.get("minItems", 0),
    "string": _text_of,
    "integer": lambda s, _: s.get("minimum", s.get("exclusiveMinimum", -1) + 1),
    "boolean": lambda _, __: False,
    "null": lambda _, __: None,
}
