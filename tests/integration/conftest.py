"""A reduced log on disk, homes whose Anvil does not outlive a test, and the command line as a process to be killed."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from ledger_automation.chain import anvil
from ledger_automation.cli import main
from ledger_automation.intake.generator import generate
from ledger_automation.intake.trace import Trace

PRELOADED = ("ledger_automation.cli.app", "ledger_automation.chain", "ledger_automation.worker.in_process")


def as_xes(traces: Iterator[Trace]) -> str:
    def attributes(facts: dict[str, str]) -> str:
        return "".join(f"<string key={quoteattr(key)} value={quoteattr(value)}/>" for key, value in facts.items())

    def written(trace: Trace) -> str:
        events = "".join(f"<event>{attributes(event.attributes)}</event>" for event in trace.events)
        return f"<trace>{attributes(trace.attributes)}{events}</trace>"

    return f'<?xml version="1.0" encoding="UTF-8"?>\n<log>{"".join(map(written, traces))}</log>\n'


@pytest.fixture(scope="session")
def fines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 6,500 synthetic events of 1,800 fines: seven chunks of a replay."""
    path = tmp_path_factory.mktemp("logs") / "road_traffic_fines_reduced.xes"
    path.write_text(as_xes(generate("traffic_fines", cases=1_800, seed=11)), "utf-8")
    return path


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Hand out fresh homes; end whatever Anvil of theirs a killed process left behind, and no other."""
    given: list[Path] = []

    def fresh() -> Path:
        given.append(tmp_path / f"home{len(given)}")
        return given[-1]

    yield fresh
    for home in given:
        with contextlib.suppress(OSError, ValueError):
            if anvil._is_alive(home / "anvil"):
                os.kill(anvil._pid(home / "anvil"), signal.SIGKILL)


@pytest.fixture(scope="session")
def ledger() -> Callable[..., Any]:
    """Start the command line as a process of its own, from a server that has imported it: no second is lost."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))

    def start(*words: object) -> Any:
        process = context.Process(target=main, args=([str(word) for word in words],))
        process.start()
        return process

    return start
