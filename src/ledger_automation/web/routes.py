"""Which page stands where: the same addresses in every language, behind `/`, `/en` and `/leicht`.

    /          three doors: a letter, a receipt, the log
    /brief     asks for case number and access code; posted, shows where that case stands
    /protokoll what everybody may know of the log: its size, its checkpoints, where they are anchored
    /seiten/*  style sheets

A posted form is answered, not redirected: the code must stand in no address. It changes nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from ledger_automation.errors import InvalidValue, NotFound
from ledger_automation.orchestrator.asked import access_code, is_code
from ledger_automation.orchestrator.decide import names_nobody
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.orchestrator.query import case_view
from ledger_automation.orchestrator.submission import State
from ledger_automation.values import CaseId
from ledger_automation.web import words
from ledger_automation.web.pages import Language, page, style

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]

_LONGEST: Final = 4_096
_MOST_FIELDS: Final = 8
_SHOWN: Final = 20


class Site(NamedTuple):
    """What pages need of a ledger: to read it, the secret of its letters, its name."""

    read: Callable[[Callable[[Any], T]], Awaitable[T]]
    secret: bytes
    origin: str


class _Named(Route):
    """A route that figures and journal know by its path, as they know the API's."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, more = super().matches(scope)
        return match, {**more, "route": self}


def routes(site: Site) -> list[Route]:
    """Return every page in every language, and the style sheets."""
    own = {"/": _start(site), "/brief": _asked, "/protokoll": _log(site)}
    found = [
        _Named(f"{language}{path}", endpoint, methods=["GET"])
        for language in Language
        for path, endpoint in own.items()
    ]
    found += [_Named(language, own["/"], methods=["GET"]) for language in Language if language]
    found += [_Named(f"{language}/brief", _letter(site), methods=["POST"]) for language in Language]
    return [*found, _Named("/seiten/{name}", _style, methods=["GET"])]


def _start(site: Site) -> Endpoint:
    async def start(request: Request) -> Response:
        return page(request, "start", origin=site.origin)

    return start


async def _asked(request: Request) -> Response:
    return page(request, "letter", wrong=False, number="")


def _letter(site: Site) -> Endpoint:
    async def letter(request: Request) -> Response:
        given = await _form(request)
        number, code = given.get("number", "").strip().lower(), given.get("code", "")

        def read(unit: UnitOfWork) -> dict[str, Any] | None:
            try:
                case_id = CaseId(number)
                view = case_view(unit, case_id)
            except (InvalidValue, NotFound):
                return None
            record = unit.cases.case(case_id)
            known = record is not None and names_nobody(record) and is_code(code, access_code(number, site.secret))
            return view if known else None

        view = await site.read(read)
        if view is None:
            return page(request, "letter", 404, wrong=True, number=number[:64])
        return page(request, "case", case=view, words=words)

    return letter


def _log(site: Site) -> Endpoint:
    async def log(request: Request) -> Response:
        def read(unit: UnitOfWork) -> dict[str, Any]:
            newest = unit.log.recent(_SHOWN)
            sent = unit.log.submissions(newest[-1].tree_size - 1) if newest else ()
            anchors = [each for each in sent if each.state in {State.ANCHORED, State.FINAL}]
            shown = [(each, next((one for one in anchors if one.tree_size >= each.tree_size), None)) for each in newest]
            return {"size": newest[0].tree_size if newest else 0, "shown": shown}

        return page(request, "log", origin=site.origin, **await site.read(read))

    return log


async def _style(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in {"kern.css.gz", "pages.css"}:
        raise NotFound("There is no such file.")
    return style(request, name)


async def _form(request: Request) -> dict[str, str]:
    """Read a short form (application/x-www-form-urlencoded); what is longer or no text is as if it were empty."""
    octets = b""
    async for part in request.stream():
        octets += part
        if len(octets) > _LONGEST:
            return {}
    try:
        fields = parse_qs(octets.decode("ascii"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
