"""kill -9 at every point between a request and its receipt: nothing acknowledged is lost or doubled (P01 to P10).

A process that answers requests and does the background work of them dies at a point, at a seeded time; the next one
goes on by itself. ``KILL_POINTS`` says how often a point (``make kill-points``: 50), ``KILL_POINTS_FILE`` where the
figures go.
"""

import fcntl
import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import PRELOADED
from integration.test_crash import anchored_sizes
from ledger_automation.study.measurement import machine
from ledger_automation.verify.verdict import Verdict
from support.kill_points import POINTS, Diary, live, recover
from support.towns import end_anvil, town

KILLS = int(os.environ.get("KILL_POINTS", "1"))
FILE = os.environ.get("KILL_POINTS_FILE", "")
SEED = 2026
FEW = 5
STORES = ("sqlite", "postgresql")
COUNTED = ("kills", "acknowledged", "unanswered", "lost", "doubled", "anchors", "seconds")


@pytest.fixture(scope="module")
def process() -> Callable[..., int]:
    """Run a function in a process of its own, from a server that has imported everything; return its exit code."""
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))

    def run(target: Callable[..., None], *given: object) -> int:
        started = context.Process(target=target, args=given)
        started.start()
        started.join(120)
        if started.exitcode is None:
            started.kill()
            started.join()
        return int(started.exitcode)

    return run


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, server: Any) -> Iterator[Callable[[str, str], tuple[Path, str]]]:
    """Give a home and its database; a few kills of every point share one home a store, many have one a point."""
    given: dict[tuple[str, str], tuple[Path, str]] = {}

    def home_of(store: str, point: str) -> tuple[Path, str]:
        key = store, point if KILLS > FEW else ""
        if key not in given:
            home = tmp_path_factory.mktemp(store)
            given[key] = home, server().fresh("migrated") if store == "postgresql" else f"sqlite:///{home / 'db'}"
        return given[key]

    yield home_of
    for home, _ in given.values():
        end_anvil(home)


@pytest.fixture(scope="module")
def figures() -> Iterator[Counter[str]]:
    """Count, and write the counts down where somebody wants them."""
    seen, started = Counter[str](), time.monotonic()
    yield seen
    seen["seconds"] += round(time.monotonic() - started)
    if FILE:
        with Path(FILE).open("a+", encoding="utf-8") as file:  # the tests may be several processes'
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            before = json.loads(file.read() or "{}").get("seen", {})
            facts = {"seed": SEED, "kills_a_point": KILLS, "points": list(POINTS), "stores": STORES, **machine()}
            file.truncate(0)
            file.write(
                json.dumps({**facts, "seen": {each: seen[each] + before.get(each, 0) for each in COUNTED}}, indent=2)
                + "\n"
            )


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("store", STORES)
def test_killed_at_a_point_the_next_process_goes_on_by_itself(
    store: str, point: str, homes: Any, process: Callable[..., int], figures: Counter[str]
) -> None:
    home, url = homes(store, point)
    known = len(Diary(home / "diary").read()[0])
    for number in range(KILLS):
        assert process(live, home, url, point, f"{SEED}/{store}/{point}/{number}") == -signal.SIGKILL
        asked, answered = Diary(home / "diary").read()
        figures["kills"] += 1
        figures["unanswered"] += len(asked) - len(answered)
        figures["acknowledged"] += len(answered) - known
        known = len(asked)
        assert process(recover, home, url) == 0
        holds(home, url, figures)
    with ExitStack() as stack:
        sizes = anchored_sizes(home)
        opened = stack.enter_context(town(home, url))
        assert sizes == sorted(set(sizes)) == opened.anchored_once()
        figures["anchors"] += len(sizes) if KILLS > FEW else 0


def holds(home: Path, url: str, figures: Counter[str]) -> None:
    """Insist that everything that was acknowledged is there, once, in the log, on the chain, and passes the audit."""
    asked, answered = Diary(home / "diary").read()
    assert asked.keys() == answered.keys(), "every key has its answer in the end"
    with ExitStack() as stack:
        opened = stack.enter_context(town(home, url))
        place = opened.place(stack)
        report = opened.audit(place)
        assert (report.verdict, report.findings) == (Verdict.FINAL, ())
        steps = Counter((line["case"], answered[key], line["action"]) for key, line in asked.items())
        with opened.ledger.read() as unit:
            cases = {line["case"] for line in asked.values()}
            there = Counter((case, row.sequence, row.action) for case in cases for row in unit.cases.trail(case))
        figures["lost"] += (steps - there).total()
        figures["doubled"] += (there - steps).total()
        assert there == steps
        assert opened.size() == sum(opened.actions().values())
        assert opened.alarms() == []
