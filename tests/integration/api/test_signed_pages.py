"""Pages for whoever is signed in: who gets in, what he may do there, and what somebody else's site cannot."""

import base64
import gzip
import hashlib
import random
import re
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from pypdf import PdfReader
from sqlalchemy import event

from ledger_automation.api.dev_issuer import PERSONAS
from ledger_automation.api.sign_in import CodeFlow
from ledger_automation.orchestrator.asked import Identity, Member
from ledger_automation.orchestrator.duties import Duties, Duty
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.session import IDLE, form_token
from ledger_automation.papers import qr_codes as codes
from ledger_automation.study import tamper_room
from ledger_automation.study.tampering import disarm
from ledger_automation.verify.auditor import Auditor, AuditReport
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import CASE_HOLDS, SENTENCES, Verdict
from ledger_automation.web import cases, funding, pages, takeaway
from ledger_automation.web.visits import ACTORS
from support.town import URL, Town, open_town, role_of
from support.visitors import Visitor

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
FINE = "/faelle/neu/parking_fine/record_fine"
PERMIT = "/faelle/neu/permit/submit_application"


class Clock:
    """Tells what it is told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town"), clock) as opened:
        yield opened


@pytest.fixture
def fine(town: Town) -> str:
    return Visitor(town, "clerk-1").leads(FINE, amount="35,00", offence="kerb")


def trail(town: Town, page: str) -> list[dict[str, Any]]:
    with town.ledger.read() as unit:
        return [{"action": row.action, "actor": row.actor_id} for row in unit.cases.trail(page.rpartition("/")[2])]


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back(town: Town, fine: str) -> None:
    for path in ("/faelle", fine, f"{fine}/send_hearing", f"{fine}/beleg", "/en/faelle", FINE):
        for cookie in ("", "session=", "session=x", "session=" + "A" * 43, "__Host-session=x"):
            answer = town.service.ask("GET", path, {"Cookie": cookie}, b"")
            assert (answer.status, answer.body) == (303, b"")
            language = "/en" if path.startswith("/en") else ""
            assert answer.headers["location"] == f"{language}/anmelden?weiter={path}"


@pytest.mark.parametrize("persona", PERSONAS)
def test_roles_get_in_where_they_act(town: Town, persona: str) -> None:
    answer = Visitor(town, persona).get("/faelle")
    assert answer.status == (200 if role_of(persona) in ACTORS else 403)
    if answer.status == 403:
        assert b'role="alert"' in answer.body
        assert answer.headers["content-type"].startswith("text/html")


def test_another_s_case_is_not_there(town: Town) -> None:
    own = Visitor(town, "applicant-1").leads(PERMIT, subject="Carport")
    anna, bert = Visitor(town, "applicant-1"), Visitor(town, "applicant-2")
    assert anna.get(own).status == 200
    never = f"/faelle/{'0' * 8}-0000-4000-8000-{'0' * 12}"
    for end in ("", "/withdraw", "/beleg"):
        there, nowhere = bert.get(own + end), bert.get(never + end)
        assert (there.status, there.body.replace(own.encode(), b"")) == (404, nowhere.body.replace(never.encode(), b""))
    assert bert.post(f"{own}/withdraw", bert.hidden(PERMIT)).status == 404
    assert own.rpartition("/")[2][:8].encode() in anna.get("/faelle").body
    assert own.rpartition("/")[2][:8].encode() not in bert.get("/faelle").body


def test_a_step_is_taken_once_however_often_its_form_is_sent(town: Town, fine: str) -> None:
    clerk = Visitor(town, "clerk-1")
    fields = clerk.hidden(f"{fine}/send_hearing")
    for _ in range(3):
        answer = clerk.post(f"{fine}/send_hearing", fields)
        assert (answer.status, answer.headers["location"]) == (303, fine)
    assert [each["action"] for each in trail(town, fine)] == ["record_fine", "send_hearing"]
    opening = clerk.hidden(FINE) | {"amount": "1,00"}
    assert len({clerk.post(FINE, opening).headers["location"] for _ in range(3)}) == 1


def test_whoever_was_overtaken_is_told_so_and_nothing_is_done(town: Town, fine: str) -> None:
    slow, fast = Visitor(town, "clerk-1"), Visitor(town, "clerk-1")
    fields = slow.hidden(f"{fine}/correct_amount") | {"amount": "20,00"}
    assert fast.fill(f"{fine}/send_hearing").status == 303
    answer = slow.post(f"{fine}/correct_amount", fields)
    assert answer.status == 409
    assert "Jemand war schneller" in answer.body.decode()
    for head in ("", "x", "0" * 64):
        assert slow.post(f"{fine}/correct_amount", slow.hidden(f"{fine}/correct_amount") | {"head": head, "amount": "1"}
                         ).status == 409  # fmt: skip
    assert len(trail(town, fine)) == 2


def test_what_the_law_refuses_is_said_and_what_was_written_stays(town: Town, fine: str) -> None:
    clerk = Visitor(town, "clerk-1")
    answer = clerk.fill(f"{fine}/send_notice", expense="2,50")
    assert answer.status == 409
    assert 'value="2,50"' in answer.body.decode()
    assert "Anhörung" in answer.body.decode()
    answer = clerk.fill(f"{fine}/correct_amount", amount="0")
    assert answer.status == 422
    assert 'aria-invalid="true"' in answer.body.decode()
    answer = clerk.fill(FINE, amount="12,3", offence="<b>&\"'")
    assert answer.status == 422
    assert 'value="12,3"' in answer.body.decode()
    assert "&lt;b&gt;&amp;&#34;&#39;" in answer.body.decode()
    assert len(trail(town, fine)) == 1


def test_a_row_that_nobody_touched_is_none(town: Town) -> None:
    """What holds by default is left to the law: written into a fresh row, it would make it one that lacks the rest."""
    shown = Visitor(town, "clerk-1").get("/faelle/neu/subsidy/open_programme").body.decode()
    assert 'name="rules.use_weeks" type="text" inputmode="numeric" value="6"' in shown
    own = town.case_of("subsidy", "applicant-1").rpartition("/")[2]
    shown = Visitor(town, "approver-1").get(f"/faelle/{own}/grant").body.decode()
    rows = re.findall(r'name="conditions\.\d+\.\w+"[^>]* value="([^"]*)"', shown)
    assert rows
    assert set(rows) == {""}


def test_a_step_s_form_is_for_the_roles_of_its_row(town: Town, fine: str) -> None:
    clerk, approver = Visitor(town, "clerk-1"), Visitor(town, "approver-1")
    assert clerk.get(f"{fine}/write_off").status == 403
    assert clerk.post(f"{fine}/write_off", clerk.hidden(FINE) | {"reason": "x"}).status == 403
    assert approver.get(FINE).status == 403
    for nowhere in (
        f"{fine}/record_fine",
        f"{fine}/nonsense",
        "/faelle/neu/parking_fine/send_hearing",
        "/faelle/neu/log/open_log",
    ):
        assert clerk.get(nowhere).status == 404


def test_a_page_shows_the_steps_of_the_table_and_why_one_is_not_there_yet(town: Town, fine: str) -> None:
    shown = Visitor(town, "clerk-1").get(fine).body.decode()
    assert {*re.findall(rf'href="{fine}/(\w+)"', shown)} == {"send_hearing", "correct_amount"}
    assert "35,00\xa0€" in shown
    assert re.search(r"<code>([A-Z2-7]{4}-){6}[A-Z2-7]{2}</code>", shown), "the access code, for the office's letter"
    seen = Visitor(town, "auditor-1").get(fine).body.decode()
    assert not re.findall(rf'href="{fine}/(\w+)"', seen)
    assert not re.search(r"<code>([A-Z2-7]{4}-){6}[A-Z2-7]{2}</code>", seen)


@pytest.mark.parametrize("until", ["2098-12-31T12:00", "9999-12-31T23:59+00:00"])
def test_a_permit_that_ends_is_shown_with_its_end(town: Town, until: str) -> None:
    applicant, clerk, approver = (Visitor(town, f"{role}-1") for role in ("applicant", "clerk", "approver"))
    case = applicant.leads(PERMIT, subject="Carport")
    for visitor, step, fields in (
        (clerk, "acknowledge", {}),
        (clerk, "propose_decision", {"outcome": "granted"}),
        (approver, "grant", {"valid_until": until}),
    ):
        assert visitor.fill(f"{case}/{step}", **fields).status == 303
        for each in (applicant, clerk, approver):
            assert [each.get(path).status for path in (case, f"/en{case}", "/faelle")] == [200] * 3
    assert f"31. Dezember {until[:4]}" in applicant.get(case).body.decode()


@pytest.mark.parametrize("rule", ["call_ends", "resolution_due"])
def test_the_last_day_that_there_is_ends_no_term(town: Town, rule: str) -> None:
    path = "/workflows/subsidy/cases"
    rules = {"cost_plan_required": False, "own_share_proof_required": False, rule: "9999-12-31"}
    path = town.step("clerk-1", path, {"title": "Smart Cities", "rules": rules}).headers["location"]
    clerk, page = Visitor(town, "clerk-1"), f"/faelle/{path.rpartition('/')[2]}"
    assert [clerk.get(each).status for each in (page, "/faelle")] == [200, 200]
    applied = {"applicant": "Wismar", "kind": "municipality", "planned": 100_00}
    assert town.step("applicant-1", f"{path}/apply", applied, **town.letter(path)).status == 200
    assert [clerk.get(each).status for each in (page, "/faelle")] == [200, 200]


def test_no_other_site_posts_a_form(town: Town, fine: str) -> None:
    clerk, other = Visitor(town, "clerk-1"), Visitor(town, "clerk-1")
    fields = clerk.hidden(f"{fine}/send_hearing")
    for changed in (
        {name: text for name, text in fields.items() if name != "form"}, fields | {"form": ""},
        fields | {"form": "0" * 64}, fields | {"form": other.hidden(FINE)["form"]},
    ):  # fmt: skip
        assert clerk.post(f"{fine}/send_hearing", changed).status == 403
    assert clerk.post("/abmelden", {}).status == 403
    assert clerk.get("/faelle").status == 200, "nobody was signed out by it"
    assert len(trail(town, fine)) == 1


def test_signing_out_ends_the_session_and_no_other(town: Town) -> None:
    clerk, elsewhere = Visitor(town, "clerk-1"), Visitor(town, "clerk-1")
    answer = clerk.post("/abmelden", {"form": clerk.hidden(FINE)["form"]})
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert 'session=""' in answer.headers["set-cookie"]
    assert clerk.get("/faelle").status == 303
    assert elsewhere.get("/faelle").status == 200


def test_somebody_sees_where_he_is_signed_in_and_ends_it_everywhere(town: Town) -> None:
    clerk, elsewhere, other = Visitor(town, "clerk-1"), Visitor(town, "clerk-1"), Visitor(town, "approver-1")
    shown = clerk.get("/konto").body.decode()
    assert shown.count("<li>seit") >= 2
    assert "clerk-1" in shown
    assert clerk.fill("/konto").status == 405, "a page that only shows"
    assert clerk.post("/abmelden", {"form": clerk.hidden(FINE)["form"], "everywhere": "1"}).status == 303
    assert [each.get("/faelle").status for each in (clerk, elsewhere, other)] == [303, 303, 200]


def test_who_was_away_too_long_signs_in_again(town: Town, clock: Clock) -> None:
    clerk = Visitor(town, "clerk-1")
    for _ in range(3):
        clock.now += IDLE - timedelta(minutes=1)
        assert clerk.get("/faelle").status == 200
    clock.now += IDLE + timedelta(seconds=1)
    assert clerk.get("/faelle").status == 303


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(town: Town, clock: Clock, fine: str) -> None:
    clerk = Visitor(town, "clerk-1")
    assert clerk.get(f"{fine}/stand").body == b"0-recorded"
    assert Visitor(town, "applicant-1").get(f"{fine}/stand").status == 404
    assert 'data-stands="0-recorded"' in clerk.get(fine).body.decode()
    clerk.leads(f"{fine}/send_hearing")
    assert clerk.get(f"{fine}/stand").body == b"1-recorded"
    for _ in range(40):
        clock.now += IDLE / 30
        answer = clerk.get(f"{fine}/stand")
    assert answer.status == 303
    assert clerk.get("/faelle").status == 303


def test_a_lost_role_is_lost_at_the_next_page(town: Town) -> None:
    finance = Visitor(town, "finance-1")
    assert finance.get("/faelle").status == 200
    members = {identity.subject: member for identity, member in read_members(town)}
    with town.ledger.begin() as unit:
        unit.members.enrol(Identity(URL, "finance-1"), members["finance-1"]._replace(roles=()))
        unit.commit()
    assert finance.get("/faelle").status == 403
    other = Visitor(town, "finance-1")
    form = {"form": form_token(other.cookie.removeprefix("session="))}
    assert other.post("/abmelden", form).status == 303, "whoever lost all roles signs out too"
    with town.ledger.begin() as unit:
        unit.members.enrol(Identity(URL, "finance-1"), members["finance-1"])
        unit.commit()
    assert finance.get("/faelle").status == 200
    assert other.get("/faelle").status == 303


def test_an_administrator_who_applies_sees_his_own_cases_only(town: Town, fine: str) -> None:
    with town.ledger.begin() as unit:
        unit.members.enrol(Identity(URL, "both"), Member("administrator-9", ("administrator", "applicant")))
        unit.commit()
    both, another = Visitor(town, "both"), Visitor(town, "applicant-1").leads(PERMIT, subject="Carport")
    own = both.leads(PERMIT, subject="Garage")
    for end in ("", "/stand", "/withdraw"):
        assert both.get(own + end).status == 200
        assert both.get(another + end).status == 404
    for end in ("", "/stand", "/beleg", "/beleg.pdf", "/qr"):
        assert both.get(fine + end).status == 404


def read_members(town: Town) -> list[Any]:
    with town.ledger.read() as unit:
        return list(unit.members.members())


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "faelle", "/%2F/evil", "/" + "a" * 300],
)
def test_nobody_is_sent_to_another_site_after_signing_in(town: Town, wanted: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        site = sign_in_of(patch)
        answer = town.service.ask("GET", f"/anmelden?weiter={quoted(wanted)}", {}, b"")
        assert (answer.status, answer.headers["location"]) == (303, "https://issuer.example/ask")
        cookie = answer.headers["set-cookie"].partition(";")[0]
        back = town.service.ask("GET", "/anmelden/zurueck?code=1&state=s", {"Cookie": cookie}, b"")
        assert (back.status, back.headers["location"]) == (303, "/faelle")
        assert site.finished == ["kept.verifier"]
        forged = f"anmelden=kept.verifier~{quoted(wanted)}"
        back = town.service.ask("GET", "/anmelden/zurueck?code=1&state=s", {"Cookie": forged}, b"")
        assert back.headers["location"] == "/faelle"


def quoted(text: str) -> str:
    return "".join(f"%{octet:02X}" for octet in text.encode())


class Issuer:
    """Vouches for a clerk, whoever comes."""

    def __init__(self, back: str) -> None:
        self.back = back
        self.finished: list[str] = []

    async def begin(self, back: str) -> tuple[str, str]:
        assert back == self.back
        return "https://issuer.example/ask", "kept.verifier"

    async def finish(self, back: str, answer: dict[str, str], kept: str) -> Identity:
        assert (back, answer["code"]) == (self.back, "1")
        self.finished.append(kept)
        return Identity(URL, "clerk-1")


def sign_in_of(patch: pytest.MonkeyPatch, back: str = "http://127.0.0.1:8000/anmelden/zurueck") -> Issuer:
    """Put an issuer in the place of the one that would be asked over the network."""
    issuer = Issuer(back)
    patch.setattr(CodeFlow, "begin", lambda _, back: issuer.begin(back))
    patch.setattr(CodeFlow, "finish", lambda _, *given: issuer.finish(*given))
    return issuer


def test_cookies_are_out_of_a_script_s_reach(town: Town) -> None:
    with pytest.MonkeyPatch.context() as patch:
        sign_in_of(patch)
        asked = town.service.ask("GET", "/anmelden?weiter=/en/faelle", {}, b"")
        cookie = asked.headers["set-cookie"].partition(";")[0]
        back = town.service.ask("GET", "/anmelden/zurueck?code=1&state=s", {"Cookie": cookie}, b"")
    assert back.headers["location"] == "/en/faelle"
    cookies = [text for name, text in (*asked.fields, *back.fields) if name == "set-cookie"]
    assert len(cookies) == 3
    for each in cookies:
        assert "HttpOnly" in each
        assert "SameSite=lax" in each
        assert "Path=/" in each
    session = next(each for each in cookies if each.startswith("session="))
    assert Visitor(town).town.service.ask("GET", "/faelle", {"Cookie": session.partition(";")[0]}, b"").status == 200


def test_a_page_s_queries_do_not_grow_with_its_cases(town: Town) -> None:
    clerk = Visitor(town, "clerk-1")

    def asked() -> int:
        counted: list[str] = []
        engine = town.ledger.engine
        note: Any = lambda *facts: counted.append(facts[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", note)
        try:
            assert clerk.get("/faelle").status == 200
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(counted)

    before = asked()
    for _ in range(10):
        clerk.leads(FINE, amount="1,00")
    assert asked() == before <= 12


def test_pages_of_every_language_are_complete(town: Town, fine: str) -> None:
    clerk = Visitor(town, "clerk-1")
    for language in ("", "/en", "/leicht"):
        for path in ("/faelle", fine, f"{fine}/correct_amount", FINE, "/faelle/neu/subsidy/open_programme"):
            answer = clerk.get(language + path)
            assert answer.status == 200, (language, path)
            assert f'action="{language}/abmelden"' in answer.body.decode()


def test_nobody_signs_in_where_the_office_is_no_client(tmp_path: Path) -> None:
    with open_town(tmp_path) as town:
        start = town.service.ask("GET", "/", {"Host": "evil.example"}, b"")
        assert start.status == 200
        answer = town.service.ask("GET", "/anmelden", {"Host": "evil.example"}, b"")
        assert answer.status == 404, "a host that is not this machine's is believed nothing"


def test_over_https_a_cookie_is_this_host_s(tmp_path: Path) -> None:
    with open_town(tmp_path, site="https://wismar.example") as town, pytest.MonkeyPatch.context() as patch:
        issuer = sign_in_of(patch, "https://wismar.example/anmelden/zurueck")
        asked = town.service.ask("GET", "/anmelden", {"Host": "evil.example"}, b"")
        cookie = asked.headers["set-cookie"].partition(";")[0]
        back = town.service.ask("GET", "/anmelden/zurueck?code=1&state=s", {"Cookie": cookie}, b"")
        assert issuer.finished == ["kept.verifier"]
        cookies = [text for name, text in (*asked.fields, *back.fields) if name == "set-cookie"]
        assert len(cookies) == 3
        for each in cookies:
            assert each.startswith("__Host-")
            assert "; Secure" in each
            assert "; Path=/" in each
            assert "Domain" not in each
        session = next(each for each in cookies if each.startswith("__Host-session=")).partition(";")[0]
        assert town.service.ask("GET", "/faelle", {"Cookie": session}, b"").status == 200
        unmarked = session.removeprefix("__Host-")
        assert town.service.ask("GET", "/faelle", {"Cookie": unmarked}, b"").status == 303, "another host could set it"


def test_signing_in_again_ends_the_session_before(town: Town) -> None:
    clerk = Visitor(town, "clerk-1")
    with pytest.MonkeyPatch.context() as patch:
        sign_in_of(patch)
        town.service.ask("GET", "/anmelden", {}, b"")
        cookies = {"Cookie": f"{clerk.cookie}; anmelden=kept.verifier~%2Ffaelle"}
        back = town.service.ask("GET", "/anmelden/zurueck?code=1&state=s", cookies, b"")
    assert back.status == 303
    assert clerk.get("/faelle").status == 303
    fresh = next(text for name, text in back.fields if name == "set-cookie" and text.startswith("session="))
    assert town.service.ask("GET", "/faelle", {"Cookie": fresh.partition(";")[0]}, b"").status == 200


PLACES = {
    "/pruefung": {"auditor"},
    "/pruefung/stichprobe": {"auditor"},
    "/werkstatt": {"auditor"},
    "/betrieb": {"administrator"},
}


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("path", PLACES)
def test_a_place_is_for_its_roles(town: Town, persona: str, path: str) -> None:
    assert Visitor(town, persona).get(path).status == (200 if role_of(persona) in PLACES[path] else 403)
    assert Visitor(town).get(path).status == 303


def seal(town: Town) -> None:
    ledger = town.ledger
    while sequence(ledger.begin, ledger.recorder, ledger.key, sweep=True) is not None:
        pass


def audited(town: Town) -> AuditReport:
    """Do what the background does when it is woken for an audit."""
    ledger = town.ledger
    duties = Duties(ledger.begin, ledger.recorder, ledger.key, timedelta(days=1), lambda _: None)
    return duties.audit(Auditor(ledger.policy(Level.LOGGED)), ledger.read, None)


def test_an_auditor_finds_a_planted_tampering(tmp_path: Path) -> None:
    with open_town(tmp_path) as town:
        clerk, auditor = Visitor(town, "clerk-1"), Visitor(town, "auditor-1")
        fines = [clerk.leads(FINE, amount="35,00") for _ in range(5)]
        seal(town)
        assert "Noch wurde nicht geprüft" in auditor.get("/pruefung").body.decode()
        asked = auditor.post("/pruefung", {"form": clerk_form(auditor)})
        assert (asked.status, asked.headers["location"]) == (303, "/pruefung?nach=0")
        assert town.woken == [Duty.AUDIT_WHOLE]
        assert 'http-equiv="refresh"' in auditor.get("/pruefung?nach=0").body.decode()
        assert audited(town).verdict == "final"
        assert 'http-equiv="refresh"' not in auditor.get("/pruefung?nach=0").body.decode()
        assert "Alles stimmt" in auditor.get("/pruefung/1").body.decode()
        case_id = fines[3].rpartition("/")[2]
        with sqlite3.connect(tmp_path / "ledger.sqlite") as planted:
            disarm(planted)
            planted.execute("UPDATE event SET amount = 100 WHERE case_id = ?", (case_id,))
        planted.close()
        assert audited(town).verdict == "contradicted"
        shown = auditor.get("/pruefung/2").body.decode()
        (row,) = re.findall(r'<tr class="kern-table__row finding">.*?</tr>', shown)
        assert ["T01" in row, case_id[:8] in row, ">amount<" in row, "3500" in row, "100" in row] == [True] * 5
        assert "ein Betrag wurde geändert" in row
        saved = auditor.get("/pruefung/2/bericht")
        assert saved.json()["findings"][0]["class"] == "T01"
        for nowhere in ("3", "0", "x", "-1", "1e3", "٢", "9" * 30):
            assert auditor.get(f"/pruefung/{nowhere}").status == 404


def clerk_form(visitor: Visitor) -> str:
    return dict(re.findall(r'name="(form)" value="(\w+)"', visitor.get("/konto").body.decode()))["form"]


def test_a_sample_is_drawn_again_by_whoever_has_its_seed(tmp_path: Path) -> None:
    with open_town(tmp_path) as town:
        clerk, auditor = Visitor(town, "clerk-1"), Visitor(town, "auditor-1")
        assert auditor.get("/pruefung/stichprobe?saat=a&zahl=5").status == 404, "nothing is in the log yet"
        fines = [clerk.leads(FINE, amount="35,00").rpartition("/")[2] for _ in range(30)]
        seal(town)

        def rows(path: str) -> list[str]:
            return re.findall(r'<tr class="kern-table__row drawn">.*?</tr>', auditor.get(path).body.decode())

        first = rows("/pruefung/stichprobe?saat=a&zahl=12")
        assert len(first) == 12
        assert first == rows("/pruefung/stichprobe?saat=a&zahl=12") != rows("/pruefung/stichprobe?saat=b&zahl=12")
        assert all(">stimmt<" in each for each in first)
        assert len(rows("/pruefung/stichprobe?saat=a&zahl=50")) == 30, "all there are"
        with sqlite3.connect(tmp_path / "ledger.sqlite") as planted:
            disarm(planted)
            (number,) = planted.execute("SELECT id FROM event WHERE case_id = ?", (fines[7],)).fetchone()
            (said,) = planted.execute("SELECT canonical FROM content WHERE event_id = ?", (number,)).fetchone()
            edited = (said.replace(b"3500", b"9500"), number)
            planted.execute("UPDATE content SET canonical = ? WHERE event_id = ?", edited)
        planted.close()
        wrong = [each for each in rows("/pruefung/stichprobe?saat=a&zahl=50") if "stimmt nicht" in each]
        assert [fines[7][:8] in each for each in wrong] == [True]
        for bad in ("saat=a&zahl=51", "saat=a&zahl=0", "saat=a&zahl=x", "saat=a&zahl="):
            assert auditor.get(f"/pruefung/stichprobe?{bad}").status == 422


def test_the_room_to_tamper_in_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    with open_town(tmp_path) as town:
        clerk, auditor = Visitor(town, "clerk-1"), Visitor(town, "auditor-1")
        fine = clerk.leads(FINE, amount="35,00")
        clerk.leads(f"{fine}/send_hearing")
        seal(town)
        form = clerk_form(auditor)
        before = (
            sqlite3.connect(tmp_path / "ledger.sqlite").execute("SELECT * FROM content ORDER BY event_id").fetchall()
        )
        for kind, found in (("T03", "T03"), ("T40", "T40"), ("T01", None), ("T99", None), ("", None)):
            shown = auditor.post("/werkstatt", {"form": form, "kind": kind}).body.decode()
            rows = re.findall(r'<tr class="kern-table__row finding">.*?</tr>', shown)
            assert bool(rows) == (found is not None), kind
            assert found is None or f"<strong>{found}</strong>" in "".join(rows)
            assert ("fehlt in diesem Protokoll" in shown) == (found is None)
        after = (
            sqlite3.connect(tmp_path / "ledger.sqlite").execute("SELECT * FROM content ORDER BY event_id").fetchall()
        )
        assert before == after
        assert audited(town).verdict == "final"
        assert not list(Path(tempfile.gettempdir()).glob("tamper-room-*"))


def test_a_case_says_in_a_sentence_whether_it_holds(tmp_path: Path) -> None:
    with open_town(tmp_path) as town:
        clerk = Visitor(town, "clerk-1")
        fine = clerk.leads(FINE, amount="35,00")
        assert 'id="verdict"' not in clerk.get(fine).body.decode()
        seal(town)
        for language, sentence in (("", CASE_HOLDS.de), ("/en", CASE_HOLDS.en)):
            shown = clerk.get(language + fine).body.decode()
            assert re.findall(r'<p class="kern-body verdict" id="verdict">(.*?)</p>', shown) == [sentence]
        with sqlite3.connect(tmp_path / "ledger.sqlite") as planted:
            disarm(planted)
            (said,) = planted.execute("SELECT canonical FROM content ORDER BY event_id DESC LIMIT 1").fetchone()
            planted.execute("UPDATE content SET canonical = ?", (said.replace(b"3500", b"9500"),))
        planted.close()
        shown = clerk.get(fine).body.decode()
        assert 'class="kern-body verdict bad" id="verdict"' in shown
        assert SENTENCES[Verdict.CONTRADICTED].de in shown


@pytest.mark.parametrize("after", ["%00", "zzz", "%ff"])
def test_grants_go_on_behind_a_case(town: Town, after: str) -> None:
    finance = Visitor(town, "finance-1")
    assert finance.get(f"/foerderung?nach={after}").status == 422
    assert finance.get(f"/foerderung?nach={'0' * 8}-0000-4000-8000-{'0' * 12}").status == 200
    assert finance.get("/foerderung?nach=").status == 200


@pytest.mark.parametrize(("module", "name"), [(cases, "page"), (funding, "grants_page"), (funding, "grant_page")])
def test_a_page_as_long_as_its_case_is_written_beside_the_loop(town: Town, module: Any, name: str) -> None:
    case = town.case_of("subsidy", "applicant-1").rpartition("/")[2]
    written, original = [], getattr(module, name)

    def noted(*given: Any, **more: Any) -> Any:
        written.append(threading.current_thread().name)
        return original(*given, **more)

    visitor = Visitor(town, "auditor-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, noted)
        for path in (f"/faelle/{case}",) if module is cases else ("/foerderung", f"/foerderung/{case}"):
            assert visitor.get(path).status == 200
    assert written
    assert all(each.startswith("read") for each in written)


def test_one_tampers_at_a_time_and_everybody_else_is_answered(town: Town, fine: str) -> None:
    auditor, clerk = Visitor(town, "auditor-1"), Visitor(town, "clerk-1")
    seal(town)
    form = re.findall(r'name="(form|kind)" value="([^"]*)"', auditor.get("/werkstatt").body.decode())[-2:]
    answered, original = threading.Event(), tamper_room.copy

    def slow(*given: Any) -> None:
        assert answered.wait(10)
        original(*given)

    def noted(*given: Any, **more: Any) -> Any:
        answered.set()
        return pages.page(*given, **more)

    tampering = ("POST", "/werkstatt", {"Cookie": auditor.cookie}, urlencode(form).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tamper_room, "copy", slow)
        patch.setattr(cases, "page", noted)
        *tried, looked = town.service.ask_together([*[tampering] * 12, ("GET", fine, {"Cookie": clerk.cookie}, b"")])
    assert looked.status == 200
    assert sorted(each.status for each in tried) == [200] + [409] * 11


def test_nobody_has_more_codes_drawn_than_can_be_photographed(town: Town) -> None:
    drawn: list[str] = []

    def svg(frames: Sequence[str]) -> str:
        drawn.append(threading.current_thread().name)
        return codes.svg(frames)

    anna = Visitor(town, "applicant-1")
    short, long = (anna.leads(PERMIT, subject=random.Random(7).randbytes(octets).hex()) for octets in (100, 60_000))
    seal(town)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(takeaway, "svg", svg)
        answer = anna.get(f"{short}/qr")
        assert answer.body.count(b"<img") == len(drawn) > 0
        assert all(each.startswith("read") for each in drawn)
        drawn.clear()
        answer = anna.get(f"{long}/qr")
    assert (answer.status, drawn) == (200, [])
    assert f"{long}/beleg".encode() in answer.body


def test_an_operator_sees_what_waits_and_signs_a_member_out(town: Town, fine: str) -> None:
    administrator, clerk = Visitor(town, "administrator-1"), Visitor(town, "clerk-1")
    shown = administrator.get("/betrieb").body.decode()
    assert fine.rpartition("/")[2] not in shown, "no case is read here"
    assert re.search(r"log</code></td><td[^>]*>0</td>", shown), "the log's key was made today"
    assert "clerk-1" in shown
    assert clerk.get("/faelle").status == 200
    form = clerk_form(administrator)
    assert administrator.post("/betrieb/abmelden", {"form": form, "member": "nobody-1"}).status == 404
    assert administrator.post("/betrieb/abmelden", {"form": form, "member": "clerk-1"}).status == 303
    assert clerk.get("/faelle").status == 303
    assert administrator.get("/betrieb").status == 200


def test_the_study_s_report_is_shown_under_a_policy_of_its_own(tmp_path: Path) -> None:
    text = "<!doctype html><html lang=de><style>body { color: red }</style><p>64 von 69</p></html>"
    folder = tmp_path / "report"
    folder.mkdir()
    with open_town(tmp_path, study=folder) as town:
        assert "/zahlen" in Visitor(town).get("/").body.decode()
        assert Visitor(town).get("/zahlen/report.de.html").status == 404, "it was not written yet"
        (folder / "report.de.html").write_text(text, "utf-8")
        led = [Visitor(town).get(f"{language}/zahlen").headers["location"] for language in ("", "/en", "/leicht")]
        assert led == ["/zahlen/report.de.html", "/zahlen/report.en.html", "/zahlen/report.de.html"]
        plain = town.service.ask("GET", led[0], {}, b"")
        packed = town.service.ask("GET", led[0], {"Accept-Encoding": "gzip"}, b"")
        assert plain.body.decode() == gzip.decompress(packed.body).decode() == text
        digest = base64.b64encode(hashlib.sha256(b"body { color: red }").digest()).decode()
        assert f"style-src 'sha256-{digest}';" in plain.headers["content-security-policy"]
        (folder / "report.de.html").write_text(text.replace("64", "65"), "utf-8")
        assert b"65 von 69" in town.service.ask("GET", led[0], {}, b"").body
    with open_town(tmp_path / "none") as town:
        assert "/zahlen" not in Visitor(town).get("/").body.decode()
        assert Visitor(town).get("/zahlen").status == 404


ASKED = {
    "/": ("", 0),
    "/brief": ("", 0),
    "/protokoll": ("", 3),
    "/faelle": ("clerk-1", 8),
    "{case}": ("clerk-1", 12),
    "{case}/correct_amount": ("clerk-1", 6),
    "/konto": ("clerk-1", 6),
    "/pruefung": ("auditor-1", 6),
    "/pruefung/stichprobe": ("auditor-1", 4),
    "/foerderung": ("finance-1", 5),
    "/betrieb": ("administrator-1", 30),
}


@pytest.mark.parametrize("path", ASKED)
def test_a_page_asks_the_database_no_more_than_it_did(town: Town, fine: str, path: str) -> None:
    """At most so many statements, whatever there is: those of a page are counted here, and grow with nothing."""
    persona, most = ASKED[path]
    visitor, counted = Visitor(town, persona), []

    def note(*facts: Any) -> None:
        counted.append(facts[2])

    event.listen(town.ledger.engine, "before_cursor_execute", note)
    try:
        assert visitor.get(path.format(case=fine)).status == 200
    finally:
        event.remove(town.ledger.engine, "before_cursor_execute", note)
    assert len(counted) <= most, counted


def test_a_letter_is_for_its_writer_and_for_whom_it_is_about(town: Town) -> None:
    clerk, anna, bert, auditor = (
        Visitor(town, each) for each in ("clerk-1", "applicant-1", "applicant-2", "auditor-1")
    )  # fmt: skip
    permit = anna.leads(PERMIT, subject="Carport")
    clerk.leads(f"{permit}/acknowledge")
    letter = f"{permit}/bescheid/1"
    assert f'href="{letter}"' in anna.get(permit).body.decode()
    assert [each.get(letter).status for each in (clerk, anna, bert, auditor)] == [200, 200, 404, 403]
    assert anna.get(letter).body.startswith(b"%PDF")
    assert [anna.get(f"{permit}/bescheid/{number}").status for number in ("0", "2", "x", "9" * 12)] == [404] * 4
    fine = clerk.leads(FINE, amount="35,00")
    clerk.leads(f"{fine}/send_hearing")
    code = re.findall(r"<code>((?:[A-Z2-7]{4}-){6}[A-Z2-7]{2})</code>", clerk.get(fine).body.decode())[0]
    told = "".join(each.extract_text() for each in PdfReader(BytesIO(clerk.get(f"{fine}/bescheid/1").body)).pages)
    assert code in "".join(told.split())


def test_whoever_has_the_letter_appeals_and_the_case_is_his(town: Town) -> None:
    clerk, anna, bert = (Visitor(town, each) for each in ("clerk-1", "applicant-1", "applicant-2"))
    fine = clerk.leads(FINE, amount="35,00")
    for step in ("send_hearing", "send_notice", "record_service"):
        clerk.leads(f"{fine}/{step}")
    number = fine.rpartition("/")[2]
    code = re.findall(r"<code>((?:[A-Z2-7]{4}-){6}[A-Z2-7]{2})</code>", clerk.get(fine).body.decode())[0]
    assert anna.get(fine).status == 404
    letter = {"number": number, "code": code, "action": "appeal_to_authority"}
    assert "appeal_to_authority" in anna.post("/brief", letter).body.decode()
    for wrong in (letter | {"code": code[:-1]}, letter | {"number": "x"}, letter | {"action": "record_payment"},
                  letter | {"action": "nonsense"}, {}):  # fmt: skip
        assert anna.post("/brief/schritt", wrong).status in {403, 404}
    assert clerk.post("/brief/schritt", letter).status == 403
    assert Visitor(town).post("/brief/schritt", letter).status == 303
    shown = anna.post("/brief/schritt", letter)
    assert shown.status == 200
    assert f'action="{fine}/appeal_to_authority"' in shown.body.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(form|head|key|code)" value="([^"]*)">', shown.body.decode()))
    assert hidden["code"] == code
    assert len(trail(town, fine)) == 4, "a form changes nothing"
    unsigned = {name: text for name, text in hidden.items() if name != "form"}
    assert anna.post(f"{fine}/appeal_to_authority", unsigned).status == 403, "what changes something needs the token"
    without = {name: text for name, text in hidden.items() if name != "code"}
    assert anna.post(f"{fine}/appeal_to_authority", without).status == 404
    taken = anna.post(f"{fine}/appeal_to_authority", hidden)
    assert (taken.status, taken.headers["location"]) == (303, fine)
    assert anna.get(fine).status == 200
    assert bert.get(fine).status == bert.post("/brief/schritt", letter).status == 404, "the code is good no longer"
