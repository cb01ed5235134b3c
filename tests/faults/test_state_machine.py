"""A random life with crashes on SQLite and PostgreSQL, anchored on eth-tester; ``make machine`` lives 10,000 steps."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from ledger_automation.chain import AnchoringChain, open_anchoring
from ledger_automation.store.engine import open_engine
from ledger_automation.study.measurement import machine
from support import servers
from support.life import Life, World

STEPS = int(os.environ.get("LEDGER_MACHINE_STEPS", "300")) // 2
"""On each of the two databases."""

REPORT = os.environ.get("LEDGER_MACHINE_FILE", "")
SEED, LENGTH, LIVES = 20260302, 50, 10
OUTCOMES = ("deaths before a commit", "deaths after a commit", "told after a death")
"""Each must have happened; a short run without one of them goes on, at most so many times as long."""

MOST = 5


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnchoringChain]:
    with open_anchoring("tester", tmp_path_factory.mktemp("chain")) as opened:
        yield opened


@pytest.fixture
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Iterator[str]]:
    """A fresh database at each call."""
    if request.param == "sqlite":
        yield (f"sqlite:///{tmp_path / f'{number}.sqlite'}" for number in count())
        return
    with ExitStack() as stack:
        server = stack.enter_context(servers.postgresql())
        server.execute("CREATE DATABASE migrated")
        open_engine(server.url("migrated")).dispose()
        yield (server.fresh("migrated") for _ in count())


@pytest.mark.parametrize("urls", ["sqlite", "postgresql"], indirect=True)
def test_a_random_life_with_crashes(urls: Iterator[str], chain: AnchoringChain, request: pytest.FixtureRequest) -> None:
    kind, names = request.node.callspec.params["urls"], count()

    class Lived(Life):
        """Lives on this database."""

        @classmethod
        def world(cls) -> World:
            return World(next(urls), chain, f"{kind}-{next(names)}.example/life")

    Life.lived.clear()
    facts, started = machine(), time.monotonic()  # of now: commits go on while it lives
    length = min(LENGTH, STEPS)
    for number in count(SEED):
        lives = min(LIVES, max(1, (STEPS - Life.lived["steps"]) // length))
        how = settings(
            max_examples=lives, stateful_step_count=length, deadline=None, database=None, print_blob=True,
            phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        run_state_machine_as_test(seed(number)(Lived), settings=how, _min_steps=length)
        if Life.lived["steps"] >= STEPS * (1 if all(Life.lived[each] for each in OUTCOMES) else MOST):
            break
    assert all(Life.lived[each] > 0 for each in OUTCOMES)
    if REPORT:
        _written(kind, facts, round(time.monotonic() - started))


def _written(kind: str, facts: dict[str, Any], seconds: int) -> None:
    """Add a database's figures to the report; both live by the same draws, so most counts are the same."""
    path = Path(REPORT)
    others = json.loads(path.read_text())["lives"] if path.exists() else {}
    found = {"date": datetime.now(UTC).isoformat(timespec="minutes"), **facts, "seconds": seconds, **Life.lived}
    path.write_text(json.dumps({"seed": SEED, "lives": {**others, kind: found}}, indent=2) + "\n", "utf-8")
