"""The study's figures: the report that `ledger study report` wrote, under the pages' own policy.

    /zahlen                     leads to the report in the reader's language
    /zahlen/report.de.html      the report, compressed where it is taken so; it links to the other one beside it

The report is one file without a script; its style sheet stands inside, so the policy names that by its digest and lets
nothing else in. Where the operator named no report (`LEDGER_STUDY`), there is none, and no door leads to it.
"""

import gzip
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import NotFound
from ledger_automation.web.pages import Language, language_of
from ledger_automation.web.site import Endpoint, Site
from ledger_automation.web.visits import sent

FILES: Final = ("report.de.html", "report.en.html")
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class Report(NamedTuple):
    """A report as it is sent: compressed, and the policy that it is shown under."""

    packed: bytes
    policy: str


def entrance(site: Site) -> Endpoint:
    """Return what leads to the report."""

    async def led(request: Request) -> Response:
        _folder(site)
        name = FILES[1] if language_of(request) is Language.ENGLISH else FILES[0]
        return sent(f"/zahlen/{name}")

    return led


def report(site: Site, name: str) -> Endpoint:
    """Return one file of it."""

    async def shown(request: Request) -> Response:
        path = _folder(site) / name
        found = await site.office.run(lambda: _read(path, path.stat().st_mtime_ns if path.exists() else 0))
        headers = {"Content-Security-Policy": found.policy, "Vary": "Accept-Encoding", "Cache-Control": "no-cache"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(gzip.decompress(found.packed), 200, headers, "text/html; charset=utf-8")
        return Response(found.packed, 200, {**headers, "Content-Encoding": "gzip"}, "text/html; charset=utf-8")

    return shown


def _folder(site: Site) -> Path:
    if site.study is None:
        raise NotFound("There is no report here.")
    return site.study


@cache
def _read(path: Path, _written: int) -> Report:
    """Read a file, once for each time that it was written; raises NotFound."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound("There is no report here.") from error
    digests = (b64encode(sha256(each.encode()).digest()).decode() for each in _STYLE.findall(text))
    styles = " ".join(f"'sha256-{each}'" for each in digests) or "'none'"
    policy = f"default-src 'none'; style-src {styles}; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    return Report(gzip.compress(text.encode(), mtime=0), policy)
