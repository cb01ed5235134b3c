import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from ledger_automation.bootstrap import Ledger
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.worker.in_process import InProcess
from ledger_automation.worker.workplace import Workplace

PATIENCE = 30


class Bench:
    """Counts which duties are run; a duty with a gate waits for it, one with an error raises it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[Duty] = []
        self.gates: dict[Duty, threading.Event] = {}
        self.errors: dict[Duty, Exception] = {}
        self.closed = 0
        monkeypatch.setattr(Workplace, "run", lambda _, duty: self.run(duty))
        monkeypatch.setattr(Workplace, "close", lambda _: self.close())

    def run(self, duty: Duty) -> bool:
        self.begun.append(duty)
        if duty in self.gates:
            assert self.gates[duty].wait(PATIENCE)
        if duty in self.errors:
            raise self.errors[duty]
        return True

    def close(self) -> None:
        self.closed += 1

    def until(self, times: int, duty: Duty) -> None:
        until(lambda: self.begun.count(duty) >= times)


def until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.002)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(monkeypatch)
    yield made
    for gate in made.gates.values():
        gate.set()


def test_what_was_recorded_is_anchored_without_anybody_asking(
    ledger: Ledger, fine: Callable[[], str], logged: Callable[[str], bool]
) -> None:
    case = fine()
    with InProcess(ledger) as work:
        until(lambda: logged(case))
        work.wake(Duty.ANCHOR)
        until(lambda: bool(_states(ledger)))
        work.wake(Duty.SETTLE)
        until(lambda: set(_states(ledger)) == {"final"})
        for duty in (Duty.SWEEP, Duty.SEQUENCE):
            case = fine()
            work.wake(duty)
            until(lambda case=case: logged(case))  # type: ignore[misc]


def _states(ledger: Ledger) -> list[str]:
    with ledger.read() as unit:
        return [str(each.state) for each in unit.log.submissions(0)]


def test_everything_but_audits_is_due_at_once(ledger: Ledger, bench: Bench) -> None:
    with InProcess(ledger):
        for duty in set(Duty) - {Duty.AUDIT, Duty.AUDIT_WHOLE}:
            bench.until(1, duty)
    assert sorted(bench.begun) == sorted(set(Duty) - {Duty.AUDIT, Duty.AUDIT_WHOLE})


def test_a_chain_that_lets_us_wait_keeps_nothing_out_of_the_log(ledger: Ledger, bench: Bench) -> None:
    bench.gates[Duty.ANCHOR] = threading.Event()
    with InProcess(ledger) as work:
        bench.until(1, Duty.ANCHOR)
        for times in range(2, 6):
            work.wake(Duty.SEQUENCE)
            bench.until(times, Duty.SEQUENCE)
        assert Duty.SETTLE not in bench.begun, "its own group waits behind it"
        bench.gates[Duty.ANCHOR].set()
        bench.until(1, Duty.SETTLE)


def test_who_is_woken_during_his_work_does_it_once_more(ledger: Ledger, bench: Bench) -> None:
    gate = bench.gates[Duty.SEQUENCE] = threading.Event()
    with InProcess(ledger) as work:
        bench.until(1, Duty.SEQUENCE)
        for _ in range(50):
            work.wake()
        gate.set()
        bench.until(2, Duty.SEQUENCE)
        work.wake(Duty.SWEEP)
        bench.until(2, Duty.SWEEP)
    assert bench.begun.count(Duty.SEQUENCE) == 2, "fifty calls during one run are one more run"


def test_what_nobody_foresaw_ends_no_thread_and_is_written_down(
    ledger: Ledger, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.errors[Duty.SEQUENCE] = ZeroDivisionError()
    with InProcess(ledger) as work:
        for times in range(1, 4):
            bench.until(times, Duty.SEQUENCE)
            until(lambda times=times: len(caplog.records) >= times)  # type: ignore[misc]
            work.wake()
        bench.errors.clear()
        bench.until(4, Duty.SEQUENCE)
    assert {each.getMessage() for each in caplog.records} == {"Duty sequence failed, and nobody foresaw how."}
    assert isinstance(caplog.records[0].exc_info[1], ZeroDivisionError)  # type: ignore[index]


def test_ending_waits_for_the_duty_under_way_and_closes_then(ledger: Ledger, bench: Bench) -> None:
    gate = bench.gates[Duty.SETTLE] = threading.Event()
    work = InProcess(ledger)
    work.start()
    bench.until(1, Duty.SETTLE)
    threading.Timer(0.1, gate.set).start()
    work.stop(PATIENCE)
    assert gate.is_set()
    assert bench.closed == 1
    assert not [each for each in threading.enumerate() if each.name.startswith("ledger.")]


def test_ending_does_not_wait_for_what_had_not_begun(ledger: Ledger, bench: Bench) -> None:
    gate = bench.gates[Duty.ANCHOR] = threading.Event()
    work = InProcess(ledger)
    work.start()
    bench.until(1, Duty.ANCHOR)
    assert Duty.SETTLE not in bench.begun
    threading.Timer(0.1, gate.set).start()
    work.stop(2)
    assert bench.closed == 1
    assert Duty.SETTLE not in bench.begun


def test_a_duty_that_does_not_end_is_said_and_nothing_is_closed_beneath_it(
    ledger: Ledger, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.gates[Duty.SETTLE] = threading.Event()
    work = InProcess(ledger)
    work.start()
    bench.until(1, Duty.SETTLE)
    work.stop(0.05)
    assert bench.closed == 0
    assert "1 duties were still under way" in caplog.text


def test_after_its_end_nothing_begins_any_more(ledger: Ledger, bench: Bench) -> None:
    work = InProcess(ledger)
    work.start()
    bench.until(1, Duty.SETTLE)
    bench.until(1, Duty.SWEEP)
    work.stop()
    before = list(bench.begun)
    work.wake(*Duty)
    assert bench.begun == before


def test_the_table_says_when(ledger: Ledger, bench: Bench) -> None:
    often = ledger.settings.model_copy(update={"sequence_seconds": 0.01, "settle_seconds": 0.01})
    with InProcess(replace(ledger, settings=often)):
        bench.until(5, Duty.SEQUENCE)
        bench.until(5, Duty.SETTLE)
    assert bench.begun.count(Duty.SWEEP) == 1
