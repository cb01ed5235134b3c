"""The duties themselves: any number of times, by any number of processes, however late (P12 to P14, P22)."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger_automation.orchestrator.duties import Duty
from ledger_automation.verify.verdict import Verdict
from support import towns
from support.towns import ROUND, Town


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def town(stack: ExitStack, tmp_path: Path, url: str) -> Town:
    return stack.enter_context(towns.town(tmp_path / "home", url))


def test_p12_eight_places_of_work_do_everything_at_once_and_nothing_is_doubled(town: Town, stack: ExitStack) -> None:
    places = [town.place(stack) for _ in range(8)]
    cases = [town.fine() for _ in range(4)]

    def work(number: int) -> None:
        random = Random(number)
        for _ in range(6):
            if number < len(cases):
                town.pay(cases[number])
            for duty in random.sample(ROUND, len(ROUND)):
                assert places[number].run(duty), "who comes second has nothing to report"

    with ThreadPoolExecutor(len(places)) as pool:
        list(pool.map(work, range(len(places))))
    town.seal(places[0])
    assert town.size() == sum(town.actions().values()) == 28
    assert town.actions() == {"record_fine": 4, "record_payment": 24}, "eight that are busy record no silence"
    assert town.anchored_once()[-1] == 28
    assert town.audit(places[0]).verdict is Verdict.FINAL


def test_p12_the_same_six_times_over_changes_nothing(town: Town, stack: ExitStack) -> None:
    place = town.place(stack)
    town.fine()
    town.seal(place)
    before = town.everything()
    for _ in range(6):
        town.seal(place)
    assert town.everything() == before
    assert town.anchored_once() == [1]


def test_p13_what_is_delivered_days_later_finds_its_work_done(town: Town, stack: ExitStack) -> None:
    first, late = town.place(stack), town.place(stack, later=timedelta(days=5))
    town.fine()
    town.seal(first)
    assert all(late.run(duty) for duty in (Duty.SETTLE, Duty.ANCHOR, Duty.SWEEP, Duty.SEQUENCE) * 3)
    assert town.actions() == {"record_fine": 1, "open_log": 1, "record_heartbeat": 1}, "five days of silence are one"
    town.seal(late)
    assert town.anchored_once() == [1, 3]
    town.fine()
    town.seal(first)  # a clock that is behind again stops nothing
    assert town.audit(first).verdict is Verdict.FINAL


def test_p13_an_hour_of_silence_is_recorded_once_by_however_many(town: Town, stack: ExitStack) -> None:
    town.fine()
    assert town.place(stack).run(Duty.SEQUENCE)
    places = [town.place(stack, later=timedelta(hours=1)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda place: place.run(Duty.SEQUENCE), places * 4))
    assert town.actions()["record_heartbeat"] == 1


def test_p14_what_no_message_ever_named_is_found_by_the_sweep(town: Town, stack: ExitStack) -> None:
    place = town.place(stack)
    for _ in range(3):
        town.fine()
    assert town.pending() == 3
    assert place.run(Duty.SWEEP)
    assert (town.pending(), town.size()) == (0, 3)


def set_back(town: Town, into: Path) -> str:
    """Copy the database as it is now, as a replica that lags would have it; return the copy's URL."""
    with (
        closing(sqlite3.connect(town.ledger.settings.home / "ledger.sqlite")) as now,
        closing(sqlite3.connect(into)) as copy,
    ):
        now.backup(copy)
    return f"sqlite:///{into}"


@pytest.mark.parametrize("grown", [0, 1, 5], ids=["behind", "as long", "longer"])
def test_p22_a_database_behind_its_chain_contradicts_it_and_is_not_repaired(
    tmp_path: Path, stack: ExitStack, grown: int
) -> None:
    """A replica takes over that had not heard of the last steps; with what comes next, its log is another one."""
    home = tmp_path / "home"
    town = stack.enter_context(towns.town(home))
    place = town.place(stack)
    town.fine()
    town.seal(place)
    url = set_back(town, tmp_path / "lagging.sqlite")
    town.fine()
    town.seal(place)
    lagging = stack.enter_context(towns.town(home, url))
    there = lagging.place(stack)
    for _ in range(grown):
        lagging.fine()
    assert there.run(Duty.SEQUENCE)
    before = lagging.everything()
    for _ in range(2):
        assert not there.run(Duty.ANCHOR)
    assert lagging.alarms() == ["final_contradicted"]
    assert lagging.everything() == before, "it says so, and repairs nothing"
    assert there.run(Duty.AUDIT)
    assert lagging.audit(there).verdict is Verdict.CONTRADICTED
    assert lagging.alarms() == ["audit", "final_contradicted"]
    assert town.audit(place).verdict is Verdict.FINAL, "the one that did not forget is as it was"


def test_p22_intake_goes_on_while_a_person_decides(tmp_path: Path, stack: ExitStack) -> None:
    home = tmp_path / "home"
    town = stack.enter_context(towns.town(home))
    place = town.place(stack)
    town.fine()
    url = set_back(town, tmp_path / "lagging.sqlite")
    town.fine()
    town.seal(place)
    lagging = stack.enter_context(towns.town(home, url))
    there = lagging.place(stack)
    for size in (1, 2, 3):
        assert there.run(Duty.SEQUENCE)
        assert not there.run(Duty.ANCHOR)
        assert lagging.size() == size
        lagging.fine()


def test_an_alarm_is_over_when_what_it_says_is_over(town: Town, stack: ExitStack, monkeypatch: Any) -> None:
    from ledger_automation.errors import Contradiction  # noqa: PLC0415
    from ledger_automation.orchestrator.anchor import Anchorer  # noqa: PLC0415

    def contradicted(_: Anchorer) -> None:
        raise Contradiction("The chain holds another log.")

    place = town.place(stack)
    with monkeypatch.context() as patched:
        patched.setattr(Anchorer, "submit", contradicted)
        assert not place.run(Duty.ANCHOR)
    assert town.alarms() == ["final_contradicted"]
    town.fine()
    town.seal(place)
    assert town.alarms() == []
