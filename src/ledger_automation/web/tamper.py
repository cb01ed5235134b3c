"""The room to tamper in: a copy of the ledger, what an insider would do to it at a click, and what an audit says.

    /werkstatt   the attacks; posted, one is tried on a copy, and what was found is shown

Whoever tries it has changed nothing: the copy is gone when the answer is there.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import NotFound
from ledger_automation.verify.verdict import shown
from ledger_automation.web.pages import page
from ledger_automation.web.site import Site
from ledger_automation.web.visits import Signed, Visitor

_FINDINGS: Final = 50


def tamper(site: Site) -> Signed:
    """Return the page."""

    async def tried(request: Request, _: Visitor) -> Response:
        attempt, missing = None, False
        if request.method == "POST":
            kind = request.state.form.get("kind", "")
            try:
                attempt = await site.office.run(lambda: site.room.attempt(kind))
            except NotFound:
                missing = True
        findings = [shown(each) for each in attempt.report.findings[:_FINDINGS]] if attempt is not None else []
        attacks = site.room.attacks()
        return page(request, "tamper", attacks=attacks, attempt=attempt, findings=findings, missing=missing)

    return tried
