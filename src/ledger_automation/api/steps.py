"""Opening cases and taking them on: one route for each row of each workflow's table.

    POST /workflows/{workflow}/cases                    opens a case under a random id
    POST /workflows/{workflow}/cases/{case}/{action}    takes it one step on

A workflow that is added brings its routes with it. Every request carries an Idempotency-Key; a second one with the same
key and the same body gets the same answer, and the step is taken once. A contract's step is answered with 202: it is
signed and held, and becomes a step when its contract has taken it.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec
from fastapi import Request, Response
from starlette.exceptions import HTTPException

from ledger_automation.api import schemas
from ledger_automation.api.body import documents, json_object, members, moment, text
from ledger_automation.api.desk import Desk, desk
from ledger_automation.api.media import insist_on_ending
from ledger_automation.api.reading import case_of, etag
from ledger_automation.api.routes import Endpoint, Route
from ledger_automation.api.uploads import SENDERS
from ledger_automation.errors import InvalidValue, UnknownAction
from ledger_automation.orchestrator.asked import Asked, Identity, Taken
from ledger_automation.orchestrator.decide import APPLICANT
from ledger_automation.orchestrator.uploads import taken
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.values import CaseId
from ledger_automation.verify.sources import DocumentRecord
from ledger_automation.workflows import Workflow
from ledger_automation.workflows._table import Transition

_MEMBERS: Final = frozenset({"payload", "role", "occurred_at", "documents"})
_CODE: Final = frozenset({"code"})
_KEY_LENGTH: Final = 200
_CREATED: Final = 201
_ERRORS: Final = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
_IDEMPOTENCY: Final = schemas.parameter(
    "Idempotency-Key", "header", {"type": "string", "pattern": "^[!-~]{1,200}$"},
    words="Any text of your own; the same again for the same step.",
)  # fmt: skip
_MATCH: Final = schemas.parameter(
    "If-Match", "header", {"type": "string"},
    words="The ETag of the case as you saw it; the step is refused with 412 if it has moved on.",
)  # fmt: skip
_TAG: Final = re.compile('"([0-9a-f]{64})"')
_NO_HEAD: Final = b""
"""What no case's head is."""


def routes(tables: list[Workflow[Any]]) -> Iterator[Route]:
    """Yield the routes of all workflows."""
    for table in tables:
        yield _route(table, [row for row in table.transitions.values() if not row.sources])
        for row in table.transitions.values():
            if row.sources:
                yield _route(table, [row])


def _route(table: Workflow[Any], rows: list[Transition]) -> Route:
    at, roles = f"/workflows/{table.name}/cases", {role for row in rows for role in row.roles}
    if not rows[0].sources:
        endpoint = _opening(table, {row.action: row for row in rows})
        described = _described(table, rows, 201, f"Open a {table.name} case", [])
        return Route("POST", at, f"{table.name}.open", endpoint, described, roles)
    action = rows[0].action
    placed = [
        schemas.parameter("case", "path", schemas.UUID),
        _MATCH,
    ]
    described = _described(table, rows, 200, action.replace("_", " ").capitalize(), placed)
    name = f"{table.name}.{action}"
    return Route("POST", f"{at}/{{case}}/{action}", name, _step(table, rows[0]), described, roles)


def _described(
    table: Workflow[Any], rows: list[Transition], status: int, summary: str, placed: list[Any]
) -> dict[str, Any]:
    body = {"schema": schemas.step_body(table, rows)}
    return {
        "summary": summary,
        "parameters": [_IDEMPOTENCY, *placed],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            **schemas.answers(status, "The step is recorded.", schemas.TAKEN),
            **schemas.answers(202, "The step is signed, and its contract decides.", schemas.HELD),
            **schemas.problems(*_ERRORS, *((412,) if placed else ())),
        },
    }


def _opening(table: Workflow[Any], rows: dict[str, Transition]) -> Endpoint:
    only = next(iter(rows)) if len(rows) == 1 else ""
    allowed = _MEMBERS if only else _MEMBERS | {"action"}

    async def opening(request: Request) -> Response:
        sent = await _sent(request, allowed)
        action = only or text(sent.value.get("action"), "action")
        if action not in rows:
            raise UnknownAction(table.name, action, sorted(rows))
        asked = await _with_documents(desk(request), sent, sent.asking(table, action, CaseId.random()))
        return await _answered(desk(request), asked, 201)

    return opening


def _step(table: Workflow[Any], row: Transition) -> Endpoint:
    allowed = _MEMBERS | _CODE if APPLICANT in row.roles else _MEMBERS

    async def step(request: Request) -> Response:
        sent = await _sent(request, allowed)
        asked = await _with_documents(desk(request), sent, sent.asking(table, row.action, case_of(request)))
        return await _answered(desk(request), asked._replace(expected=_expected(request)), 200)

    return step


class _Sent(NamedTuple):
    """What came with a request, and from whom."""

    caller: Identity
    key: str
    fingerprint: bytes
    value: dict[str, Any]

    def asking(self, table: Workflow[Any], action: str, case_id: CaseId) -> Asked:
        """Return what is asked for; raises InvalidValue."""
        payload = self.value.get("payload")
        if not isinstance(payload, dict):
            raise InvalidValue("payload", payload, "a JSON object")
        return Asked(
            identity=self.caller,
            key=sha256("\0".join((*self.caller, self.key)).encode()).digest(),
            fingerprint=self.fingerprint,
            case_id=case_id,
            table=table,
            action=action,
            payload=payload,
            role=text(self.value.get("role"), "role"),
            occurred_at=moment(self.value.get("occurred_at")),
            code=text(self.value.get("code"), "code"),
        )


async def _sent(request: Request, allowed: frozenset[str]) -> _Sent:
    caller = await desk(request).caller(request)
    key = _key(request)
    body, value = await json_object(request)
    fingerprint = sha256(f"{request.url.path}\n".encode() + body).digest()
    return _Sent(caller, key, fingerprint, members(value, allowed))


async def _with_documents(at: Desk, sent: _Sent, asked: Asked) -> Asked:
    """Add the documents that are named and wait; raises InvalidValue and NotFound."""
    wanted = documents(sent.value.get("documents"))
    if not wanted:
        return asked

    def find(unit: SqlUnitOfWork) -> tuple[DocumentRecord, ...]:
        return taken(unit.uploads, at.member(unit, sent.caller, SENDERS).actor_id, wanted)

    found = await at.read(find)
    for each in found:
        insist_on_ending(each.name, each.media_type)
    return asked._replace(documents=found)


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= _KEY_LENGTH or not (key.isascii() and key.isprintable() and " " not in key):
        raise HTTPException(400, f"Send an Idempotency-Key of 1 to {_KEY_LENGTH} visible ASCII characters.")
    return key


def _expected(request: Request) -> bytes | None:
    """Return the head that If-Match names; whatever is no single entity tag of ours matches none (RFC 9110, 13.1.1)."""
    given = request.headers.get("if-match", "*").strip()
    if given == "*":
        return None
    found = _TAG.fullmatch(given)
    return bytes.fromhex(found[1]) if found is not None else _NO_HEAD


async def _answered(at: Desk, asked: Asked, status: int) -> Response:
    outcome = await at.take(asked)
    if outcome.taken is not None:
        return _taken(outcome.taken, asked.table, status)
    if outcome.held is not None:
        held = {**outcome.held._asdict(), "action": asked.action, "status": "held"}
        return Response(msgspec.json.encode(held), 202, _place(asked.table, outcome.held.case_id), "application/json")
    raise AssertionError("a request has an answer")


def _taken(taken: Taken, table: Workflow[Any], status: int) -> Response:
    body = msgspec.json.encode({**taken._asdict(), "commitment": taken.commitment.hex()})
    headers = {"ETag": etag(taken.commitment), **(_place(table, taken.case_id) if status == _CREATED else {})}
    return Response(body, status, headers, "application/json")


def _place(table: Workflow[Any], case_id: str) -> dict[str, str]:
    return {"Location": f"/workflows/{table.name}/cases/{case_id}"}
