"""The pages as people meet them: a real browser, the real service, every language, light, dark and small."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from e2e.test_serve import LEDGER, Served
from support.browser import chromium

ROOT = Path(__file__).resolve().parents[2]
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
KERN = ROOT / "node_modules" / "@kern-ux" / "native" / "dist" / "kern.min.css"
LANGUAGES = {"": "de", "/en": "en", "/leicht": "de-x-leicht"}
PAGES = ("/", "/brief", "/protokoll")
MOST_BYTES = 150_000


class Letter(NamedTuple):
    """What stands in the office's letter."""

    number: str
    code: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("town") / "home"
    home.mkdir()
    found = Served(home, "--dev", "--chain", "tester")
    yield found
    found.end()


@pytest.fixture(scope="module")
def letter(served: Served) -> Letter:
    """Of a fine whose notice was served, anchored."""
    fines = "/workflows/parking_fine/cases"
    opened = served.ask(fines, {"payload": {"amount": 3_500}}, "clerk-1", Idempotency_Key="open")
    case = f"{fines}/{opened['case_id']}"
    for step in ("send_hearing", "send_notice", "record_service"):
        served.ask(f"{case}/{step}", {"payload": {}}, "clerk-1", Idempotency_Key=step)
    code = served.ask(case, persona="clerk-1")["access_code"]
    served.until(
        lambda: all(each["evidence"] == "final" for each in served.ask(f"{case}/events", persona="clerk-1")["events"])
    )
    return Letter(opened["case_id"], code)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


class Visit:
    """One window: what it asked for, and what its policy refused."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.told: list[str] = []
        self.asked: list[Any] = []
        page.on("console", lambda message: self.told.append(message.text))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        page.on("response", lambda answer: self.asked.append(answer))  # noqa: PLW0108  no builtin is taken

    def open(self, path: str) -> None:
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == 200

    def fill(self, letter: Letter) -> None:
        """With the keyboard alone, from the top of the page."""
        boxes = iter(letter)
        while (box := next(boxes, None)) is not None:
            self._tab_to("INPUT")
            self.page.keyboard.type(box)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def _tab_to(self, tag: str) -> None:
        for _ in range(20):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("document.activeElement.tagName") == tag:
                return
        raise AssertionError(f"no {tag} is reached by the keyboard")

    def transferred(self) -> int:
        return sum(each.request.sizes()["responseBodySize"] for each in self.asked)


@pytest.fixture
def visit(browser: Browser, served: Served) -> Iterator[Callable[..., Visit]]:
    contexts: list[Any] = []

    def begin(**options: Any) -> Visit:
        contexts.append(browser.new_context(**options))
        return Visit(contexts[-1].new_page(), served.url)

    yield begin
    for each in contexts:
        each.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1_280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_accessible_and_fits(
    visit: Callable[..., Visit], letter: Letter, tmp_path: Path, language: str, width: int, scheme: str
) -> None:
    here = visit(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for path in (*PAGES, "case"):
        if path == "case":
            here.open(f"{language}/brief")
            here.fill(letter)
        else:
            here.open(language + path)
        page = here.page
        assert page.locator("html").get_attribute("lang") == LANGUAGES[language]
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, path
        page.evaluate(AXE)
        assert [
            (each["id"], [node["html"] for node in each["nodes"]])
            for each in page.evaluate("axe.run().then(result => result.violations)")
        ] == [], path
        page.screenshot(path=tmp_path / f"{path.strip('/') or 'start'}.png", full_page=True)
    assert here.told == [], "nothing that a policy refused, and nothing else"
    assert {each.url.split("/")[2] for each in here.asked} == {here.url.split("/")[2]}, "no other host"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_light(visit: Callable[..., Visit], language: str) -> None:
    for path in PAGES:
        here = visit()
        here.open(language + path)
        assert 0 < here.transferred() < MOST_BYTES
        assert {each.status for each in here.asked} == {200}


def test_a_letter_shows_its_case_and_gives_its_receipt_without_a_script(
    visit: Callable[..., Visit], served: Served, letter: Letter, tmp_path: Path
) -> None:
    here = visit(java_script_enabled=False)
    for number, code in ((letter.number, letter.code[:-1]), (letter.number[:-1] + "x", letter.code), ("", "x")):
        here.open("/brief")
        here.page.locator("#number").evaluate("each => each.required = false")
        here.page.fill("#number", number)
        here.page.fill("#code", code)
        here.page.click("button")
        assert "gibt es keinen Fall" in here.page.get_by_role("alert").inner_text()
        assert here.page.input_value("#number") == number
    here.page.fill("#number", letter.number)
    here.page.fill("#code", letter.code.lower())
    here.page.click("button")
    assert here.page.locator(".state").inner_text() == "Bescheid zugestellt"
    terms = here.page.locator(".term")
    assert [each.split(":")[0] for each in terms.all_inner_texts()] == [
        "Einspruch einlegen",
        "Ohne Vollstreckung zahlen",
    ]
    ends = datetime.fromisoformat(str(terms.locator("time").first.get_attribute("datetime")))
    assert timedelta(days=14) < ends - datetime.now(UTC) < timedelta(days=20), "14 days from service, § 67 OWiG"
    steps = here.page.locator(".timeline li").all_inner_texts()
    assert ["aufgenommen" in steps[0], "Anhörung" in steps[1], len(steps)] == [True, True, 4]
    assert all("Auf der Kette festgemacht" in each for each in steps)
    assert letter.code not in here.page.url
    with here.page.expect_download() as saved:
        here.page.click("text=Beleg speichern")
    receipt = tmp_path / saved.value.suggested_filename
    saved.value.save_as(receipt)
    assert receipt.name == f"{letter.number}.json"
    words = [LEDGER, "verify", receipt, "--level", "logged", "--home", served.home, "--json"]
    answer = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    assert (answer["verdict"], len(json.loads(receipt.read_text("utf-8"))["entries"])) == ("final", 4)
    here.page.click("a[hreflang=en]")
    assert here.page.locator("h1").inner_text() == "My case"


def test_what_a_form_sends_is_text(visit: Callable[..., Visit]) -> None:
    here = visit()
    for sent in ('"><script>alert(1)</script>', "{{ 7 * 7 }}{% raw %}", "%(num)s", "x" * 64):
        here.open("/en/brief")
        here.page.fill("#number", sent)
        here.page.fill("#code", sent)
        here.page.click("button")
        assert here.page.input_value("#number") == sent
        assert here.page.locator("script").count() == 0
        assert sent not in here.page.url
    told = [each for each in here.told if "404" not in each]  # what the browser says of a case that is not there
    assert told == []
    for octets in (b"number=%ff", b"\xff", b"number=" + b"a" * 5_000, b"&" * 100, b""):
        for path in ("/brief", "/brief/beleg"):
            answer = here.page.request.post(here.url + path, data=octets)
            assert (answer.status, "gibt es keinen Fall" in answer.text()) == (404, True)


def test_the_log_is_shown_with_its_anchors(visit: Callable[..., Visit], letter: Letter) -> None:
    assert letter.number
    here = visit()
    here.open("/protokoll")
    row = here.page.locator("tbody tr").last.inner_text().split("\t")
    assert int(row[1]) >= 1
    assert row[4].startswith("0x")
    assert len(row[4]) == 66
    assert letter.number not in here.page.content()


def test_focus_is_seen(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.open("/")
    seen = set()
    for _ in range(12):
        here.page.keyboard.press("Tab")
        look = "getComputedStyle(document.activeElement)"
        outline, shadow = here.page.evaluate(f"[parseFloat({look}.outlineWidth), {look}.boxShadow]")
        assert outline >= 1 or shadow != "none", here.page.evaluate("document.activeElement.outerHTML")
        seen.add(here.page.evaluate("document.activeElement.getAttribute('href')"))
    assert {"#inhalt", "/en/", "/leicht/", "/brief", "/verify.html", "/protokoll"} <= seen


def test_figures_tell_pages_apart_by_their_route(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.open("/en")
    assert here.page.locator("h1").inner_text() == "What would you like to do?"
    here.open("/en/brief")
    told = here.page.request.get(f"{here.url}/metrics").text()
    for route in ("/en", "/en/brief", "/seiten/{name}"):
        assert f'ledger_requests_total{{method="GET",route="{route}",status="200"}}' in told


def test_paper_has_what_matters(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.open("/protokoll")
    here.page.emulate_media(media="print")
    assert not here.page.locator("header nav").is_visible()
    assert here.page.locator("h1").is_visible()
    assert here.page.locator("table").is_visible()


def test_kern_is_what_npm_brings(visit: Callable[..., Visit]) -> None:
    here = visit()
    answer = here.page.request.get(f"{here.url}/seiten/kern.css.gz", headers={"Accept-Encoding": "identity"})
    assert answer.body() == KERN.read_bytes()
    assert here.page.request.get(f"{here.url}/seiten/../pages.py").status == 404
    assert here.page.request.get(f"{here.url}/seiten/nothing.css").status == 404
