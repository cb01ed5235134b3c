"""Redis as a broker that knows what a dead letter is, as RabbitMQ does by itself.

kombu's Redis forgets a message that is rejected, and delivers one for ever whose worker dies of it. Here both end in
the list `DEAD`, as they were sent: what is rejected at once, and what was delivered `DELIVERIES` times without an end.
It also counts a message as under way for ever whose acknowledgement did not arrive; here that is over.
A message counts its deliveries itself, in the header that RabbitMQ's quorum queues use for it.
"""
# kombu is typed in places only
# mypy: disable-error-code="no-untyped-call, misc"

from typing import Any, Final

from kombu.transport import redis, virtual
from kombu.utils.json import dumps

DEAD: Final = "ledger.dead"
DELIVERIES: Final = 5
_COUNT: Final = "x-delivery-count"


class _QoS(redis.QoS):
    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message.

        Where the broker is away it will come again. Here it is over all the same: counted as under way for ever, it
        would keep a worker from asking for more, and so from ever noticing that the broker is back (celery #8384).
        """
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Put a message back, or away for good.

        If we die in between, it is a dead letter and delivered once more: twice known is better than forgotten.
        """
        try:
            if not requeue:
                with self.pipe_or_acquire() as pipe:
                    _bury(self.get(delivery_tag)._raw, pipe)  # noqa: SLF001  kombu's own word for what was sent
                    pipe.execute()
            super().reject(delivery_tag, requeue=requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)


class _Channel(redis.Channel):
    QoS = _QoS

    def _do_restore_message(
        self, payload: dict[str, Any], exchange: str, routing_key: str, pipe: Any, leftmost: bool = False
    ) -> None:
        """Deliver again what a worker did not finish, whether it said so or was lost."""
        headers = payload.setdefault("headers", {})
        headers[_COUNT] = headers.get(_COUNT, 0) + 1
        if headers[_COUNT] < DELIVERIES:
            super()._do_restore_message(payload, exchange, routing_key, pipe, leftmost)
        else:
            _bury(payload, pipe)


class Transport(redis.Transport):
    """Redis, by the name that Celery's settings know it by."""

    Channel = _Channel


def _bury(payload: dict[str, Any], pipe: Any) -> None:
    """Put a message where a person finds it."""
    pipe.lpush(DEAD, dumps(payload))
