"""What every route that reads has in common: who may see what, the case of a path, numbers of a query, answers.

A case that is another's is not there, in the same words and after the same work as for one that never was.
"""

from typing import Any, Final

import msgspec
from fastapi import Request, Response

from ledger_automation.api import schemas
from ledger_automation.errors import InvalidValue
from ledger_automation.orchestrator.asked import Member
from ledger_automation.orchestrator.decide import APPLICANT, parties_of, unknown
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.values import MAX_INTEGER, CaseId
from ledger_automation.verify.sources import CaseRecord
from ledger_automation.verify.verdict import shown
from ledger_automation.workflows import Workflow

READERS: Final = frozenset({APPLICANT, "clerk", "approver", "finance", "auditor", "system"})
"""Who may read cases at all: everybody but an administrator (R29)."""

OF_CASE: Final = schemas.parameter("case", "path", schemas.UUID)
PRIVATE: Final = {"Cache-Control": "private, no-cache"}
_DIGITS: Final = 16


def seen(unit: UnitOfWork, member: Member, table: Workflow[Any], case_id: CaseId) -> CaseRecord:
    """Return a case that is there for a member; raises NotFound."""
    record = unit.cases.case(case_id)
    if record is None or record.workflow != table.name or not may_see(record, member):
        raise unknown(case_id)
    return record


def may_see(record: CaseRecord, member: Member) -> bool:
    """Say whether a case is a member's to read: officers read all, an applicant those that are his own."""
    return any(role != APPLICANT for role in member.roles) or member.actor_id in parties_of(record)


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
