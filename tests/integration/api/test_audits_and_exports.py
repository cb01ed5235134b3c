"""What audits found, the table for the finance office, readiness, and the documentation's pages."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from ledger_automation.api.export import written
from ledger_automation.orchestrator.duties import Duties
from ledger_automation.orchestrator.readiness import chain_part
from ledger_automation.orchestrator.seal import seal
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import ChainIdentity


def audit(office: Any) -> None:
    ledger = office.ledger
    duties = Duties(ledger.begin, ledger.recorder, ledger.key, timedelta(days=1), lambda _: None)
    duties.audit(Auditor(ledger.policy(Level.LOGGED)), ledger.read, None)


def test_audits_are_kept_and_read_newest_first_with_their_findings(office: Any) -> None:
    ledger = office.ledger
    path = office.fine()
    seal(ledger.begin, ledger.recorder, ledger.key, None)
    audit(office)
    tamper = {
        "sqlite": "DROP TRIGGER IF EXISTS event_is_never_changed",
        "postgresql": "ALTER TABLE event DISABLE TRIGGER USER",
    }
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(tamper[ledger.engine.dialect.name])
        for name in (
            connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event'"
                if ledger.engine.dialect.name == "sqlite"
                else "SELECT 'x' WHERE false"
            )
            .scalars()
            .all()
        ):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql("UPDATE event SET amount = 1 WHERE sequence = 0 AND workflow = 'parking_fine'")
    audit(office)
    page = office.get("auditor-1", "/audits").json()
    assert [each["verdict"] for each in page["audits"]] == ["contradicted", "final"]
    first = office.get("auditor-1", "/audits?limit=1").json()
    assert first["next"] == page["audits"][0]["id"]
    older = office.get("auditor-1", f"/audits?before={first['next']}").json()["audits"]
    assert older == page["audits"][1:]
    found = office.get("auditor-1", f"/audits/{page['audits'][0]['id']}").json()["findings"]
    assert [(each["case_id"], each["sequence"], each["column"]) for each in found] == [
        (path.rpartition("/")[2], 0, "amount")
    ]
    alarms = office.get("administrator-1", "/alarms").json()["alarms"]
    assert [each["kind"] for each in alarms] == ["audit"]


def test_who_reads_audits(office: Any) -> None:
    for persona, status in (("clerk-1", 403), ("administrator-1", 403), ("applicant-1", 403), ("auditor-1", 200)):
        assert office.get(persona, "/audits").status_code == status
    assert office.client.get("/audits").status_code == 401
    for name in ("0", "1", "x", "99999999999999999999"):
        assert office.get("auditor-1", f"/audits/{name}").status_code == 404
    for query in ("before=0", "limit=0", "limit=201", "limit=x"):
        assert office.get("auditor-1", f"/audits?{query}").status_code == 422


def test_the_table_holds_every_step_of_the_workflow_and_no_other(office: Any) -> None:
    paths = [office.fine(amount=100 + each) for each in range(5)]
    office.post("finance-1", f"{paths[0]}/record_payment", {"amount": 40})
    office.permit()
    answer = office.get("finance-1", "/workflows/parking_fine/export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert sorted(int(each["amount"]) for each in rows) == [40, 100, 101, 102, 103, 104]
    assert {each["case_id"] for each in rows} == {path.rpartition("/")[2] for path in paths}
    for persona in ("applicant-1", "administrator-1", "system-1"):
        assert office.get(persona, "/workflows/parking_fine/export").status_code == 403


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\0x", "\rx", '=HYPERLINK("http://x")'])
def test_no_cell_is_a_formula(cell: str) -> None:
    read = next(csv.reader(io.StringIO(written([[cell]]).decode(), newline="")))
    assert read == ["'" + cell]


def test_numbers_stay_numbers() -> None:
    assert written([[-5, "a", None]]) == b"-5,a,\r\n"


IDENTITY = ChainIdentity(1, "0xaa", "0xbb", "0xcc")


def test_readiness_names_what_of_the_chain_is_another(office: Any) -> None:
    assert chain_part(lambda: IDENTITY, IDENTITY).ok
    other = ChainIdentity(2, "0xaa", "0xbb", "0xdd")
    part = chain_part(lambda: other, IDENTITY)
    assert (part.ok, part.what) == (False, "The chain is not the pinned one: chain_id, registry_code_hash differ.")
    ready = office.client.get("/readyz")
    parts = {each["part"]: each for each in ready.json()["parts"]}
    assert (ready.status_code, parts["chain"]["ok"], parts["database"]["ok"]) == (503, False, True)


def test_the_documentation_is_local_files_under_a_policy(office: Any) -> None:
    page = office.client.get("/docs")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "http" not in page.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        assert f"/docs/{name}" in page.text
        assert office.client.get(f"/docs/{name}").status_code == 200
    assert office.client.get("/docs/..%2f__init__.py").status_code == 404
    assert office.client.get("/openapi.json").json()["openapi"].startswith("3.1")
