"""`ledger study`: a quick round from nothing to the answer, stopped and gone on with; figures whole and in order."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.study.record import MEASURES, SYSTEMS
from ledger_automation.workflows import workflow

PROGRAM = Path(sys.executable).with_name("ledger")
ORDER = ("recorded", "logged", "stamped", "anchored", "final")
LAWS = ("parking_fine", "permit", "subsidy")
DRIVEN = ("parking_fine", "subsidy")


def study(*words: object, code: int = 0) -> Any:
    done = subprocess.run([PROGRAM, "study", *map(str, words)], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done
    return json.loads(done.stdout) if code == 0 and "--json" in words else done.stdout or done.stderr


REPLAYED = 23
"""Lines of the journal before clients are forked: the round, and every log through every system."""

SMALL = """
made = { traffic_fines = 12, grants = 1 }
sizes = [60, 120]
seconds = 0.3
leaves = 60
"""


def test_a_round_from_nothing_to_its_answer(tmp_path: Path) -> None:
    """One test, since a round takes a minute; each part of what must be true of it has its own function."""
    folder = whole(tmp_path)
    report = json.loads((folder / "report.json").read_text("utf-8"))
    every_figure_has_its_rounds_and_its_command(report)
    latencies_are_there_for_each_workflow_and_in_order(report)
    counts_are_conserved_and_equal_on_all_systems(report)
    the_matrix_is_whole_and_the_answer_follows(folder, report)
    the_report_is_signed_and_a_changed_one_is_refused(folder, tmp_path / "changed")
    pages_run_nothing_and_are_drawn_again_alike(folder, tmp_path / "again")
    another_round_does_not_go_on_in_the_same_folder(folder, tmp_path)


def whole(tmp_path: Path) -> Path:
    """End a round in its middle, then kill it, and run it to its end."""
    out, given, room = tmp_path / "study", tmp_path / "small.toml", tmp_path / "room"
    given.write_text(SMALL, "utf-8")
    room.mkdir()
    cells = out / "cells.jsonl"
    for end in (signal.SIGTERM, signal.SIGKILL):
        lines = 3 + (len(cells.read_bytes().splitlines()) if cells.exists() else REPLAYED)
        words = [PROGRAM, "study", "run", given, "--out", out]
        with subprocess.Popen(words, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(room)}) as started:
            give_up = time.monotonic() + 120
            while not cells.exists() or len(cells.read_bytes().splitlines()) < lines:
                assert started.poll() is None
                assert time.monotonic() < give_up
                time.sleep(0.1)
            assert "runs a study in this folder" in study("run", given, "--out", out, code=6)
            os.kill(started.pid, end)
            if end is signal.SIGTERM and started.stderr is not None:
                told = started.stderr.read()
                assert (started.wait(), list(room.iterdir())) == (130, []), told
                assert b"Interrupted" in told
                assert b"Traceback" not in told
    done = cells.read_bytes().splitlines()
    with cells.open("ab") as file:
        file.write(done[-1][:40])  # as a power cut leaves a line
    answer = study("run", given, "--out", out, "--json")
    assert cells.read_bytes().splitlines()[: len(done)] == done, "what was measured is not measured again"
    assert answer["report"] == str(out / "report.json")
    return out


def every_figure_has_its_rounds_and_its_command(report: Any) -> None:
    assert {each["system"] for each in report["figures"]} == {*SYSTEMS}
    for each in report["figures"]:
        assert each["measure"] in MEASURES
        assert each["workflow"] in DRIVEN
        assert each["command"].startswith("ledger study run")
        assert all(value >= 0 for value in each["rounds"])
        expected = 2 if each["measure"].partition("_")[0] in {"throughput", "integration", *ORDER} else 1
        assert len(each["rounds"]) == expected, each
    assert {"date", "commit", "cpu", "cores", "seed", "seconds"} <= report["about"].keys()
    assert "synchronous=FULL" in report["durability"]["sqlite"]


def latencies_are_there_for_each_workflow_and_in_order(report: Any) -> None:
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for each in report["figures"]:
        state, _, percentile = each["measure"].partition("_")
        if state in ORDER:
            found.setdefault((each["workflow"], each["system"]), {})[f"{state}_{percentile}"] = each["rounds"]
    assert found.keys() == {(law, system) for law in DRIVEN for system in SYSTEMS}
    for place, measured in found.items():
        states = [state for state in ORDER if f"{state}_p50" in measured]
        for state in states:
            middle, late = measured[f"{state}_p50"], measured[f"{state}_p99"]
            assert all(one <= other for one, other in zip(middle, late, strict=True)), place
        for one, other in pairwise(states):
            assert all(a <= b for a, b in zip(measured[f"{one}_p50"], measured[f"{other}_p50"], strict=True)), place


def counts_are_conserved_and_equal_on_all_systems(report: Any) -> None:
    by_log: dict[str, list[Any]] = {}
    for each in report["replays"]:
        assert each["read"] == each["accepted"] + each["ignored"] + sum(each["refused"].values())
        by_log.setdefault(each["log"], []).append(each)
    for log, rows in by_log.items():
        assert {row["system"] for row in rows} == {*SYSTEMS} - (set() if "first" in log else {"enforced"})
        assert len({json.dumps([row["accepted"], row["ignored"], row["refused"]]) for row in rows}) == 1


def the_matrix_is_whole_and_the_answer_follows(folder: Path, report: Any) -> None:
    rows = {(each["attack"], each["adversary"], each["system"]) for each in report["tampered"]}
    assert len(rows) == len(report["tampered"]) == 16 * len(SYSTEMS)
    for each in report["tampered"]:
        assert each["injected"] >= each["detected"] >= max(each["named"], each["located"])
        assert bool(each["detected_by"]) == bool(each["detected"])
    given = {(each["workflow"], each["action"]) for each in report["answers"]}
    assert given == {(law, action) for law in LAWS for action in workflow(law).transitions}
    assert study("verdict", folder / "report.json", "--json")["answers"] == report["answers"]
    assert {"", *SYSTEMS} >= {each["system"] for each in report["answers"]}


def the_report_is_signed_and_a_changed_one_is_refused(folder: Path, changed: Path) -> None:
    key = (folder / "study.pub").read_text("ascii").strip()
    assert "signed" in study("verdict", folder / "report.json", "--key", key)
    changed.mkdir()
    for name in ("report.json", "report.note"):
        (changed / name).write_bytes((folder / name).read_bytes())
    octets = (changed / "report.json").read_bytes()
    (changed / "report.json").write_bytes(octets.replace(b'"detected": 0', b'"detected": 1', 1))
    study("verdict", changed / "report.json", "--key", key, code=30)


def pages_run_nothing_and_are_drawn_again_alike(folder: Path, again: Path) -> None:
    study("report", folder / "report.json", "--out", again)
    for language in ("de", "en"):
        page = (folder / f"report.{language}.html").read_text("utf-8")
        assert f'lang="{language}"' in page
        assert "<script" not in page
        assert not re.search(r'(?:src|href)="https?:', page)
        assert (again / f"report.{language}.html").read_text("utf-8") == page


def test_the_matrix_alone_is_told_in_words() -> None:
    told = study("tamper", "--system", "table").splitlines()
    assert len(told) == 16
    assert sum("nobody notices" in line for line in told) == 13
    assert "noticed by system" in told[-1]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("run", "none.toml", "--out", "."), 5, "There is no round none.toml."),
        (("tamper", "--system", "spreadsheet"), 2, "table, hash_chain"),
        (("verdict", "none.json"), 5, "There is no report none.json."),
        (("report", "none.json", "--out", "."), 5, "There is no report none.json."),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    done = subprocess.run([PROGRAM, "study", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.returncode == code
    assert list(tmp_path.iterdir()) == [], "nothing half done remains"


@pytest.mark.parametrize(
    ("server", "code", "sentence"),
    [
        ("", 4, "name a server with --db"),
        ("mysql://here", 4, "name a server with --db"),
        ("postgresql://me:secret@127.0.0.1:1/x", 20, "postgresql://me:***@127.0.0.1:1/x cannot be used"),
    ],
)
def test_a_server_that_is_none_is_one_sentence_without_its_password(
    tmp_path: Path, server: str, code: int, sentence: str
) -> None:
    (tmp_path / "server.toml").write_text('stores = ["postgresql"]\nsystems = ["table"]\n', "utf-8")
    said = study("run", tmp_path / "server.toml", "--out", tmp_path / "out", "--db", server, code=code)
    assert sentence in said
    assert "secret" not in said


def another_round_does_not_go_on_in_the_same_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("rounds = 1\n", "utf-8")
    said = study("run", tmp_path / "other.toml", "--out", folder, code=2)
    assert "is of another round" in said


def test_a_file_that_is_no_report_is_one(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"about": 1}', "utf-8")
    assert "cannot be read" in study("verdict", tmp_path / "report.json", code=2)
