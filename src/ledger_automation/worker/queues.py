"""The broker's queues, and what a worker does first on every connection to RabbitMQ: each is there, and answers.

RabbitMQ may have lost what was declared, so it is declared anew. And where its power failed within moments of a
declaration, it keeps a queue that never elects a leader: it takes no message, gives none, and lets whoever asks wait
for ever or fail, through every later start (seen with 3.10.8). Such a queue is deleted and declared anew. What nobody
could read is lost with it; the database still holds what is to be done (P15).
"""
# kombu is typed in places only
# mypy: disable-error-code="no-untyped-call"

import logging
from time import monotonic, sleep
from typing import Any, Final

from amqp import InternalError  # type: ignore[import-untyped]
from celery import Celery, bootsteps  # type: ignore[import-untyped]
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from ledger_automation.worker.redis_transport import DEAD, DELIVERIES
from ledger_automation.worker.timetable import GROUPS

_ANSWERS_WITHIN: Final = 5
"""Seconds that a queue may take to answer; a single RabbitMQ elects a leader within one."""

_PAUSE: Final = 0.5
"""Seconds before a queue that is only just starting is asked again."""

_MOST_DEAD: Final = 10_000

_ARGUMENTS: Final = {
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERIES - 1,  # RabbitMQ counts those after the first
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD,
}

QUEUES: Final = tuple(Queue(name, Exchange(name), name, durable=True, queue_arguments=_ARGUMENTS) for name in GROUPS)
"""Each has an exchange and a key of its own; without them Celery would bind all to the first one's."""

_DEAD: Final = Queue(DEAD, durable=True, queue_arguments={"x-queue-type": "quorum", "x-max-length": _MOST_DEAD})

_log: Final = logging.getLogger(__name__)


class Answering(bootsteps.StartStopStep):  # type: ignore[misc]
    """Makes sure of every queue, and of the place for dead letters, whenever a worker connects."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def start(self, parent: Any) -> None:
        """Declare each; where it does not answer, delete it and declare it anew, or let the worker connect anew."""
        for queue in (*QUEUES, _DEAD):
            if not _answers(parent.app, queue):
                _log.warning("The queue %s answers nobody; it is deleted and declared anew.", queue.name)
                with parent.app.connection_for_write() as connection, connection.channel() as channel:
                    channel.queue_delete(queue.name)
                if not _answers(parent.app, queue):
                    raise TimeoutError(queue.name)


def _answers(app: Celery, queue: Queue) -> bool:
    """Declare a queue and tell whether it answers in time; RabbitMQ fails at one that is only just starting."""
    until = monotonic() + _ANSWERS_WITHIN
    while (left := until - monotonic()) > 0:
        connection: Connection
        with app.connection_for_write(transport_options={"read_timeout": left}) as connection:
            try:
                _ask(connection.default_channel, queue)
            except TimeoutError:
                connection.collect()  # to take leave of a broker that does not answer would take as long again
            except InternalError:
                sleep(_PAUSE)
            else:
                return True
    return False


def _ask(channel: Any, queue: Queue) -> None:
    """Declare a queue and, where it seems to be empty, ask it for a message, which needs its leader.

    One that tells of messages has had a leader. A message that came meanwhile is given back as the channel closes.
    """
    queue(channel).declare()
    if channel.queue_declare(queue.name, passive=True).message_count == 0:
        channel.basic_get(queue.name)
