"""Pages for everybody, and for whoever has a letter of the office: nobody signs in here, and no cookie is set.

    /             four doors: a letter, a receipt, the log, the office
    /brief        asks for case number and access code; posted, shows where that case stands
    /brief/beleg  posted with both, gives the receipt of that case, to be checked by anybody
    /protokoll    what everybody may know of the log: its size, its checkpoints, where they are anchored

A letter's form is answered, not redirected: the code must stand in no address. It changes nothing.
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import InvalidInput
from ledger_automation.orchestrator.decide import APPLICANT
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.orchestrator.query import case_view
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.tlog.receipt_file import Encoding, write
from ledger_automation.values import CaseId
from ledger_automation.verify.sources import CLAIMED
from ledger_automation.web.cases import attached, is_logged, of_letter, terms_of
from ledger_automation.web.pages import page
from ledger_automation.web.posted import posted
from ledger_automation.web.site import Endpoint, Site
from ledger_automation.workflows import workflow

_SHOWN: Final = 20


def start(site: Site) -> Endpoint:
    """Return the first page."""

    async def started(request: Request) -> Response:
        return page(request, "start", origin=site.origin)

    return started


def letter(site: Site) -> Endpoint:
    """Return the page that asks for a letter's number and code, and shows the case that they open."""

    async def answered(request: Request) -> Response:
        if request.method != "POST":
            return page(request, "letter", wrong=False, number="")
        given = await _given(request)

        def read(unit: UnitOfWork) -> dict[str, Any] | None:
            record = of_letter(unit, given, site.office.secret)
            if record is None:
                return None
            actions = workflow(record.workflow).allowed(record.state, APPLICANT)
            case = case_view(unit, CaseId(record.case_id))
            return {"case": case, "terms": terms_of(record), "now": site.clock(), "actions": actions}

        facts = await site.office.read(read)
        if facts is None:
            return _no_case(request, given)
        return page(request, "case", **facts, code=given["code"], logged=is_logged(facts["case"]))

    return answered


def receipt(site: Site) -> Endpoint:
    """Return what gives the receipt of a letter's case."""

    async def given_out(request: Request) -> Response:
        given = await _given(request)

        def read(unit: UnitOfWork) -> tuple[str, bytes] | None:
            record = of_letter(unit, given, site.office.secret)
            if record is None:
                return None
            return record.case_id, write(issue(unit, CaseId(record.case_id), witnesses=site.witnesses), Encoding.JSON)

        found = await site.office.read(read)
        return _no_case(request, given) if found is None else attached(*found)

    return given_out


def log(site: Site) -> Endpoint:
    """Return the page of the log."""

    async def shown(request: Request) -> Response:
        def read(unit: UnitOfWork) -> dict[str, Any]:
            newest = unit.log.recent(_SHOWN)
            sent = unit.log.submissions(newest[-1].tree_size - 1) if newest else ()
            anchors = [each for each in sent if each.state in CLAIMED]
            shown = [(each, next((one for one in anchors if one.tree_size >= each.tree_size), None)) for each in newest]
            return {"size": newest[0].tree_size if newest else 0, "shown": shown}

        return page(request, "log", origin=site.origin, **await site.office.read(read))

    return shown


async def _given(request: Request) -> dict[str, str]:
    """Read a letter's form; what is none names no case."""
    try:
        return await posted(request)
    except InvalidInput:
        return {}


def _no_case(request: Request, given: dict[str, str]) -> Response:
    return page(request, "letter", 404, wrong=True, number=given.get("number", "")[:64])
