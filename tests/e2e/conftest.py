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
NURSERY = """
import json, os, sys
import ledger_automation.chain, ledger_automation.study.demonstration
from ledger_automation.cli import main
for line in sys.stdin:
    task = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(task["cwd"])
        os.environ.clear()
        os.environ.update(task["env"])
        for number, name in enumerate(("in", "out", "err")):
            os.dup2(os.open(task[name], os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
        main(task["words"])
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Forks a process for each call from one that has imported everything: as separate as any, a second faster."""
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

    def __init__(self, home: Path, nursery: "subprocess.Popen[str]") -> None:
        self.home = home
        self._nursery = nursery

    def environment(self, extra: dict[str, str] | None) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LEDGER_", "FORCE_COLOR"))}
        return {**clean, "LEDGER_HOME": str(self.home), "COLUMNS": "80", **(extra or {})}

    def __call__(self, *words: object, env: dict[str, str] | None = None) -> Answer:
        """Call a verb in a process of its own."""
        out, err = self.home.parent / "stdout", self.home.parent / "stderr"
        task = {"words": [str(word) for word in words], "env": self.environment(env), "cwd": str(self.home.parent)}
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(json.dumps({**task, "in": os.devnull, "out": str(out), "err": str(err)}) + "\n")
        self._nursery.stdin.flush()
        return self._answer(int(self._nursery.stdout.readline()), out.read_text("utf-8"), err.read_text("utf-8"))

    def program(self, *words: object, env: dict[str, str] | None = None) -> Answer:
        """Call the installed program itself."""
        command = [str(PROGRAM), *map(str, words)]
        place = {"env": self.environment(env), "cwd": self.home.parent}
        done = subprocess.run(command, **place, capture_output=True, text=True, check=False, timeout=90)
        return self._answer(done.returncode, done.stdout, done.stderr)

    @staticmethod
    def _answer(code: int, out: str, err: str) -> Answer:
        assert "Traceback" not in out + err, err
        return Answer(code, out, err)

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
def nursery() -> Iterator["subprocess.Popen[str]"]:
    """Keep the process that all others are forked from."""
    words = [sys.executable, "-c", NURSERY]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        yield started
        assert started.stdin is not None
        started.stdin.close()


@pytest.fixture(scope="session")
def towns(tmp_path_factory: pytest.TempPathFactory, nursery: "subprocess.Popen[str]") -> Iterator[Callable[[], Town]]:
    """Hand out towns; end whatever Anvil of theirs is left, and no other."""
    given: list[Town] = []

    def fresh() -> Town:
        given.append(Town(tmp_path_factory.mktemp("town") / "home", nursery))
        return given[-1]

    yield fresh
    for town in given:
        with contextlib.suppress(OSError, ValueError):
            if anvil._is_alive(town.home / "anvil"):
                os.kill(anvil._pid(town.home / "anvil"), signal.SIGKILL)


@pytest.fixture(scope="module")
def town(towns: Callable[[], Town]) -> Town:
    """One town a module, with one open case that is not sealed."""
    made = towns()
    made.open()
    return made
