"""An audit's snapshot is of one moment, the chain goes on: what is anchored meanwhile is no alarm, in whichever gap."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.transition import Intent, open_case
from ledger_automation.settings import Settings
from ledger_automation.study.tampering import disarm
from ledger_automation.verify.auditor import Auditor, AuditReport
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict
from ledger_automation.workflows import Actor, Command, workflow


class Gap:
    """Something that is asked, with something else that happens the first time, before or after the answer."""

    def __init__(self, asked: Any, name: str, meanwhile: Callable[[], object]) -> None:
        self._asked = asked
        self._name = name
        self._meanwhile = [meanwhile]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._asked, name)
        if name != self._name:
            return found

        def answered(*given: Any, **named: Any) -> Any:
            answer = found(*given, **named)
            if self._meanwhile:
                self._meanwhile.pop()()
            return answer

        return answered


class Town:
    """A ledger that is sealed and anchored on a chain of this process."""

    def __init__(self, ledger: Ledger, chain: Any, policy: Any) -> None:
        self.ledger = ledger
        self.chain = chain
        self.policy = policy
        self._anchorer = Anchorer(ledger.begin, chain, policy)

    def live(self) -> None:
        """Record something, and have it anchored finally."""
        self.record()
        self.anchor()

    def record(self) -> None:
        """Record something, and have it in the log; nothing is anchored."""
        command = Command("record_fine", Actor("clerk-1", "clerk"), {"amount": 3_500})
        begin, recorder = self.ledger.begin, self.ledger.recorder
        open_case(begin, recorder, workflow("parking_fine"), Level.ANCHORED, Intent(command, recorder.clock()))
        assert sequence(begin, recorder, self.ledger.key, sweep=True) is not None

    def anchor(self) -> None:
        """Have the newest checkpoint anchored finally."""
        self._anchorer.submit()
        self._anchorer.wait(seconds=30)

    def audit(self, *, chain: Any = None, soundness: Any = None) -> AuditReport:
        with self.ledger.read() as unit:
            sound = soundness(unit.soundness) if soundness else unit.soundness
            return Auditor(self.policy, chain or self.chain).audit(unit.cases, unit.log, None, sound, unit.readers)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with open_ledger(Settings(home=tmp_path, chain="tester")) as ledger, ledger.chain() as (chain, policy):
        found = Town(ledger, chain, policy)
        found.live()
        yield found


def test_what_is_anchored_while_the_database_is_looked_at_is_no_alarm(town: Town) -> None:
    report = town.audit(soundness=lambda sound: Gap(sound, "look", town.live))
    assert report.findings == ()
    assert report.verdict is Verdict.PENDING, "the newest anchor is of what this snapshot does not have"
    assert town.audit().verdict is Verdict.FINAL


@pytest.mark.parametrize("asked", ["latest", "evidence", "identity", "look"])
def test_an_anchor_of_a_checkpoint_that_was_there_already_is_none_either(town: Town, asked: str) -> None:
    town.record()
    if asked == "look":
        report = town.audit(soundness=lambda sound: Gap(sound, "look", town.anchor))
    else:
        report = town.audit(chain=Gap(town.chain, asked, town.anchor))
    assert report.findings == ()
    assert town.audit().verdict is Verdict.FINAL


@pytest.mark.parametrize("asked", ["latest", "evidence", "identity"])
def test_nor_is_what_is_anchored_while_the_chain_is_asked(town: Town, asked: str) -> None:
    report = town.audit(chain=Gap(town.chain, asked, town.live))
    assert report.findings == ()
    assert report.verdict in {Verdict.PENDING, Verdict.FINAL}
    assert town.audit().verdict is Verdict.FINAL


@pytest.mark.parametrize("asked", ["latest", "evidence"])
def test_a_log_that_was_cut_off_is_found_all_the_same(town: Town, asked: str) -> None:
    size = town.audit().tree_size
    town.live()
    late = "SELECT {} FROM leaf WHERE leaf_index >= ?"
    with closing(sqlite3.connect(str(town.ledger.engine.url.database))) as planted:
        disarm(planted)
        for query in (
            "DELETE FROM submission WHERE tree_size > ?",
            "DELETE FROM checkpoint WHERE tree_size > ?",
            "DELETE FROM map_tile WHERE tree_size > ?",
            f"DELETE FROM content WHERE event_id IN ({late.format('event_id')})",  # noqa: S608  ours
            f'DELETE FROM "case" WHERE case_id IN ({late.format("case_id")})',  # noqa: S608  ours
            f"DELETE FROM event WHERE id IN ({late.format('event_id')})",  # noqa: S608  ours
            "DELETE FROM leaf WHERE leaf_index >= ?",
        ):
            planted.execute(query, (size,))
        planted.commit()
    report = town.audit(chain=Gap(town.chain, asked, lambda: None))
    assert {each.tampering for each in report.findings} & {"T21", "T22", "T23"}
