"""Workers and brokers in earnest: both brokers, real processes, real signals (P12 to P19).

What a broker or a worker may do wrong costs time only, since the database holds what is to be done.
"""

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from amqp import InternalError
from kombu import Connection

from ledger_automation.orchestrator.duties import Duty
from ledger_automation.worker import tasks
from ledger_automation.worker.queues import QUEUES
from ledger_automation.worker.redis_transport import DELIVERIES
from support.brokers import Broker, Redis, installed
from support.works import Works

LEASE = 1.5
"""Seconds after which Redis takes a message for lost; half an hour in earnest."""

ON_RABBITMQ = pytest.mark.parametrize("broker", ["rabbitmq"] if installed()["rabbitmq"] else [], indirect=True)
"""Where it is not installed the test has no parameter and is skipped; `.ci/run` installs it, and fails without."""

AT_A_POINT = """
point, sequence = Path({point!r}), duties.sequence
def reached(*given, **more):
    if not point.exists():
        point.write_text(str(os.getpid()))
        {deed}
    return sequence(*given, **more)
duties.sequence = reached
"""
"""The first that comes to the sequencer does something to itself."""


def at_a_point(point: Path, deed: str) -> str:
    return AT_A_POINT.format(point=str(point), deed=deed)


def test_p12_p17_duplicates_at_once_and_six_times_over_and_no_result_is_kept(works: Works) -> None:
    works.worker("--concurrency=2")
    works.worker("--concurrency=2")
    for _ in range(3):
        works.town.fine()
        for _ in range(6):
            works.send(task_id="the-same-message")
            works.send(Duty.SWEEP, task_id="the-same-message-too")
    works.until(lambda: not works.town.pending())
    for _ in range(6):
        works.send(task_id="the-same-message")
    works.until(lambda: works.said().count("succeeded") == 42)
    assert works.town.size() == 3
    assert works.town.actions() == {"record_fine": 3}
    assert works.dead() == 0
    with pytest.raises(NotImplementedError, match="No result backend"):
        works.app.AsyncResult("the-same-message").get()
    if isinstance(works.broker, Redis):
        assert not [key for key in works.broker.held() if not key.startswith(("_kombu.", "unacked"))]


def test_p13_messages_wait_for_a_worker_and_do_not_expire(works: Works) -> None:
    """They were sent three days ago, says their header, to queues that no worker has read yet."""
    works.town.fine()
    works.send(timestamp=int(time.time()) - 3 * 86_400)
    works.worker()
    works.until(lambda: not works.town.pending())
    assert works.dead() == 0


def test_p14_a_child_that_is_killed_in_a_task_is_told_of_by_its_worker(works: Works, tmp_path: Path) -> None:
    """kill -9 of the process that works: its message comes again at once."""
    point = tmp_path / "point"
    works.worker(patch=at_a_point(point, "os.kill(os.getpid(), signal.SIGKILL)"))
    works.town.fine()
    works.send()
    works.until(point.exists)
    works.until(lambda: not works.town.pending())
    assert works.town.size() == 1
    assert works.dead() == 0


def test_p14_a_worker_that_is_killed_in_a_task_is_told_of_by_nobody(works: Works, tmp_path: Path) -> None:
    """kill -9 of all of it: RabbitMQ notices; of Redis's messages those are looked for that count as lost.

    By any worker, of whatever queue, again and again: that one looks when it starts would be no help here.
    """
    works.worker("-Q", "ledger.chain", redelivery_seconds=LEASE)
    point = tmp_path / "point"
    dying = works.worker(patch=at_a_point(point, "os.killpg(0, signal.SIGKILL)"))
    works.town.fine()
    works.send()
    assert dying.wait() == -signal.SIGKILL
    works.until(lambda: works.broker.messages("ledger.log") == 1)
    works.worker()
    works.until(lambda: not works.town.pending())
    assert works.town.size() == 1
    assert works.dead() == 0


def test_p15_p16_a_broker_that_forgets_leaves_and_hangs_costs_time_only(works: Works) -> None:
    """Two beats, so that every duty is sent twice; the same worker and beats outlive it all."""
    often = {"sequence_seconds": 0.2, "sweep_seconds": 0.5, "anchor_seconds": 900, "settle_seconds": 900}
    worker, *beats = works.worker(), works.beat(**often), works.beat(**often)

    def flows() -> None:
        works.town.fine()
        works.until(lambda: not works.town.pending())

    flows()
    works.broker.forget()
    flows()
    works.broker.kill()
    works.town.fine()
    works.broker.start()
    flows()
    works.broker.halt()
    try:
        time.sleep(2)  # what it had sent before is still taken
        works.town.fine()
        time.sleep(1)
        assert works.town.pending() == 1
    finally:
        works.broker.go_on()
    flows()
    assert [each.process.poll() for each in (worker, *beats)] == [None] * 3
    assert works.town.actions() == {"record_fine": 6}
    assert works.town.size() == 6
    for each in (worker, *beats):
        each.process.send_signal(signal.SIGTERM)
        assert each.wait() == 0
    assert works.dead() == 0


def test_p15_a_beat_that_is_ended_ends_whatever_its_broker_does(works: Works) -> None:
    """It waits for a word of a broker that hangs; and what it was about to send is in the database anyway."""
    beat = works.beat(sequence_seconds=0.05, sweep_seconds=0.05, anchor_seconds=900, settle_seconds=900)
    works.until(lambda: works.broker.messages("ledger.log") > 0)
    works.broker.halt()
    try:
        time.sleep(1)
        beat.process.send_signal(signal.SIGTERM)
        assert beat.wait() == 0
    finally:
        works.broker.go_on()


@ON_RABBITMQ
def test_p15_a_queue_that_a_power_cut_left_without_a_leader_is_declared_anew(works: Works) -> None:
    """Cut just after the declarations; one that has no leader lets whoever asks it for a message wait for ever."""

    def cut() -> bool:
        works.broker.purge()
        with Connection(works.broker.url) as connection:
            for queue in QUEUES:
                queue(connection.default_channel).declare()
        works.broker.kill()
        works.broker.start()
        return any(not answers(works.broker, queue.name) for queue in QUEUES)

    assert any(cut() for _ in range(10)), "no cut left a queue without a leader"
    worker = works.worker()
    assert "answers nobody" in worker.said()
    for queue in QUEUES:
        assert answers(works.broker, queue.name)
    works.town.fine()
    works.send()
    works.until(lambda: not works.town.pending())
    assert works.dead() == 0


SILENT_FOR_TWO_QUESTIONS = """
from ledger_automation.worker import queues
asked, answers = [], queues._answers
queues._answers = lambda *given: asked.append(given) or (len(asked) > 2 and answers(*given))
"""


@ON_RABBITMQ
def test_p15_where_that_does_not_help_the_worker_connects_anew(works: Works) -> None:
    said = works.worker(patch=SILENT_FOR_TWO_QUESTIONS).said()
    assert said.count("answers nobody") == 1
    assert said.index("Connection to broker lost") < said.index(" ready.")
    works.town.fine()
    works.send()
    works.until(lambda: not works.town.pending())


def answers(broker: Broker, name: str) -> bool:
    """Whether a queue tells within three seconds that it holds no message; while it is starting, RabbitMQ fails."""
    until = time.monotonic() + 3
    while (left := until - time.monotonic()) > 0:
        with Connection(broker.url, transport_options={"read_timeout": left}) as connection:
            try:
                assert connection.default_channel.basic_get(name) is None
            except TimeoutError:
                connection.collect()
            except InternalError:
                time.sleep(0.2)
            else:
                return True
    return False


@pytest.mark.parametrize("broker", ["redis"], indirect=True)  # RabbitMQ gives the message to somebody else
@pytest.mark.parametrize("deed", ["time.sleep(1)", "time.sleep(1); raise RuntimeError"], ids=["done", "failed"])
def test_p16_a_broker_that_is_away_when_a_task_ends_is_found_again(works: Works, tmp_path: Path, deed: str) -> None:
    """Its acknowledgement does not arrive; the worker must not count the message as under way for ever."""
    point = tmp_path / "point"
    works.worker(patch=at_a_point(point, deed))
    works.send()
    works.until(point.exists)
    works.broker.kill()
    works.until(lambda: "Couldn't" in works.said() or "onnection to broker lost" in works.said())
    time.sleep(1.5)
    works.broker.start()
    works.town.fine()
    works.until(lambda: works.send() and not works.town.pending())


def test_p18_poison_becomes_a_dead_letter_and_the_queue_flows_on(works: Works, tmp_path: Path) -> None:
    """A task that nobody knows, one that is no task, one that fails, and one that kills whoever runs it."""
    poisonous = """
seen, sequence = Path({seen!r}), duties.sequence
def poisoned(*given, sweep=False):
    if not sweep:
        return sequence(*given)
    with seen.open("a") as count:
        count.write("x")
    if len(seen.read_text()) == 1:
        raise RuntimeError("Olga Meier, Mecklenburger Str. 12")
    os.kill(os.getpid(), signal.SIGKILL)
duties.sequence = poisoned
"""
    seen = tmp_path / "seen"
    worker = works.worker(patch=poisonous.format(seen=str(seen)))
    works.app.send_task("ledger.of_a_later_release", queue="ledger.log")
    with works.app.producer_pool.acquire() as producer:
        producer.publish(b"\x00 no task", routing_key="ledger.log", exchange="", content_type="application/data")
    works.send(Duty.SWEEP)
    works.until(lambda: works.dead() == 3)
    works.send(Duty.SWEEP)
    works.until(lambda: works.dead() == 4)
    assert len(seen.read_text()) - 1 == DELIVERIES
    works.town.fine()
    works.send()
    works.until(lambda: not works.town.pending())
    assert worker.process.poll() is None
    assert "RuntimeError" in worker.said()
    assert "Olga" not in worker.said(), "the words of what nobody foresaw are written nowhere"
    assert all(works.broker.messages(name) == 0 for name in ("ledger.log", "ledger.chain", "ledger.audit"))


ZOMBIE = """
point = Path({point!r})
from ledger_automation.chain.anchoring import AnchoringChain
sign = AnchoringChain.sign
def signed(*given):
    found = sign(*given)
    if not point.exists():
        point.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
    return found
AnchoringChain.sign = signed
"""


def test_p19_a_worker_that_wakes_late_is_refused_by_the_databases_keys(works: Works, tmp_path: Path) -> None:
    """Stopped with signed bytes in its hand for longer than its lease; meanwhile its message is another worker's."""
    works.town.fine()
    point = tmp_path / "point"
    zombie = works.worker("--pool=solo", patch=ZOMBIE.format(point=str(point)))
    works.send()
    works.send(Duty.ANCHOR)
    works.until(lambda: point.exists() and point.read_text())
    works.until(lambda: _state(int(point.read_text())) == "T")
    assert works.town.submitted() == [], "signed, and not stored yet"
    works.worker("--pool=solo", redelivery_seconds=LEASE)
    time.sleep(2 * LEASE)
    works.until(lambda: works.send(Duty.ANCHOR) and works.town.submitted())  # RabbitMQ gives the stopped one some too
    works.until(lambda: works.send(Duty.SETTLE) and works.town.anchored() == [1])
    before = works.town.everything()
    zombie.signal(signal.SIGCONT)
    works.until(lambda: zombie.said().count("succeeded") >= 2)
    assert works.town.everything() == before, "what it had signed is not even stored, so never sent"
    assert works.dead() == 0


def _state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]


def test_a_worker_that_is_asked_to_end_finishes_what_it_does_and_leaves_nothing_behind(
    works: Works, tmp_path: Path
) -> None:
    point = tmp_path / "point"
    worker = works.worker(patch=at_a_point(point, "time.sleep(0.5)"))
    works.town.fine()
    works.send()
    works.until(point.exists)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert works.town.pending() == 0
    works.send()
    works.town.fine()
    assert works.broker.messages("ledger.log") == 1, "what it had not begun waits for another one"
    assert not Path(f"/proc/{point.read_text()}").exists()
    works.worker()
    works.until(lambda: not works.town.pending())


def test_the_last_worker_that_ends_ends_its_anvil(works: Works) -> None:
    from ledger_automation.chain import anvil  # noqa: PLC0415

    worker = works.worker()
    works.town.fine()
    works.send()
    works.send(Duty.ANCHOR)
    works.until(works.town.submitted)
    assert anvil._is_alive(works.home / "anvil")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert not anvil._is_alive(works.home / "anvil")


def test_without_settings_that_hold_it_says_one_sentence(works: Works) -> None:
    for settings, said in (({"broker_url": ""}, "A broker is"), ({"confirmations": "x"}, "LEDGER_CONFIRMATIONS")):
        refused: Any = works.worker(wait=False, **settings)
        assert refused.wait() == 1
        assert said in refused.said()
        assert "Traceback" not in refused.said()


def test_every_duty_has_a_task_that_a_worker_knows(works: Works) -> None:
    said = works.worker().said()
    assert all(f". {tasks.name(duty)}" in said for duty in Duty)
