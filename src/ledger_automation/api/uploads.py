"""Sending a document, before the step that it belongs to names it by its hash; and fetching one of a case again.

    POST /documents                                                        the bytes as they are
    GET  /workflows/{workflow}/cases/{case}/events/{sequence}/documents/{position}

What is kept may differ from what was sent (a picture without its EXIF): the answer's hash is that of what is kept.
"""

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from ledger_automation.api import schemas
from ledger_automation.api.body import octets
from ledger_automation.api.desk import desk
from ledger_automation.api.media import examine
from ledger_automation.api.reading import OF_CASE, PRIVATE, case_of, is_number, rendered
from ledger_automation.api.routes import Endpoint, Route
from ledger_automation.errors import NotFound
from ledger_automation.orchestrator.uploads import Upload
from ledger_automation.orchestrator.visible import READERS, case_for
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.values import MAX_INTEGER, timestamp
from ledger_automation.verify.sources import DocumentRecord
from ledger_automation.workflows import Workflow

SENDERS: Final = frozenset({"applicant", "clerk", "approver", "finance", "system"})
"""Who takes steps, and so may send what belongs to one."""

_KEPT: Final = schemas.whole({"sha256": schemas.DIGEST, "media_type": schemas.WORD, "size": schemas.COUNT})
_ANYTHING: Final = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
_SEND: Final = {
    "summary": "Send a document for a step",
    "requestBody": {"required": True, "content": {"application/octet-stream": _ANYTHING}},
    "responses": {
        **schemas.answers(201, "It waits for the step that names its sha256, two days at most.", _KEPT),
        **schemas.problems(400, 401, 403, 413, 415, 422, 429, 503),
    },
}
_PLACE: Final = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
_FETCH: Final = {
    "summary": "A document of a step",
    "parameters": [
        OF_CASE,
        schemas.parameter("sequence", "path", _PLACE),
        schemas.parameter("position", "path", _PLACE),
    ],
    "responses": {
        **schemas.answers(200, "The document.", {"type": "string"}, "application/octet-stream"),
        **schemas.problems(401, 403, 404, 429, 503),
    },
}


def routes(tables: list[Workflow[Any]]) -> Iterator[Route]:
    """Yield the routes of all workflows, and the one to send to."""
    yield Route("POST", "/documents", "documents.send", _send, _SEND, SENDERS)
    for table in tables:
        path = f"/workflows/{table.name}/cases/{{case}}/events/{{sequence}}/documents/{{position}}"
        yield Route("GET", path, f"{table.name}.document", _fetch(table), _FETCH, READERS)


async def _send(request: Request) -> Response:
    at, caller = desk(request), await desk(request).caller(request)
    settings = at.ledger.settings
    await at.read(lambda unit: at.member(unit, caller, SENDERS))  # before anything of it is read
    if "content-encoding" in request.headers:
        raise HTTPException(415, "Send the document as it is, not encoded.")
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        raise HTTPException(415, "Send the document itself as the body, not a form with it.")
    with at.document(caller):
        sent = await octets(request, settings.upload_bytes)
        media_type, content = await at.examine(lambda: examine(sent, settings.scanner))
        digest = sha256(content).digest()

        def keep(unit: SqlUnitOfWork) -> None:
            sender, now = at.member(unit, caller, SENDERS), timestamp(at.ledger.recorder.clock())
            unit.uploads.keep(Upload(sender.actor_id, digest, media_type, content, now))

        await at.write(keep)
    return rendered({"sha256": digest, "media_type": media_type, "size": len(content)}, 201)


def _fetch(table: Workflow[Any]) -> Endpoint:
    async def fetch(request: Request) -> Response:
        at, caller = desk(request), await desk(request).caller(request)
        places = [request.path_params[name] for name in ("sequence", "position")]

        def read(unit: SqlUnitOfWork) -> DocumentRecord | None:
            member = at.member(unit, caller, READERS)
            with suppress(NotFound):
                return _document(unit, case_for(unit, member, case_of(request), table.name).case_id, places)
            return None

        found = await at.read(read)
        if found is None:
            raise NotFound("There is no such document.")  # nor case, maybe: both in the same words
        headers = {**PRIVATE, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"}
        return Response(found.content, 200, headers, "application/octet-stream")

    return fetch


def _document(unit: SqlUnitOfWork, case_id: str, places: list[str]) -> DocumentRecord | None:
    """Return a document by the numbers of its step and of its place there; None where there is none."""
    if not all(map(is_number, places)):
        return None
    sequence, position = map(int, places)
    for event in unit.cases.trail(case_id):
        if event.sequence == sequence and position < len(found := unit.cases.documents(event.event_id)):
            return found[position]
    return None
