"""Who may act: an administrator says so, and it counts from each member's next request on.

An administrator decides nobody's case and reads none; and nobody changes his own roles, so that it takes two to make a
second administrator.
"""

from typing import Any, Final

from fastapi import Request, Response

from ledger_automation.api import schemas
from ledger_automation.api.body import json_object, members, text
from ledger_automation.api.desk import desk
from ledger_automation.api.reading import rendered
from ledger_automation.api.routes import Route
from ledger_automation.errors import Forbidden, InvalidValue
from ledger_automation.orchestrator.asked import Identity, Member
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.values import ActorId
from ledger_automation.workflows._table import ROLES

ADMINISTRATORS: Final = frozenset({"administrator"})
EVERYBODY: Final = frozenset(ROLES)
_LONGEST: Final = 255
_ROLES: Final = {"type": "array", "items": {"enum": list(ROLES)}, "uniqueItems": True}
_NAME: Final = {"type": "string", "minLength": 1, "maxLength": _LONGEST, "pattern": r"^[^\u0000]*$"}
_MEMBER: Final = {"actor": schemas.ACTOR, "issuer": _NAME, "subject": _NAME, "roles": _ROLES}
_ME: Final = {
    "summary": "Who you are here",
    "responses": {
        **schemas.answers(
            200, "Your pseudonym and your roles.", schemas.whole({"actor": schemas.ACTOR, "roles": _ROLES})
        ),
        **schemas.problems(401, 403, 429, 503),
    },
}
_LIST: Final = {
    "summary": "The office's members",
    "responses": {
        **schemas.answers(
            200, "All members.", schemas.whole({"members": {"type": "array", "items": schemas.whole(_MEMBER)}})
        ),
        **schemas.problems(401, 403, 429, 503),
    },
}
_ENROL: Final = {
    "summary": "Give a member exactly these roles; none dismisses it",
    "parameters": [schemas.parameter("actor", "path", schemas.ACTOR)],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": schemas.whole({each: _MEMBER[each] for each in ("issuer", "subject", "roles")})
            }
        },
    },
    "responses": {
        **schemas.answers(200, "The member.", schemas.whole(_MEMBER)),
        **schemas.problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
    },
}


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("GET", "/me", "members.me", _me, _ME, EVERYBODY),
        Route("GET", "/members", "members.list", _list, _LIST, ADMINISTRATORS),
        Route("PUT", "/members/{actor}", "members.enrol", _enrol, _ENROL, ADMINISTRATORS),
    ]


async def _me(request: Request) -> Response:
    at, caller = desk(request), await desk(request).caller(request)
    member = await at.read(lambda unit: at.member(unit, caller, EVERYBODY))
    return rendered({"actor": member.actor_id, "roles": list(member.roles)})


async def _list(request: Request) -> Response:
    at, caller = desk(request), await desk(request).caller(request)

    def read(unit: SqlUnitOfWork) -> list[dict[str, Any]]:
        at.member(unit, caller, ADMINISTRATORS)
        return [_row(*each) for each in unit.members.members()]

    return rendered({"members": await at.read(read)})


async def _enrol(request: Request) -> Response:
    at, caller = desk(request), await desk(request).caller(request)
    _, value = await json_object(request)
    identity, member = _read(request.path_params["actor"], value)

    def write(unit: SqlUnitOfWork) -> None:
        administrator = at.member(unit, caller, ADMINISTRATORS)
        if member.actor_id == administrator.actor_id or identity == caller:
            raise Forbidden("Nobody changes his own roles.")
        unit.members.enrol(identity, member)

    await at.write(write)
    return rendered(_row(identity, member))


def _read(actor: str, value: dict[str, Any]) -> tuple[Identity, Member]:
    members(value, frozenset({"issuer", "subject", "roles"}))
    issuer, subject = (text(value.get(name), name) for name in ("issuer", "subject"))
    roles = value.get("roles")
    if not 0 < len(issuer) <= _LONGEST or not 0 < len(subject) <= _LONGEST:
        raise InvalidValue(
            "issuer and subject", f"{len(issuer)} and {len(subject)} characters", f"1 to {_LONGEST} each"
        )
    if "\0" in issuer + subject:
        raise InvalidValue("issuer and subject", "a text with U+0000", "what a token can say")
    if not isinstance(roles, list) or not all(each in ROLES for each in roles) or len({*roles}) != len(roles):
        raise InvalidValue("roles", roles, f"a list of {', '.join(ROLES)}, each once")
    return Identity(issuer, subject), Member(ActorId(actor), tuple(roles))


def _row(identity: Identity, member: Member) -> dict[str, Any]:
    return {"actor": member.actor_id, **identity._asdict(), "roles": list(member.roles)}
