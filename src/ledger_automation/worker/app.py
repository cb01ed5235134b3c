"""The Celery application, made from settings; nothing is connected before a worker, a beat or a sender starts.

At least once, and never relied upon: a message is acknowledged after its task, given back when its worker is lost, and
delivered `DELIVERIES` times at most; what is poison goes to the queue `DEAD` and the others flow on (spec/faults.md,
P14, P16, P18). A lost message costs an interval, since the database holds what is to be done and the next beat, or the
sweep, finds it there (P15). So messages need not expire either: a machine whose clock is wrong would drop them all.

    ledger.log     sequence, sweep,       every worker may take all four, or some only (-Q), so that a chain or a
                   erase, forget          receiver that lets us wait does not keep events out of the log
    ledger.chain   anchor, settle
    ledger.audit   audit, audit_whole (when it is asked for)
    ledger.post    deliver

Two beats beat twice, which does no harm. What this does not do: keep a result, or take a lock; what two workers do at
once, or one that was stopped and woke again does late, is refused by the database's keys (P19).
"""
# kombu is typed in places only
# mypy: disable-error-code="no-untyped-call"

import os
import signal
from typing import Any, Final

from celery import Celery  # type: ignore[import-untyped]
from celery.schedules import crontab, schedule  # type: ignore[import-untyped]
from celery.signals import beat_init, worker_process_shutdown, worker_shutdown  # type: ignore[import-untyped]

from ledger_automation.bootstrap import open_ledger
from ledger_automation.errors import Misconfigured
from ledger_automation.settings import Settings
from ledger_automation.worker import redis_transport, tasks
from ledger_automation.worker.queues import QUEUES, Answering
from ledger_automation.worker.timetable import LOG, Line, timetable
from ledger_automation.worker.workplace import Workplace

_TIME_OF_A_TASK: Final = 5 / 6
"""Of what a broker waits for an acknowledgement, a task may take so much: it is over before it is delivered again."""

_LOOKS: Final = 30
"""So often in that time do Redis's workers look for messages whose worker was lost."""

_HEARTBEAT: Final = 10
"""Seconds between two signs of life of a worker to RabbitMQ."""


def create(settings: Settings) -> Celery:
    """Return the application, with every task; raises Misconfigured where no broker is named that can be used."""
    url = settings.broker
    scheme, named, _ = url.partition("://")
    if not named or scheme not in _BROKERS:
        given = f"{scheme}://" if named else "one without a scheme" if scheme else "nothing"
        raise Misconfigured(f"A broker is a redis://, rediss://, amqp:// or amqps:// URL, not {given}.")
    app = Celery("ledger", broker=url, set_as_current=False)
    app.conf.update(_SETTINGS, **_within(settings.redelivery_seconds), **_BROKERS[scheme](settings.redelivery_seconds))
    app.conf.task_queues = list(QUEUES)
    app.conf.beat_schedule = {line.duty: _beat(line) for line in timetable(settings) if not line.is_asked_for}
    app.conf.task_routes = {tasks.name(line.duty): {"queue": line.group} for line in timetable(settings)}
    if scheme.startswith("amqp"):
        app.steps["consumer"].add(Answering)
    place = Workplace(lambda: open_ledger(settings))
    tasks.register(app, place)
    for over in (worker_process_shutdown, worker_shutdown):  # the one in each child, the other where there is none
        over.connect(lambda **_: place.close(), weak=False)
    beat_init.connect(_end_when_told, weak=False)
    return app


def _end_when_told(**_: Any) -> None:
    """Have a beat end at SIGTERM, and at once.

    Celery's own way says goodbye to the broker first, and waits for ever for one that hangs. A beat keeps nothing: what
    it was about to send is found in the database by the next one.
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


def _beat(line: Line) -> dict[str, Any]:
    when = schedule(line.seconds) if line.seconds is not None else crontab(hour=line.hour, minute=0)
    return {"task": tasks.name(line.duty), "schedule": when}


_SETTINGS: Final[dict[str, Any]] = {
    "accept_content": ["json"],
    "task_serializer": "json",
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_acks_on_failure_or_timeout": False,
    "task_reject_on_worker_lost": True,
    "task_default_queue": LOG,
    "task_create_missing_queues": False,
    "worker_prefetch_multiplier": 1,
    "worker_enable_remote_control": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_native_delayed_delivery_queue_type": "classic",
    "beat_scheduler": "celery.beat:Scheduler",  # keeps nothing on disk: what is due stands in the database
    "timezone": "UTC",
}


def _within(seconds: float) -> dict[str, Any]:
    """End a task, in earnest if it does not listen, before a broker would deliver it again."""
    longest = seconds * _TIME_OF_A_TASK
    return {"task_time_limit": longest, "task_soft_time_limit": 0.95 * longest}


def _redis(seconds: float) -> dict[str, Any]:
    looks = {"unacked_restore_interval": seconds / _LOOKS, "unacked_restore_throttle": 1}
    return {
        "broker_transport": f"{redis_transport.__name__}:Transport",
        "broker_transport_options": {"visibility_timeout": seconds, **looks},
    }


def _rabbitmq(_: float) -> dict[str, Any]:
    """RabbitMQ notices by itself that a worker is lost, and waits half an hour for one that is not."""
    return {"broker_heartbeat": _HEARTBEAT, "broker_transport_options": {"confirm_publish": True}}


_BROKERS: Final = {"redis": _redis, "rediss": _redis, "amqp": _rabbitmq, "amqps": _rabbitmq}
