"""Every process fault of spec/faults.md, section 4, is shown by tests that are there (`faults/process_faults.toml`)."""

import subprocess
import sys
import tomllib
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
TABLE = tomllib.loads((TESTS / "faults" / "process_faults.toml").read_text("utf-8"))


def collected() -> set[str]:
    """The names of all tests in the files that the table names, each also without its cell."""
    files = sorted({str(TESTS / name.partition("::")[0]) for row in TABLE.values() for name in row["tests"]})
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(words, cwd=TESTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    names = {line.removeprefix("tests/") for line in done.stdout.splitlines() if "::" in line}
    return names | {name.partition("[")[0] for name in names}


def test_every_fault_has_its_row() -> None:
    assert list(TABLE) == [f"P{number:02}" for number in range(1, 31)]
    assert all(row["what"] and row["tests"] for row in TABLE.values())


def test_what_shows_them_is_there() -> None:
    named = {fault: set(row["tests"]) for fault, row in TABLE.items()}
    there = collected()
    assert {fault: tests - there for fault, tests in named.items() if tests - there} == {}
