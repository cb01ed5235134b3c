"""Port UnitOfWork: one transaction; and what holds when many want one at the same time (P25, P26, P27)."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from ledger_automation.errors import LedgerError, Misconfigured, TransitionNotAllowed
from ledger_automation.orchestrator.ports import IntakeRun
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.transition import Intent, advance, open_case
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import Actor, Command, workflow

THREADS = 64
MONDAY = datetime.fromisoformat("2019-04-01T08:00:00+00:00")


class Interrupted(Exception):
    pass


def test_without_a_commit_nothing_stays(store: Any, clerk: Any, all_of: Any, signed: Any) -> None:
    before = all_of(store)
    with store.begin() as unit:
        unit.cases.record([clerk.open()[0]])
        unit.log.sign_off(signed(1))
        unit.intake.save(IntakeRun("ab" * 32, b"\x01" * 32))
    assert all_of(store) == before

    def interrupted() -> None:
        with store.begin() as unit:
            unit.cases.record([clerk.open()[0]])
            raise Interrupted

    with pytest.raises(Interrupted):
        interrupted()
    assert all_of(store) == before


def test_the_newest_checkpoints_come_first_and_no_more_than_are_asked_for(store: Any, signed: Any) -> None:
    with store.begin() as unit:
        for size in (3, 1, 2):
            unit.log.sign_off(signed(size))
        unit.commit()
    with store.read() as unit:
        assert [each.tree_size for each in unit.log.recent(2)] == [3, 2]
        assert unit.log.recent(9) == [*unit.log.checkpoints(0)][::-1]


def test_what_is_written_after_the_commit_does_not_stay(store: Any, clerk: Any) -> None:
    first, second = clerk.open()[0], clerk.open()[0]
    with store.begin() as unit:
        unit.cases.record([first])
        unit.commit()
        unit.cases.record([second])
    with store.read() as unit:
        assert unit.cases.case(first.case.case_id) is not None
        assert unit.cases.case(second.case.case_id) is None


def test_what_was_committed_is_there_for_another_process(store: Any, clerk: Any, reopen: Any, all_of: Any) -> None:
    clerk.fill(store.begin, 3)
    with reopen() as other:
        assert all_of(other) == all_of(store)


def test_a_reader_keeps_its_snapshot_and_blocks_nobody(store: Any, clerk: Any) -> None:
    clerk.fill(store.begin, 1)
    with store.read() as reader:
        assert len(list(reader.cases.trails(0, 0))) == 1
        clerk.fill(store.begin, 1)
        assert len(list(reader.cases.trails(0, 0))) == 1
    with store.read() as reader:
        assert len(list(reader.cases.trails(0, 0))) == 2


def test_who_decides_by_a_case_waits_for_who_decides_by_it_already(store: Any, clerk: Any) -> None:
    first, standing = clerk.open()
    with store.begin() as unit:
        unit.cases.record([first])
        unit.commit()
    looked, case_id = threading.Event(), first.case.case_id

    def slow() -> None:
        with store.begin() as unit:
            unit.cases.case(case_id)
            looked.set()
            threading.Event().wait(0.3)
            unit.cases.record([clerk.go_on(standing)[0]])
            unit.commit()

    thread = threading.Thread(target=slow)
    thread.start()
    assert looked.wait(60)
    with store.begin() as unit:
        seen = unit.cases.case(case_id)
        thread.join(60)
    assert not thread.is_alive()
    assert seen.sequence == 1, "it saw what the first one had made of the case"


def test_two_sequencers_wait_for_each_other(store: Any, clerk: Any) -> None:
    clerk.fill(store.begin, 3)
    looked, ended = threading.Event(), []

    def slow() -> None:
        with store.begin() as unit:
            unit.log.pending(10, sweep=False)
            looked.set()
            threading.Event().wait(0.3)
            ended.append("first")

    thread = threading.Thread(target=slow)
    thread.start()
    assert looked.wait(60)
    assert sequence(store.begin, clerk.recorder, clerk.key) is not None
    ended.append("second")
    thread.join(60)
    assert ended == ["first", "second"]


def granted(store: Any, clerk: Any, cents: int) -> CaseId:
    """A running grant of which ``cents`` are there to be asked for."""

    def act(action: str, who: str, day: int, **payload: Any) -> None:
        role, _, name = who.partition(":")
        at = MONDAY + timedelta(days=day)
        advance(store.begin, clerk.recorder, case, Intent(Command(action, Actor(name, role), payload), at))

    rules = {"check_required": False, "cost_plan_required": False, "own_share_proof_required": False}
    opening = Command("open_programme", Actor("olga", "clerk"), {"title": "Smart City", "rules": rules})
    step = open_case(store.begin, clerk.recorder, workflow("subsidy"), Level.ANCHORED, Intent(opening, MONDAY))
    case = CaseId(step.case.case_id)
    applied = {"applicant": "wismar", "kind": "municipality", "planned": 10_000_000, "own_share": 4_000_000}
    act("apply", "applicant:anna", 1, **applied, resolution_reference="3113")
    act("record_resolution", "applicant:anna", 2, reference="3113", resolved_on="2019-04-03")
    act("grant", "approver:paul", 3, amount=cents, rate=6_500, starts="2019-04-01", ends="2023-12-31", advance=cents)
    return case


def at_once(wish: Callable[[int], None]) -> Counter[str]:
    """Let 64 threads wish for the same thing at the same moment; count what became of it."""
    gate = threading.Barrier(THREADS)

    def one(number: int) -> str:
        gate.wait()
        try:
            wish(number)
        except LedgerError as refusal:
            return refusal.rule if isinstance(refusal, TransitionNotAllowed) else type(refusal).__name__
        return "accepted"

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(one, range(THREADS)))


def test_64_threads_on_the_last_cents_of_a_grant(store: Any, clerk: Any) -> None:
    case = granted(store, clerk, cents=500_00)

    def wish(number: int) -> None:
        asked = {"number": number + 1, "amount": 100_00, "payee": "anna-account"}
        command = Command("request_tranche", Actor("anna", "applicant"), asked)
        advance(store.begin, clerk.recorder, case, Intent(command, MONDAY + timedelta(days=10)))

    assert at_once(wish) == {"accepted": 5, "beyond_grant": 59}
    with store.read() as unit:
        trail = unit.cases.trail(case)
        assert [row.sequence for row in trail] == list(range(len(trail)))
        assert sum(row.amount or 0 for row in trail if row.action == "request_tranche") == 500_00


def test_64_threads_on_one_step_of_one_case(store: Any, clerk: Any) -> None:
    opening, _ = clerk.open()
    with store.begin() as unit:
        unit.cases.record([opening])
        unit.commit()
    case = CaseId(opening.case.case_id)

    def wish(_: int) -> None:
        command = Command("send_notice", Actor("fines-office", "system"), {"expense": 1_100})
        advance(store.begin, clerk.recorder, case, Intent(command, MONDAY + timedelta(days=3_000)))

    became = at_once(wish)
    assert became.pop("accepted") == 1
    assert sum(became.values()) == THREADS - 1
    assert "Conflict" not in became, "one waits for the other; nobody is sent away"
    with store.read() as unit:
        assert [row.action for row in unit.cases.trail(case)] == ["record_fine", "send_notice"]


def test_a_full_disk_is_one_sentence_and_nothing_of_the_transaction_stays(tmp_path: Path, clerk: Any) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'small.sqlite'}")

    def begin() -> Any:
        return SqlUnitOfWork.open(engine)

    kept = clerk.fill(begin, 2)
    engine.dispose()

    def bound(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute("PRAGMA max_page_count = 30")

    event.listen(engine, "connect", bound)
    with pytest.raises(Misconfigured, match="disk is full"):
        clerk.fill(begin, 2_000)
    event.remove(engine, "connect", bound)
    engine.dispose()
    with begin() as unit:
        assert {case for case, _, _ in unit.cases.trails(0, 0)} == {step.case.case_id for step in kept}
    assert len(clerk.fill(begin, 2)) == 2
    engine.dispose()
