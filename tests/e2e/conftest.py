"""The command line as a user has it: a program, an environment, a home."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger_automation.chain import anvil

PROGRAM = Path(sys.executable).with_name("ledger")
SUBSIDY = {"title": "Smart City", "rules": {"check_required": False}}
FINE = {"amount": 3_500, "offence": "parked on the kerb", "rules": {"hearing_required": False}}


class Answer(NamedTuple):
    """What a verb ended with."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class Town:
    """One home, and the program to work on it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: object, env: dict[str, str] | None = None) -> Answer:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LEDGER_", "FORCE_COLOR"))}
        done = subprocess.run(
            [str(PROGRAM), *map(str, words)],
            env={**clean, "LEDGER_HOME": str(self.home), "COLUMNS": "80", **(env or {})},
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: object) -> Any:
        """Run a verb that must succeed; return its JSON."""
        answer = self(*words, "--json")
        assert answer.code == 0, answer
        assert answer.err == ""
        return answer.data

    def open(self, *more: object, payload: object = FINE) -> str:
        words = ("--actor", "officer-1", "--role", "clerk", "--payload", json.dumps(payload))
        return str(self.ok("case", "open", "parking_fine", *words, *more)["case_id"])

    def state(self) -> dict[str, bytes]:
        """Every file of the home that means something, byte for byte (the journal's index and locks do not)."""
        meaningless = {".sqlite-shm", ".sqlite-wal", ".lock", ".log"}
        return {
            str(path.relative_to(self.home)): path.read_bytes()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and not any(path.name.endswith(end) for end in meaningless)
        }


@pytest.fixture(scope="session")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Town]]:
    """Hand out towns; end whatever Anvil of theirs is left, and no other."""
    given: list[Town] = []

    def fresh() -> Town:
        given.append(Town(tmp_path_factory.mktemp("town") / "home"))
        return given[-1]

    yield fresh
    for town in given:
        with contextlib.suppress(OSError, ValueError):
            if anvil._is_alive(town.home / "anvil"):
                os.kill(anvil._read(town.home / "anvil").pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def town(towns: Callable[[], Town]) -> Town:
    """One town a module, with one open case that is not sealed."""
    made = towns()
    made.open()
    return made
