"""The background of an API process whose work workers do: it opens the chain when asked, and wakes by message."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from kombu.exceptions import OperationalError

from ledger_automation.bootstrap import Ledger
from ledger_automation.errors import Unreachable
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.settings import Settings
from ledger_automation.worker import tasks
from ledger_automation.worker.app import create
from ledger_automation.worker.workplace import Workplace

_CONNECT: Final = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}


class ByBroker(Workplace):
    """A workplace that does no duty itself."""

    def __init__(self, opening: Callable[[], AbstractContextManager[Ledger]], settings: Settings) -> None:
        super().__init__(opening)
        self._app = create(settings)

    def wake(self, *duties: Duty) -> None:
        """Have workers do duties now; raises Unreachable where the broker takes no message."""
        for duty in duties:
            try:
                self._app.tasks[tasks.name(duty)].apply_async(retry=True, retry_policy=_CONNECT)
            except OperationalError as error:
                raise Unreachable("The broker takes no message now; the duty is done when it is due.") from error
