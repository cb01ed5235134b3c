"""The finance office's pages: every figure and finding of an account, in each language, read with few queries."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pypdf import PdfReader
from sqlalchemy import event
from starlette.requests import Request

from ledger_automation.audit.encoding import decode, encode
from ledger_automation.errors import NotFound
from ledger_automation.orchestrator.account import account
from ledger_automation.orchestrator.account_lines import Account, Finding
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.papers.typesetting import Office
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.study import wismar
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.web import finance, finance_files
from ledger_automation.web.figures import Figures
from ledger_automation.web.finance import GrantLine, Grants, Programme
from ledger_automation.web.finance_files import Issue
from ledger_automation.web.pages import Language
from ledger_automation.web.words.grants import FINDINGS
from ledger_automation.workflows import Actor, Command, workflow
from support.grants import CASE, FINAL, of_wismar, step

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TOWN = Office("Musterstadt am Meer")


def asked(path: str) -> Request:
    return Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []})


class Reader(HTMLParser):
    """Tables by caption, each row a list of cells; and what is open at the end."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.scopes: list[str | None] = []
        self.open: list[str] = []
        self._rows: list[list[str]] = []
        self._within = ""
        self._caption = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "input", "br"}:
            self.open.append(tag)
        if tag == "th":
            self.scopes.append(dict(attrs).get("scope"))
        if tag == "table":
            self._rows = []
        if tag == "tr":
            self._rows.append([])
        if tag in {"td", "th"}:
            self._rows[-1].append("")
        if tag in {"td", "th", "caption"}:
            self._within = tag
        if tag == "caption":
            self._caption = ""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == self._within:
            self._within = ""
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        if self._within == "caption":
            self._caption += data
        elif self._within:
            self._rows[-1][-1] += data


def read(told: Account, language: str = "") -> tuple[str, Reader]:
    answer = finance.grant_page(asked(f"{language}/foerderung/{CASE}"), told)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    html = bytes(answer.body).decode().replace("\u00a0", " ")
    reader = Reader(html)
    assert reader.open == []
    assert {*reader.scopes} <= {"col", "row"}
    return html, reader


def test_wismar_s_account_is_told_to_the_cent() -> None:
    html, page = read(account(of_wismar(wismar.STEPS, *FINAL).rows, NOW))
    assert page.tables["Wo die Zuwendung ist"] == [
        ["Posten", "Betrag"], ["ausgezahlt", "500.000,00 €"], ["offen", "0,00 €"], ["entfallen", "692.210,49 €"],
        ["bewilligt", "1.192.210,49 €"],
    ]  # fmt: skip
    assert page.tables["Beträge je Teilbetrag"][2] == [
        "2", "teilweise zurückgefordert", "250.000,00 €", "90 %", "250.000,00 €", "249.800,00 €",
    ]  # fmt: skip
    assert page.tables["Nachweise je Teilbetrag"][2] == [
        "2", "270.000,00 €", "243.000,00 €", "27.000,00 €", "237.500,00 €", "12.500,00 €", "12.500,00 €",
    ]  # fmt: skip
    assert page.tables["Wer für die Teilbeträge gehandelt hat"][3] == [
        "1", "Teilbetrag ausgezahlt", "Kasse", "cashier-1, 3. Februar 2020, 11:00", "keine",
    ]  # fmt: skip
    assert page.tables["Fördersätze"][2] == [
        "90 %", "11. Mai 2020", "budget emergency recognised by the supervisory authority", "approver-1",
    ]  # fmt: skip
    assert page.tables["Ausgaben nach Jahren"][2] == ["2020", "458.542,49 €", "548.000,00 €"]
    assert page.tables["Belegliste"][-1] == ["Summe", "", "550.000,00 €"]
    for sentence in (
        "Die angegebenen Eigenmittel von 183.417,01 € weichen um 0,01 € vom gerundeten Anteil ab, der 183.417,00 €",
        "wurde für den 27. Juni 2019 erwartet, 3 Tage nach der Frist vom 24. Juni 2019.",
        "Teilbetrag 2 wurde bei einem Fördersatz von 65 % bewilligt und bei 90 % ausgezahlt.",
        "Der Beleg „32“ über 2.000,00 € wurde am 30. September 2019 bezahlt, außerhalb des Zeitraums.",
    ):
        assert sentence in html
    for link in ("verwendungsnachweis.pdf", "bericht.pdf", "teilbetraege.csv", "belege.csv"):
        assert f'href="/foerderung/{CASE}/{link}"' in html


def test_the_same_account_in_english_and_in_easy_language() -> None:
    told = account(of_wismar(wismar.STEPS, *FINAL).rows, NOW)
    html, page = read(told, "/en")
    assert page.tables["Where the grant is"][-1] == ["granted", "€1,192,210.49"]
    assert "was expected on 27 June 2019, 3 days after its deadline of 24 June 2019." in html
    assert f'href="/en/foerderung/{CASE}/belege.csv"' in html
    html, page = read(told, "/leicht")
    assert "Das eigene Geld soll 183.417,00 € sein." in html
    assert 'lang="de-x-leicht"' in html
    assert "Wo das Geld ist" in page.tables


@pytest.mark.parametrize("length", range(1, 20))
@pytest.mark.parametrize("language", list(Language))
def test_every_state_on_the_way_has_its_page(language: Language, length: int) -> None:
    told = account(of_wismar((*wismar.STEPS, *FINAL)[:length]).rows, NOW)
    html, page = read(told, language.value)
    assert ("Plan und Ist" in html) is (length > 1) or language is not Language.GERMAN
    assert all(len(row) == len(rows[0]) for rows in page.tables.values() for row in rows)


def test_a_step_that_its_actor_signed_says_so() -> None:
    rows = of_wismar(wismar.STEPS[:8]).rows
    paid = decode(rows[7].canonical or b"")
    signed = msgspec.structs.replace(paid, signature={"signer": "aa", "signature": "bb"})
    _, page = read(account([*rows[:7], rows[7]._replace(canonical=encode(signed))]))
    assert [row[-1] for row in page.tables["Wer für die Teilbeträge gehandelt hat"]] == [
        "Signatur", "keine", "keine", "eigener Schlüssel",
    ]  # fmt: skip


def test_a_refused_and_an_erased_grant_say_so() -> None:
    refusal = step("2019-09-02", "approver-1", "approver", "refuse", reason="no funds are left")
    html, page = read(account(of_wismar(wismar.STEPS[:4], refusal).rows))
    assert "abgelehnt" in html
    assert "no funds are left" in html
    assert "Wo die Zuwendung ist" not in page.tables
    html, page = read(account([row._replace(canonical=None) for row in of_wismar().rows]))
    assert "Inhalte wurden rechtmäßig gelöscht, zuerst in Schritt 1." in html
    assert "Nicht mehr lesbar" in html
    assert page.tables == {}


def test_what_a_case_says_is_text_on_its_page() -> None:
    bad = '<script>alert(1)</script> {{ 7 * 7 }} %(num)s "><b>'
    refusal = step("2019-09-02", "approver-1", "approver", "refuse", reason=bad)
    html, _ = read(account(of_wismar(wismar.STEPS[:4], refusal).rows))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7 * 7 }} %(num)s &#34;&gt;&lt;b&gt;" in html


FACTS: dict[str, Any] = {
    "sequence": 3, "rule": "sequence", "expected": 100, "actual": 105, "difference": -5, "due": "2019-06-24",
    "day": "2019-06-25", "days": 1, "ends": "2024-09-30", "tranche": 2, "rate_approved": 6_500, "rate_paid": 9_050,
    "reclaimed": 10, "repaid": 4, "item": "50 % %(x)s", "voucher": "v", "amount": 7, "planned": 9, "paid": 8,
    "earned": 6,
}  # fmt: skip


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("rule", FINDINGS)
def test_every_finding_is_a_sentence_with_its_figures(rule: str, language: Language) -> None:
    told = Figures(language).sentence(Finding(rule, FACTS))
    assert told[-1] in ".:"
    assert "%(" not in told.replace("50 % %(x)s", "")
    plural = Figures(language).sentence(Finding(rule, {**FACTS, "days": 2}))
    assert (told != plural) is isinstance(FINDINGS[rule], tuple)
    assert Figures(language).sentence(Finding(rule, FACTS)).count("-") == 0, "a difference is told without its sign"


def test_figures_are_exact_up_to_the_largest_integer() -> None:
    assert Figures(Language.GERMAN).euro(2**53 - 1) == "90.071.992.547.409,91\u00a0€"
    assert Figures(Language.ENGLISH).euro(-1) == "-€0.01"
    assert Figures(Language.GERMAN).percent(6_550) == "65,5\u00a0%"


class Town:
    """A town's database with grants in it, counting what is asked of it."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_engine(f"sqlite:///{folder / 'ledger.sqlite'}")
        self.asked: list[str] = []
        self.recorder = Recorder("test.example/ledger", lambda: NOW)
        event.listen(self.engine, "before_cursor_execute", lambda *said: self.asked.append(said[2]))

    def open(self, intents: Any, case_id: CaseId | None = None, law: str = "subsidy") -> CaseId:
        standing = Standing(case_id or CaseId.random(), workflow(law), Level.LOGGED)
        steps = []
        for intent in intents:
            made, standing = self.recorder.step(standing, intent)
            steps.append(made)
        with SqlUnitOfWork.open(self.engine) as unit:
            unit.cases.record(steps)
            unit.commit()
        return standing.case_id

    def read(self, asking: Callable[[Any], Any]) -> tuple[Any, list[str]]:
        with SqlUnitOfWork.open(self.engine, "read") as unit:
            self.asked.clear()
            found = asking(unit)
            return found, [each for each in self.asked if each.lstrip().upper().startswith("SELECT")]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Town]:
    found = Town(tmp_path)
    yield found
    found.engine.dispose()


def fine() -> list[Intent]:
    return [Intent(Command("record_fine", Actor("c", "clerk"), {"amount": 3_500}), NOW - timedelta(days=1))]


def test_all_grants_are_one_question_to_the_database(office: Town) -> None:
    for length in (1, 2, 5, 8, 17, 17):
        office.open(wismar.STEPS[:length])
    office.open(fine(), law="parking_fine")
    found, selects = office.read(finance.grants)
    assert len(selects) == 1
    ((title, lines),) = found.programmes
    assert (title, len(lines), found.after) == ("Modellprojekte Smart Cities", 6, None)
    total = found.programmes[0].total
    assert (total.planned, total.granted, total.disbursed) == (183_416_998 * 5, 119_221_049 * 4, 125_000_000)
    assert total.granted == total.disbursed + total.open + total.cancelled
    assert [line.case_id for line in lines] == sorted(line.case_id for line in lines)


def test_an_account_is_two_questions_however_long_its_case_is(office: Town) -> None:
    case_id = office.open(wismar.STEPS)
    found, selects = office.read(lambda unit: finance.grant(unit, case_id, NOW))
    assert len(selects) <= 2
    assert found.sums.disbursed == 50_000_000
    assert "open_after_period" in {each.rule for each in found.findings}
    for missing in (CaseId.random(), office.open(fine(), law="parking_fine")):
        with pytest.raises(NotFound):
            office.read(lambda unit, case_id=missing: finance.grant(unit, case_id, NOW))


def test_the_next_page_begins_behind_the_last_case(office: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finance, "_SHOWN", 2)
    ids = sorted(office.open(wismar.STEPS[:2]) for _ in range(3))
    first, _ = office.read(finance.grants)
    second, _ = office.read(lambda unit: finance.grants(unit, first.after))
    assert [line.case_id for page in (first, second) for each in page.programmes for line in each.lines] == ids
    assert (first.after, second.after) == (ids[1], None)
    html = bytes(finance.grants_page(asked("/foerderung"), first).body).decode()
    assert f'href="/foerderung?nach={ids[1]}"' in html


def test_an_erased_grant_stays_in_the_list_with_its_state_alone(office: Town) -> None:
    case_id = office.open(wismar.STEPS)
    with SqlUnitOfWork.open(office.engine) as unit:
        unit.cases.forget([case_id])
        unit.commit()
    found, _ = office.read(finance.grants)
    assert found.programmes == (Programme("", (GrantLine(case_id, "granted", "", "", erased=True),)),)
    page = Reader(bytes(finance.grants_page(asked("/foerderung"), found).body).decode())
    assert page.tables["Nicht mehr lesbar"][1] == [case_id, "Rechtmäßig gelöscht.", "bewilligt", "", "", "", "", ""]


def test_the_list_has_a_table_for_each_programme_with_its_sums() -> None:
    line = GrantLine(str(CASE), "granted", "A <b>", "town", 1_000, 900, 400, 300, 200)
    told = Grants((Programme("A <b>", (line, line)), Programme("B", (line,))), None)
    html = bytes(finance.grants_page(asked("/en/foerderung"), told).body).decode()
    page = Reader(html)
    assert page.tables["A <b>"][-1] == ["Sum", "", "", "€20.00", "€18.00", "€8.00", "€6.00", "€4.00"]
    assert len({*re.findall(r'id="([^"]+)"', html)}) == len(re.findall(r'id="([^"]+)"', html))
    assert "There is no grant yet." in bytes(finance.grants_page(asked("/en/f"), Grants((), None)).body).decode()


def test_papers_and_tables_are_taken_along_under_their_names() -> None:
    told = account(of_wismar(wismar.STEPS, *FINAL).rows, NOW)
    issue = Issue(TOWN, NOW.date(), "https://stadt.example/verify.html#1")
    for answer, media_type, name in (
        (finance_files.proof_file(told, issue), "application/pdf", f"verwendungsnachweis-{CASE}.pdf"),
        (finance_files.report_file(told, issue), "application/pdf", f"bericht-{CASE}.pdf"),
        (finance_files.tranches_file(told), "text/csv; charset=utf-8; header=present", f"teilbetraege-{CASE}.csv"),
        (finance_files.vouchers_file(told), "text/csv; charset=utf-8; header=present", f"belege-{CASE}.csv"),
    ):
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert bytes(answer.body).startswith(b"%PDF" if name.endswith("pdf") else b"\xef\xbb\xbf")


@pytest.mark.parametrize(("length", "kind"), [(2, "Beschlussvorlage"), (5, "Bericht"), (19, "Bericht")])
def test_papers_word_their_findings_in_german(length: int, kind: str) -> None:
    told = account(of_wismar((*wismar.STEPS, *FINAL)[:length]).rows, NOW)
    octets = bytes(finance_files.report_file(told, Issue(TOWN, NOW.date())).body)
    text = " ".join("\n".join(page.extract_text() for page in PdfReader(BytesIO(octets)).pages).split())
    assert f"{kind} an die Bürgerschaft" in text
    assert "für den 27. Juni 2019 erwartet, 3 Tage nach der Frist vom 24. Juni 2019." in text
