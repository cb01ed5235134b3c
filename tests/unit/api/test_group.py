"""Groups of requests: who is in which, who hears what, and nobody waits for ever."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any

import pytest

from ledger_automation.api import group
from ledger_automation.api.group import GroupCommit
from ledger_automation.errors import Conflict, Unreachable
from ledger_automation.orchestrator.asked import Asked, Identity
from ledger_automation.orchestrator.decide import Outcome
from ledger_automation.values import CaseId
from ledger_automation.workflows import workflow

CALLER = Identity("https://id.example", "anna")
CASES = [CaseId.random() for _ in range(4)]


def asking(key: int, case: int = 0) -> Asked:
    digest = sha256(b"%d" % key).digest()
    return Asked(CALLER, digest, digest, CASES[case], workflow("parking_fine"), "send_notice", {})


class Decisions:
    """Decides when it may, one outcome a request, and keeps what it was asked; ``overtaken`` wait for their case."""

    def __init__(self) -> None:
        self.groups: list[list[Asked]] = []
        self.may, self.case_is_free = threading.Semaphore(0), threading.Event()
        self.error: BaseException | None = None
        self.overtaken: set[bytes] = set()
        self.mistaken = b""

    def again(self, asked: Asked) -> Outcome:
        assert self.case_is_free.wait(10)
        self._check([asked])
        return Outcome(None, Conflict(asked.key.hex()))

    def attempt(self, asked: Sequence[Asked]) -> list[Outcome | None]:
        self.groups.append(list(asked))
        assert self.may.acquire(timeout=10)
        self._check(asked)
        return [None if each.key in self.overtaken else Outcome(None, Conflict(each.key.hex())) for each in asked]

    def _check(self, asked: Sequence[Asked]) -> None:
        if self.error is not None:
            raise self.error
        if self.mistaken in {each.key for each in asked}:
            raise RuntimeError("a mistake about one")


def lived(life: Callable[[GroupCommit, Decisions], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        decisions = Decisions()
        return await life(GroupCommit(decisions.attempt, decisions.again), decisions)

    return asyncio.run(asyncio.wait_for(run(), 20))


def test_who_comes_meanwhile_is_in_the_next_group_and_hears_its_own_outcome() -> None:
    async def life(commit: GroupCommit, decisions: Decisions) -> None:
        wanted = [asking(number, number % 2) for number in range(5)]
        work = [asyncio.create_task(commit.submit(each)) for each in wanted]
        decisions.may.release(9)
        outcomes = await asyncio.gather(*work)
        assert [str(each.error) for each in outcomes] == [each.key.hex() for each in wanted]
        assert [[each.key for each in one] for one in decisions.groups] == [
            [wanted[0].key], [wanted[1].key, wanted[2].key], [wanted[3].key, wanted[4].key],
        ], "one a case, in the order of coming"  # fmt: skip
        await commit.close()

    lived(life)


def test_a_key_that_is_under_way_is_refused_and_free_again_afterwards() -> None:
    async def life(commit: GroupCommit, decisions: Decisions) -> None:
        first = asyncio.create_task(commit.submit(asking(1)))
        await asyncio.sleep(0)
        with pytest.raises(Conflict, match="under way"):
            await commit.submit(asking(1))
        decisions.may.release(2)
        await first
        await commit.submit(asking(1))
        await commit.close()

    lived(life)


def test_too_many_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "LONGEST", 2)

    async def life(commit: GroupCommit, decisions: Decisions) -> None:
        work = [asyncio.create_task(commit.submit(asking(number))) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Unreachable, match="Too many"):
            await commit.submit(asking(9))
        decisions.may.release(9)
        await asyncio.gather(*work)
        await commit.close()

    lived(life)


@pytest.mark.parametrize("error", [RuntimeError("a mistake"), Unreachable("The database does not answer.")])
def test_what_went_wrong_is_heard_by_each_of_its_group_and_the_next_group_goes_on(error: Exception) -> None:
    async def life(commit: GroupCommit, decisions: Decisions) -> None:
        decisions.error = error
        decisions.case_is_free.set()
        work = [asyncio.create_task(commit.submit(asking(number, number))) for number in range(3)]
        decisions.may.release(2)
        assert await asyncio.gather(*work, return_exceptions=True) == [error] * 3
        decisions.error = None
        decisions.may.release()
        assert (await commit.submit(asking(0))).error is not None, "its key is free again"
        await commit.close()

    lived(life)


def test_a_mistake_about_one_request_is_no_others() -> None:
    async def life(commit: GroupCommit, decisions: Decisions) -> None:
        decisions.mistaken = asking(1).key
        decisions.case_is_free.set()
        decisions.may.release(9)
        work = [asyncio.create_task(commit.submit(asking(number, number % 4))) for number in range(9)]
        told = await asyncio.gather(*work, return_exceptions=True)
        assert [type(each) for each in told] == [Outcome, RuntimeError, *[Outcome] * 7]
        await commit.close()

    lived(life)


def test_closing_waits_for_what_is_decided_even_where_its_caller_has_gone() -> None:
    async def life(commit: GroupCommit, decisions: Decisions) -> None:
        gone, waiting = (asyncio.create_task(commit.submit(asking(number))) for number in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        closing = asyncio.create_task(commit.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        decisions.may.release(2)
        await closing
        assert waiting.done()
        assert [len(each) for each in decisions.groups] == [1, 1]

    lived(life)


def test_who_waits_for_his_case_holds_up_nobody_and_is_waited_for_at_the_end() -> None:
    async def life(commit: GroupCommit, decisions: Decisions) -> None:
        late = asking(1, 1)
        decisions.overtaken.add(late.key)
        decisions.may.release(9)
        waiting = asyncio.create_task(commit.submit(late))
        for number in range(2, 5):
            assert str((await commit.submit(asking(number))).error) == asking(number).key.hex()
        assert not waiting.done()
        with pytest.raises(Conflict, match="under way"):
            await commit.submit(late)
        closing = asyncio.create_task(commit.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        with pytest.raises(Unreachable):
            await commit.submit(asking(9))
        decisions.case_is_free.set()
        await closing
        assert str((await waiting).error) == late.key.hex()

    lived(life)


def test_a_mistake_of_one_who_is_decided_again_is_his_alone() -> None:
    async def life(commit: GroupCommit, decisions: Decisions) -> None:
        decisions.overtaken.add(asking(1, 1).key)
        decisions.case_is_free.set()
        decisions.may.release(9)
        work = [asyncio.create_task(commit.submit(asking(number, number))) for number in range(3)]
        await asyncio.sleep(0)
        decisions.groups.clear()
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        assert [isinstance(each, Outcome) for each in outcomes] == [True] * 3
        decisions.error = RuntimeError("a mistake")
        decisions.overtaken.add(asking(5).key)
        with pytest.raises(RuntimeError):
            await commit.submit(asking(5))
        decisions.error = None
        assert (await commit.submit(asking(6))).error is not None
        await commit.close()

    lived(life)
