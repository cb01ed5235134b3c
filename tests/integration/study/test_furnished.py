"""A town to look around in is made once, by the law, and somebody has something to do in it."""

from pathlib import Path

import pytest

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.serve import serve
from ledger_automation.errors import InvalidValue
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.settings import Settings
from ledger_automation.study.furnished import WAITING, furnish
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict
from ledger_automation.workflows import LOG, names, workflow

APPLICANTS = ("person-a", "person-b")


def test_an_empty_ledger_is_furnished_and_any_other_left_alone(tmp_path: Path) -> None:
    with open_ledger(Settings(home=tmp_path)) as ledger:
        assert furnish(ledger, APPLICANTS)
        while sequence(ledger.begin, ledger.recorder, ledger.key, sweep=True) is not None:
            pass
        with ledger.read() as unit:
            report = Auditor(ledger.policy(Level.LOGGED)).audit(unit.cases, unit.log, None, unit.soundness)
        assert (report.verdict, report.findings) == (Verdict.FINAL, ())
        assert not furnish(ledger, APPLICANTS)
        with ledger.read() as unit:
            after = Auditor(ledger.policy(Level.LOGGED)).audit(unit.cases, unit.log, None, unit.soundness)
            ours = {name: unit.cases.page(name, None, "", 200) for name in names() if name != LOG}
            of_applicants = {
                each.case_id for name in ours for who in APPLICANTS for each in unit.cases.page(name, who, "", 200)
            }
        assert after.events == report.events
        for name, lives in WAITING.items():
            open_cases = [each for each in ours[name] if each.state not in workflow(name).final]
            assert len(open_cases) >= len(lives), name
        assert len(of_applicants) == 3, "two permits and a grant"


def test_a_town_s_own_ledger_is_never_furnished() -> None:
    with pytest.raises(InvalidValue, match="--dev"):
        serve(demo=True)
