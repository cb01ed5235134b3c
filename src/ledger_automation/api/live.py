"""A case as it moves: server-sent events (HTML, section 9.2), one for each new state or evidence of its last step.

Who may look is asked anew each time: a token that ran out, a role that was taken away or a case that has become
another's ends the stream. Who comes back with ``Last-Event-ID`` is told only what is new.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from fastapi import Request, Response
from starlette.responses import StreamingResponse

from ledger_automation.api import schemas
from ledger_automation.api.desk import Desk, desk
from ledger_automation.api.reading import OF_CASE, case_of
from ledger_automation.api.routes import Endpoint, Route
from ledger_automation.errors import LedgerError, Unreachable
from ledger_automation.orchestrator.query import case_view
from ledger_automation.orchestrator.visible import READERS, case_for
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.values import CaseId
from ledger_automation.workflows import Workflow

_SECONDS: Final = 1.0
_SILENCE: Final = 15
"""Looks after which a comment is sent, so that nobody between takes the connection for dead."""

_STATE: Final = schemas.whole({
    "case_id": schemas.UUID, "state": schemas.WORD, "sequence": schemas.COUNT, "action": schemas.WORD,
    "evidence": schemas.WORD,
})  # fmt: skip
_EVENT: Final = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": schemas.WORD,
        "event": {"const": "state"},
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": _STATE},
    },
}
"""One event of the stream; before OpenAPI 3.2 a stream's schema is that of each of its events."""

_DESCRIBED: Final = {
    "summary": "A case as it moves",
    "parameters": [OF_CASE, schemas.parameter("Last-Event-ID", "header", schemas.WORD)],
    "responses": {
        **schemas.answers(200, "Events, for as long as you listen.", _EVENT, "text/event-stream"),
        **schemas.problems(401, 403, 404, 429, 503),
    },
}


def routes(tables: list[Workflow[Any]]) -> list[Route]:
    """Return the route of each workflow."""
    return [
        Route(
            "GET", f"/workflows/{each.name}/cases/{{case}}/live", f"{each.name}.live", _live(each), _DESCRIBED, READERS
        )
        for each in tables
    ]


def _live(table: Workflow[Any]) -> Endpoint:
    async def live(request: Request) -> Response:
        at = desk(request)
        first = await _look(at, request, table)
        if not at.listen():
            raise Unreachable("Too many listen already; come again later.")
        stream = _stream(at, request, table, first)
        return StreamingResponse(stream, 200, {"Cache-Control": "no-store"}, "text/event-stream")

    return live


async def _stream(
    at: Desk, request: Request, table: Workflow[Any], found: dict[str, Any]
) -> AsyncIterator[bytes]:  # fmt: skip
    told = request.headers.get("last-event-id", "")
    silent = 0
    try:
        while not (at.ending() or await request.is_disconnected()):
            name = f"{found['sequence']}-{found['evidence']}"
            silent += 1
            if name != told:
                yield f"id: {name}\nevent: state\ndata: {msgspec.json.encode(found).decode()}\n\n".encode()
                told, silent = name, 0
            elif silent % _SILENCE == 0:
                yield b": still here\n\n"
            await asyncio.sleep(_SECONDS)
            try:
                found = await _look(at, request, table)
            except LedgerError:
                return
    finally:
        at.leave()


async def _look(at: Desk, request: Request, table: Workflow[Any]) -> dict[str, Any]:
    caller = await at.caller(request)

    def read(unit: SqlUnitOfWork) -> dict[str, Any]:
        record = case_for(unit, at.member(unit, caller, READERS), case_of(request), table.name)
        last = case_view(unit, CaseId(record.case_id))["events"][-1]
        return {"case_id": record.case_id, "state": record.state} | {
            name: last[name] for name in ("sequence", "action", "evidence")
        }

    return await at.read(read)
