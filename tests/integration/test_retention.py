"""Retention clocks: what is due and when, what an office sets itself, and that what is due goes as everything goes."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.errors import InvalidValue, TransitionNotAllowed
from ledger_automation.intake import mapping as mappings
from ledger_automation.intake.commands import commands
from ledger_automation.intake.generator import follows, generate
from ledger_automation.orchestrator.erase import Decision, decide, erase
from ledger_automation.orchestrator.replay import Plan, replay
from ledger_automation.orchestrator.retention import Due, clocks, due
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.transition import Intent, Recorder, advance, open_case
from ledger_automation.store.engine import open_engine
from ledger_automation.store.erasure import SqlEraser
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.note import SignerKey
from ledger_automation.values import CaseId, parse_timestamp
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import FORGOTTEN
from ledger_automation.verify.verdict import Verdict
from ledger_automation.workflows import Actor, Command, names, workflow

ORIGIN = "retention.example/ledger"
TABLES = [workflow(name) for name in names()]
KEPT = clocks(TABLES, {})
YEARS = (2015, 2017, 2020)
YESTERDAY = datetime(2026, 11, 28, tzinfo=UTC)


class Office:
    """A ledger with old fines, most of which have ended, in different years."""

    def __init__(self, place: Path) -> None:
        self.engine = open_engine(f"sqlite:///{place}")
        self.key = SignerKey(ORIGIN, bytes(32))
        self.recorder = Recorder(ORIGIN, lambda: datetime(2026, 11, 29, tzinfo=UTC))
        mapping = mappings.shipped(follows("traffic_fines").mapping)
        for year in YEARS:
            first = datetime(year, 2, 2, tzinfo=UTC)
            arrivals = list(commands(generate("traffic_fines", cases=20, seed=year, first_day=first), mapping))
            plan = Plan(f"of {year}", workflow("parking_fine"), Level.LOGGED)
            replay(self.begin, self.recorder, plan, arrivals, lambda _: None)
        self.sequence()

    def begin(self) -> Any:
        return SqlUnitOfWork.open(self.engine)

    def sequence(self) -> None:
        sequence(self.begin, self.recorder, self.key, sweep=True)

    def due(self, now: datetime, kept: Any = KEPT, limit: int = 1_000) -> list[Due]:
        with SqlUnitOfWork.open(self.engine, "read") as unit:
            return list(due(unit, ORIGIN, kept, now, limit))

    def ended(self) -> dict[str, datetime]:
        with SqlUnitOfWork.open(self.engine, "read") as unit:
            cases = unit.cases.page("parking_fine", None, "", 1_000)
        final = workflow("parking_fine").final
        return {each.case_id: parse_timestamp(each.at) for each in cases if each.state in final}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "ledger.sqlite")
    yield made
    made.engine.dispose()


def test_the_clock_runs_to_the_end_of_the_year_and_no_day_less(office: Office) -> None:
    ended = office.ended()
    years = sorted({each.year for each in ended.values()})
    assert len(years) > 2
    for year in years:
        last_moment = datetime(year + 8, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
        before = {each.case_id for each in office.due(last_moment)}
        after = {each.case_id for each in office.due(last_moment + timedelta(microseconds=1))}
        assert before == {case_id for case_id, at in ended.items() if at.year < year}
        assert after == {case_id for case_id, at in ended.items() if at.year <= year}
    (first, *_) = office.due(datetime(2040, 1, 1, tzinfo=UTC))
    assert first.kept_until == date(ended[first.case_id].year + 8, 12, 31)
    assert "8 years" in first.basis


def test_what_runs_on_is_never_due_and_an_office_may_keep_it_longer(office: Office) -> None:
    now, ended = datetime(2150, 1, 1, tzinfo=UTC), office.ended()
    assert {each.case_id for each in office.due(now)} == set(ended)
    with SqlUnitOfWork.open(office.engine, "read") as unit:
        assert len(unit.cases.page("parking_fine", None, "", 1_000)) > len(ended), "some have not ended"
    assert office.due(now, clocks(TABLES, {"parking_fine": 500})) == []
    shorter = office.due(datetime(2016, 1, 1, tzinfo=UTC), clocks(TABLES, {"parking_fine": 0}))
    assert {each.case_id for each in shorter} == {case_id for case_id, at in ended.items() if at.year < 2016}
    assert len(office.due(now, limit=3)) >= 3


@pytest.mark.parametrize("years", [{"wedding": 3}, {"log": 3}, {"permit": -1}, {"permit": 10_000}])
def test_a_rule_for_no_workflow_or_no_time_is_refused(years: dict[str, int]) -> None:
    with pytest.raises(InvalidValue, match="retention"):
        clocks(TABLES, years)


def test_every_workflow_but_the_log_s_own_has_a_clock() -> None:
    assert set(KEPT) == set(names()) - {"log"}


def test_what_was_due_is_gone_and_everything_else_holds(office: Office) -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    found = office.due(now)
    assert 3 < len(found) < len(office.ended())
    for each in found:
        decide(office.begin, office.recorder, Actor("dora", "clerk"), Decision(CaseId(each.case_id), None, each.basis))
    office.sequence()
    steps = erase(office.begin, office.recorder, lambda: nullcontext(SqlEraser(office.engine)))
    assert steps >= len(found)
    assert office.due(now) == []
    policy = VerificationPolicy(ORIGIN, (office.key.verifier.text,), Level.LOGGED, None)
    with SqlUnitOfWork.open(office.engine, "read") as unit:
        report = Auditor(policy).audit(unit.cases, unit.log, store=unit.soundness)
        left = {row.case_id for _, _, trail in unit.cases.trails(0, 0) for row in trail if row.canonical is not None}
        known = unit.cases.known([each.case_id for each in found])
    assert (report.verdict, report.erased) == (Verdict.FINAL, steps)
    assert not left & {each.case_id for each in found}
    assert {each.data for each in known.values()} == {FORGOTTEN}
    refund = Intent(Command("refund", Actor("frieda", "finance"), {"amount": 1}), now)
    with pytest.raises(TransitionNotAllowed) as caught:
        advance(office.begin, office.recorder, CaseId(found[0].case_id), refund)
    assert caught.value.rule == "content_destroyed"


def test_nothing_of_a_case_that_is_gone_is_left_in_the_file(tmp_path: Path) -> None:
    """Content, documents, and what the law remembers: not in the database, not in its journal, not in idle pages."""
    office = Office(tmp_path / "ledger.sqlite")
    person = "Frau-Lisa-Beispiel-2019"
    submit = Command("submit_application", Actor(person, "applicant"), {"subject": f"a carport for {person}"})
    step = open_case(office.begin, office.recorder, workflow("permit"), Level.LOGGED, Intent(submit, YESTERDAY))
    office.sequence()

    def files() -> bytes:
        return b"".join(each.read_bytes() for each in tmp_path.iterdir())

    assert files().count(f"a carport for {person}".encode()) > 0
    before = files().count(person.encode())
    decide(office.begin, office.recorder, Actor("dora", "clerk"), Decision(CaseId(step.case.case_id), None, "Art. 17"))
    office.sequence()
    assert erase(office.begin, office.recorder, lambda: nullcontext(SqlEraser(office.engine))) == 1
    assert files().count(f"a carport for {person}".encode()) == 0
    left = files().count(person.encode())
    assert 0 < left < before, "the pseudonym of who acted stands in the event's row, and nowhere else"
    with SqlUnitOfWork.open(office.engine, "read") as unit:
        (row,) = unit.cases.trail(step.case.case_id)
    assert row.actor_id == person
    office.engine.dispose()
