"""Group commit: whoever comes while a group is being decided is in the next one.

One thread decides, one group after another; the event loop collects meanwhile. So under load a commit, a query and a
change of thread are shared by many, and alone a request waits for nobody. Who must wait for somebody else's step on his
case does so in another thread. A group holds at most one request a case; who asks with a key that is under way gets a
Conflict at once (draft-ietf-httpapi-idempotency-key-header-07, section 2.6).

What this does not do: it decides nothing (`orchestrator.decide`), and promises nothing about the requests of other
processes; there the database's locks and keys do.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from ledger_automation.errors import Conflict, LedgerError, Unreachable
from ledger_automation.orchestrator.asked import Asked
from ledger_automation.orchestrator.decide import Outcome

MOST: Final = 64
"""Requests a group: beyond it a commit is shared enough, and its first one should not wait for the last."""

LONGEST: Final = 2_000
"""Requests that may wait; who comes after them is told to come again."""

OTHERS: Final = 4
"""Requests that may wait for a case that somebody else holds, while groups go on."""


class _Waiting(NamedTuple):
    asked: Asked
    outcome: "asyncio.Future[Outcome]"


class GroupCommit:
    """Decides requests in groups; belongs to one event loop.

    ``attempt`` decides a group without waiting for anybody, ``again`` whoever it returned None for, beside it.
    """

    def __init__(
        self, attempt: Callable[[Sequence[Asked]], list[Outcome | None]], again: Callable[[Asked], Outcome]
    ) -> None:
        self._attempt = attempt
        self._again = again
        self._thread = ThreadPoolExecutor(1, "decide")
        self._others = ThreadPoolExecutor(OTHERS, "again")
        self._waiting: deque[_Waiting] = deque()
        self._keys: set[bytes] = set()
        self._group: list[_Waiting] = []
        self._over = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def submit(self, asked: Asked) -> Outcome:
        """Have a request decided.

        Raises Conflict for a key that is under way, Unreachable where too many wait, and what concerns a whole group.
        """
        if asked.key in self._keys:
            raise Conflict("A request with this Idempotency-Key is under way.")
        if self._over or len(self._keys) - len(self._group) >= LONGEST:
            raise Unreachable("Too many requests wait already; come again in a moment.")
        loop = asyncio.get_running_loop()
        self._keys.add(asked.key)
        self._idle.clear()
        waiting = _Waiting(asked, loop.create_future())
        self._waiting.append(waiting)
        if not self._group:
            self._next(loop)
        return await waiting.outcome

    async def close(self) -> None:
        """Decide what waits, take nothing more, and let the threads go."""
        self._over = True
        await self._idle.wait()
        self._thread.shutdown()
        self._others.shutdown()

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have those decided who wait, if anybody does."""
        self._group = self._take()
        if self._group:
            work = self._thread.submit(self._attempt, [each.asked for each in self._group])
            work.add_done_callback(lambda done: loop.call_soon_threadsafe(self._decided, loop, done))

    def _decided(self, loop: asyncio.AbstractEventLoop, work: Future[list[Outcome | None]]) -> None:
        """Tell everybody what became of it, have the others decided beside the next group, and go on with that.

        A mistake of this program about one request must not be its whole group's: each is then decided alone.
        """
        group, error = self._group, work.exception()
        mistaken = error is not None and not isinstance(error, LedgerError)
        outcomes = work.result() if error is None else [None] * len(group)
        self._next(loop)
        for each, outcome in zip(group, outcomes, strict=True):
            if outcome is None and (error is None or (mistaken and len(group) > 1)):
                self._decide_again(loop, each)
            else:
                self._tell(each, outcome, error)

    def _decide_again(self, loop: asyncio.AbstractEventLoop, waiting: _Waiting) -> None:
        def told(work: Future[Outcome]) -> None:
            error = work.exception()
            outcome = work.result() if error is None else None
            loop.call_soon_threadsafe(self._tell, waiting, outcome, error)

        self._others.submit(self._again, waiting.asked).add_done_callback(told)

    def _tell(self, waiting: _Waiting, outcome: Outcome | None, error: BaseException | None) -> None:
        """Tell one what became of it."""
        self._keys.discard(waiting.asked.key)
        if not self._keys:
            self._idle.set()
        if waiting.outcome.done():  # its caller has gone
            return
        if outcome is not None:
            waiting.outcome.set_result(outcome)
        else:
            waiting.outcome.set_exception(error or RuntimeError("A request was not decided."))

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        cases: set[str] = set()
        later: list[_Waiting] = []
        while self._waiting and len(group) < MOST:
            each = self._waiting.popleft()
            (later if each.asked.case_id in cases else group).append(each)
            cases.add(each.asked.case_id)
        self._waiting.extendleft(reversed(later))
        return group
