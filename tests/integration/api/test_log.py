"""The service shows its log as a folder does: the same paths, checked by the same reader."""

from typing import Any

from ledger_automation.errors import NotFound
from ledger_automation.orchestrator.publish import publish
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.verify.policy import Level
from ledger_automation.verify.published import LogChecker
from ledger_automation.verify.verdict import Verdict


def test_what_the_service_shows_is_what_is_published_and_holds(office: Any, tmp_path: Any) -> None:
    def fetch(path: str) -> bytes:
        answer = office.client.get(f"/log/{path}")
        if answer.status_code == 404:
            raise NotFound(path)
        assert answer.status_code == 200
        return bytes(answer.content)

    for _ in range(3):
        office.fine()
    ledger = office.ledger
    assert sequence(ledger.begin, ledger.recorder, ledger.key) is not None
    policy = ledger.policy(Level.LOGGED)
    publish(ledger.read, tmp_path / "log", policy)
    files = {
        str(each.relative_to(tmp_path / "log")): each.read_bytes()
        for each in (tmp_path / "log").rglob("*")
        if each.is_file()
    }
    assert files.keys() >= {"checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"}
    assert {path: fetch(path) for path in files} == files
    answer = LogChecker(policy).check(fetch)
    assert (answer.verdict, answer.tree_size) == (Verdict.FINAL, 3)
    entries = office.client.get("/log/tile/entries/000.p/3")
    assert entries.headers["content-type"] == "application/octet-stream"
    assert "immutable" in entries.headers["cache-control"]
    for missing in ("tile/entries/000", "tile/entries/000.p/4", "tile/entries/0", "tile/entries/0/000", "tile/6/000"):
        assert office.client.get(f"/log/{missing}").status_code == 404
