"""Every role's way through the pages, from the sign-in on, in a real browser over the real service and its data."""

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from e2e.test_pages import AXE, LANGUAGES, MOST_BYTES, ROOT, Visit
from e2e.test_serve import LEDGER, Served
from ledger_automation.reading import asked_policy
from ledger_automation.settings import Settings
from ledger_automation.study.tampering import disarm
from ledger_automation.verify.page import assemble
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import CASE_HOLDS
from support.browser import chromium

PLACES = {
    "applicant-1": ("/faelle", "/faelle/neu/permit/submit_application", "/konto"),
    "clerk-1": ("/faelle", "/faelle/neu/parking_fine/record_fine", "/faelle/neu/subsidy/open_programme", "/konto"),
    "approver-1": ("/faelle",),
    "finance-1": ("/faelle", "/foerderung"),
    "auditor-1": ("/faelle", "/pruefung", "/pruefung/stichprobe?saat=2026&zahl=10", "/werkstatt"),
    "administrator-1": ("/betrieb", "/konto"),
}  # fmt: skip
SEEN = """() => {
  const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
  return outlineStyle !== "none" || boxShadow !== "none";
}"""
FIRST = {"administrator-1": "/betrieb"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("town") / "home"
    home.mkdir()
    found = Served(home, "--dev", "--demo", "--chain", "tester")
    yield found
    found.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def office(browser: Browser, served: Served) -> Iterator[Callable[..., Visit]]:
    """Open a window of somebody who signs in, by the issuer's own page."""
    contexts: list[Any] = []

    def enter(persona: str, **options: Any) -> Visit:
        contexts.append(browser.new_context(**options))
        visit = Visit(contexts[-1].new_page(), served.url)
        visit.page.goto(f"{served.url}/anmelden?weiter={FIRST.get(persona, '/faelle')}")
        visit.page.click(f"text={persona}")
        assert visit.page.url == served.url + FIRST.get(persona, "/faelle")
        return visit

    yield enter
    for each in contexts:
        each.close()


def until(page: Page, found: Callable[[], Any]) -> None:
    for _ in range(120):
        if found():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(page.inner_text("main"))


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1_280, "light")])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("persona", PLACES)
def test_every_place_is_accessible_fits_and_is_light(
    office: Callable[..., Visit], tmp_path: Path, persona: str, language: str, width: int, scheme: str
) -> None:
    here = office(persona, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, paths = here.page, list(PLACES[persona])
    for place in paths:
        here.asked.clear()
        here.open(language + place)
        if place in {"/faelle", "/foerderung"} and page.locator("td a").count():
            paths.append(str(page.locator("td a").first.get_attribute("href")).removeprefix(language))
        assert page.locator("html").get_attribute("lang") == LANGUAGES[language]
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, place
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        page.evaluate(AXE)
        assert [
            (each["id"], [node["html"] for node in each["nodes"]])
            for each in page.evaluate("axe.run().then(result => result.violations)")
        ] == [], place
        name = re.sub(r"\W+", "-", place.strip("/"))[:40]
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert here.transferred() < MOST_BYTES, place
    assert here.told == [], "nothing that a policy refused, and nothing else"
    assert {each.url.split("/")[2] for each in here.asked} == {here.url.split("/")[2]}, "no other host"


def test_an_applicant_goes_from_the_application_to_a_verified_receipt(
    office: Callable[..., Visit], served: Served, tmp_path: Path
) -> None:
    anna, clerk = (office(each, java_script_enabled=False) for each in ("applicant-1", "clerk-1"))
    page = anna.page
    page.click("text=Antrag stellen")
    page.fill("#subject", 'Gartenhaus "Am Turm" <3')
    page.click("main button:has-text('Antrag stellen')")
    case = page.url
    other = clerk.page
    other.goto(case)
    for label in ("Eingang bestätigen", "Unterlagen nachfordern"):
        other.click(f"main a:has-text('{label}')")
        if other.locator("#missing").count():
            other.fill("#missing", "Lageplan")
        other.click(f"main button:has-text('{label}')")
        assert other.url == case
    page.goto(case)
    assert page.locator(".timeline li").count() == 3
    page.click("main a:has-text('Antrag zurücknehmen')")
    page.click("main button:has-text('Antrag zurücknehmen')")
    assert page.locator(".state").inner_text() == "Antrag zurückgenommen"
    until(page, lambda: page.locator("text=Auf der Kette festgemacht").count() == 4)
    with page.expect_download() as saved:
        page.click("text=Beleg speichern")
    receipt = tmp_path / saved.value.suggested_filename
    saved.value.save_as(receipt)
    words = [LEDGER, "verify", receipt, "--level", "logged", "--home", served.home, "--json"]
    answer = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    assert (answer["verdict"], len(json.loads(receipt.read_text("utf-8"))["entries"])) == ("final", 4)


def test_who_looks_at_a_case_is_told_when_it_moves_on(office: Callable[..., Visit]) -> None:
    here, there = office("clerk-1"), office("clerk-2")
    here.page.goto(here.url + "/faelle/neu/parking_fine/record_fine")
    here.page.fill("#amount", "20,00")
    here.page.click("main button")
    there.page.goto(here.page.url)
    there.page.click("main a:has-text('Anhörung verschicken')")
    there.page.click("main button:has-text('Anhörung verschicken')")
    told = here.page.locator("[data-live]")
    expect(told).to_be_visible(timeout=15_000)
    assert here.page.locator(".state").inner_text() == "aufgenommen", "nothing is loaded by itself"
    told.locator("a").click()
    assert here.page.locator(".state").inner_text() == "Anhörung verschickt"
    assert here.told == there.told == []


def test_a_form_is_filled_in_with_the_keyboard_alone(office: Callable[..., Visit]) -> None:
    here = office("clerk-1")
    page = here.page
    page.goto(here.url + "/faelle/neu/parking_fine/record_fine")
    for text in ("35,00", "Parken auf dem Gehweg"):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('main input[type=text]')"):
                break
        assert page.evaluate(SEEN)
        page.keyboard.type(text)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".state").inner_text() == "aufgenommen"


@pytest.mark.parametrize(
    ("picture", "persona", "path", "click"),
    [
        ("worklist", "clerk-1", "/faelle", ()),
        ("case", "clerk-1", "/faelle", ("tr:has-text('Bescheid zugestellt') a",)),
        ("grant", "finance-1", "/foerderung", ("tr:has-text('1.834.169,98') a",)),
        ("tampered", "auditor-1", "/werkstatt", ("text=erhöht eine Tranche",)),
    ],
)
def test_the_readme_s_pictures_are_of_these_pages(
    office: Callable[..., Visit], tmp_path: Path, picture: str, persona: str, path: str, click: tuple[str, ...]
) -> None:
    """With UPDATE_PICTURES=1 they are taken anew."""
    here = office(persona, viewport={"width": 1_000, "height": 750})
    here.page.goto(here.url + path)
    for each in click:
        here.page.click(each)
    taken = tmp_path / f"{picture}.png"
    here.page.screenshot(path=taken)
    shown = ROOT / "docs" / "pictures" / taken.name
    if os.environ.get("UPDATE_PICTURES"):
        shown.parent.mkdir(exist_ok=True)
        shown.write_bytes(taken.read_bytes())
    assert f"docs/pictures/{taken.name}" in (ROOT / "README.md").read_text("utf-8")
    with Image.open(taken) as now, Image.open(shown) as then:
        assert now.size == then.size


def test_an_auditor_finds_what_was_tampered_with(office: Callable[..., Visit], served: Served) -> None:
    here = office("auditor-1")
    page = here.page
    page.goto(here.url + "/pruefung")
    page.click("text=Das ganze Protokoll prüfen")
    until(page, lambda: page.locator("tbody tr").count() == 1)
    page.click("tbody a")
    assert "Nichts, was nicht stimmt." in page.inner_text("main")
    with closing(sqlite3.connect(served.home / "ledger.sqlite")) as planted:
        disarm(planted)
        case_id, sequence = planted.execute(
            "SELECT case_id, sequence FROM event WHERE action = 'disburse_tranche' ORDER BY id LIMIT 1"
        ).fetchone()
        query = "UPDATE event SET actor_id = 'somebody' WHERE case_id = ? AND sequence = ?"
        planted.execute(query, (case_id, sequence))
        planted.commit()
    page.goto(here.url + "/pruefung")
    page.click("text=Das ganze Protokoll prüfen")
    until(page, lambda: page.locator("tbody tr").count() == 2)
    page.click("tbody a >> nth=0")
    row = page.locator(".finding").inner_text()
    told = ("T02", case_id[:8], f"Schritt {sequence}", "actor_id", "cashier-1", "somebody")
    assert [each for each in told if each not in row] == []
    page.goto(here.url + "/werkstatt")
    page.click("text=schreibt die Geschichte neu")
    assert "T36" in page.inner_text("main")
    assert here.told == []


def test_a_receipt_s_codes_are_photographed_and_verified_from_disk(
    office: Callable[..., Visit], served: Served, browser: Browser, tmp_path: Path
) -> None:
    page = office("applicant-2").page
    page.click("td a >> nth=0")
    until(page, lambda: page.locator("text=als Code").count() == 1)
    page.click("text=als Code")
    codes = page.locator(".codes img")
    texts = []
    for number in range(codes.count()):
        with Image.open(BytesIO(codes.nth(number).screenshot())) as seen:
            texts += [each.text for each in zxingcpp.read_barcodes(seen.convert("L"))]
    assert len(texts) == codes.count() > 2
    saved = tmp_path / "verify.html"
    saved.write_text(assemble(asked_policy(Settings(home=served.home), Level.LOGGED)).text, "utf-8")
    reader = browser.new_page()
    try:
        reader.goto(saved.as_uri())
        reader.locator("summary").first.click()
        reader.locator("#pasted").fill("\n".join(reversed(texts)))
        reader.locator("#answer[data-verdict]:not([aria-busy])").wait_for()
        assert reader.locator("#sentence").inner_text() == CASE_HOLDS.de
        forged = texts[0][:-9] + ("A" if texts[0][-9] != "A" else "B") + texts[0][-8:]
        reader.locator("#pasted").fill("\n".join([forged, *texts[1:]]))
        expect(reader.locator("#sentence")).not_to_have_text(CASE_HOLDS.de)
    finally:
        reader.close()


def test_papers_are_the_office_s_and_the_receipt_s(office: Callable[..., Visit]) -> None:
    page = office("clerk-1").page
    page.click("tr:has-text('Bescheid zugestellt') a")
    case, code = page.url, page.locator("text=Zugangscode für den Brief").locator("code").inner_text()
    with page.expect_download() as saved:
        page.click("text=Schreiben dazu (PDF) >> nth=-1")
    told = "\n".join(each.extract_text() for each in PdfReader(saved.value.path()).pages)
    told = "".join(told.split())  # a code may break behind one of its hyphens
    assert [each for each in ("Bußgeldbescheid", "Einspruch", code, "37,50") if each not in told] == []
    until(page, lambda: page.locator("text=als Papier (PDF)").count() == 1)
    with page.expect_download() as saved:
        page.click("text=als Papier (PDF)")
    told = "\n".join(each.extract_text() for each in PdfReader(saved.value.path()).pages)
    assert case.rpartition("/")[2] in told
    assert "kein amtliches Schreiben" in told


def test_the_finance_office_reads_the_grant_of_wismar(office: Callable[..., Visit]) -> None:
    here = office("finance-1")
    page = here.page
    page.click("text=Förderungen")
    page.click("tr:has-text('hansestadt-wismar') a >> nth=0")
    said = page.inner_text("main")
    if "VO/2019/3113" not in said:
        page.go_back()
        page.click("tr:has-text('hansestadt-wismar') a >> nth=1")
        said = page.inner_text("main")
    told = ("VO/2019/3113", "1.834.169,98", "183.417,01", "0,01", "Tage nach der Frist")
    assert [each for each in told if each not in said.replace("\xa0", " ")] == []
    with page.expect_download() as saved:
        page.click("text=Verwendungsnachweis (PDF)")
    assert "1.834.169,98" in "\n".join(each.extract_text() for each in PdfReader(saved.value.path()).pages)
    with page.expect_download() as saved:
        page.click("text=Teilbeträge (CSV)")
    assert "250000,00" in Path(saved.value.path()).read_text("utf-8-sig").replace(".", "")
    assert here.told == []
