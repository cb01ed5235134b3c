"""Speed and memory of the main job on SQLite, an audit's second process included, with the facts of the machine.

Every figure is the median of rounds run in turn, with its spread; a reference loop (SHA-256 over 400 bytes) runs before
and after each round, because a shared machine drifts and a figure without its reference tells little. Nothing here is a
verdict, and no test asserts a time.
"""

import gc
import os
import platform
import resource
import secrets
import sqlite3
import subprocess
import time
from collections.abc import Callable
from hashlib import sha256
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.intake.commands import commands
from ledger_automation.intake.log_file import traces
from ledger_automation.intake.mapping import find
from ledger_automation.merkle import Frontier
from ledger_automation.orchestrator import replay as replaying
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.ports import IntakeRun
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.settings import Settings
from ledger_automation.verify.auditor import Auditor, AuditReport, Mark
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import workflow

_REFERENCE_LOOPS = 200_000


def machine() -> dict[str, Any]:
    """Return what a reader needs to place the figures."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "unknown")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607
    return {
        "cpu": cpu.partition(": ")[2],
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(terse=True),
        "commit": commit.stdout.strip(),
    }


def reference() -> float:
    """Return how many SHA-256 digests over 400 bytes plain Python makes a second just now."""
    block, started = b"x" * 400, time.perf_counter()
    for _ in range(_REFERENCE_LOOPS):
        sha256(block).digest()
    return _REFERENCE_LOOPS / (time.perf_counter() - started)


def rounds(count: int, measure: Callable[[], float]) -> dict[str, Any]:
    """Return median, minimum and maximum of a rate, and the reference around each round."""
    rates, references = [], []
    for _ in range(count):
        before = reference()
        rates.append(measure())
        references.append((before + reference()) / 2)
    return {
        "median": round(median(rates)),
        "min": round(min(rates)),
        "max": round(max(rates)),
        "reference_sha256_per_second": [round(each) for each in references],
    }


def peak_megabytes() -> float:
    """Return the most memory that this process ever held, and the largest of those that it started."""
    held = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(sum(held) / 1024, 1)


def replay_rate(log: Path, home: Path, *, times: int = 1, most: int | None = None, anchored: bool = True) -> float:
    """Replay a log, or ``most`` of its events, so many times over as so many files, through sequencer and anchor.

    Returns events a second.
    """
    events, started = 0, time.perf_counter()
    with open_ledger(Settings(home=home)) as ledger:
        if not anchored:
            return _replayed(ledger, log, times, most, None) / (time.perf_counter() - started)
        with ledger.chain() as (chain, policy):
            events = _replayed(ledger, log, times, most, Anchorer(ledger.begin, chain, policy))
    return events / (time.perf_counter() - started)


def _replayed(ledger: Ledger, log: Path, times: int, most: int | None, anchorer: Anchorer | None) -> int:
    mapping, events = find(log), 0

    def after(_: IntakeRun) -> None:
        while sequence(ledger.begin, ledger.recorder, ledger.key) is not None:
            pass
        if anchorer is not None:
            anchorer.submit()

    for _ in range(times):
        plan = replaying.Plan(secrets.token_hex(32), workflow(mapping.workflow), Level.ANCHORED)
        arrivals = islice(commands(traces(log, mapping), mapping), most)
        events += replaying.replay(ledger.begin, ledger.recorder, plan, arrivals, after).counted
    return events


def audit(home: Path, mark: Mark | None = None) -> tuple[AuditReport, float]:
    """Audit a home's log at level ``logged``; return the report and the seconds it took."""
    with open_ledger(Settings(home=home)) as ledger, ledger.read() as unit:
        auditor = Auditor(ledger.policy(Level.LOGGED))
        gc.collect()
        gc.freeze()
        started = time.perf_counter()
        report = auditor.audit(unit.cases, unit.log, mark, unit.soundness, unit.readers)
        seconds = time.perf_counter() - started
        gc.unfreeze()
    return report, seconds


def integration_rate(leaves: int = 1_000_000) -> float:
    """Integrate random leaf hashes into a frontier in memory, in batches of 1,024; return leaves a second."""
    batch = [sha256(number.to_bytes(8)).digest() for number in range(1_024)]
    frontier, started = Frontier(), time.perf_counter()
    while frontier.size < leaves:
        frontier.extend(batch)
        frontier.root_hash()
    return frontier.size / (time.perf_counter() - started)
