"""Who looks at a page: signing in and out, and pages that are for some roles only.

    /anmelden           sends the browser to the issuer (`SignIn`), and remembers where it wanted to go
    /anmelden/zurueck   it comes back; a session begins (`orchestrator.session`)
    /abmelden           posted, ends the session, or all of somebody's

Two cookies, both out of every script's reach: the session's token, and for ten minutes what a browser must come back
with. Over https they are bound to this host and path (`__Host-`, RFC 6265bis). A posted form must carry the session's
form token, so no other site can send one. Roles are asked anew at each request.
"""

from collections.abc import Awaitable, Callable
from secrets import compare_digest
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import Forbidden, NotFound, Unauthenticated
from ledger_automation.orchestrator.asked import Identity, Member
from ledger_automation.orchestrator.session import LONGEST, begin, form_token, holder, key_of
from ledger_automation.orchestrator.visible import READERS
from ledger_automation.values import timestamp
from ledger_automation.web.pages import language_of
from ledger_automation.web.posted import LONG, posted
from ledger_automation.web.site import Endpoint, Site
from ledger_automation.workflows._table import ROLES

BACK: Final = "/anmelden/zurueck"
_MINUTES: Final = 600
_FIRST: Final = "/faelle"
_LONGEST_PATH: Final = 200


class Place(NamedTuple):
    """Where the pages of some roles begin."""

    path: str
    label: str
    roles: frozenset[str]


ACTORS: Final = READERS - {"system"}
"""Who acts by hand; the system does so by the API."""

FUNDERS: Final = frozenset({"finance", "approver", "auditor"})
"""Who looks after grants: whoever pays, approves and audits them."""

AUDITORS: Final = frozenset({"auditor"})
OPERATORS: Final = frozenset({"administrator"})
PLACES: Final = (
    Place("/faelle", "Fälle", ACTORS),
    Place("/foerderung", "Förderungen", FUNDERS),
    Place("/pruefung", "Prüfungen", AUDITORS),
    Place("/werkstatt", "Manipulieren auf Probe", AUDITORS),
    Place("/betrieb", "Betrieb", OPERATORS),
)


class Visitor(NamedTuple):
    """Somebody who is signed in: who, in which roles, and what his forms carry."""

    identity: Identity
    member: Member
    form: str

    @property
    def places(self) -> list[Place]:
        """Where his roles lead."""
        return [each for each in PLACES if each.roles & {*self.member.roles}]


Signed = Callable[[Request, Visitor], Awaitable[Response]]
"""A page for somebody who is signed in."""


def for_roles(
    site: Site, roles: frozenset[str], signed: Signed, *, counts: bool = True, changes: bool = True
) -> Endpoint:
    """Return a page for whoever has one of the roles; others are sent to sign in, or refused.

    What a page asks by itself is no use of a session: it does not count, or nobody who left would ever be signed out.
    What is posted and changes nothing needs no token of the session: it may come from a page that knows no session.
    """

    async def guarded(request: Request) -> Response:
        try:
            token, visitor = await _visitor(site, request, roles, counts=counts)
        except Unauthenticated:
            wanted = request.url.path if request.method == "GET" else _FIRST
            return sent(f"{language_of(request)}/anmelden?weiter={quote(wanted)}")
        request.state.caller, request.state.visitor = visitor.identity, visitor
        if request.method == "POST":
            request.state.form = form = await posted(request, LONG)
            if changes:
                _insist_on_form(form, token)
        return await signed(request, visitor)

    return guarded


async def _visitor(site: Site, request: Request, roles: frozenset[str], *, counts: bool) -> tuple[str, Visitor]:
    token, now = request.cookies.get(_cookie("session", site), ""), site.clock()

    def read(unit: Any) -> tuple[Visitor, bool]:
        holding = holder(unit.sessions, token, now)
        if holding is None:
            raise Unauthenticated("Nobody is signed in.", "no session")
        member = site.office.member(unit, holding.identity, frozenset(ROLES))
        if not roles & {*member.roles}:
            raise Forbidden(f"This is for {' or '.join(sorted(roles))}.", allowed=sorted(roles))
        return Visitor(holding.identity, member, form_token(token)), holding.stale

    visitor, stale = await site.office.read(read)
    if stale and counts:
        await site.office.write(lambda unit: unit.sessions.used(key_of(token), timestamp(now)))
    return token, visitor


def entrance(site: Site) -> Endpoint:
    """Return the page that sends a browser to the issuer."""

    async def enter(request: Request) -> Response:
        if site.sign_in is None:
            raise NotFound("Nobody signs in here.")
        at, kept = await site.sign_in.begin(site.reached(request) + BACK)
        answer = sent(at)
        _keep(answer, site, "anmelden", f"{kept}~{quote(_path(request), safe='')}", _MINUTES)
        return answer

    return enter


def landing(site: Site) -> Endpoint:
    """Return the page that a browser comes back to."""

    async def land(request: Request) -> Response:
        if site.sign_in is None:
            raise NotFound("Nobody signs in here.")
        kept, _, wanted = request.cookies.get(_cookie("anmelden", site), "").partition("~")
        identity = await site.sign_in.finish(site.reached(request) + BACK, dict(request.query_params), kept)
        before = key_of(request.cookies.get(_cookie("session", site), ""))

        def write(unit: Any) -> str:
            unit.sessions.end(before)
            return begin(unit.sessions, identity, site.clock())

        token = await site.office.write(write)
        there = sent(unquote(wanted) if _is_ours(unquote(wanted)) else _FIRST)
        _keep(there, site, "session", token, int(LONGEST.total_seconds()))
        there.delete_cookie(_cookie("anmelden", site), path="/", secure=_secure(site), httponly=True, samesite="lax")
        return there

    return land


def exit_of(site: Site) -> Endpoint:
    """Return what ends a session; it asks for no role: who lost all of them signs out too."""

    async def leave(request: Request) -> Response:
        token, form = request.cookies.get(_cookie("session", site), ""), await posted(request)
        _insist_on_form(form, token)

        def write(unit: Any) -> None:
            session = unit.sessions.of(key_of(token))
            unit.sessions.end(key_of(token))
            if session is not None and "everywhere" in form:
                unit.sessions.end_all(session.identity)

        await site.office.write(write)
        away = sent(f"{language_of(request)}/")
        away.delete_cookie(_cookie("session", site), path="/", secure=_secure(site), httponly=True, samesite="lax")
        away.headers["Clear-Site-Data"] = '"cache"'
        return away

    return leave


def _insist_on_form(form: dict[str, str], token: str) -> None:
    """Raise Forbidden for a form that is not one of the session's."""
    if not token or not compare_digest(form.get("form", "").encode(), form_token(token).encode()):
        raise Forbidden("This form is not one of the session's.")


def sent(path: str) -> Response:
    """Return what sends a browser to another page."""
    return Response(None, 303, {"Location": path, "Cache-Control": "no-store"})


def _path(request: Request) -> str:
    wanted = request.query_params.get("weiter", "")
    return wanted if _is_ours(wanted) else f"{language_of(request)}{_FIRST}"


def _is_ours(path: str) -> bool:
    """Tell whether a path leads to a page of this site and nowhere else."""
    plain = path.isascii() and path.isprintable() and not {*path} & {*"\\?#%"}
    return plain and path.startswith("/") and not path.startswith("//") and len(path) <= _LONGEST_PATH


def _secure(site: Site) -> bool:
    return site.url.startswith("https:")


def _cookie(name: str, site: Site) -> str:
    return f"__Host-{name}" if _secure(site) else name


def _keep(answer: Response, site: Site, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        _cookie(name, site), value, max_age=seconds, path="/", secure=_secure(site), httponly=True, samesite="lax"
    )
