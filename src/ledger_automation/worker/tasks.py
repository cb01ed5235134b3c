"""The tasks: one a duty, each of which only calls it. Their arguments are ids, and nothing else ever (D14).

What a task must know stands in the database. An argument that is no id is refused where it is sent, so that no broker,
no journal and no dead letter ever holds anything of a person.
"""

import re
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, Final

from celery import Celery, Task  # type: ignore[import-untyped]
from celery.exceptions import SoftTimeLimitExceeded  # type: ignore[import-untyped]

from ledger_automation.errors import InvalidValue
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.worker.workplace import Workplace

_ID: Final = re.compile(r"[0-9a-f-]{1,64}")
_FRAMES: Final = 8

CONFIRMED_WITHIN: Final = 20
"""Seconds after which a broker that has not confirmed a message is connected to anew, and sent it again.

A queue of RabbitMQ that has no leader confirms nothing; without a limit, beat would wait until a worker had mended it
(`worker.queues`), and for ever if the message was lost with it.
"""


class Unforeseen(Exception):
    """What nobody foresaw, by its kind and its place in the program: its words may quote what somebody sent (D14)."""


class ByIds(Task):  # type: ignore[misc]
    """A task that takes ids only: whole numbers, and lower-case hex with dashes."""

    abstract = True

    def apply_async(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """Send it; raises InvalidValue for an argument that is no id."""
        for each in (*(args or ()), *(kwargs or {}).values()):
            if isinstance(each, bool) or not isinstance(each, int | str) or not _ID.fullmatch(str(each)):
                raise InvalidValue("The argument of a task", type(each).__name__, "an id")
        return super().apply_async(args, kwargs, **{"confirm_timeout": CONFIRMED_WITHIN} | options)


def name(duty: Duty) -> str:
    """Return a task's name in the queue."""
    return f"ledger.{duty}"


def register(app: Celery, place: Workplace) -> None:
    """Give an application its tasks, and no other application: Celery would share them, with the place they work at."""
    for duty in Duty:
        app.task(_task(place, duty), name=name(duty), base=ByIds, shared=False)


def _task(place: Workplace, duty: Duty) -> Any:
    def run() -> None:
        try:
            place.run(duty)
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:  # noqa: BLE001  a worker's outermost loop: Celery would write the error's words down
            places = [f"{each.name}:{each.lineno}" for each in traceback.extract_tb(error.__traceback__)[-_FRAMES:]]
            raise Unforeseen(type(error).__name__, *places) from None

    return run
