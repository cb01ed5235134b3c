"""Anvil killed again and again under load: no step is lost, none is taken twice, and nobody has to lend a hand.

Killed by SIGKILL, Anvil forgets up to ``state-interval`` seconds. With more confirmations than blocks in that time,
what was final stays; with fewer, the head may fall below the last final anchor, and then everything stops and says so.
``ANVIL_KILLS`` sets how often (``make faults``: 100); ``ANVIL_KILLS_FILE`` is where the figures go.
"""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from integration.enforced.conftest import PEOPLE, Town
from ledger_automation.bootstrap import open_ledger
from ledger_automation.chain import anvil
from ledger_automation.errors import Conflict, Contradiction, Unreachable
from ledger_automation.settings import Settings
from ledger_automation.study.measurement import machine
from ledger_automation.values import CaseId
from ledger_automation.verify.verdict import Verdict

KILLS = int(os.environ.get("ANVIL_KILLS", "6"))
FILE = os.environ.get("ANVIL_KILLS_FILE", "")
SEED = 72
CASES = 6
DEEPER_THAN_THE_STATE_INTERVAL = 8
PATIENCE_SECONDS = 240


@contextmanager
def opened(home: Path, confirmations: int) -> Iterator[Town]:
    settings = Settings(home=home, chain="anvil", confirmations=confirmations)
    with open_ledger(settings) as ledger, ledger.enforcing() as enforcing:
        yield Town(ledger, enforcing)


def kill(home: Path) -> None:
    pid = int((home / "anvil" / "pid").read_text("ascii"))
    os.kill(pid, signal.SIGKILL)
    while anvil._is_alive(home / "anvil"):
        time.sleep(0.01)


class Load:
    """Some cases that go on as fast as the chain lets them, with everything sealed now and then."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.cases: list[CaseId] = []
        self.intended: Counter[CaseId] = Counter()

    def begin(self, town: Town) -> None:
        for actor, roles in PEOPLE.items():
            town.enforcing.admit("permit", actor, roles)
        self.cases = [town.open_case() for _ in range(CASES)]

    def go_on(self, town: Town) -> None:
        """Hold a step for each case that has none, bring all on, and anchor from time to time."""
        for case_id in self.cases:
            try:
                town.enforcing.enforcer.hold(case_id, town.intent("boris", "clerk", "determine_advice_need"))
                self.intended[case_id] += 1
            except Conflict:
                pass  # its last step still waits for the chain
        town.enforcing.enforcer.settle()
        if self.random.random() < 0.1:
            town.seal(seconds=6)


def test_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    random, load, seen = Random(SEED), Load(Random(SEED)), Counter[str]()
    started = time.monotonic()
    with opened(tmp_path, DEEPER_THAN_THE_STATE_INTERVAL) as town:
        load.begin(town)
    while seen["kills"] < KILLS:
        timer = None
        try:
            with opened(tmp_path, DEEPER_THAN_THE_STATE_INTERVAL) as town:
                timer = threading.Timer(random.uniform(0.05, 4.0), kill, [tmp_path])
                timer.start()
                while timer.is_alive():
                    load.go_on(town)
        except Unreachable:
            seen["unreachable"] += 1
        if timer is not None:
            timer.join()
            seen["kills"] += 1
    with opened(tmp_path, DEEPER_THAN_THE_STATE_INTERVAL) as town:
        town.enforcing.enforcer.wait(seconds=PATIENCE_SECONDS)
        town.seal()
        report = town.audit()
        assert (report.verdict, report.findings) == (Verdict.FINAL, ())
        steps = {case_id: len(town.events(case_id)) for case_id in load.cases}
        assert steps == {case_id: 1 + load.intended[case_id] for case_id in load.cases}, "a step was lost or doubled"
        assert {case_id: town.taken(case_id) for case_id in load.cases} == steps
        kept(seen, steps, time.monotonic() - started)


def test_a_head_below_the_last_final_anchor_stops_everything_with_an_alarm(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as town:
        town.seal()
        with town.ledger.read() as unit:
            final = unit.anchors.last_final(town.enforcing.policy.chain.chain_id)  # type: ignore[union-attr]
        assert final is not None
        assert final.block_number is not None
        web3 = town.enforcing.chain.ledgers._connection.web3
        depth = web3.eth.block_number - final.block_number + 1
        answer: Any = web3.provider.make_request("anvil_rollback", [depth])  # type: ignore[arg-type]
        assert "error" not in answer
        with pytest.raises(Contradiction):
            town.enforcing.enforcer.settle()
        with town.ledger.read() as unit:
            alarms = [alarm.kind.value for alarm in unit.anchors.alarms()]
    assert "final_contradicted" in alarms


def kept(seen: Counter[str], steps: dict[CaseId, int], seconds: float) -> None:
    if FILE:
        totals = {"cases": len(steps), "steps": sum(steps.values()), "seconds": round(seconds)}
        figures = {"seed": SEED, **seen, **totals, **machine()}
        Path(FILE).write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
