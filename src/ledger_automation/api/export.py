"""All steps of a workflow as a table (CSV, RFC 4180) for the finance office, who opens it in a spreadsheet.

A cell that a spreadsheet would take for a formula begins with an apostrophe instead (R15; OWASP, "CSV Injection"). The
rows are of one moment each page of cases; nothing of it is held in memory as a whole.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from ledger_automation.api import schemas
from ledger_automation.api.desk import Desk, desk
from ledger_automation.api.routes import Endpoint, Route
from ledger_automation.orchestrator.asked import Identity
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.workflows import Workflow

EXPORTERS: Final = frozenset({"clerk", "approver", "finance", "auditor"})
COLUMNS: Final = (
    "case_id", "sequence", "action", "to_state", "actor_id", "actor_role", "occurred_at", "recorded_at", "amount",
    "leaf_index",
)  # fmt: skip
_CASES_AT_ONCE: Final = 200
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
_DESCRIBED: Final = {
    "summary": "All steps, as a table",
    "responses": {
        **schemas.answers(200, "The table; amounts in cents.", {"type": "string"}, "text/csv"),
        **schemas.problems(401, 403, 429, 503),
    },
}


def routes(tables: list[Workflow[Any]]) -> Iterator[Route]:
    """Yield the route of each workflow."""
    for table in tables:
        path = f"/workflows/{table.name}/export"
        yield Route("GET", path, f"{table.name}.export", _export(table), _DESCRIBED, EXPORTERS)


def _export(table: Workflow[Any]) -> Endpoint:
    async def export(request: Request) -> Response:
        at, caller = desk(request), await desk(request).caller(request)
        await at.read(lambda unit: at.member(unit, caller, EXPORTERS))
        named = {
            "Content-Disposition": f'attachment; filename="{table.name}.csv"',
            "Cache-Control": "private, no-store",
        }
        return StreamingResponse(_table(at, caller, table), 200, named, "text/csv; charset=utf-8")

    return export


async def _table(at: Desk, caller: Identity, table: Workflow[Any]) -> AsyncIterator[bytes]:
    yield written([COLUMNS])
    after: str | None = ""
    while after is not None:
        after, rows = await at.read(_page(at, caller, table, after))
        yield written(rows)
        await asyncio.sleep(0)


def _page(at: Desk, caller: Identity, table: Workflow[Any], after: str) -> Any:
    def read(unit: SqlUnitOfWork) -> tuple[str | None, list[list[Any]]]:
        at.member(unit, caller, EXPORTERS)
        cases = unit.cases.page(table.name, None, after, _CASES_AT_ONCE)
        rows = [
            [getattr(event, name) for name in COLUMNS] for case in cases for event in unit.cases.trail(case.case_id)
        ]
        return (cases[-1].case_id if len(cases) == _CASES_AT_ONCE else None), rows

    return read


def written(rows: Any) -> bytes:
    """Write rows of cells."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[_cell(each) for each in row] for row in rows])
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
