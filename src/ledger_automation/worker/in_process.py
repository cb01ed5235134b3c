"""The same duties in the threads of one process, where there is no broker: ``ledger serve`` alone.

One thread decides what is due, one thread a group does it: a chain that lets us wait keeps nothing out of the log. No
thread ends because a duty failed: what this software says no with is the `Workplace`'s to report, and what nobody
foresaw is kept with its future, reported here, and tried again when it is due.

None of the threads is a daemon: `stop` ends them, and a process that forgot to ends only after the duty under way.
"""

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from datetime import UTC, datetime
from math import inf
from typing import Final, Self

from ledger_automation.bootstrap import Ledger
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.orchestrator.enforce import Enforcer
from ledger_automation.verify.sources import ChainIdentity
from ledger_automation.worker.timetable import Line, timetable
from ledger_automation.worker.workplace import Workplace

_log: Final = logging.getLogger(__name__)

_FAREWELL_SECONDS: Final = 10.0
"""How long `stop` waits for the duties that are under way; whatever they leave undone, the next process finds."""


class InProcess:
    """Background work of one process over an open ledger; start it, wake it, stop it."""

    def __init__(self, ledger: Ledger) -> None:
        self._place = Workplace(lambda: nullcontext(ledger))
        self._lines = {line.duty: line for line in timetable(ledger.settings)}
        self._due = dict.fromkeys(self._lines, 0.0)
        self._due |= {duty: time.monotonic() + self._pause(duty) for duty in (Duty.AUDIT, Duty.AUDIT_WHOLE)}
        self._running: dict[Duty, Future[bool]] = {}
        self._change = threading.Condition()
        self._over = False
        groups = {line.group for line in self._lines.values()}
        self._hands = {group: ThreadPoolExecutor(1, group) for group in groups}
        self._clock = threading.Thread(target=self._keep_time, name="ledger.clock")

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Begin; everything but audits is due at once."""
        self._clock.start()

    def wake(self, *duties: Duty) -> None:
        """Have duties done now, or once more if they are under way; without any, `Duty.SEQUENCE`."""
        with self._change:
            self._due.update(dict.fromkeys(duties or (Duty.SEQUENCE,), 0.0))
            self._change.notify()

    def enforcer(self) -> Enforcer:
        """Return who takes enforced steps on, on the very chain that the duties use; raises as opening it does."""
        return self._place.enforcer()

    def chain(self) -> ChainIdentity:
        """Ask that chain which one it is; raises as opening and asking it do."""
        return self._place.chain()

    def stop(self, seconds: float = _FAREWELL_SECONDS) -> None:
        """End; waits for the duties under way, at most so long, and closes the chain once none is left."""
        with self._change:
            self._over = True
            self._change.notify()
        self._clock.join()
        for hands in self._hands.values():
            hands.shutdown(wait=False, cancel_futures=True)
        begun = [each for each in self._running.values() if not each.cancelled()]  # `wait` would wait for those too
        left = wait(begun, seconds).not_done
        if left:
            _log.warning("%d duties were still under way after %.0f seconds.", len(left), seconds)
        else:
            self._place.close()
        for each in left:
            each.add_done_callback(lambda _: self._close_after(left))

    def _close_after(self, left: set[Future[bool]]) -> None:
        """Close the chain after the last duty that nobody waited for; the process ends later still."""
        if all(each.done() for each in left):
            self._place.close()

    def _keep_time(self) -> None:
        with self._change:
            while not self._over:
                now = time.monotonic()
                for line in self._lines.values():
                    if self._due[line.duty] <= now and line.duty not in self._running:
                        self._begin(line)
                self._change.wait(self._until_next(now))

    def _begin(self, line: Line) -> None:
        duty = line.duty
        self._due[duty] = time.monotonic() + self._pause(duty)
        self._running[duty] = self._hands[line.group].submit(self._place.run, duty)
        self._running[duty].add_done_callback(lambda done: self._ended(duty, done))

    def _ended(self, duty: Duty, done: Future[bool]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            _log.error("Duty %s failed, and nobody foresaw how.", duty, exc_info=error)
        with self._change:
            if not self._over:
                del self._running[duty]
                self._change.notify()

    def _until_next(self, now: float) -> float | None:
        """Return how long nothing will be due; what is under way is due after it has ended, which wakes us."""
        waiting = [due for duty, due in self._due.items() if duty not in self._running]
        soonest = min(waiting, default=inf)
        return max(0.0, soonest - now) if soonest < inf else None

    def _pause(self, duty: Duty) -> float:
        return self._lines[duty].pause(datetime.now(UTC))
