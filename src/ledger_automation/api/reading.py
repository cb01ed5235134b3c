"""What every route that reads has in common: the case of a path, numbers of a query, answers."""

from typing import Any, Final

import msgspec
from fastapi import Request, Response

from ledger_automation.api import schemas
from ledger_automation.errors import InvalidValue
from ledger_automation.orchestrator.decide import unknown
from ledger_automation.values import MAX_INTEGER, CaseId
from ledger_automation.verify.verdict import shown

OF_CASE: Final = schemas.parameter("case", "path", schemas.UUID)
PRIVATE: Final = {"Cache-Control": "private, no-cache"}
_DIGITS: Final = 16


def case_of(request: Request) -> CaseId:
    """Return the case that a path names; one that can be none is not there."""
    name = request.path_params["case"]
    try:
        return CaseId(name)
    except InvalidValue:
        raise unknown(name[:64]) from None


def etag(head: bytes) -> str:
    """Return a case's entity tag (RFC 9110, section 8.8.3): the commitment of its last step."""
    return f'"{head.hex()}"'


def number(request: Request, name: str, default: Any, *, least: int = 0, most: int = MAX_INTEGER) -> Any:
    """Read a number of the query; raises InvalidValue."""
    given = request.query_params.get(name)
    if given is None:
        return default
    if not (is_number(given) and least <= int(given) <= most):
        raise InvalidValue(name, given, f"a whole number from {least} to {most}")
    return int(given)


def is_number(given: str) -> bool:
    """Say whether a text is a whole number that may stand in a path or a query."""
    return given.isascii() and given.isdigit() and len(given) <= _DIGITS


def rendered(value: Any, status: int = 200) -> Response:
    """Write an answer that is for its reader alone."""
    return Response(msgspec.json.encode(shown(value)), status, PRIVATE, "application/json")
