"""The auditor's pages: what audits found, a new one at a click, and a sample that anybody can draw again.

    /pruefung               audits, newest first, and alarms; posted, has the whole log audited in the background
    /pruefung/{run}         one audit: each finding by its class and its place, field by field
    /pruefung/{run}/bericht its whole answer, as a file
    /pruefung/stichprobe    so many leaves, drawn from a seed, each opened and verified

An audit that was asked for is there when it is done; until then the list says so and comes again by itself.
"""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import InvalidValue, NotFound
from ledger_automation.orchestrator.audits import AuditRun
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.orchestrator.sample import sample
from ledger_automation.web.pages import language_of, page
from ledger_automation.web.site import Site
from ledger_automation.web.visits import Signed, Visitor, sent

_SHOWN: Final = 20
_FINDINGS: Final = 200
MOST_DRAWN: Final = 50
_LONGEST_SEED: Final = 64
_DIGITS: Final = 15


def listing(site: Site) -> Signed:
    """Return the page of audits; posted, it asks for one."""

    async def listed(request: Request, _: Visitor) -> Response:
        def read(unit: UnitOfWork) -> tuple[list[AuditRun], list[Any]]:
            return unit.audits.runs(None, _SHOWN), unit.anchors.alarms()

        runs, alarms = await site.office.read(read)
        newest = str(runs[0].id) if runs else "0"
        if request.method == "POST":
            await site.office.wake(Duty.AUDIT_WHOLE)
            return sent(f"{language_of(request)}/pruefung?nach={newest}")
        waits = request.query_params.get("nach") == newest
        return page(request, "audits", runs=runs, alarms=alarms, refresh=3 if waits else None)

    return listed


def run(site: Site) -> Signed:
    """Return the page of one audit."""

    async def shown(request: Request, _: Visitor) -> Response:
        found = await _run(site, request)
        report = msgspec.json.decode(found.report)
        findings = report["findings"][:_FINDINGS]
        return page(request, "audit", run=found, report=report, findings=findings)

    return shown


def report(site: Site) -> Signed:
    """Return an audit's whole answer as a file (JSON, docs/spec/verdict.md)."""

    async def given(request: Request, _: Visitor) -> Response:
        found = await _run(site, request)
        headers = {"Content-Disposition": f'attachment; filename="audit-{found.id}.json"', "Cache-Control": "no-store"}
        return Response(found.report, 200, headers, "application/json")

    return given


def drawn(site: Site) -> Signed:
    """Return the page of a sample; without a seed, it asks for one."""

    async def shown(request: Request, _: Visitor) -> Response:
        seed, count = request.query_params.get("saat", ""), _count(request.query_params.get("zahl", "10"))
        if not 0 < len(seed) <= _LONGEST_SEED:
            return page(request, "sample", seed="", count=count, size=0, leaves=None)
        size, leaves = await site.office.read(lambda unit: sample(unit, site.home.policy(), seed, count))
        return page(request, "sample", seed=seed, count=count, size=size, leaves=leaves)

    return shown


def _count(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= _DIGITS and 0 < int(given) <= MOST_DRAWN):
        raise InvalidValue("A sample", given, f"of 1 to {MOST_DRAWN} steps")
    return int(given)


async def _run(site: Site, request: Request) -> AuditRun:
    name = request.path_params["run"]
    if name.isascii() and name.isdigit() and len(name) <= _DIGITS:
        runs: list[AuditRun] = await site.office.read(lambda unit: unit.audits.runs(int(name) + 1, 1))
        if runs and runs[0].id == int(name):
            return runs[0]
    raise NotFound("There is no such audit.")
