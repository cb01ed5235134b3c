"""What audits found, and what alarms stand: for auditors, and alarms for administrators too.

GET /audits        audits, newest first, in pages
GET /audits/{run}  one with all of its findings
GET /alarms        what somebody should look after
"""

from typing import Any, Final

import msgspec
from fastapi import Request, Response

from ledger_automation.api import schemas
from ledger_automation.api.desk import desk
from ledger_automation.api.reading import PRIVATE, is_number, number, rendered
from ledger_automation.api.routes import Route
from ledger_automation.errors import NotFound
from ledger_automation.orchestrator.audits import AuditRun
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.values import MAX_INTEGER

AUDITORS: Final = frozenset({"auditor"})
WATCHERS: Final = frozenset({"auditor", "administrator"})
_MOST, _PAGE = 200, 50
_NUMBER: Final = {"type": "integer", "minimum": 1, "maximum": MAX_INTEGER}
_RUN: Final = schemas.whole({"id": schemas.COUNT, "at": schemas.MOMENT, "verdict": schemas.WORD})
_ALARM: Final = schemas.whole({
    "kind": schemas.WORD, "about": {"type": "string"}, "sentence": schemas.WORD, "facts": {"type": "object"},
})  # fmt: skip
_RUNS: Final = {
    "summary": "What audits came to, newest first",
    "parameters": [
        schemas.parameter("before", "query", _NUMBER),
        schemas.parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": _MOST}),
    ],
    "responses": {
        **schemas.answers(200, "A page.", schemas.whole({
            "audits": {"type": "array", "items": _RUN}, "next": {"oneOf": [_NUMBER, {"type": "null"}]},
        })),
        **schemas.problems(401, 403, 422, 429, 503),
    },
}  # fmt: skip
_ONE: Final = {
    "summary": "What one audit found",
    "parameters": [schemas.parameter("run", "path", _NUMBER)],
    "responses": {
        **schemas.answers(200, "Its whole answer.", {"type": "object", "required": ["verdict", "findings"]}),
        **schemas.problems(401, 403, 404, 429, 503),
    },
}
_ALARMS: Final = {
    "summary": "What somebody should look after",
    "responses": {
        **schemas.answers(200, "The alarms.", schemas.whole({"alarms": {"type": "array", "items": _ALARM}})),
        **schemas.problems(401, 403, 429, 503),
    },
}


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("GET", "/audits", "audits.list", _list, _RUNS, AUDITORS),
        Route("GET", "/audits/{run}", "audits.run", _run, _ONE, AUDITORS),
        Route("GET", "/alarms", "audits.alarms", _alarms, _ALARMS, WATCHERS),
    ]


async def _list(request: Request) -> Response:
    at, caller = desk(request), await desk(request).caller(request)
    before = number(request, "before", None, least=1)
    limit = number(request, "limit", _PAGE, least=1, most=_MOST)

    def read(unit: SqlUnitOfWork) -> list[AuditRun]:
        at.member(unit, caller, AUDITORS)
        return unit.audits.runs(before, limit)

    found = await at.read(read)
    rows = [{"id": each.id, "at": each.at, "verdict": each.verdict} for each in found]
    return rendered({"audits": rows, "next": found[-1].id if len(found) == limit else None})


async def _run(request: Request) -> Response:
    at, caller, name = desk(request), await desk(request).caller(request), request.path_params["run"]

    def read(unit: SqlUnitOfWork) -> bytes:
        at.member(unit, caller, AUDITORS)
        if is_number(name):
            for each in unit.audits.runs(int(name) + 1, 1):
                if each.id == int(name):
                    return each.report
        raise NotFound("There is no such audit.")

    return Response(await at.read(read), 200, PRIVATE, "application/json")


async def _alarms(request: Request) -> Response:
    at, caller = desk(request), await desk(request).caller(request)

    def read(unit: SqlUnitOfWork) -> list[dict[str, Any]]:
        at.member(unit, caller, WATCHERS)
        return [msgspec.structs.asdict(each) for each in unit.anchors.alarms()]

    return rendered({"alarms": await at.read(read)})
