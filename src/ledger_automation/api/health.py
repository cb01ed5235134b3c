"""Whether the service lives, whether it is ready, and what its problems mean. No token is asked for, and nothing told.

/livez            the process answers
/readyz           the database answers, and log and anchor keep up: 200, or 503 with what is wrong
/problems/{type}  what a type of problem means (RFC 9457, section 3.1.1)
"""

from typing import Any, Final

import msgspec
from fastapi import Request, Response

from ledger_automation.api import schemas
from ledger_automation.api.desk import desk
from ledger_automation.api.problems import TYPES
from ledger_automation.api.routes import Route
from ledger_automation.errors import NotFound

_PART: Final = schemas.whole({"part": schemas.WORD, "ok": {"type": "boolean"}, "what": schemas.WORD})
_READY: Final = schemas.whole({"ready": {"type": "boolean"}, "parts": {"type": "array", "items": _PART}})
_TYPE: Final = schemas.whole(
    {"type": schemas.WORD, "status": {"type": "integer"}, "title": schemas.WORD, "explanation": schemas.WORD}
)


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route(
            "GET", "/livez", "health.livez", _livez, _described("It lives", schemas.whole({"alive": {"const": True}}))
        ),
        Route("GET", "/readyz", "health.readyz", _readyz, _readiness()),
        Route("GET", "/problems/{slug}", "health.problem", _problem, _explained()),
    ]


def _described(summary: str, schema: dict[str, Any], *errors: int) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {**schemas.answers(200, f"{summary}.", schema), **schemas.problems(*errors)},
    }


def _readiness() -> dict[str, Any]:
    described = _described("It is ready", _READY)
    described["responses"] |= schemas.answers(503, "It is not ready.", _READY)
    return described


def _explained() -> dict[str, Any]:
    slug = schemas.parameter("slug", "path", {"enum": sorted(TYPES)})
    return {**_described("What a type of problem means", _TYPE, 404), "parameters": [slug]}


async def _livez(_: Request) -> Response:
    return Response(b'{"alive":true}', media_type="application/json")


async def _readyz(request: Request) -> Response:
    parts = await desk(request).readiness()
    ready = all(part.ok for part in parts)
    body = {"ready": ready, "parts": [part._asdict() for part in parts]}
    return Response(msgspec.json.encode(body), 200 if ready else 503, {"Cache-Control": "no-store"}, "application/json")


async def _problem(request: Request) -> Response:
    kind = TYPES.get(request.path_params["slug"])
    if kind is None:
        raise NotFound("There is no such type of problem.")
    body = {"type": kind.slug, "status": kind.status, "title": kind.title, "explanation": kind.explanation}
    return Response(msgspec.json.encode(body), media_type="application/json")
