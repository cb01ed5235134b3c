from datetime import UTC, datetime, timedelta, timezone
from math import inf

import pytest
from celery.schedules import crontab, schedule

from ledger_automation.orchestrator.duties import Duty
from ledger_automation.settings import Settings
from ledger_automation.worker import tasks
from ledger_automation.worker.app import create
from ledger_automation.worker.timetable import AUDIT, CHAIN, GROUPS, LOG, POST, WITNESS, silence, timetable

SETTINGS = Settings(broker_url="redis://127.0.0.1:9/0", sequence_seconds=3, anchor_seconds=500, audit_hour=4)


def test_every_duty_has_one_line_and_its_group() -> None:
    lines = {line.duty: line.group for line in timetable(SETTINGS)}
    assert len(timetable(SETTINGS)) == len(lines)
    assert lines == {
        Duty.SEQUENCE: LOG, Duty.SWEEP: LOG, Duty.ANCHOR: CHAIN, Duty.SETTLE: CHAIN, Duty.AUDIT: AUDIT,
        Duty.AUDIT_WHOLE: AUDIT, Duty.COSIGN: WITNESS, Duty.DELIVER: POST, Duty.ERASE: LOG, Duty.FORGET: LOG,
    }  # fmt: skip
    assert set(lines) == set(Duty)
    assert set(lines.values()) == set(GROUPS)


def test_settings_say_how_often() -> None:
    seconds = {line.duty: line.pause(datetime.now(UTC)) for line in timetable(SETTINGS) if line.seconds is not None}
    assert seconds == {
        Duty.SEQUENCE: 3, Duty.SWEEP: 60, Duty.ANCHOR: 500, Duty.SETTLE: 5, Duty.DELIVER: 2, Duty.ERASE: 60,
        Duty.FORGET: 3_600, Duty.COSIGN: 60,
    }  # fmt: skip
    assert silence(SETTINGS) == timedelta(seconds=500)


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (datetime(2026, 3, 2, 3, tzinfo=UTC), 3_600),
        (datetime(2026, 3, 2, 4, tzinfo=UTC), 86_400),
        (datetime(2026, 3, 2, 4, 0, 1, tzinfo=UTC), 86_399),
        (datetime(2026, 3, 2, 23, 59, tzinfo=UTC), 4 * 3_600 + 60),
        (datetime(2026, 3, 29, 5, 30, tzinfo=timezone(timedelta(hours=2))), 1_800),
    ],
)
def test_the_audit_is_due_at_its_hour_whatever_the_time_zone(now: datetime, seconds: float) -> None:
    (audit,) = (line for line in timetable(SETTINGS) if line.duty is Duty.AUDIT)
    assert audit.pause(now) == seconds


def test_what_is_asked_for_is_never_due_by_itself() -> None:
    assert [line.duty for line in timetable(SETTINGS) if line.is_asked_for] == [Duty.AUDIT_WHOLE]
    (whole,) = (line for line in timetable(SETTINGS) if line.is_asked_for)
    assert whole.pause(datetime.now(UTC)) == inf


def test_celery_beats_the_same_table() -> None:
    conf = create(SETTINGS).conf
    beats = {entry["task"]: entry["schedule"] for entry in conf.beat_schedule.values()}
    assert beats == {
        tasks.name(line.duty): schedule(line.seconds) if line.seconds is not None else crontab(hour=4, minute=0)
        for line in timetable(SETTINGS)
        if line.duty is not Duty.AUDIT_WHOLE
    }
    routes = {name: route["queue"] for name, route in conf.task_routes.items()}
    assert routes == {tasks.name(line.duty): line.group for line in timetable(SETTINGS)}
    assert conf.beat_scheduler == "celery.beat:Scheduler", "nothing pickled on disk"
