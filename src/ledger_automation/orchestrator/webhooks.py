"""Telling others what happens: every event of the log, in the log's order, as a signed CloudEvent (CNCF, 1.0.2).

A webhook stands at a place in the log; what has been told is behind it. So there is no queue to lose: a delivery that
failed is due again after a while (ten seconds, doubled up to an hour), and nobody overtakes it. At least once: whoever
receives knows a second one by its ``webhook-id``. After three days of failures it ends, with an alarm; a receiver that
answers 410 ends it at once.

A delivery says which case moved where, and its commitment; never a payload or a person. It is signed as Standard
Webhooks 1.0 lays down (HMAC-SHA256 over id, moment and body); the secret follows from the ledger's own and stands in no
table.

What this does not do: speak HTTP, or decide whom one may speak to (`worker.courier`).
"""

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol

import msgspec

from ledger_automation.errors import LedgerError, NotFound
from ledger_automation.orchestrator.ports import Begin
from ledger_automation.orchestrator.receivers import News, Webhook
from ledger_automation.orchestrator.submission import Alarm, AlarmKind
from ledger_automation.orchestrator.transition import Clock
from ledger_automation.values import timestamp
from ledger_automation.workflows import workflow

_MOST: Final = 500
"""Deliveries to one receiver before others have their turn."""

_FIRST, _LONGEST = timedelta(seconds=10), timedelta(hours=1)
_ALARMING: Final = 8
_HOPELESS: Final = 80
"""Failures in a row, about three days of them."""


class Courier(Protocol):
    """Brings one delivery."""

    def deliver(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """Bring it; raises Unreachable or Forbidden where that failed, NotFound where the receiver is gone for good."""
        ...


def fresh(url: str, position: int, now: datetime) -> Webhook:
    """Return a new receiver of what happens from a position on."""
    return Webhook(secrets.token_hex(16), url, position, due_at=timestamp(now))


def signing_key(secret: bytes, hook_id: str) -> bytes:
    """Return the key of one receiver's deliveries: 32 bytes that nobody can tell from another's."""
    return hmac.new(secret, b"webhook\0" + hook_id.encode(), sha256).digest()


def shown_key(secret: bytes, hook_id: str) -> str:
    """Write a receiver's key as Standard Webhooks does."""
    return "whsec_" + base64.b64encode(signing_key(secret, hook_id)).decode()


def body(origin: str, news: News) -> bytes:
    """Write a delivery (CloudEvents 1.0.2, JSON event format)."""
    named = workflow(news.workflow).transition(news.action).event
    return msgspec.json.encode({
        "specversion": "1.0",
        "id": str(news.leaf_index),
        "source": f"//{origin}",
        "type": f"ledger-automation.{news.workflow}.{named}.v1",
        "subject": news.case_id,
        "time": news.recorded_at,
        "datacontenttype": "application/json",
        "data": {
            "case_id": news.case_id,
            "sequence": news.sequence,
            "state": news.to_state,
            "leaf_index": news.leaf_index,
            "commitment": news.commitment.hex(),
        },
    })  # fmt: skip


def headers(key: bytes, delivery: str, now: datetime, content: bytes) -> dict[str, str]:
    """Return what a delivery is signed with (Standard Webhooks 1.0, "Webhook headers")."""
    moment = str(int(now.timestamp()))
    signed = hmac.new(key, f"{delivery}.{moment}.".encode() + content, sha256).digest()
    return {
        "content-type": "application/cloudevents+json",
        "webhook-id": delivery,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


class Messenger:
    """Tells all receivers what they do not know yet."""

    def __init__(self, begin: Begin, origin: str, secret: bytes, courier: Courier, clock: Clock) -> None:
        self._begin = begin
        self._origin = origin
        self._secret = secret
        self._courier = courier
        self._clock = clock

    def deliver(self) -> list[Alarm]:
        """Bring what is due, receiver by receiver; returns what a person should hear of."""
        with self._begin() as unit:
            hooks = unit.webhooks.all()
        alarms = []
        for hook in hooks:
            if not hook.ended and hook.due_at <= timestamp(self._clock()):
                after = self._tell(hook)
                if after.failures == _ALARMING or (after.ended and not hook.ended):
                    sentence = f"The webhook {hook.id} does not take what it is told{': it ended' * after.ended}."
                    alarms.append(Alarm(AlarmKind.WEBHOOK, hook.id, sentence, {"last": after.last}))
        return alarms

    def _tell(self, hook: Webhook) -> Webhook:
        """Tell one receiver, until it knows all, fails, or others should have their turn; returns where it stands."""
        with self._begin() as unit:
            news = unit.webhooks.news(hook.position, _MOST)
        for each in news:
            after = self._attempt(hook, each)
            with self._begin() as unit:
                moved = unit.webhooks.move(hook, after)
                unit.commit()
            if not moved or after.failures or after.ended:  # somebody else tells it too, or it does not listen
                return after
            hook = after
        return hook

    def _attempt(self, hook: Webhook, news: News) -> Webhook:
        now, content = self._clock(), body(self._origin, news)
        signed = headers(signing_key(self._secret, hook.id), f"{hook.id}-{news.leaf_index}", now, content)
        try:
            self._courier.deliver(hook.url, signed, content)
        except NotFound as error:
            return hook._replace(failures=hook.failures + 1, last=error.sentence, ended=True)
        except LedgerError as error:
            failures = hook.failures + 1
            pause = min(_LONGEST, _FIRST * 2 ** min(hook.failures, 16))
            return hook._replace(
                failures=failures, due_at=timestamp(now + pause), last=error.sentence, ended=failures >= _HOPELESS
            )
        return hook._replace(position=news.leaf_index + 1, failures=0, due_at=timestamp(now), last="It was told.")
