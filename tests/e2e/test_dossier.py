"""The dossier as somebody has it who has nothing else: sh, sha256sum, xxd, base64, openssl."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ledger_automation.cli.app import run

PERMIT = ["case", "open", "permit", "--actor", "anna", "--role", "applicant", "--payload", '{"subject": "a carport"}']


def checked(folder: Path) -> tuple[int, str]:
    done = subprocess.run(["sh", folder / "check.sh"], check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def case(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A permit with two documents among other people's cases, sealed."""
    form, plan = tmp_path / "form.pdf", tmp_path / "\u00fcbersicht \u2116 1.TXT"
    form.write_bytes(b"%PDF-1.7 form")
    plan.write_bytes(b"north is up\n")
    at = ["--home", str(home)]
    assert run([*PERMIT, "--attach", str(form), "--attach", str(plan), "--json", *at]) == 0
    found = str(json.loads(capsys.readouterr().out)["case_id"])
    for _ in range(3):
        assert run([*PERMIT, *at]) == 0
    assert run(["case", "do", found, "acknowledge", "--actor", "carl", "--role", "clerk", *at]) == 0
    assert run(["seal", "--level", "logged", *at]) == 0
    return found


def test_it_opens_and_holds_without_this_software(home: Path, case: str, tmp_path: Path) -> None:
    folder = tmp_path / "case"
    assert run(["dossier", case, "--out", str(folder), "--home", str(home)]) == 0
    assert sorted(each.name for each in (folder / "steps" / "0000" / "documents").iterdir()) == ["0.pdf", "1.txt"]
    assert json.loads((folder / "steps" / "0000" / "event.json").read_bytes())["payload"]["subject"] == "a carport"
    code, said = checked(folder)
    assert (code, said.count("holds:")) == (0, 3), said
    assert run(["verify", str(folder / "receipt.json"), "--policy", str(folder / "policy.json")]) == 0
    assert run(["dossier", case, "--out", str(folder), "--home", str(home)]) == 2
    assert sorted(tmp_path.glob(".case-*")) == []


def test_whatever_is_changed_or_left_out_does_not_hold(home: Path, case: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    assert run(["dossier", case, "--out", str(whole), "--home", str(home)]) == 0
    evidence = [
        each.relative_to(whole)
        for each in sorted(whole.rglob("*"))
        if each.is_file() and each.name not in {"README.md", "check.sh", "receipt.json", "policy.json", "verify.html"}
    ]
    assert len(evidence) >= 13
    for name in evidence:
        if name.name == "anchor.json":  # a claim, which only a node can confirm
            continue
        folder = tmp_path / "changed"
        shutil.copytree(whole, folder)
        octets = bytearray((folder / name).read_bytes())
        octets[len(octets) // 2] ^= 1
        (folder / name).write_bytes(octets)
        assert checked(folder)[0] != 0, name
        shutil.rmtree(folder)
    folder = tmp_path / "shorter"
    shutil.copytree(whole, folder)
    shutil.rmtree(max((folder / "steps").iterdir()))
    assert checked(folder) == (1, "\n".join([*checked(whole)[1].splitlines()[:2], f"DOES NOT HOLD: {ALL}", ""]))


ALL = "these are not all steps of the case"


def test_an_erased_step_is_there_by_its_commitment(home: Path, case: str, tmp_path: Path) -> None:
    words = ["erase", case, "--sequence", "0", "--legal-basis", "Art. 17 GDPR", "--actor", "dora"]
    assert run([*words, "--home", str(home)]) == 0
    folder = tmp_path / "case"
    assert run(["dossier", case, "--out", str(folder), "--home", str(home)]) == 0
    assert sorted(each.name for each in (folder / "steps" / "0000").iterdir()) == ["commitment", "inclusion.txt"]
    assert checked(folder)[0] == 0
    assert not any(b"a carport" in each.read_bytes() for each in folder.rglob("*") if each.is_file())
    other = "00000000-0000-4000-8000-000000000000"
    assert run(["dossier", other, "--out", str(tmp_path / "none"), "--home", str(home)]) == 5
    assert not (tmp_path / "none").exists()
