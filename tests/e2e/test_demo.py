"""The demonstration, as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

LEDGER = Path(sys.executable).parent / "ledger"


def test_it_shows_everything_and_leaves_it_behind(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run([LEDGER, "demo", "--out", out, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert summary == json.loads(done.stdout)
    assert summary["verdict"] == "final"
    assert summary["runs"]["permit"]["cases"] == 60
    assert summary["runs"]["parking_fine"]["cases"] == 300
    assert summary["receipts"] == 361 == len(list((out / "receipts").glob("*.json")))
    assert any("differs by one cent from 10 %" in each for each in summary["wismar_findings"])
    assert any("3 days after its deadline" in each for each in summary["wismar_findings"])
    refused = summary["refused_attempts"]
    assert len(refused) == 9
    assert sum("The contract says" in each for each in refused) == 7
    assert sum("the contract says NotSigned" in each for each in refused) == 2
    assert any("approver-3 tries to approve_tranche" in each and "TrancheNotRequested(" in each for each in refused)
    assert any("BeyondRateOfProven(asked=50000000, ceiling=43070000)" in each for each in refused)
    classes = [each["tampering"] for each in summary["tamperings"]]
    assert len(set(classes)) == len(classes) >= 6
    for each in summary["tamperings"]:
        assert each["tampering"] in {finding["class"] for finding in each["findings"]}
    rewritten = next(each for each in summary["tamperings"] if each["tampering"] == "T36")
    assert "InconsistentCheckpoint" in rewritten["refused_by_chain"]
    assert (out / "log.pub").read_text().strip() == summary["log_key"]
    assert summary["wismar_findings"][0] in (out / "summary.md").read_text()


def test_its_receipts_verify_from_their_file_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    subprocess.run([LEDGER, "demo", "--out", out], capture_output=True, check=True)
    receipt = next((out / "receipts").glob("*.json"))
    words = [LEDGER, "verify", receipt, "--policy", out / "policy.json", "--home", tmp_path / "elsewhere", "--json"]
    logged = subprocess.run([*words, "--level", "logged"], capture_output=True, text=True, check=False)
    assert (logged.returncode, json.loads(logged.stdout)["verdict"]) == (0, "final")
    gone = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (gone.returncode, json.loads(gone.stdout)["verdict"]) == (20, "unreachable")


def test_it_tampers_with_files_only(tmp_path: Path) -> None:
    words = [LEDGER, "demo", "--out", tmp_path / "out", "--db", "postgresql://me:secret@nowhere/town"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("The database of a demonstration must be an SQLite file")
    assert "secret" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_it_never_replaces_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    done = subprocess.run([LEDGER, "demo", "--out", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 6
    assert "not a demonstration" in done.stderr
    assert (tmp_path / "precious.txt").read_text() == "mine"
