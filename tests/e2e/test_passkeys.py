"""A tranche of public money, requested, approved and paid with passkeys: a real browser, the real service, Anvil."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from e2e.test_pages import AXE
from e2e.test_serve import LEDGER, Served
from ledger_automation.chain import anvil
from support.browser import chromium

PEOPLE = {
    "applicant-1": "applicant", "clerk-1": "clerk", "approver-1": "approver", "approver-2": "approver",
    "finance-1": "finance",
}  # fmt: skip
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("town") / "home"
    home.mkdir()
    levels = json.dumps({"subsidy": "enforced"})
    found = Served(home, "--dev", "--chain", "anvil", LEDGER_LEVELS=levels, LEDGER_SETTLE_SECONDS="0.3")
    yield found
    found.end()
    with contextlib.suppress(OSError, ValueError):
        if anvil._is_alive(home / "anvil"):
            os.kill(anvil._pid(home / "anvil"), signal.SIGKILL)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def ledger(served: Served, *words: object, also: int = 0) -> Any:
    """Run a verb on the service's home, beside it; it must succeed, or end with a code that is ``also`` in order."""
    environment = {**os.environ, "LEDGER_HOME": str(served.home)}
    command = [LEDGER, *map(str, words), "--chain", "anvil", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode not in {0, also}:
        pytest.fail(f"{words} ended with {done.returncode}: {done.stdout} {done.stderr}")
    return json.loads(done.stdout)


class Person:
    """Somebody in a window of his own, with a passkey in his device."""

    def __init__(self, browser: Browser, served: Served, persona: str, **options: Any) -> None:
        self.served = served
        self.url = served.url.replace("127.0.0.1", "localhost")  # a host that a passkey can be for
        self.page: Page = browser.new_context(**options).new_page()
        self.told: list[str] = []
        self.page.on("console", lambda message: self._told(message.text))
        self.page.on("pageerror", lambda error: self.told.append(str(error)))
        self.device = self.page.context.new_cdp_session(self.page)
        self.device.send("WebAuthn.enable")
        self.device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        self.page.goto(f"{self.url}/anmelden?weiter=/konto")
        self.page.click(f"text={persona}")
        self.actor_id = self.page.locator("main code").first.inner_text()

    def _told(self, said: str) -> None:
        """Note what the browser says, but for its wish for RS256, which no contract checks, and cases not yet there."""
        if "pubKeyCredParams" not in said and "404" not in said:
            self.told.append(said)

    def open(self, path: str) -> None:
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == 200, self.page.content()

    def registers(self) -> None:
        self.open("/konto")
        with self.page.expect_navigation():
            self.page.click("text=Passkey hinterlegen")
        assert self.page.locator(".passkeys > li").count() == 1

    def fills(self, path: str, **fields: str) -> None:
        """Fill a form in and send it; the page to sign on follows."""
        self.open(path)
        for name, value in fields.items():
            field = self.page.locator(f"#{name.replace('__', '-')}")
            field.evaluate("each => { for (let at = each.closest('details'); at; at = null) at.open = true; }")
            if field.evaluate("each => each.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        with self.page.expect_navigation():
            self.page.click("main form button.kern-btn--primary")

    def signs(self, path: str, **fields: str) -> None:
        self.fills(path, **fields)
        assert self.page.locator("h1").inner_text() == "Mit dem Passkey unterschreiben", self.page.content()
        with self.page.expect_navigation():
            self.page.click("text=Jetzt unterschreiben")

    def sees(self, case: str, step: str) -> None:
        """Look at a case until a step has been taken there."""

        def there() -> bool:
            answer = self.page.goto(f"{self.url}{case}")
            return answer is not None and answer.status == 200 and step in self.page.inner_text(".timeline")

        self.served.until(there)

    def examined(self) -> None:
        """Insist that the page is accessible and fits, light and dark, small and wide."""
        for scheme in ("light", "dark"):
            for width in (320, 1_280):
                self.page.set_viewport_size({"width": width, "height": 800})
                self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                assert self.page.evaluate("document.scrollingElement.scrollWidth") <= width, (scheme, width)
                self.page.evaluate(AXE)
                assert [
                    (each["id"], [node["html"] for node in each["nodes"]])
                    for each in self.page.evaluate("axe.run().then(result => result.violations)")
                ] == [], (scheme, width)


@pytest.fixture(scope="module")
def people(browser: Browser, served: Served) -> dict[str, Person]:
    """Everybody with a passkey that the contract believes."""
    found = {persona: Person(browser, served, persona) for persona in PEOPLE}
    for persona, person in found.items():
        person.registers()
        if persona != "applicant-1":
            seat = ("member", "seat", person.actor_id, "--workflow", "subsidy", "--role", PEOPLE[persona])
            ledger(served, *seat, "--passkey")
    return found


@pytest.fixture(scope="module")
def case(people: dict[str, Person], served: Served) -> str:
    """A grant, every step of it signed: its applicant's first one by a key, which he then leaves for his passkey."""
    clerk, applicant = people["clerk-1"], people["applicant-1"]
    rules = {f"rules__{name}_required": "no" for name in ("check", "cost_plan", "own_share_proof")}
    clerk.signs("/faelle/neu/subsidy/open_programme", title="Smart Cities", **rules)
    opened = str(clerk.page.locator("main a[href^='/faelle/']").get_attribute("href"))
    clerk.sees(opened, "Das Förderprogramm wurde geöffnet.")
    seat = ("member", "seat", applicant.actor_id, "--workflow", "subsidy", "--role", "applicant")
    ledger(served, *seat)
    payload = json.dumps({"applicant": "Wismar", "kind": "municipality", "planned": 100_000_00})
    actor = ("--actor", applicant.actor_id, "--role", "applicant")
    words = ("case", "do", opened.rpartition("/")[2], "apply", *actor, "--payload", payload)
    ledger(served, *words, also=6)  # the service may be the one that records what both see taken
    clerk.sees(opened, "Der Antrag wurde gestellt.")
    (served.home / "keys" / "actors" / f"{applicant.actor_id}.key").unlink()
    ledger(served, *seat, "--passkey")
    people["approver-1"].signs(f"{opened}/grant", amount="65.000,00", rate="65,00", advance="30.000,00")
    people["approver-1"].sees(opened, "Der Zuwendungsbescheid wurde erlassen.")
    return opened


def test_a_tranche_goes_its_way_by_passkeys_and_its_receipt_says_enforced(
    people: dict[str, Person], served: Served, case: str, tmp_path: Path
) -> None:
    applicant, approver, finance = (people[name] for name in ("applicant-1", "approver-2", "finance-1"))
    applicant.signs(f"{case}/request_tranche", number="1", amount="30.000,00", payee="Stadtkasse")
    applicant.sees(case, "Eine Tranche wurde abgerufen.")
    approver.signs(f"{case}/approve_tranche", number="1")
    approver.sees(case, "Die Auszahlung der Tranche wurde angeordnet.")
    finance.signs(f"{case}/disburse_tranche", number="1")
    finance.sees(case, "Die Tranche wurde ausgezahlt.")
    number = case.rpartition("/")[2]
    view = served.until(lambda: everything_final(served, number))
    assert [each["action"] for each in view["events"]] == [
        "open_programme", "apply", "grant", "request_tranche", "approve_tranche", "disburse_tranche",
    ]  # fmt: skip
    assert [each["signature"]["signer_kind"] for each in view["events"]] == ["contract", "key", *["contract"] * 4]
    assert {each["actor"]["id"] for each in view["events"][3:]} == {applicant.actor_id, "approver-2", "finance-1"}
    receipt = tmp_path / "receipt.json"
    receipt.write_bytes(finance.page.request.get(f"{finance.url}{case}/beleg").body())
    answer = ledger(served, "verify", receipt, "--level", "enforced")
    assert answer["verdict"] == "final", answer
    for each in people.values():
        assert each.told == [], "nothing that a policy refused, and nothing else"


def everything_final(served: Served, number: str) -> Any:
    view = ledger(served, "case", "show", number)
    return view if all(each["evidence"] == "final" for each in view["events"]) else None


def test_whoever_has_no_seat_is_told_so_and_nothing_is_recorded(browser: Browser, served: Served, case: str) -> None:
    stranger = Person(browser, served, "clerk-2")
    stranger.registers()
    before = ledger(served, "case", "show", case.rpartition("/")[2])
    stranger.fills(f"{case}/meet_condition", name="Bauschild", evidence="Foto")
    assert "lässt den Schritt nicht zu" in stranger.page.get_by_role("alert").inner_text(), "the law comes first"
    stranger.fills("/faelle/neu/subsidy/open_programme", title="Smart Cities")
    assert "Der Vertrag kennt keinen Passkey von Ihnen" in stranger.page.get_by_role("alert").inner_text()
    after = ledger(served, "case", "show", case.rpartition("/")[2])
    assert (after["sequence"], after["waiting"]) == (before["sequence"], None)


def test_the_new_pages_are_accessible_and_say_what_is_signed(people: dict[str, Person], case: str) -> None:
    clerk = people["clerk-1"]
    clerk.open("/konto")
    clerk.examined()
    clerk.fills("/faelle/neu/subsidy/open_programme", title="Noch ein Programm")
    text = clerk.page.inner_text("main")
    assert "Noch ein Programm" in text
    assert len(clerk.page.inner_text("#digest")) == 64
    clerk.examined()
    for language, title in (("/en", "Sign with your passkey"), ("/leicht", "Mit dem Passkey unterschreiben")):
        clerk.open(f"{language}/konto")
        clerk.examined()
        clerk.fills(f"{language}/faelle/neu/subsidy/open_programme", title="One more")
        assert clerk.page.locator("h1").inner_text() == title
        clerk.examined()
        with clerk.page.expect_navigation():
            clerk.page.click("main form button.kern-btn--primary")
        assert clerk.page.get_by_role("status").is_visible(), "the case is there when the contract has taken it"
        clerk.examined()
    assert case
    assert clerk.told == []


def test_a_passkey_that_says_no_takes_no_step(people: dict[str, Person], browser: Browser, served: Served) -> None:
    assert people["clerk-1"].actor_id == "clerk-1"
    other = Person(browser, served, "clerk-1")  # signed in as the same, at a device without his passkey
    other.fills("/faelle/neu/subsidy/open_programme", title="Noch ein Programm")
    other.page.click("text=Jetzt unterschreiben")
    other.page.wait_for_selector("[data-failed]:not([hidden])")
    assert "Der Passkey hat nicht geantwortet" in other.page.get_by_role("alert").inner_text()
    assert other.page.locator("button:has-text('Jetzt unterschreiben')").is_enabled()


def test_without_scripts_the_page_says_what_is_missing(
    people: dict[str, Person], browser: Browser, served: Served
) -> None:
    assert people
    plain = Person(browser, served, "clerk-1", java_script_enabled=False)
    plain.page.goto(f"{plain.url}/faelle/neu/subsidy/open_programme")
    plain.page.fill("#title", "Smart Cities")
    plain.page.click("main form button.kern-btn--primary")
    assert "dafür ein Skript im Browser" in plain.page.inner_text("main")
    assert not plain.page.locator("button:has-text('Jetzt unterschreiben')").is_visible()


def test_afterwards_the_log_is_clean(case: str, served: Served) -> None:
    """Once the service has ended: beside one that anchors every second, an audit would never find the end anchored."""
    assert case
    served.end()
    assert ledger(served, "seal")["refused"] == []
    report = ledger(served, "audit", "--level", "enforced")
    assert (report["verdict"], report["findings"]) == ("final", [])
