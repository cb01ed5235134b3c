"""Who is told of what happens: an administrator says so. What is told, and how it is signed: `orchestrator.webhooks`.

GET    /webhooks         all receivers, how far along the log each is, and what became of the last attempt
POST   /webhooks         a new one; its signing secret is shown this once
DELETE /webhooks/{hook}  tell it nothing any more
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from ledger_automation.api import schemas
from ledger_automation.api.body import json_object, members, text
from ledger_automation.api.desk import desk
from ledger_automation.api.members import ADMINISTRATORS
from ledger_automation.api.reading import rendered
from ledger_automation.api.routes import Route
from ledger_automation.errors import Conflict, Forbidden, InvalidValue, NotFound
from ledger_automation.orchestrator.anchor import newest_checkpoint
from ledger_automation.orchestrator.receivers import Webhook
from ledger_automation.orchestrator.webhooks import fresh, shown_key
from ledger_automation.store.unit_of_work import SqlUnitOfWork

_MOST: Final = 100
_URL: Final[dict[str, Any]] = {"type": "string", "pattern": r"^https?://[!-\"$-?A-~]+$", "maxLength": 2_000}
_ID: Final = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_SHOWN: Final = {
    "id": _ID, "url": _URL, "position": schemas.COUNT, "failures": schemas.COUNT, "due_at": schemas.MOMENT,
    "last": {"type": "string"}, "ended": {"type": "boolean"},
}  # fmt: skip
_LISTED: Final = schemas.whole({"webhooks": {"type": "array", "items": schemas.whole(_SHOWN)}})
_ASKED: Final = {"application/json": {"schema": schemas.whole({"url": _URL})}}
_LIST: Final = {
    "summary": "The receivers",
    "responses": {**schemas.answers(200, "All receivers.", _LISTED), **schemas.problems(401, 403, 429, 503)},
}
_ADD: Final = {
    "summary": "Tell somebody what happens from now on",
    "requestBody": {"required": True, "content": _ASKED},
    "responses": {
        **schemas.answers(201, "The receiver.", schemas.whole({**_SHOWN, "secret": {"type": "string"}})),
        **schemas.problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
    },
}
_REMOVE: Final = {
    "summary": "Tell a receiver nothing any more",
    "parameters": [schemas.parameter("hook", "path", _ID)],
    "responses": {"204": {"description": "It is forgotten."}, **schemas.problems(401, 403, 404, 429, 503)},
}


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("GET", "/webhooks", "webhooks.list", _list, _LIST, ADMINISTRATORS),
        Route("POST", "/webhooks", "webhooks.add", _add, _ADD, ADMINISTRATORS),
        Route("DELETE", "/webhooks/{hook}", "webhooks.remove", _remove, _REMOVE, ADMINISTRATORS),
    ]


async def _list(request: Request) -> Response:
    at, caller = desk(request), await desk(request).caller(request)

    def read(unit: SqlUnitOfWork) -> list[Webhook]:
        at.member(unit, caller, ADMINISTRATORS)
        return unit.webhooks.all()

    return rendered({"webhooks": [each._asdict() for each in await at.read(read)]})


async def _add(request: Request) -> Response:
    at, caller = desk(request), await desk(request).caller(request)
    _, value = await json_object(request)
    settings = at.ledger.settings

    def add(unit: SqlUnitOfWork) -> Webhook:
        at.member(unit, caller, ADMINISTRATORS)
        url = _receiver(text(members(value, frozenset({"url"})).get("url"), "url"), settings.webhook_hosts)
        if len(unit.webhooks.all()) >= _MOST:
            raise Conflict(f"There are {_MOST} receivers already; remove one first.")
        newest = newest_checkpoint(unit)
        hook = fresh(url, newest.tree_size if newest is not None else 0, at.ledger.recorder.clock())
        unit.webhooks.add(hook)
        return hook

    hook = await at.write(add)
    answer = rendered({**hook._asdict(), "secret": shown_key(at.secret, hook.id)}, 201)
    answer.headers.update({"Location": f"/webhooks/{hook.id}", "Cache-Control": "no-store"})
    return answer


async def _remove(request: Request) -> Response:
    at, caller, hook = desk(request), await desk(request).caller(request), request.path_params["hook"]

    def remove(unit: SqlUnitOfWork) -> None:
        at.member(unit, caller, ADMINISTRATORS)
        if not unit.webhooks.remove(hook):
            raise NotFound("There is no such webhook.")

    await at.write(remove)
    return Response(None, 204)


def _receiver(url: str, hosts: tuple[str, ...]) -> str:
    """Read a receiver's URL; raises InvalidValue, and Forbidden for one that the courier would not go to either."""
    if not re.fullmatch(_URL["pattern"], url) or len(url) > _URL["maxLength"]:
        raise InvalidValue("url", url, "an http(s) URL in ASCII, without a name, a password or a fragment")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden("The URL leads to no host that may be told.") from None
    safe = parts.scheme == "https" or _is_address(parts.hostname or "")
    if not safe or port == 0 or parts.hostname not in hosts:
        raise Forbidden("The URL leads to no host that may be told.")
    return url


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
