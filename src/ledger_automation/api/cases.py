"""Reading cases: where they stand, what happened, how well each step is witnessed, and the receipt to take away.

An applicant sees his own cases; one that is another's is not there for him, in the same words and after the same work.
An administrator sees none. Pages are by key: each ends with the id that the next one begins after.
"""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import Request, Response

from ledger_automation.api import schemas
from ledger_automation.api.desk import desk
from ledger_automation.api.reading import OF_CASE, PRIVATE, case_of, etag, number, rendered
from ledger_automation.api.routes import Endpoint, Route
from ledger_automation.errors import InvalidValue
from ledger_automation.orchestrator.asked import Member, access_code
from ledger_automation.orchestrator.decide import APPLICANT, names_nobody
from ledger_automation.orchestrator.query import case_view, summary
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.visible import READERS, case_for, may_see
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.receipt_file import MEDIA_TYPES, Encoding, write
from ledger_automation.values import MAX_INTEGER, CaseId
from ledger_automation.verify.sources import CaseRecord
from ledger_automation.workflows import Workflow

MOST: Final = 200
WRITERS: Final = frozenset({"clerk", "system"})
"""Who sends an office's letters."""

_PAGE: Final = 50
_MAYBE: Final = {"oneOf": [schemas.UUID, {"type": "null"}]}
_NUMBER: Final = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
_LISTING: Final = {
    "summary": "Cases, in pages",
    "parameters": [
        schemas.parameter("after", "query", schemas.UUID),
        schemas.parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": MOST}),
    ],
    "responses": {
        **schemas.answers(
            200,
            "A page.",
            schemas.whole({"cases": {"type": "array", "items": schemas.SUMMARY}, "next": _MAYBE}),
        ),
        **schemas.problems(401, 403, 422, 429, 503),
    },
}
_CASE: Final = {
    "summary": "Where a case stands",
    "parameters": [OF_CASE],
    "responses": {
        **schemas.answers(200, "The case; with the code for its letter, if it names nobody.", schemas.OFFICE_SUMMARY),
        "304": {"description": "It stands where you saw it."},
        **schemas.problems(401, 403, 404, 429, 503),
    },
}
_EVENTS: Final = {
    "summary": "What happened, and how well each step is witnessed",
    "parameters": [OF_CASE],
    "responses": {
        **schemas.answers(200, "The trail.", {"type": "object", "required": ["case_id", "events", "waiting"]}),
        **schemas.problems(401, 403, 404, 429, 503),
    },
}
_RECEIPT: Final = {
    "summary": "The receipt of a case, or of one step",
    "parameters": [
        OF_CASE,
        schemas.parameter("sequence", "query", _NUMBER),
        schemas.parameter("held_size", "query", _NUMBER, words="Also prove that a log of this size is extended."),
        schemas.parameter("encoding", "query", {"enum": [each.value for each in Encoding]}, words="Default: json."),
    ],
    "responses": {
        "200": {
            "description": "The receipt: JSON, a COSE receipt (RFC 9942), or its text for QR codes.",
            "content": {
                MEDIA_TYPES[Encoding.JSON]: {
                    "schema": {"type": "object", "required": ["format", "entries", "checkpoint"]}
                },
                **{MEDIA_TYPES[each]: {} for each in (Encoding.COSE, Encoding.FRAMES)},
            },
        },
        **schemas.problems(401, 403, 404, 409, 422, 429, 503),
    },
}


def routes(tables: list[Workflow[Any]]) -> Iterator[Route]:
    """Yield the reading routes of all workflows."""
    for table in tables:
        at = f"/workflows/{table.name}/cases"
        for path, name, endpoint, described in (
            (at, "list", _listing, _LISTING),
            (f"{at}/{{case}}", "case", _case, _CASE),
            (f"{at}/{{case}}/events", "events", _events, _EVENTS),
            (f"{at}/{{case}}/receipt", "receipt", _receipt, _RECEIPT),
        ):
            yield Route("GET", path, f"{table.name}.{name}", endpoint(table), described, READERS)


def _listing(table: Workflow[Any]) -> Endpoint:
    async def listing(request: Request) -> Response:
        at, caller = desk(request), await desk(request).caller(request)
        after, limit = _after(request), number(request, "limit", _PAGE, least=1, most=MOST)

        def read(unit: SqlUnitOfWork) -> list[dict[str, Any]]:
            member = at.member(unit, caller, READERS)
            party = member.actor_id if set(member.roles) == {APPLICANT} else None
            found = unit.cases.page(table.name, party, after, limit)
            return [summary(each) for each in found if may_see(each, member)]

        cases = await at.read(read)
        following = cases[-1]["case_id"] if len(cases) == limit else None
        return rendered({"cases": cases, "next": following})

    return listing


def _case(table: Workflow[Any]) -> Endpoint:
    async def case(request: Request) -> Response:
        at, caller = desk(request), await desk(request).caller(request)

        def read(unit: SqlUnitOfWork) -> tuple[CaseRecord, dict[str, Any]]:
            member = at.member(unit, caller, READERS)
            record = case_for(unit, member, case_of(request), table.name)
            return record, {**summary(record), **_for_the_letter(record, member, at.secret)}

        record, shown = await at.read(read)
        tag = etag(record.head)
        if tag in (each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")):
            return Response(None, 304, {"ETag": tag, "Cache-Control": "private, no-cache"})
        answer = rendered(shown)
        answer.headers["ETag"] = tag
        if "access_code" in shown:
            answer.headers["Cache-Control"] = "no-store"
        return answer

    return case


def _for_the_letter(record: CaseRecord, member: Member, secret: bytes) -> dict[str, str]:
    """Return the access code, for those who write letters, while a case names nobody."""
    told = names_nobody(record) and not WRITERS.isdisjoint(member.roles)
    return {"access_code": access_code(record.case_id, secret)} if told else {}


def _events(table: Workflow[Any]) -> Endpoint:
    async def events(request: Request) -> Response:
        at, caller = desk(request), await desk(request).caller(request)

        def read(unit: SqlUnitOfWork) -> dict[str, Any]:
            record = case_for(unit, at.member(unit, caller, READERS), case_of(request), table.name)
            return case_view(unit, CaseId(record.case_id))

        return rendered(await at.read(read))

    return events


def _receipt(table: Workflow[Any]) -> Endpoint:
    async def receipt(request: Request) -> Response:
        at, caller = desk(request), await desk(request).caller(request)
        sequence, held = number(request, "sequence", None), number(request, "held_size", None)

        encoding = _encoding(request)

        def read(unit: SqlUnitOfWork) -> bytes:
            record = case_for(unit, at.member(unit, caller, READERS), case_of(request), table.name)
            witnesses = at.ledger.settings.witnesses_required
            return write(issue(unit, CaseId(record.case_id), sequence, held, witnesses=witnesses), encoding)

        return Response(await at.read(read), 200, PRIVATE, MEDIA_TYPES[encoding])

    return receipt


def _encoding(request: Request) -> Encoding:
    given = request.query_params.get("encoding", Encoding.JSON)
    if given not in list(Encoding):
        raise InvalidValue("encoding", given, " or ".join(Encoding))
    return Encoding(given)


def _after(request: Request) -> str:
    given = request.query_params.get("after")
    return CaseId(given) if given is not None else ""
