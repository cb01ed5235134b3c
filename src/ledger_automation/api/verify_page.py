"""The second verifier for everybody, with this log's policy inside: `/verify.html`. No token is asked for.

Whoever keeps the file can verify with it from disk for ever; it asks us nothing. Its own policy replaces ours: it runs
its own script and asks the nodes that its reader names.
"""

from typing import Any, Final

from fastapi import Request, Response

from ledger_automation.api import schemas
from ledger_automation.api.desk import desk
from ledger_automation.api.routes import Route
from ledger_automation.reading import home_policy
from ledger_automation.verify.page import assemble

_HTML: Final = "text/html; charset=utf-8"


def routes() -> list[Route]:
    """Return the route."""
    good = schemas.answers(200, "The page.", {"type": "string"}, _HTML)
    described: dict[str, Any] = {
        "summary": "The page that verifies receipts",
        "responses": {**good, **schemas.problems(429, 503)},
    }
    return [Route("GET", "/verify.html", "verify.page", _page, described)]


async def _page(request: Request) -> Response:
    here = desk(request)
    page = await here.run(lambda: assemble(home_policy(here.ledger.settings)))
    security = f"{page.security}; frame-ancestors 'none'"
    return Response(page.text, 200, {"Content-Security-Policy": security, "Cache-Control": "no-cache"}, _HTML)
