from pathlib import Path
from typing import Any

import celery
import pytest

from ledger_automation.errors import Misconfigured
from ledger_automation.settings import Settings
from ledger_automation.worker.app import create
from ledger_automation.worker.redis_transport import DEAD, DELIVERIES
from ledger_automation.worker.timetable import GROUPS

URLS = ("redis://127.0.0.1:9/0", "rediss://127.0.0.1:9/0", "amqp://127.0.0.1:9//", "amqps://127.0.0.1:9//")


@pytest.mark.parametrize("url", ["", "memory://", "sqs://", "redis", "filesystem://", "http://user:hidden@host"])
def test_what_cannot_be_a_broker_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(Misconfigured, match="A broker is a redis") as told:
        create(Settings(broker_url=url))
    assert "hidden" not in str(told.value)


def test_a_broker_is_named_by_a_mounted_secret_too_and_not_twice(tmp_path: Path) -> None:
    path = tmp_path / "broker"
    path.write_text(f"{URLS[0]}\n")
    assert create(Settings(broker_url_file=path)).conf.broker_url == URLS[0]
    with pytest.raises(Misconfigured, match="given twice"):
        create(Settings(broker_url=URLS[0], broker_url_file=path))
    with pytest.raises(Misconfigured, match="cannot be read"):
        create(Settings(broker_url_file=tmp_path / "none"))


def test_the_database_is_named_by_a_mounted_secret_too(tmp_path: Path) -> None:
    path = tmp_path / "database"
    path.write_text("postgresql://ledger:hidden@host/town\n")
    assert Settings(database_url_file=path).database == "postgresql://ledger:hidden@host/town"
    with pytest.raises(Misconfigured, match="given twice") as told:
        _ = Settings(database_url="sqlite:///x", database_url_file=path).database
    assert "hidden" not in str(told.value)


@pytest.mark.parametrize("url", URLS)
def test_every_queue_is_its_own_and_ends_in_dead_letters(url: str) -> None:
    queues: dict[str, Any] = create(Settings(broker_url=url)).amqp.queues
    assert set(queues) == set(GROUPS)
    for name, queue in queues.items():
        assert (queue.exchange.name, queue.routing_key, queue.durable) == (name, name, True)
        assert queue.queue_arguments["x-dead-letter-routing-key"] == DEAD
        assert queue.queue_arguments["x-delivery-limit"] == DELIVERIES - 1


@pytest.mark.parametrize("url", URLS)
def test_at_least_once_and_no_result_is_kept(url: str) -> None:
    app = create(Settings(broker_url=url))
    conf = app.conf
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost) == (True, True)
    assert not conf.task_acks_on_failure_or_timeout
    assert (conf.accept_content, conf.task_serializer) == (["json"], "json")
    assert (conf.result_backend, conf.task_ignore_result) == (None, True)
    assert type(app.backend).__name__ == "DisabledBackend"


@pytest.mark.parametrize("seconds", [1_800.0, 60.0, 1.5])
def test_a_task_is_over_before_a_broker_delivers_it_again(seconds: float) -> None:
    conf = create(Settings(broker_url=URLS[0], redelivery_seconds=seconds)).conf
    options = conf.broker_transport_options
    assert conf.task_soft_time_limit < conf.task_time_limit < options["visibility_timeout"] == seconds
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] <= seconds / 10
    assert create(Settings(broker_url=URLS[2])).conf.task_time_limit < 1_800, "RabbitMQ's own patience"


def test_making_it_connects_to_nothing_and_is_nobody_elses() -> None:
    first, second = create(Settings(broker_url=URLS[0])), create(Settings(broker_url=URLS[2]))
    assert first.pool.limit is not None
    assert first.conf.broker_url != second.conf.broker_url
    assert celery.current_app.main != first.main
