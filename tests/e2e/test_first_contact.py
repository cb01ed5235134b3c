"""What a newcomer does first: ask of nothing, hand over the wrong file, name a zone or a year that does not exist."""

import json
from pathlib import Path

import pytest

from ledger_automation.cli.app import run

SOME_CASE = "00000000-0000-4000-8000-000000000000"


def _opened(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    words = [
        "case",
        "open",
        "parking_fine",
        "--actor",
        "a",
        "--role",
        "clerk",
        "--payload",
        '{"amount": 100}',
        "--json",
    ]
    assert run([*words, "--home", str(home)]) == 0
    return str(json.loads(capsys.readouterr().out)["case_id"])


@pytest.mark.parametrize("verb", [["audit"], ["case", "show", SOME_CASE], ["receipt", SOME_CASE]])
def test_asking_of_a_ledger_that_is_not_there_makes_none(
    tmp_path: Path, verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "typo"
    assert run([*verb, "--home", str(home)]) == 5
    assert "There is no ledger" in capsys.readouterr().err
    assert not home.exists()


@pytest.mark.parametrize(
    "rules", ['{"zone": "Mars/Olympus"}', '{"zone": ""}', '{"zone": "/etc/passwd"}', '{"holidays_of": "XX"}']
)
@pytest.mark.parametrize(
    ("workflow", "role", "rest"), [("permit", "applicant", ""), ("parking_fine", "clerk", '"amount": 1,')]
)
def test_rules_that_no_term_can_be_computed_from_are_refused_at_opening(
    tmp_path: Path, workflow: str, role: str, rest: str, rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    payload = f'{{{rest} "rules": {rules}}}'
    words = ["case", "open", workflow, "--actor", "a", "--role", role, "--payload", payload, "--home", str(tmp_path)]
    assert run(words) == 3
    assert "time zone" in capsys.readouterr().err


@pytest.mark.parametrize("moment", ["9999-12-31T00:00:00Z", "0001-01-01T00:00:00+14:00", "1899-12-31T00:00:00Z"])
def test_a_moment_outside_the_calendar_is_refused(
    tmp_path: Path, moment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["case", "open", "permit", "--actor", "a", "--role", "applicant", "--at", moment, "--home", str(tmp_path)]
    assert run(words) == 2
    assert "A moment must be" in capsys.readouterr().err


def test_a_held_file_that_is_no_checkpoint_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _opened(tmp_path, capsys)
    assert run(["seal", "--level", "logged", "--home", str(tmp_path)]) == 0
    wrong = tmp_path / "shopping.txt"
    wrong.write_text("milk\n\neggs\n")
    assert run(["audit", "--held", str(wrong), "--home", str(tmp_path)]) == 2
    assert "shopping.txt" in capsys.readouterr().err


def test_a_receipt_does_not_claim_what_it_cannot_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A receipt without its last step is genuine; so its verdict must not say that nothing was dropped."""
    home = ["--home", str(tmp_path)]
    case = _opened(tmp_path, capsys)
    assert run(["case", "do", case, "send_hearing", "--actor", "a", "--role", "clerk", *home]) == 0
    assert run(["seal", "--level", "logged", *home]) == 0
    file = tmp_path / "receipt.json"
    assert run(["receipt", case, "--out", str(file), *home]) == 0
    receipt = json.loads(file.read_text())
    file.write_text(json.dumps({**receipt, "entries": receipt["entries"][:-1]}))
    capsys.readouterr()
    assert run(["verify", str(file), "--level", "logged", "--json", *home]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["verdict"] == "final"
    assert "does not rule out later steps" in answer["sentence"]
    assert "dropped" not in answer["sentence"]


def test_a_chain_where_nobody_listens_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["seal", "--chain", "http://127.0.0.1:1", "--home", str(tmp_path)]) == 20
    assert capsys.readouterr().err.strip() == "The chain at http://127.0.0.1:1 did not answer: nothing listens there."
