"""The finance office's pages in a real browser: accessible and fitting, in every language, light, dark and small."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route
from starlette.requests import Request

from ledger_automation.orchestrator.account import account
from ledger_automation.study import wismar
from ledger_automation.web import finance
from ledger_automation.web.finance import GrantLine, Grants, Programme
from ledger_automation.web.pages import Language, resource
from support.browser import chromium
from support.grants import CASE, FINAL, of_wismar

AXE = (Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
TOWN = "http://town.example"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
_LINE = GrantLine(str(CASE), "granted", "Modellprojekte", "town", 183_416_998, 119_221_049, 50_000_000, 69_221_049, 0)


def shown(name: str) -> Callable[[Request], Any]:
    """Return what answers for a page; accounts on the way, at the end and erased."""
    trail = of_wismar(wismar.STEPS, *FINAL).rows
    erased = [row._replace(canonical=None) for row in trail]
    told = {"begun": trail[:2], "running": trail[:17], "closed": trail, "erased": erased}
    if name in told:
        return lambda request: finance.grant_page(request, account(told[name], NOW))
    lines = (_LINE, _LINE._replace(erased=True))
    return lambda request: finance.grants_page(request, Grants((Programme("Modellprojekte", lines),), str(CASE)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1_280, "light")])
@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", ["list", "begun", "running", "closed", "erased"])
def test_a_page_is_accessible_and_fits(
    browser: Browser, tmp_path: Path, name: str, language: Language, width: int, scheme: Any
) -> None:
    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(TOWN)
        asked = Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []})
        made = resource(asked, path.rpartition("/")[2]) if path.startswith("/seiten/") else shown(name)(asked)
        route.fulfill(status=made.status_code, headers=dict(made.headers), body=bytes(made.body))

    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    try:
        page, told = context.new_page(), []
        page.on("console", lambda message: told.append(message.text))
        page.route(f"{TOWN}/**", answer)
        page.goto(f"{TOWN}{language}/foerderung")
        assert page.locator("html").get_attribute("lang") == language.tag
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        page.evaluate(AXE)
        found = page.evaluate("axe.run().then(result => result.violations)")
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
        assert told == [], "nothing that a policy refused, and nothing else"
    finally:
        context.close()
