import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.chain.local import open_chain
from ledger_automation.errors import LedgerError, Misconfigured, Unreachable
from ledger_automation.orchestrator.durable import alone
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.settings import Settings
from ledger_automation.verify.auditor import read_mark
from ledger_automation.worker.workplace import Workplace


class Door:
    """Opens a ledger as often as it is asked to, unless it is told to raise first; counts both ways."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.raises: list[LedgerError] = []
        self.opened = self.closed = 0

    @contextmanager
    def __call__(self) -> Iterator[Ledger]:
        if self.raises:
            raise self.raises.pop(0)
        with open_ledger(self.settings) as ledger:
            self.opened += 1
            try:
                yield ledger
            finally:
                self.closed += 1


@pytest.fixture
def door(settings: Settings) -> Door:
    return Door(settings)


@pytest.fixture
def place(door: Door) -> Iterator[Workplace]:
    made = Workplace(door)
    yield made
    made.close()


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(each.levelname, each.getMessage()) for each in caplog.records if "ledger_automation" in each.name]


def test_a_ledger_is_opened_once_and_closed_once(place: Workplace, door: Door) -> None:
    for duty in (Duty.SEQUENCE, Duty.SWEEP, Duty.SEQUENCE):
        assert place.run(duty)
    assert (door.opened, door.closed) == (1, 0)
    place.close()
    place.close()
    assert door.closed == 1
    assert place.run(Duty.SEQUENCE), "another duty opens it again"
    assert door.opened == 2


def test_a_failure_is_said_once_until_it_is_another_one_or_is_over(
    place: Workplace, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    door.raises = [Unreachable("Away."), Unreachable("Away."), Misconfigured("Another one."), Unreachable("Away.")]
    assert [place.run(Duty.SEQUENCE) for _ in range(6)] == [False] * 4 + [True] * 2
    assert told(caplog) == [
        ("WARNING", "Duty sequence: Away."),
        ("ERROR", "Duty sequence: Another one."),
        ("WARNING", "Duty sequence: Away."),
        ("INFO", "Duty sequence works again."),
    ]


def test_what_nobody_foresaw_is_not_taken_for_a_refusal(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    def surprised(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("ledger_automation.orchestrator.duties.sequence", surprised)
    with pytest.raises(ZeroDivisionError):
        place.run(Duty.SEQUENCE)


def test_what_was_half_open_is_closed_again(door: Door) -> None:
    """The ledger opens, the chain does not: nothing of the chain stays, and the database goes on."""
    door.settings = door.settings.model_copy(update={"chain": "http://127.0.0.1:9"})
    place = Workplace(door)
    assert not place.run(Duty.ANCHOR)
    assert place.run(Duty.SEQUENCE)
    assert not place.run(Duty.SETTLE)
    place.close()
    assert (door.opened, door.closed) == (1, 1)


def test_a_chain_that_did_not_answer_is_opened_anew_but_not_the_one_in_this_process(
    place: Workplace, fine: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fine()
    assert place.run(Duty.SEQUENCE)
    assert place.run(Duty.ANCHOR)
    before = place.on_chain()
    for name, survives in (("tester", True), ("http://127.0.0.1:9", False)):
        settings = place.ledger().settings.model_copy(update={"chain": name})
        monkeypatch.setattr(place, "_ledger", replace(place.ledger(), settings=settings))
        place._failed(Duty.SETTLE, Unreachable("Away."))
        assert (place._on_chain is before) is survives


def test_a_failing_database_is_no_reason_to_open_the_chain(place: Workplace) -> None:
    place._failed(Duty.SEQUENCE, Unreachable("Away."))
    assert place._on_chain is None


def test_an_audit_keeps_where_the_next_one_goes_on(place: Workplace, fine: Callable[[], str], ledger: Ledger) -> None:
    path = ledger.settings.home / "audit.mark"
    for size in (1, 2):
        fine()
        assert [place.run(duty) for duty in (Duty.SEQUENCE, Duty.ANCHOR, Duty.SETTLE, Duty.AUDIT)] == [True] * 4
        assert read_mark(path.read_bytes()).tree_size == size
    assert [each.name for each in ledger.settings.home.glob("audit.mark*")] == ["audit.mark"]
    with ledger.read() as unit:
        assert unit.anchors.alarms() == []


def test_without_a_contract_that_enforces_there_is_no_enforcer(place: Workplace) -> None:
    with pytest.raises(Misconfigured, match="No workflow is enforced"):
        place.enforcer()
    assert place.on_chain().enforcer is None


def test_with_one_there_is(settings: Settings) -> None:
    place = Workplace(Door(Settings(home=settings.home, levels={"permit": "enforced"})))
    assert place.enforcer() is place.on_chain().enforcer
    assert place.run(Duty.SETTLE)
    place.close()


def test_a_chain_in_this_process_survives_until_it_is_closed(ledger: Ledger, fine: Callable[[], str]) -> None:
    place = Workplace(lambda: nullcontext(ledger))
    fine()
    assert [place.run(each) for each in (Duty.SEQUENCE, Duty.ANCHOR, Duty.SETTLE)] == [True] * 3
    assert place.on_chain().chain.latest(_origin(ledger)) is not None
    place.close()
    with open_chain("tester", ledger.settings.home):
        assert not place.run(Duty.AUDIT) or place.on_chain().chain.latest(_origin(ledger)) is None
    place.close()


def _origin(ledger: Ledger) -> bytes:
    from hashlib import sha256  # noqa: PLC0415

    return sha256(ledger.settings.origin.encode()).digest()


def test_what_is_put_into_the_log_is_shown_at_once_where_a_folder_is_named(
    door: Door, fine: Callable[[], str], tmp_path: Path
) -> None:
    folder = tmp_path / "shown"
    door.settings = door.settings.model_copy(update={"publish_folder": folder})
    with Workplace(door) as place:
        for size in (1, 2):
            fine()
            assert place.run(Duty.SEQUENCE)
            assert (folder / "checkpoint").read_text("utf-8").split("\n")[1] == str(size)
        with alone(folder, "publishes this log"):
            fine()
            assert place.run(Duty.SWEEP), "somebody else is at it, and shows whatever we would"
        assert place.run(Duty.SEQUENCE)
        assert (folder / "checkpoint").read_text("utf-8").split("\n")[1] == "3"


def test_a_folder_that_shows_another_log_is_said_and_left_alone(
    door: Door, fine: Callable[[], str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "checkpoint").write_text("another log")
    door.settings = door.settings.model_copy(update={"publish_folder": tmp_path})
    with Workplace(door) as place:
        fine()
        assert not place.run(Duty.SEQUENCE)
        with place.ledger().read() as unit:
            assert unit.log.frontier().size == 1, "the log itself went on"
    assert "another log" in told(caplog)[-1][1]
    assert (tmp_path / "checkpoint").read_text("utf-8") == "another log"
