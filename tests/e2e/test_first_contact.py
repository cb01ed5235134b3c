"""What a newcomer does first: ask of nothing, hand over the wrong file, name a zone or a year that does not exist."""

import json
from pathlib import Path
from typing import Any

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


def test_that_there_is_no_such_case_is_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path)]
    case = _opened(tmp_path, capsys)
    assert run(["case", "do", case, "send_hearing", "--actor", "a", "--role", "clerk", *home]) == 0
    assert run(["seal", "--level", "logged", *home]) == 0
    file, nobody = tmp_path / "absence.json", "00000000-0000-4000-8000-000000000000"
    assert run(["receipt", case, "--absent", *home]) == 2
    assert "one that the log does not have" in capsys.readouterr().err
    assert run(["receipt", nobody, "--absent", "--sequence", "1", *home]) == 2
    assert run(["receipt", nobody, "--absent", "--out", str(file), *home]) == 0
    absence = json.loads(file.read_text())

    def said(code: int, **changes: object) -> dict[str, Any]:
        file.write_text(json.dumps(absence | changes))
        capsys.readouterr()
        assert run(["verify", str(file), "--level", "logged", "--json", *home]) == code
        return json.loads(capsys.readouterr().out or "{}")

    assert "no such case" in said(0)["sentence"]
    assert said(30, case_id=case)["reason"] == "step_5_absence"
    assert said(30, case_map_proof=["A" * 43 + "=", *absence["case_map_proof"]])["reason"] == "step_5_absence"
    assert said(30, checkpoint=absence["checkpoint"].replace("\n2\n", "\n3\n"))["reason"] == "step_2_checkpoint"
    assert said(2, other={})["error"] == "UnreadableFile"


def test_what_was_erased_answers_so_and_everybody_elses_receipt_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path)]
    case, other = _opened(tmp_path, capsys), _opened(tmp_path, capsys)
    for action in ("send_hearing", "confirm_hearing_waived"):
        run(["case", "do", case, action, "--actor", "a", "--role", "clerk", *home])
    assert run(["seal", "--level", "logged", *home]) == 0

    def receipt(name: str, *words: str) -> tuple[int, dict[str, Any], dict[str, Any]]:
        file = tmp_path / f"{name}.json"
        assert run(["receipt", *words, "--out", str(file), *home]) == 0
        capsys.readouterr()
        code = run(["verify", str(file), "--level", "logged", "--json", *home])
        return code, json.loads(capsys.readouterr().out), json.loads(file.read_text())

    assert receipt("mine", case)[0] == receipt("theirs", other)[0] == 0
    before = (tmp_path / "theirs.json").read_bytes()
    decide = ["erase", case, "--legal-basis", "Art. 17 GDPR", "--actor", "dora", *home]
    assert run([*decide, "--sequence", "7"]) == 5
    assert run([*decide, "--sequence", "0"]) == 0
    code, answer, content = receipt("step", case)
    assert (code, answer["verdict"], answer["reason"]) == (11, "erased", "erased_logged")
    assert [each["sequence"] for each in content["erasure"]["steps"]] == [0]
    assert receipt("alone", case, "--sequence", "0")[0] == 11
    assert receipt("behind", case, "--sequence", "1")[0] == 0
    assert run(decide) == 0
    code, answer, content = receipt("whole", case)
    assert (code, content["entries"]) == (11, [])
    assert "12.34" not in (tmp_path / "whole.json").read_text()
    assert run(decide) == 3  # what was destroyed cannot be destroyed again
    (tmp_path / "held.json").write_bytes(before)
    assert run(["verify", str(tmp_path / "held.json"), "--level", "logged", *home]) == 0
    assert run(["audit", "--level", "logged", *home]) == 0

    def forged(**changes: object) -> str:
        erasure = content["erasure"] | changes
        (tmp_path / "forged.json").write_text(json.dumps(content | {"erasure": erasure}))
        capsys.readouterr()
        assert run(["verify", str(tmp_path / "forged.json"), "--level", "logged", "--json", *home]) == 30
        return str(json.loads(capsys.readouterr().out)["reason"])

    steps, decisions = content["erasure"]["steps"], content["erasure"]["decisions"]
    assert forged(decisions=[]) == "step_4_law"
    assert forged(decisions=[decisions[0]]) == "step_4_law"  # it decides on step 0 only
    assert forged(case_id=other) == "step_4_law"
    assert forged(steps=steps[:-1]) == "step_5_completeness"
    assert forged(steps=steps[1:]) == "step_4_law"
    assert forged(steps=[{**steps[0], "commitment": "00" * 32}, *steps[1:]]) == "step_3_inclusion"


def test_a_receipt_of_a_case_is_the_whole_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without its last step all that it shows is genuine; the case map knows that there is one more."""
    home = ["--home", str(tmp_path)]
    case = _opened(tmp_path, capsys)
    assert run(["case", "do", case, "send_hearing", "--actor", "a", "--role", "clerk", *home]) == 0
    assert run(["seal", "--level", "logged", *home]) == 0
    file = tmp_path / "receipt.json"
    assert run(["receipt", case, "--out", str(file), *home]) == 0
    receipt = json.loads(file.read_text())

    def said(code: int, **changes: object) -> dict[str, Any]:
        file.write_text(json.dumps(receipt | changes))
        capsys.readouterr()
        assert run(["verify", str(file), "--level", "logged", "--json", *home]) == code
        return json.loads(capsys.readouterr().out)

    assert "it is the whole case" in said(0)["sentence"]
    assert said(30, entries=receipt["entries"][:-1])["reason"] == "step_5_completeness"
    assert said(30, case_map_proof=None)["reason"] == "step_5_completeness"
    step = said(0, entries=receipt["entries"][:-1], case_map_proof=None)
    assert step["verdict"] == "final"
    assert "does not rule out other steps" in step["sentence"]


def test_a_chain_where_nobody_listens_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["seal", "--chain", "http://127.0.0.1:1", "--home", str(tmp_path)]) == 20
    assert capsys.readouterr().err.strip() == "The chain at http://127.0.0.1:1 did not answer: nothing listens there."
