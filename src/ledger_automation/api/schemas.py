"""What the OpenAPI document says of each operation, made from the workflows' tables.

A payload's JSON Schema comes from its msgspec type, under the workflow's name, since two workflows may both have a
``Reason``. Nothing here is read by a route at run time: the law's own types decide, and the document repeats them.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ledger_automation.api.problems import MEDIA_TYPE
from ledger_automation.workflows import Workflow
from ledger_automation.workflows._table import Transition

UUID: Final = {
    "type": "string",
    "format": "uuid",
    "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
}
DIGEST: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
ACTOR: Final = {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"}
MOMENT: Final = {"type": "string", "format": "date-time"}
COUNT: Final = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
WORD: Final = {"type": "string"}
CODE: Final = {
    "type": ["string", "null"],
    "description": "The access code of the office's letter, for a case that names nobody yet.",
}

PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": WORD,
        "status": {"type": "integer"},
        "detail": WORD,
    },
}

_TITLES: Final = {
    400: "The request cannot be understood.",
    401: "No valid bearer token.",
    403: "Not for the caller's roles.",
    404: "Not there, or not for the caller.",
    409: "Refused by the law, by somebody faster, or by the same key under way.",
    412: "The case has moved on.",
    413: "Too large.",
    415: "Not application/json.",
    422: "A value is malformed, or the key was used for something else.",
    429: "Too many requests.",
    503: "Something that is needed does not answer.",
}


def closed(properties: dict[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    """Return the schema of an object with these members and no others."""
    needed = sorted(required)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": needed} if needed else {}),
    }


def whole(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that always has all of these members."""
    return closed(properties, properties)


MOST_DOCUMENTS: Final = 20
NAME: Final = {"type": "string", "pattern": r"^[^\u0000-\u001f\u007f/\\]{1,200}$"}
"""A document's name: a label, which leads nowhere."""

TAKEN: Final = {"$ref": "#/components/schemas/Taken"}
HELD: Final = {"$ref": "#/components/schemas/Held"}
SUMMARY: Final = {"$ref": "#/components/schemas/Case"}
OFFICE_SUMMARY: Final = {"$ref": "#/components/schemas/CaseToOffice"}
_STANDS: Final = {
    "case_id": UUID, "workflow": WORD, "level": WORD, "state": WORD, "sequence": COUNT, "at": MOMENT,
    "ended": {"type": "boolean"}, "actions": {"type": "array", "items": WORD},
}  # fmt: skip
_OWN: Final = {
    "Problem": PROBLEM,
    "Taken": whole(
        {"case_id": UUID, "sequence": COUNT, "action": WORD, "state": WORD, "level": WORD, "commitment": DIGEST}
    ),
    "Held": whole({"case_id": UUID, "sequence": COUNT, "action": WORD, "status": {"const": "held"}}),
    "Case": whole(_STANDS),
    "CaseToOffice": closed({**_STANDS, "access_code": WORD}, _STANDS),
}


def problems(*statuses: int) -> dict[str, Any]:
    """Return the problem answers of an operation."""
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}


def responses() -> dict[str, Any]:
    """Return the problem answers that operations refer to."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): {"description": words, "content": content} for status, words in _TITLES.items()}


def answers(status: int, words: str, schema: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    """Return one good answer of an operation."""
    return {str(status): {"description": words, "content": {media_type: {"schema": schema}}}}


def parameter(name: str, where: str, schema: dict[str, Any], *, words: str = "") -> dict[str, Any]:
    """Return a parameter; one of a path is always required."""
    needed = {"required": True} if where == "path" or name == "Idempotency-Key" else {}
    return {"name": name, "in": where, "schema": schema, **needed, **({"description": words} if words else {})}


def component(table: Workflow[Any], row: Transition) -> str:
    """Name the component with the payload of a step."""
    return f"{table.name}.{row.payload.__name__}"


def components(tables: Iterable[Workflow[Any]]) -> dict[str, Any]:
    """Return the schemas that operations refer to: ours, and all payloads, each under its workflow's name."""
    found: dict[str, Any] = dict(_OWN)
    for table in tables:
        types = list(dict.fromkeys(row.payload for row in table.transitions.values()))
        _, parts = msgspec.json.schema_components(types, ref_template=f"#/components/schemas/{table.name}.{{name}}")
        found |= {f"{table.name}.{name}": schema for name, schema in parts.items()}
    return found


def step_body(table: Workflow[Any], rows: list[Transition]) -> dict[str, Any]:
    """Return the schema of what a step is asked for with; among several rows, ``action`` says which."""
    forms = [_form(table, row, named=len(rows) > 1) for row in rows]
    return forms[0] if len(forms) == 1 else {"oneOf": forms}


def _form(table: Workflow[Any], row: Transition, *, named: bool) -> dict[str, Any]:
    payload = {"$ref": f"#/components/schemas/{component(table, row)}"}
    action = {"action": {"const": row.action}} if named else {}
    document = whole({"name": NAME, "sha256": DIGEST})
    properties = {
        **action,
        "payload": payload,
        "role": {"enum": [*row.roles, None]},
        "occurred_at": {"type": ["string", "null"], "format": "date-time"},
        "documents": {"type": "array", "items": document, "maxItems": MOST_DOCUMENTS},
        **({"code": CODE} if row.sources and "applicant" in row.roles else {}),
    }
    return closed(properties, ["payload", *action])
