"""The papers as readers see them: structure, order of reading, codes, enclosed data; everywhere the same bytes."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pypdfium2
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_automation.orchestrator.account import account
from ledger_automation.orchestrator.account_lines import Account
from ledger_automation.papers import script
from ledger_automation.papers.council import CouncilPaper, council_paper
from ledger_automation.papers.decisions import Decision, Remedy, decided
from ledger_automation.papers.notice import Notice, notice
from ledger_automation.papers.proof_of_use import FILE, ProofOfUse, proof_of_use
from ledger_automation.papers.receipt import Receipt, Witnessed, receipt
from ledger_automation.papers.spreadsheet import tranches
from ledger_automation.papers.typesetting import NOTICE, Office, Sheet, typeset
from ledger_automation.study import wismar
from ledger_automation.verify.sources import DocumentRecord
from support.grants import CASE, FINAL, TRIES, Tries, of_wismar, step, walked
from unit.papers.conftest import URL, Seen

AT = "2026-03-02T10:00:00.000000Z"
ROOT = Path(__file__).resolve().parents[3]
Sheets = Callable[..., Any]
FULL = of_wismar(wismar.STEPS, *FINAL).rows
STEPS = tuple(
    Witnessed(row.sequence, row.occurred_at, f"Schritt {row.action}", row.actor_id, row.leaf_index) for row in FULL
)


def papers(sheet: Sheets) -> dict[str, bytes]:
    told = ("Der Eigenanteil weicht um 0,01 € ab.",)
    verdict = "Alles stimmt: Nichts wurde verändert, weggelassen oder eingeschoben."
    return {
        "notice": notice(Notice(sheet("Zuwendungsbescheid"), ("Hansestadt Wismar",), decided(FULL, 4))),
        "receipt": receipt(Receipt(sheet("Beleg"), verdict, "", "abgeschlossen", "stadt.example/ledger", 19, STEPS)),
        "proof": proof_of_use(ProofOfUse(sheet("Verwendungsnachweis"), account(FULL), told)),
        "council": council_paper(CouncilPaper(sheet("Eigenmittel"), "Beschlussvorlage", account(FULL[:2]), told)),
        "report": council_paper(CouncilPaper(sheet("Bericht"), "Bericht", account(FULL), told)),
    }


@pytest.fixture(params=["notice", "receipt", "proof", "council", "report"])
def each(request: pytest.FixtureRequest, sheet: Sheets, seen: Callable[[bytes], Seen]) -> Seen:
    return seen(papers(sheet)[request.param])


def test_every_paper_is_a_tagged_archive_in_german(each: Seen) -> None:
    root = each.pdf.Root
    assert str(root.Lang) == "de"
    assert root.MarkInfo.Marked
    assert root.ViewerPreferences.DisplayDocTitle
    with each.pdf.open_metadata() as told:
        assert (told["pdfaid:part"], told["pdfaid:conformance"], told["pdfuaid:part"]) == ("3", "B", "1")
        assert told["dc:title"] == str(each.pdf.docinfo.Title) != ""
        assert told["xmp:CreateDate"].startswith("2026-03-02T00:00:00")
    assert "OutputIntents" in str(root.keys())
    tags = each.tags()
    assert tags[0] == "Document"
    assert tags.count("Title") == 1
    assert tags.count("Figure") == 1, "the code, with its text"
    assert tags.count("THead") == tags.count("Table") > 0 or "Table" not in tags


def test_every_font_of_a_paper_lies_inside_it(each: Seen) -> None:
    names = set()
    for page in each.pdf.pages:
        for font in page.Resources.get("/Font", {}).values():
            inner = font.DescendantFonts[0] if "/DescendantFonts" in font else font
            assert any(f"/FontFile{kind}" in inner.FontDescriptor for kind in ("", "2", "3"))
            names.add(str(inner.BaseFont).split("+")[-1].split("-")[0])
    assert names <= {"LibertinusSerif", "DejaVuSansMono"}


def test_every_page_says_that_it_is_a_demonstrators(each: Seen) -> None:
    assert each.text.count(NOTICE) == len(each.pdf.pages)
    assert f"Seite {len(each.pdf.pages)} von {len(each.pdf.pages)}" in each.text


def test_the_code_of_a_paper_is_read_from_its_page(each: Seen) -> None:
    assert each.codes == [URL]


def test_no_paper_runs_anything_or_asks_anybody(each: Seen) -> None:
    written = each.octets
    for word in (b"/JavaScript", b"/JS", b"/OpenAction", b"/Launch", b"/SubmitForm", b"/URI"):
        assert word not in written
    assert "/AA" not in each.pdf.Root


_PROGRAM = """
import hashlib, sys
from datetime import UTC, date, datetime
sys.path.insert(0, "tests")
from ledger_automation.papers.spreadsheet import tranches
from ledger_automation.papers.typesetting import Sheet
from unit.papers import conftest, test_papers
def sheet(title):
    return Sheet(title, date(2026, 3, 2), conftest.OFFICE, str(conftest.CASE), conftest.URL, conftest.LABEL)
for name, octets in test_papers.papers(sheet).items():
    print(name, hashlib.sha256(octets).hexdigest())
"""


@pytest.mark.parametrize(("hashes", "zone"), [("1", "Pacific/Auckland"), ("2", "America/Lima")])
def test_another_process_elsewhere_makes_the_same_bytes(sheet: Sheets, hashes: str, zone: str) -> None:
    elsewhere = {"PYTHONHASHSEED": hashes, "TZ": zone, "LC_ALL": "C", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, env=elsewhere, capture_output=True, text=True, check=True
    )
    own = {name: sha256(octets).hexdigest() for name, octets in papers(sheet).items()}
    assert dict(line.split() for line in done.stdout.splitlines()) == own


def test_another_day_or_another_word_is_another_paper(sheet: Sheets) -> None:
    told = Receipt(sheet(), "v", "", "s", "o", 1, STEPS)
    other = msgspec.structs.replace(told, sheet=msgspec.structs.replace(told.sheet, day=date(2026, 3, 3)))
    assert len({receipt(each) for each in (told, other, msgspec.structs.replace(told, remark="r"))}) == 3


def test_a_notice_is_read_from_the_office_to_the_objection(sheet: Sheets, seen: Callable[[bytes], Seen]) -> None:
    remedy = Remedy("Widerspruch", "Gegen diesen Bescheid kann Widerspruch erhoben werden.", "2026-04-02")
    decision = Decision(
        "Ablehnung", ("Die Genehmigung wird versagt.",), (("Fördersatz", "65 %"),), ("Bäume bleiben stehen.",),
        ("Erstens.\n\nZweitens.",), remedy,
    )  # fmt: skip
    found = seen(notice(Notice(sheet("Ablehnung"), ("Frau Muster", "Weg 1"), decision, access_code="ABCD-EFGH")))
    assert found.in_order(
        "Musterstadt am Meer", "Frau Muster", "Weg 1", "Datum 02.03.2026", f"Fallnummer {CASE}", "Ablehnung",
        "Die Genehmigung wird versagt.", "Fördersatz 65 %", "Nebenbestimmungen", "Bäume bleiben stehen.", "Begründung",
        "Erstens.", "Zweitens.", "Rechtsbehelfsbelehrung", "kann Widerspruch erhoben werden",
        "spätestens am 02.04.2026.", "Mit diesem Code", "Ihr Zugangscode: ABCD-EFGH", "trägt keine Unterschrift",
    )  # fmt: skip
    assert [each for each in found.tags() if each in {"Title", "H1"}] == ["Title", "H1", "H1", "H1"]


def test_a_notice_without_reasons_terms_and_codes_has_none(sheet: Sheets, seen: Callable[[bytes], Seen]) -> None:
    plain = Notice(sheet("Abschluss", code=""), ("Frau Muster",), Decision("Abschluss", ("Es ist zu Ende.",)))
    found = seen(notice(plain))
    assert not {"Rechtsbehelfsbelehrung", "Begründung", "Nebenbestimmungen", "Zugangscode"} & {*found.text.split()}
    assert found.codes == []


def test_a_receipt_says_the_verdict_first_and_then_every_step(sheet: Sheets, seen: Callable[[bytes], Seen]) -> None:
    told = Receipt(
        sheet("Beleg"), "Alles stimmt.", "Bis dahin ist es der ganze Fall.", "abgeschlossen", "stadt.example/ledger",
        1_234, (*STEPS, Witnessed(19, "2020-10-02T10:00:00.000000Z", "Danach", "clerk-1", None)),
        (("Prüfsumme", "ab" * 32),),
    )  # fmt: skip
    found = seen(receipt(told))
    assert found.in_order(
        "Beleg", "Alles stimmt.", "Bis dahin ist es der ganze Fall.", "abgeschlossen", "stadt.example/ledger", "1.234",
        "Mit diesem Code", "1 15.02.2019, 11:00 Schritt open_programme ministry 0", "Schritt close auditor-1 18",
        "20 02.10.2020, 12:00 Danach clerk-1 noch keines", "Prüfsumme", "ab" * 32,
    )  # fmt: skip
    assert found.tags().count("TH") == 5


def test_the_proof_of_use_has_its_three_parts_and_adds_up(sheet: Sheets, seen: Callable[[bytes], Seen]) -> None:
    found = seen(papers(sheet)["proof"])
    assert found.in_order(
        "Verwendungsnachweis", "Modellprojekte Smart Cities", "hansestadt-wismar", "65 % ab 02.09.2019; 90 % ab",
        "1 Sachbericht", "The strategy was adopted by the council.", "Implementation began in two quarters.",
        "2 Zahlenmäßiger Nachweis", "Kostengruppe Plan Ist",
        "strategy and implementation 2020 458.542,49 € 278.000,00 €", "Summe 1.834.169,98 € 550.000,00 €",
        "Eigenmittel 183.417,01 € 62.500,00 €", "Zuwendung 1.192.210,49 € 487.500,00 €",
        "Summe 1.375.627,50 € 550.000,00 €", "2019 0,00 € 2.000,00 €",
        "2 250.000,00 € 90 % 270.000,00 € 237.500,00 € 12.500,00 € 12.500,00 €",
        "ausgezahlt 500.000,00 €", "offen 0,00 €", "entfallen 692.210,49 €", "Zuwendung 1.192.210,49 €",
        "3 Belegliste", "1 1-14 02.03.2020 278.000,00 €", "3 32 30.09.2019 2.000,00 €", "Summe 550.000,00 €",
        "VO-2019-3113.txt (66 Byte)", "Feststellungen", "Der Eigenanteil weicht um 0,01 € ab.",
        "Wer gehandelt hat", "disburse_tranche 1 Kasse cashier-1",
    )  # fmt: skip


def test_the_account_lies_inside_the_proof_of_use(sheet: Sheets, seen: Callable[[bytes], Seen]) -> None:
    found = seen(papers(sheet)["proof"])
    (octets,) = found.files.values()
    assert [*found.files] == [FILE]
    assert msgspec.json.decode(octets, type=Account) == account(FULL)
    (spec,) = found.pdf.Root.AF
    assert str(spec.AFRelationship) == "/Source"
    assert str(spec.EF.F.Subtype) == "/application/json"
    assert str(CASE) in str(spec.Desc)


@pytest.mark.parametrize("length", range(1, 18))
def test_a_half_finished_grant_has_its_papers_too(sheet: Sheets, seen: Callable[[bytes], Seen], length: int) -> None:
    told = account(FULL[:length])
    proof = seen(proof_of_use(ProofOfUse(sheet("Verwendungsnachweis"), told)))
    assert proof.in_order("Ein Sachbericht liegt nicht vor.", "Eine Belegliste liegt nicht vor.")
    assert "Bericht an die Bürgerschaft" in seen(council_paper(CouncilPaper(sheet("B"), "Bericht", told))).text


def test_an_erased_grant_has_a_paper_that_says_so(sheet: Sheets, seen: Callable[[bytes], Seen]) -> None:
    told = account([row._replace(canonical=None, salt=None, checksum=None) for row in FULL])
    found = seen(proof_of_use(ProofOfUse(sheet("Verwendungsnachweis"), told)))
    assert found.in_order("Förderprogramm nicht lesbar", "Gelöschte Schritte 19")
    assert "Zu dem Programm ist kein Antrag lesbar." in seen(
        council_paper(CouncilPaper(sheet("B"), "Bericht", told))
    ).text.replace("\n", " ")


def test_the_council_is_asked_for_its_share_or_told_where_the_money_is(
    sheet: Sheets, seen: Callable[[bytes], Seen]
) -> None:
    made = papers(sheet)
    assert seen(made["council"]).in_order(
        "Beschlussvorlage an die Bürgerschaft", "Eigenmittel", "Vorlage VO/2019/3113", "Beschluss fällig am 24.06.2019",
        "Beschluss erwartet am 27.06.2019", "Beschlussvorschlag", "Eigenmittel in Höhe von 183.417,01 € bereit.",
        "Geplante Ausgaben 1.834.169,98 €", "Eigenmittel, wie angegeben 183.417,01 €",
        "Eigenmittel, 10 % gerundet 183.417,00 €", "Unterschied 0,01 €", "2020 458.542,49 €", "Feststellungen",
    )  # fmt: skip
    assert seen(made["report"]).in_order(
        "Bericht an die Bürgerschaft", "Beschlossen am 27.06.2019", "nimmt den Bericht zur Kenntnis",
        "Bewilligt wurden 1.192.210,49 €", "Ausgezahlt sind 500.000,00 €", "Jahr Plan Ist", "Zuwendung 1.192.210,49 €",
    )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(own_funds=st.sampled_from(["pro_rata", "first"]), tries=TRIES)
def test_whatever_happens_to_a_grant_it_has_its_papers_and_tables(own_funds: str, tries: Tries) -> None:
    found = account(walked(own_funds, tries).rows, datetime(2030, 1, 1, tzinfo=UTC))
    sheet = Sheet("Verwendungsnachweis", date(2030, 1, 1), Office("Musterstadt"), str(CASE))
    proof = Seen(proof_of_use(ProofOfUse(sheet, found)))
    assert msgspec.json.decode(proof.files[FILE], type=Account) == found
    assert f"Zuwendung {script.euro(found.sums.grant)}".replace("\u00a0", " ") in proof.text
    assert council_paper(CouncilPaper(sheet, "Bericht", found)).startswith(b"%PDF")
    assert tranches(found).count(b"\r\n") == 1 + len(found.tranches)


ATTACKS = {
    "eval": '#eval("1 + 1") #sys.version #facts.title',
    "import": '#import "@preview/cetz:0.3.0": *',
    "read": '#read("/etc/passwd") #include "letter.typ" #image("a.png")',
    "math": "$x^2 + integral$ `raw` ```typ #panic()```",
    "markup": "*bold* _soft_ = Title - list + enum / a: b ~ -- --- ... <label> @label",
    "closing": '] } ) " \\ // /* */ ]] }} """',
    "escapes": "\\u{1F600} \\n \\#",
    "quotes": "\"it's\" 'so'",
    "emoji": "👍🏽 👩‍👩‍👧 \U000e0041",
    "right to left": "\u202eneznarg\u202c \u05d0\u05d1 \u0627\u0644",
    "controls": "\x01\x07\x1b[31m\x7f\x85",
    "marks": "Z\u0351\u036b\u0343\u0301\u0302\u0303\u0304",
    "joined": "क्षि நி 日本語 \ufffd\ufeff",
    "private": "\ue000\U0010fffd",
    "html": "<script>alert(1)</script> &amp; %00",
    "long": "x" * 4_000,
    "words": "word " * 800,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_text_of_a_case_is_ever_more_than_text(sheet: Sheets, seen: Callable[[bytes], Seen], name: str) -> None:
    """Through every place of every paper that a case can fill: it stands there as it is, and nothing else changes."""
    attack = ATTACKS[name]
    told = " ".join(script.shown(attack).replace("\u200b", "").split())[:60]
    town = of_wismar(
        wismar.STEPS[:-1],
        step("2020-08-03", "cashier-1", "finance", "record_repayment", number=2, amount=1_250_000),
        step("2020-09-01", "wismar-treasury", "applicant", "submit_final_proof",
             DocumentRecord(attack[:200], "text/plain", b"x"), report=attack,
             figures=[{"item": attack[:200], "planned": 1, "actual": 54_800_000}],
             vouchers=[{"number": attack[:200], "paid_on": "2020-05-05", "amount": 54_800_000}]),
        step("2020-09-08", "auditor-1", "auditor", "return_final_proof", reason=attack),
    )  # fmt: skip
    found = account(town.rows)
    made = [
        proof_of_use(ProofOfUse(sheet("Verwendungsnachweis"), found, (attack,), {"close": attack})),
        notice(Notice(sheet(attack[:100]), (attack[:100],), decided(town.rows, len(town.rows) - 1), access_code="A")),
        council_paper(CouncilPaper(sheet(attack[:100]), "Bericht", found, (attack,))),
        receipt(Receipt(sheet(), attack, attack, attack[:100], "o", 1, (Witnessed(0, AT, attack[:200], "a", 0),))),
    ]  # fmt: skip
    for octets in made:
        reads = seen(octets)
        assert _plain(told[:30]) in _plain(reads.text), reads.text[:2_000]
        assert [*reads.files] in ([], [FILE])
    (octets,) = seen(made[0]).files.values()
    assert json.loads(octets)["proof"]["report"] == attack, "the data keeps every character"


def test_every_character_that_is_shown_has_its_glyph(sheet: Sheets) -> None:
    """A glyph that is missing is an error of PDF/A, and may be a panic: in every face that a paper uses."""
    letters = [each for each in map(chr, range(0x10000)) if script._LETTERS.fullmatch(each)]
    marked = [letter + chr(mark) for letter in "aZ" for mark in range(0x300, 0x370)]
    told = " ".join([*letters, *marked])
    decision = Decision(told, (told,), ((told, told),), (told,), (told,), Remedy(told, told, "2026-01-01"))
    made = notice(Notice(sheet(told, code_label=told), (told,), decision, access_code=told))
    assert made.startswith(b"%PDF")


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_no_text_stops_a_paper(text: str) -> None:
    office = Office(text, text, (text,))
    sheet = Sheet(text, date(2026, 3, 2), office, str(CASE), URL, text)
    made = receipt(Receipt(sheet, text, text, text, text, 1, (Witnessed(0, AT, text, text, 0),), ((text, text),)))
    assert made == receipt(
        Receipt(sheet, text, text, text, text, 1, (Witnessed(0, AT, text, text, 0),), ((text, text),))
    )


def _plain(text: str) -> str:
    """Take out what a line may break at."""
    return text.replace("\u00ad", "").replace("-", "").replace("\u2010", "").replace(" ", "")


def test_a_long_word_stays_on_its_page(sheet: Sheets) -> None:
    decision = Decision("A", ("x" * 4_000,), (("W" * 300, "W" * 300),), ("i" * 2_000,), ("m" * 2_000,))
    pages = pypdfium2.PdfDocument(notice(Notice(sheet("W" * 200), ("W" * 200,), decision)))
    for page in pages:
        text, (width, height) = page.get_textpage(), page.get_size()
        for number in range(text.count_chars()):
            left, bottom, right, top = text.get_charbox(number)
            assert 0 <= left <= right <= width - 40
            assert 0 <= bottom <= top <= height


def test_a_code_holds_two_thousand_characters_and_says_when_it_cannot(sheet: Sheets) -> None:
    long = sheet(code="https://stadt.example/#" + "a" * 2_000)
    assert typeset("notice", long, _nothing()).startswith(b"%PDF")
    with pytest.raises(segno.DataOverflowError):
        typeset("notice", sheet(code="a" * 2_400), _nothing())


def _nothing() -> dict[str, Any]:
    return {
        "recipient": [], "date": "", "reference": [], "decision": [], "particulars": [], "conditions": [],
        "reasons": [], "remedy": None, "access_code": "",
    }  # fmt: skip
