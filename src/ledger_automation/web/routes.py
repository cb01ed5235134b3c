"""Which page stands where: the same addresses in every language, behind `/`, `/en` and `/leicht`.

    /             three doors: a letter, a receipt, the log
    /brief        asks for case number and access code; posted, shows where that case stands
    /brief/beleg  posted with both, gives the receipt of that case, to be checked by anybody
    /protokoll    what everybody may know of the log: its size, its checkpoints, where they are anchored
    /seiten/*     style sheets

A posted form is answered, not redirected: the code must stand in no address. It changes nothing.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from ledger_automation.errors import InvalidValue
from ledger_automation.orchestrator.decide import is_of_letter
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.orchestrator.query import case_view
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.transition import Standing
from ledger_automation.tlog.receipt_file import MEDIA_TYPES, Encoding, write
from ledger_automation.values import CaseId, timestamp
from ledger_automation.verify.sources import CLAIMED, CaseRecord
from ledger_automation.web import words
from ledger_automation.web.pages import Language, page, style

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]

_LONGEST: Final = 4_096
_MOST_FIELDS: Final = 8
_SHOWN: Final = 20


class Site(NamedTuple):
    """What pages need of a ledger: to read it, the secret of its letters, its name, how many witnesses it wants."""

    read: Callable[[Callable[[Any], T]], Awaitable[T]]
    secret: bytes
    origin: str
    witnesses: int


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
    posted = {"/brief": _letter(site), "/brief/beleg": _receipt(site)}
    found += [
        _Named(f"{language}{path}", endpoint, methods=["POST"])
        for language in Language
        for path, endpoint in posted.items()
    ]
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

        def read(unit: UnitOfWork) -> dict[str, Any] | None:
            record = _case_of(unit, given, site.secret)
            if record is None:
                return None
            return {"case": case_view(unit, CaseId(record.case_id)), "term": _term(record)}

        facts = await site.read(read)
        if facts is None:
            return _no_case(request, given)
        logged = all(each["evidence"] in {"logged", "final"} for each in facts["case"]["events"])
        return page(request, "case", **facts, words=words, code=given["code"], logged=logged)

    return letter


def _receipt(site: Site) -> Endpoint:
    async def receipt(request: Request) -> Response:
        given = await _form(request)

        def read(unit: UnitOfWork) -> bytes | None:
            record = _case_of(unit, given, site.secret)
            if record is None:
                return None
            return write(issue(unit, CaseId(record.case_id), witnesses=site.witnesses), Encoding.JSON)

        octets = await site.read(read)
        if octets is None:
            return _no_case(request, given)
        named = f'attachment; filename="{given["number"].strip().lower()}.json"'
        headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
        return Response(octets, 200, headers, MEDIA_TYPES[Encoding.JSON])

    return receipt


def _term(record: CaseRecord) -> tuple[str, bool] | None:
    """Return when an appeal must be here, at the latest just before, and whether that is over; None for no term."""
    standing = Standing.of(record)
    ends = getattr(standing.case.data, "appeal_ends", None) if standing.case else None
    return (timestamp(ends), ends <= datetime.now(UTC)) if ends is not None else None


def _case_of(unit: UnitOfWork, given: dict[str, str], secret: bytes) -> CaseRecord | None:
    """Return the case that a letter is about, if its code opens it."""
    try:
        case_id = CaseId(given.get("number", "").strip().lower())
    except InvalidValue:
        return None
    record = unit.cases.case(case_id)
    return record if record is not None and is_of_letter(given.get("code", ""), record, secret) else None


def _no_case(request: Request, given: dict[str, str]) -> Response:
    return page(request, "letter", 404, wrong=True, number=given.get("number", "")[:64])


def _log(site: Site) -> Endpoint:
    async def log(request: Request) -> Response:
        def read(unit: UnitOfWork) -> dict[str, Any]:
            newest = unit.log.recent(_SHOWN)
            sent = unit.log.submissions(newest[-1].tree_size - 1) if newest else ()
            anchors = [each for each in sent if each.state in CLAIMED]
            shown = [(each, next((one for one in anchors if one.tree_size >= each.tree_size), None)) for each in newest]
            return {"size": newest[0].tree_size if newest else 0, "shown": shown}

        return page(request, "log", origin=site.origin, **await site.read(read))

    return log


async def _style(request: Request) -> Response:
    return style(request, request.path_params["name"])


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
