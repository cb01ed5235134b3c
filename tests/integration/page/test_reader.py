"""The page as its reader has it: by file, drop and paste, in two languages, by keyboard, small, dark, and alone."""

import base64
import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import segno
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from ledger_automation.papers.qr_codes import svg
from ledger_automation.tlog.receipt_file import Encoding, decode, write
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import CASE_ABSENT, CASE_HOLDS, SENTENCES, STEP_HOLDS, Verdict
from support.archive import POLICY, Receipt
from support.receipt_mutants import Bench

LOGGED = POLICY.at(Level.LOGGED)
ANSWER = "#answer[data-verdict]:not([aria-busy])"


def octets(receipt: Receipt, **changes: Any) -> bytes:
    return json.dumps({**receipt, **changes}, ensure_ascii=False).encode()


def choose(page: Page, receipt: bytes) -> str:
    page.locator("#receipt").set_input_files({"name": "r.json", "mimeType": "application/json", "buffer": receipt})
    page.locator(ANSWER).wait_for()
    return page.locator("#sentence").inner_text()


def test_a_receipt_comes_by_file_by_drop_and_by_paste(open_page: Any, archived: Bench) -> None:
    receipt = octets(archived.honest[0])
    by_file = choose(open_page(LOGGED), receipt)
    dropped, pasted = open_page(LOGGED), open_page(LOGGED)
    transfer = dropped.evaluate_handle(
        """(text) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([text], "r.json"));
          return transfer;
        }""",
        receipt.decode(),
    )
    dropped.dispatch_event("#place", "drop", {"dataTransfer": transfer})
    pasted.locator("summary").first.click()
    pasted.locator("#pasted").fill(receipt.decode())
    for page in (dropped, pasted):
        page.locator(ANSWER).wait_for()
        assert page.locator("#sentence").inner_text() == by_file == CASE_HOLDS.de
    assert choose(open_page(LOGGED), octets(archived.honest[1])) == STEP_HOLDS.de
    assert choose(open_page(LOGGED), octets(archived.archive.absence("no case"))) == CASE_ABSENT.de


def cose(receipt: dict[str, Any]) -> tuple[bytes, list[str]]:
    """Return a receipt as COSE, and the texts of its QR codes."""
    read = decode(octets(receipt))
    return write(read, Encoding.COSE), write(read, Encoding.FRAMES).decode().splitlines()


def test_a_receipt_comes_as_cose_and_as_the_text_of_its_codes(open_page: Any, archived: Bench) -> None:
    receipt, frames = cose(archived.honest[0])
    assert len(frames) > 2
    page = open_page(LOGGED)
    assert choose(page, receipt) == choose(page, "\n".join(frames).encode()) == CASE_HOLDS.de
    page.locator("summary").first.click()
    page.locator("#pasted").fill("\n".join(frames[1:]))
    expect(page.locator("#sentence")).to_have_text(f"Es fehlt Code 1 von {len(frames)}.")
    page.locator("#pasted").fill("\n".join([*frames[1:], frames[0]]))
    expect(page.locator("#sentence")).to_have_text(CASE_HOLDS.de)
    assert choose(page, receipt[:-1]) == "Das ist kein Beleg: kein COSE-Beleg in seiner Form."


SCANNER = """() => {
  globalThis.BarcodeDetector = class {
    async detect(picture) {
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      canvas.getContext("2d").drawImage(picture, 0, 0);
      const octets = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
      const texts = await read_codes(btoa(Array.from(octets, (octet) => String.fromCharCode(octet)).join("")));
      return texts.map((rawValue) => ({ rawValue }));
    }
  };
}"""


def read_codes(picture: str) -> list[str]:
    """Stand in for what Debian's Chromium lacks and a telephone's has: another program reads the same pixels."""
    with Image.open(BytesIO(base64.b64decode(picture))) as seen:
        return [each.text for each in zxingcpp.read_barcodes(seen.convert("L"))]


def test_pictures_of_the_codes_are_read_where_the_browser_can(open_page: Any, archived: Bench) -> None:
    pictures = []
    for frame in cose(archived.honest[0])[1]:
        drawn = BytesIO()
        segno.make_qr(frame, error="m", boost_error=False).save(drawn, kind="png", scale=3, border=4)
        pictures.append({"name": "code.png", "mimeType": "image/png", "buffer": drawn.getvalue()})
    page = open_page(LOGGED)
    page.locator("#receipt").set_input_files(pictures)
    expect(page.locator("#sentence")).to_contain_text("Kamera Ihres Telefons")
    page.expose_function("read_codes", read_codes)
    page.evaluate(SCANNER)
    page.locator("#receipt").set_input_files(pictures[::-1])
    expect(page.locator("#sentence")).to_have_text(CASE_HOLDS.de)
    page.locator("#receipt").set_input_files(pictures[1:])
    expect(page.locator("#sentence")).to_have_text(f"Es fehlt Code 1 von {len(pictures)}.")
    blank = BytesIO()
    Image.new("L", (80, 80), 255).save(blank, "png")
    for buffer, sentence in ((blank.getvalue(), "kein QR-Code"), (b"no picture", "lässt sich nicht lesen")):
        page.locator("#receipt").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": buffer})
        expect(page.locator("#sentence")).to_contain_text(sentence)
        assert page.locator("#answer").get_attribute("data-verdict") == "refused"


def test_what_is_drawn_is_read_again_from_a_picture_of_it(browser: Browser, archived: Bench) -> None:
    receipt = decode(octets(archived.honest[0]))
    frames = write(receipt, Encoding.FRAMES).decode().splitlines()
    page = browser.new_page(viewport={"width": 500, "height": 300})
    page.set_content(svg(frames))
    seen = read_codes(base64.b64encode(page.screenshot(full_page=True)).decode())
    assert sorted(seen) == sorted(frames)
    assert decode("\n".join(seen).encode()) == receipt


def test_each_verdict_is_one_word_and_one_sentence_in_both_languages(open_page: Any, archived: Bench) -> None:
    honest = archived.honest[0]
    page = open_page()
    shown = {
        Verdict.PENDING: octets(honest, anchor=None),
        Verdict.UNREACHABLE: octets(honest),
        Verdict.CONTRADICTED: octets(honest, checkpoint=""),
    }
    headings = set()
    for verdict, receipt in shown.items():
        assert choose(page, receipt) == SENTENCES[verdict].de
        assert page.locator("#answer").get_attribute("data-verdict") == verdict
        headings.add(page.locator("#heading").inner_text())
        page.locator("#language").click()
        expect(page.locator("#sentence")).to_have_text(SENTENCES[verdict].en)
        headings.add(page.locator("#heading").inner_text())
        page.locator("#language").click()
    assert len(headings) == 6
    assert choose(page, b"hello") == "Das ist kein Beleg: kein strenges JSON (at character 0)."
    assert page.locator("#answer").get_attribute("data-verdict") == "refused"
    assert page.locator("#details").is_hidden()


def test_green_says_what_was_not_computed(open_page: Any, archived: Bench) -> None:
    page = open_page(LOGGED)
    choose(page, octets(archived.honest[0]))
    expect(page.locator("#caveat")).to_contain_text("ledger verify")
    choose(page, octets(archived.honest[0], checkpoint=""))
    expect(page.locator("#caveat")).to_be_hidden()


def test_steps_are_folded_unless_one_fails(open_page: Any, archived: Bench) -> None:
    page = open_page(LOGGED)
    choose(page, octets(archived.honest[0]))
    assert not page.locator("#steps").is_visible()
    page.locator("#details summary").click()
    rows = page.locator("#steps li")
    assert [each.split(" ")[0].strip("✓✗\n") for each in rows.all_inner_texts()] == ["1", "2", "3", "4", "5"]
    choose(page, octets(archived.honest[0], checkpoint=""))
    assert page.locator("#steps li[data-holds=false]").is_visible()


def test_it_speaks_german_first_and_english_at_a_click(open_page: Any) -> None:
    page = open_page()
    assert (page.locator("html").get_attribute("lang"), page.title()) == ("de", "Beleg prüfen")
    page.get_by_role("button", name="Show this page in English").click()
    assert (page.locator("html").get_attribute("lang"), page.title()) == ("en", "Verify a receipt")
    german = page.evaluate(
        "[...document.querySelectorAll('[lang=de]')].filter((each) => each.checkVisibility()).length"
    )
    assert german == 0


def test_a_keyboard_is_enough_and_a_screen_reader_hears_the_verdict(open_page: Any, archived: Bench) -> None:
    page = open_page(LOGGED)
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert reached[:4] == ["language", "receipt", "SUMMARY", "SUMMARY"]
    live = page.locator("[role=status][aria-live=polite]")
    assert live.count() == 1
    choose(page, octets(archived.honest[0]))
    expect(live).to_contain_text(CASE_HOLDS.de)
    named = page.evaluate(
        "[...document.querySelectorAll('input, select, textarea')].every((each) => each.labels.length === 1)"
    )
    assert named
    assert "stimmt" in page.locator("#steps li").first.text_content()


@pytest.mark.parametrize("language", ["de", "en"])
def test_nothing_is_cut_off_at_320_pixels(open_page: Any, archived: Bench, language: str) -> None:
    page = open_page(viewport={"width": 320, "height": 640})
    if language == "en":
        page.locator("#language").click()
    choose(page, octets(archived.honest[0], checkpoint=""))
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(
        "[...document.querySelectorAll('body *')].every((each) => each.getBoundingClientRect().right <= 321)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_by_day_and_by_night(open_page: Any, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: text stands out from what is behind it by 4.5 to 1 at least."""
    page = open_page(color_scheme=scheme)
    tones = page.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          return Object.fromEntries(["paper", "card", "ink", "quiet", "accent", "good", "open", "bad"]
            .map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
        }"""
    )
    for ground in ("paper", "card"):
        for tone in ("ink", "quiet", "accent", "good", "open", "bad"):
            assert contrast(tones[tone], tones[ground]) >= 4.5, (tone, ground)
    assert (luminance(tones["paper"]) < 0.2) == (scheme == "dark")


def luminance(tone: str) -> float:
    parts = [int(tone[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_it_asks_nobody_and_runs_nothing_but_itself(open_page: Any, archived: Bench) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    choose(page, octets(archived.honest[0]))
    assert asked == []
    assert said == []
    ran = page.evaluate(
        """() => {
          try {
            const script = document.createElement("script");
            script.textContent = "globalThis.ran = true";
            document.body.append(script);
          } catch { /* trusted types refuse */ }
          return globalThis.ran === true;
        }"""
    )
    assert not ran


def test_what_a_receipt_says_is_text(open_page: Any, archived: Bench) -> None:
    page = open_page(LOGGED)
    markup = "<img src=x onerror='globalThis.ran = true'><b>final</b>"
    receipt = json.loads(octets(archived.honest[0]))
    event = json.loads(receipt["entries"][0]["event"])
    receipt["entries"][0]["event"] = json.dumps(
        {**event, "origin": markup}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    choose(page, octets(receipt))
    assert markup in page.locator("#steps").inner_text()
    assert page.locator("#steps b, #steps img").count() == 0
    assert page.evaluate("globalThis.ran === undefined")


def test_an_address_that_is_none_is_said(open_page: Any, archived: Bench) -> None:
    page = open_page()
    choose(page, octets(archived.honest[0]))
    assert page.locator("#more").evaluate("(details) => details.open"), "it asks for a node"
    page.locator("#nodes").fill("ftp://node.example")
    page.get_by_role("button", name="Noch einmal prüfen").click()
    expect(page.locator("#sentence")).to_contain_text("ftp://node.example")


def test_the_newer_receipt_counts_though_the_older_one_takes_longer(open_page: Any, archived: Bench) -> None:
    page = open_page()
    page.route("http://slow.example/", lambda _: None)  # never answers
    choose(page, octets(archived.honest[0]))
    page.locator("#nodes").fill("http://slow.example/")
    page.locator("#nodes").dispatch_event("change")
    assert choose(page, octets(archived.honest[0], checkpoint="")) == SENTENCES[Verdict.CONTRADICTED].de


def test_the_policy_inside_is_shown(open_page: Any) -> None:
    page = open_page()
    page.locator("footer summary").click()
    pins = page.locator("#pins").inner_text()
    chain = POLICY.chain
    assert chain is not None
    for pinned in (POLICY.origin, POLICY.log_keys[0], str(chain.chain_id), chain.registry, chain.genesis_hash):
        assert pinned in pins


def test_a_policy_that_asks_for_more_than_the_page_knows_is_refused(
    open_page: Any, archived: Bench, tmp_path: Path
) -> None:
    page = open_page(LOGGED)
    text = (tmp_path / "verify.html").read_text("utf-8")
    (tmp_path / "verify.html").write_text(re.sub(r'("policy":\{)', r'\1"timestamps":[],', text), "utf-8")
    page.reload()
    assert choose(page, octets(archived.honest[0])) == "Die Vorgaben verlangen etwas, das diese Seite nicht kennt."
