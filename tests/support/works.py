"""The worker and beat processes of a town, as they are started in earnest, and what one may do to them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from kombu import pools

from ledger_automation.orchestrator.duties import Duty
from ledger_automation.worker import tasks
from ledger_automation.worker.app import create
from ledger_automation.worker.redis_transport import DEAD
from support.brokers import Broker
from support.towns import PATIENCE, Town

_PATCHED: Final = """
import os, runpy, signal, sys, time
from pathlib import Path
from ledger_automation.orchestrator import duties
{patch}
runpy.run_module("ledger_automation.worker", run_name="__main__", alter_sys=True)
"""


def until(holds: Callable[[], Any], what: Callable[[], str] = str) -> None:
    """Wait until something holds."""
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up, what()
        time.sleep(0.02)


class Program:
    """A process of its own session, with the children that it has."""

    def __init__(self, words: list[str], env: dict[str, str], journal: Path) -> None:
        with journal.open("ab") as out:
            self.process = subprocess.Popen(
                words, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self.journal = journal

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def said(self) -> str:
        return self.journal.read_text("utf-8", "replace")


class Works:
    """Starts workers and beats for a town, sends them messages, and ends all that is left of them."""

    def __init__(self, town: Town, broker: Broker, **settings: object) -> None:
        """``settings`` are those of all programs."""
        self.town, self.broker, self._settings = town, broker, settings
        self.app = create(town.ledger.settings)
        self.programs: list[Program] = []
        self.home = town.ledger.settings.home

    def worker(self, *words: str, patch: str = "", wait: bool = True, **settings: object) -> Program:
        """Start a worker; ``patch`` is what its process does to itself first."""
        given = ["worker", "-l", "INFO", "--without-mingle", "--without-gossip", *(words or ("--concurrency=1",))]
        started = self._start([*given, f"--hostname=worker{len(self.programs)}@test"], patch, settings)
        if wait:
            until(lambda: " ready." in started.said(), started.said)
        return started

    def beat(self, **settings: object) -> Program:
        return self._start(["beat", "-l", "INFO"], "", settings)

    def send(self, duty: Duty = Duty.SEQUENCE, **options: Any) -> str:
        return str(self.app.tasks[tasks.name(duty)].apply_async(**options).id)

    def dead(self) -> int:
        return self.broker.messages(DEAD)

    def said(self) -> str:
        return "\n".join(f"--- {each.process.args}\n{each.said()}" for each in self.programs)

    def until(self, holds: Callable[[], Any]) -> None:
        until(holds, self.said)

    def end(self) -> None:
        for each in self.programs:
            each.signal(signal.SIGKILL)
            each.wait()
        self.app.close()
        pools.reset()  # all applications of a process share its connections, and what they know to be declared

    def serve(self, port: int) -> Program:
        """Start a process of the API."""
        return self._run([str(Path(sys.executable).with_name("ledger")), "serve", "--port", str(port)], {})

    def _start(self, words: list[str], patch: str, settings: dict[str, object]) -> Program:
        way = ["-c", _PATCHED.format(patch=patch)] if patch else ["-m", "ledger_automation.worker"]
        return self._run([sys.executable, *way, *words], settings)

    def _run(self, words: list[str], settings: dict[str, object]) -> Program:
        own = {
            "HOME": self.home, "DATABASE_URL": self.town.ledger.settings.database, "CHAIN": "anvil",
            "BROKER_URL": self.broker.url,
        }  # fmt: skip
        named = {f"LEDGER_{name.upper()}": str(value) for name, value in (own | self._settings | settings).items()}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
        journal = self.home / f"journal{len(self.programs)}"
        self.programs.append(Program(words, clean | named, journal))
        return self.programs[-1]
