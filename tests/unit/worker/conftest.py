"""A ledger on SQLite, without a broker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.orchestrator.transition import Intent, open_case
from ledger_automation.settings import Settings
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import Actor, Command, workflow


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Nothing is due by itself soon: a test wakes what it wants done."""
    return Settings(home=tmp_path / "home", sequence_seconds=900, sweep_seconds=900, settle_seconds=900)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with open_ledger(settings) as opened:
        yield opened


@pytest.fixture
def fine(ledger: Ledger) -> Callable[[], str]:
    """Record a fine; return its case."""

    def record() -> str:
        payload = {"amount": 3_500, "offence": "kerb", "rules": {"hearing_required": False}}
        intent = Intent(Command("record_fine", Actor("olga", "clerk"), payload), ledger.recorder.clock())
        table = workflow("parking_fine")
        return str(open_case(ledger.begin, ledger.recorder, table, Level.ANCHORED, intent).event.case_id)

    return record


@pytest.fixture
def logged(ledger: Ledger) -> Callable[[str], bool]:
    """Tell whether everything of a case has its leaf."""

    def all_of(case: str) -> bool:
        with ledger.read() as unit:
            return all(row.leaf_index is not None for row in unit.cases.trail(CaseId(case)))

    return all_of
