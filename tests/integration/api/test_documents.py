"""Documents: sent, examined, named by a step, fetched again, erased."""

import io
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image

from ledger_automation.orchestrator.erase import erase
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.uploads import KEPT
from ledger_automation.values import timestamp
from support.town import open_town

PDF = b"%PDF-1.7\nErika Mustermann\n%%EOF\n"
PERMITS = "/workflows/permit/cases"
_FILE = io.BytesIO()
Image.new("RGB", (4, 4), "teal").save(_FILE, "PNG")
PICTURE = _FILE.getvalue()


def send(office: Any, persona: str, content: bytes = PDF, **headers: str) -> Any:
    kind = {"content-type": "application/octet-stream"}
    return office.client.post("/documents", content=content, headers=office.headers(persona) | kind | headers)


def named(content: bytes = PDF, name: str = "plan.pdf") -> list[dict[str, str]]:
    return [{"name": name, "sha256": sha256(content).hexdigest()}]


def test_a_document_is_sent_named_by_a_step_committed_and_fetched(office: Any) -> None:
    sent = send(office, "applicant-1")
    assert (sent.status_code, sent.json()) == (
        201, {"sha256": sha256(PDF).hexdigest(), "media_type": "application/pdf", "size": len(PDF)},
    )  # fmt: skip
    opened = office.post("applicant-1", PERMITS, {}, documents=named(name="Lageplan äöü.pdf"))
    assert opened.status_code == 201, opened.text
    path = opened.headers["location"]
    assert office.get("applicant-1", f"{path}/events").json()["events"][0]["attachments"] == ["Lageplan äöü.pdf"]
    fetched = office.get("applicant-1", f"{path}/events/0/documents/0")
    assert (fetched.status_code, fetched.content) == (200, PDF)
    assert fetched.headers["content-disposition"] == "attachment; filename*=UTF-8''Lageplan%20%C3%A4%C3%B6%C3%BC.pdf"
    assert fetched.headers["x-content-type-options"] == "nosniff"
    for persona, place, status in (
        ("applicant-2", "events/0/documents/0", 404),
        ("applicant-1", "events/0/documents/1", 404),
        ("applicant-1", "events/1/documents/0", 404),
        ("applicant-1", "events/x/documents/0", 404),
        ("administrator-1", "events/0/documents/0", 403),
    ):
        assert office.get(persona, f"{path}/{place}").status_code == status


def test_another_ones_document_is_not_there(office: Any) -> None:
    send(office, "applicant-1")
    stolen = office.post("applicant-2", PERMITS, {}, documents=named())
    assert (stolen.status_code, stolen.json()["type"]) == (404, "/problems/not-found")
    assert office.get("applicant-2", PERMITS).json()["cases"] == []


@pytest.mark.parametrize(
    "documents",
    [
        "plan.pdf",
        [1],
        [{"name": "a"}],
        [{"name": "a", "sha256": "0" * 63}],
        [{"name": "../a", "sha256": "0" * 64}],
        [{"name": "a\\b", "sha256": "0" * 64}],
        [{"name": "a\nb", "sha256": "0" * 64}],
        [{"name": "", "sha256": "0" * 64}],
        [{"name": "a", "sha256": "0" * 64, "content": "x"}],
        [{"name": "a", "sha256": "0" * 64}] * 21,
    ],
)
def test_what_names_no_document_is_refused(office: Any, documents: Any) -> None:
    assert office.post("applicant-1", PERMITS, {}, documents=documents).status_code == 422
    assert office.post("applicant-1", PERMITS, {}, documents=named(b"never sent")).status_code == 404


@pytest.mark.parametrize(
    ("content", "right", "wrong"),
    [
        (PDF, ("a.pdf", "A.PDF", "a.exe.pdf"), ("a", "a.exe", "a.pdf.exe", "a.txt", "pdf", "a.pdf ", "a.pdf.")),
        (b"<script>alert(1)</script>", ("a.txt",), ("a.html", "a.hta", "a.bat", "a.svg", "a.csv", "a.pdf")),
        (PICTURE, ("a.png",), ("a.jpg", "a.png.lnk", "a.svg")),
    ],
    ids=("pdf", "text", "picture"),
)
def test_a_document_is_called_what_it_is(
    office: Any, content: bytes, right: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    digest = send(office, "applicant-1", content).json()["sha256"]
    for name in wrong:
        refused = office.post("applicant-1", PERMITS, {}, documents=[{"name": name, "sha256": digest}])
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-input"), name
    assert office.get("applicant-1", PERMITS).json()["cases"] == []
    for name in right:
        taken = office.post("applicant-1", PERMITS, {}, documents=[{"name": name, "sha256": digest}])
        assert taken.status_code == 201, taken.text


@pytest.mark.parametrize(
    "name", ['a"; filename="b.exe"; x=".pdf', "a;b=c.pdf", "a%0d%0ab.pdf", "..pdf", "a\u202ecod.pdf"]
)
def test_no_name_breaks_out_of_its_header(office: Any, name: str) -> None:
    send(office, "applicant-1")
    path = office.post("applicant-1", PERMITS, {}, documents=named(name=name)).headers["location"]
    said = office.get("applicant-1", f"{path}/events/0/documents/0").headers["content-disposition"]
    found = re.fullmatch(r"attachment; filename\*=UTF-8''([A-Za-z0-9._~%-]+)", said)
    assert found is not None, said
    assert unquote(found[1]) == name


def test_what_the_scanner_finds_is_not_kept_and_nothing_is_kept_without_it(tmp_path: Path) -> None:
    scanner = tmp_path / "scan.py"
    scanner.write_text("import sys; sys.exit(b'EICAR' in sys.stdin.buffer.read())", "utf-8")
    with open_town(tmp_path / "town", scanner=f"{sys.executable} {scanner}") as town:

        def status(content: bytes) -> int:
            return town.ask("clerk-1", "POST", "/documents", content, Content_Type="application/octet-stream").status

        def kept() -> int:
            with town.ledger.engine.connect() as connection:
                return int(connection.exec_driver_sql("SELECT count(*) FROM upload").scalar_one())

        assert (status(b"EICAR"), kept()) == (422, 0)
        assert (status(b"harmless"), kept()) == (201, 1)
        scanner.unlink()  # Python then ends with 2, as a scanner does that finds no signatures
        assert (status(b"also harmless"), kept()) == (422, 1)
    with open_town(tmp_path / "other", scanner=str(tmp_path / "missing")) as town:
        assert (status(b"harmless"), kept()) == (503, 0)


def test_what_may_not_be_sent(office: Any) -> None:
    for persona, status in (("auditor-1", 403), ("administrator-1", 403), ("clerk-1", 201)):
        assert send(office, persona).status_code == status
    assert office.client.post("/documents", content=PDF).status_code == 401
    assert send(office, "clerk-1", b"PK\x03\x04").status_code == 415
    assert send(office, "clerk-1", PDF, **{"content-encoding": "gzip"}).status_code == 415
    assert send(office, "clerk-1", b"--x", **{"content-type": "multipart/form-data; boundary=x"}).status_code == 415
    most = office.ledger.settings.upload_bytes
    assert send(office, "clerk-1", bytes(most + 1)).status_code == 413


def test_what_no_step_took_is_forgotten_and_what_a_step_took_stays(office: Any) -> None:
    send(office, "applicant-1")
    path = office.post("applicant-1", PERMITS, {}, documents=named()).headers["location"]
    now = office.ledger.recorder.clock()
    with office.ledger.begin() as unit:
        assert unit.uploads.purge(timestamp(now - KEPT)) == 0
        assert unit.uploads.purge(timestamp(now + KEPT)) == 1
        unit.commit()
    assert office.post("applicant-1", PERMITS, {}, documents=named()).status_code == 404
    assert office.get("applicant-1", f"{path}/events/0/documents/0").content == PDF


def test_an_erasure_is_decided_in_the_log_then_done_and_the_rest_stays(office: Any) -> None:
    send(office, "applicant-1")
    path = office.post("applicant-1", PERMITS, {}, documents=named()).headers["location"]
    office.post("clerk-1", f"{path}/acknowledge", {})
    basis = {"legal_basis": "Art. 17 (1) (b) GDPR", "sequence": 0}
    asked = office.client.post(f"{path}/erasure", json=basis, headers=office.headers("clerk-1"))
    assert asked.status_code == 202, asked.text
    ledger = office.ledger
    assert erase(ledger.begin, ledger.recorder, ledger.eraser) == 0, "not before the log says so"
    assert office.get("applicant-1", f"{path}/events/0/documents/0").status_code == 200
    seal(ledger.begin, ledger.recorder, ledger.key, None)
    receipt = office.get("clerk-1", f"{path}/receipt?sequence=1").content
    assert erase(ledger.begin, ledger.recorder, ledger.eraser) == 1
    assert erase(ledger.begin, ledger.recorder, ledger.eraser) == 0
    events = office.get("clerk-1", f"{path}/events").json()["events"]
    assert [each["evidence"] for each in events] == ["erased", "logged"]
    assert events[0]["payload"] is None
    assert office.get("applicant-1", f"{path}/events/0/documents/0").status_code == 404
    assert office.get("clerk-1", f"{path}/receipt?sequence=1").content == receipt
    again = office.client.post(f"{path}/erasure", json=basis, headers=office.headers("clerk-1"))
    assert (again.status_code, again.json()["rule"]) == (409, "erased_already")


def test_who_may_have_something_erased_and_what(office: Any) -> None:
    path, basis = office.permit(), {"legal_basis": "Art. 17"}
    for persona, body, status in (
        ("applicant-1", basis, 403),
        ("approver-1", basis, 403),
        ("clerk-1", {}, 422),
        ("clerk-1", {"legal_basis": " "}, 409),
        ("clerk-1", basis | {"sequence": 9}, 404),
        ("clerk-1", basis | {"sequence": True}, 422),
        ("clerk-1", basis | {"case_id": "x"}, 422),
        ("clerk-1", basis, 202),
        ("clerk-1", basis | {"sequence": 0}, 409),
    ):
        answer = office.client.post(f"{path}/erasure", json=body, headers=office.headers(persona))
        assert answer.status_code == status, (body, answer.text)
    missing = f"{PERMITS}/00000000-0000-4000-8000-000000000000/erasure"
    assert office.client.post(missing, json=basis, headers=office.headers("clerk-1")).status_code == 404


def test_on_sqlite_nothing_of_an_erased_document_is_left_in_the_file(office: Any) -> None:
    if office.ledger.engine.dialect.name != "sqlite":
        assert office.ledger.engine.dialect.name == "postgresql"  # whose pages are the server's to clean (VACUUM)
        return
    secret = b"%PDF-1.7\n" + b"Friederike Musterfrau " * 400 + b"\n%%EOF\n"
    send(office, "applicant-1", secret)
    path = office.post("applicant-1", PERMITS, {}, documents=named(secret)).headers["location"]
    ledger = office.ledger
    with ledger.begin() as unit:
        unit.uploads.purge(timestamp(ledger.recorder.clock() + KEPT))
        unit.commit()
    office.client.post(f"{path}/erasure", json={"legal_basis": "Art. 17"}, headers=office.headers("clerk-1"))
    seal(ledger.begin, ledger.recorder, ledger.key, None)
    assert any(b"Musterfrau" in each.read_bytes() for each in ledger.settings.home.glob("ledger.sqlite*"))
    assert erase(ledger.begin, ledger.recorder, ledger.eraser) == 1
    assert not any(b"Musterfrau" in each.read_bytes() for each in ledger.settings.home.glob("ledger.sqlite*"))


def test_a_case_that_was_erased_goes_on_for_nobody_and_is_nobody_s_own(office: Any) -> None:
    path = office.post("applicant-1", PERMITS, {}).headers["location"]
    asked = office.client.post(f"{path}/erasure", json={"legal_basis": "Art. 17"}, headers=office.headers("clerk-1"))
    assert asked.status_code == 202, asked.text
    ledger = office.ledger
    seal(ledger.begin, ledger.recorder, ledger.key, None)
    assert office.get("applicant-1", path).status_code == 200
    assert erase(ledger.begin, ledger.recorder, ledger.eraser) == 1
    further = office.post("clerk-1", f"{path}/acknowledge", {})
    assert (further.status_code, further.json()["rule"]) == (409, "content_destroyed")
    assert (office.get("clerk-1", path).status_code, office.get("clerk-1", f"{path}/events").status_code) == (200, 200)
    for persona in ("applicant-1", "applicant-2"):
        assert office.get(persona, path).status_code == office.post(persona, f"{path}/withdraw", {}).status_code == 404
