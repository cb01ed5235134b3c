"""The finance office's addresses: all grants, the account of one, and what is taken along from it.

    /foerderung                                  grants by programme, with where their money is
    /foerderung/{case}                           plan and actual, tranches, rates, findings in words
    /foerderung/{case}/verwendungsnachweis.pdf   the proof of use, with the account's data inside (PDF/A-3b)
    /foerderung/{case}/bericht.pdf               the council's paper
    /foerderung/{case}/teilbetraege.csv          the tranches, and
    /foerderung/{case}/belege.csv                the vouchers, for a spreadsheet

What they show is `finance`'s; what they give is `finance_files`'.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.orchestrator.account_lines import Account
from ledger_automation.values import CaseId
from ledger_automation.web.cases import case_of
from ledger_automation.web.finance import grant, grant_page, grants, grants_page
from ledger_automation.web.finance_files import Issue, proof_file, report_file, tranches_file, vouchers_file
from ledger_automation.web.site import Site
from ledger_automation.web.takeaway import office_of
from ledger_automation.web.visits import Signed, Visitor
from ledger_automation.workflows.deadlines import local_day

_ZONE = "Europe/Berlin"

Files = dict[str, Callable[[Account, Issue], Response]]
FILES: Files = {
    "verwendungsnachweis.pdf": proof_file,
    "bericht.pdf": report_file,
    "teilbetraege.csv": lambda account, _: tranches_file(account),
    "belege.csv": lambda account, _: vouchers_file(account),
}
"""By the last part of their address: what is taken along."""


def listing(site: Site) -> Signed:
    """Return the page of all grants."""

    async def listed(request: Request, _: Visitor) -> Response:
        after = request.query_params.get("nach", "") and CaseId(request.query_params["nach"])
        facts = await site.office.read(lambda unit: grants(unit, after))
        return await site.office.run(lambda: grants_page(request, facts))

    return listed


def one(site: Site) -> Signed:
    """Return the page of one grant's account."""

    async def shown(request: Request, _: Visitor) -> Response:
        account = await _account(site, request)
        return await site.office.run(lambda: grant_page(request, account))

    return shown


def file(site: Site, name: str) -> Signed:
    """Return what is taken along under a name."""

    async def given(request: Request, _: Visitor) -> Response:
        account = await _account(site, request)
        issue = Issue(office_of(site), local_day(site.clock(), _ZONE))
        return await site.office.run(lambda: FILES[name](account, issue))

    return given


async def _account(site: Site, request: Request) -> Account:
    case_id, now = case_of(request), site.clock()
    return await site.office.read(lambda unit: grant(unit, case_id, now))
