"""What costs much is bounded, in all and for each caller: what is beyond the bound is told to come again (R12, R13)."""

import asyncio
import threading
from typing import Any, NamedTuple

import pytest

from ledger_automation.api import desk, group
from ledger_automation.errors import Unreachable
from ledger_automation.orchestrator.decide import Outcome
from support.town import Town

OCTETS = {"Content_Type": "application/octet-stream"}


class Step(NamedTuple):
    """As much of a request as its group looks at."""

    key: bytes
    case_id: str


def test_so_many_steps_wait_and_no_more_and_those_are_decided() -> None:
    free, sizes = threading.Event(), []

    def decide(asked: Any) -> list[Outcome]:
        assert free.wait(30)
        sizes.append(len(asked))
        return [Outcome(None)] * len(asked)

    async def load() -> tuple[list[Any], list[Any]]:
        commits: Any = group.GroupCommit(decide, lambda _: Outcome(None))
        steps = [Step(number.to_bytes(4), str(number)) for number in range(1 + group.LONGEST + 50)]
        first = asyncio.create_task(commits.submit(steps[0]))
        await asyncio.sleep(0.05)  # it is being decided, alone
        waiting = [asyncio.create_task(commits.submit(each)) for each in steps[1:]]
        await asyncio.sleep(0.05)
        refused = [each.exception() for each in waiting if each.done()]
        free.set()
        served = await asyncio.gather(first, *(each for each in waiting if not each.done()))
        await commits.close()
        return refused, served

    refused, served = asyncio.run(load())
    assert len(refused) == 50
    assert all(isinstance(each, Unreachable) for each in refused)
    assert len(served) == 1 + group.LONGEST == sum(sizes)
    assert max(sizes) == group.MOST


def test_so_many_listen_and_no_more(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{town.case_of('permit', 'applicant-1')}/live"
    monkeypatch.setattr(desk, "_LISTENERS", 1)
    for _ in range(3):  # who leaves makes room
        assert town.ask("applicant-1", "GET", path).status == 200
    town.service._runner.run(asyncio.sleep(0.05))  # the last one's leaving is noticed when the loop goes on
    assert town.edge.app.state.desk.listen()
    answer = town.ask("applicant-1", "GET", path)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    town.edge.app.state.desk.leave()
    assert town.ask("applicant-1", "GET", path).status == 200


def sent_together(town: Town, monkeypatch: pytest.MonkeyPatch, *personas: str) -> list[int]:
    """Send a document of each at the same time: none is examined before all have asked to come in."""
    at, asked, everybody = town.edge.app.state.desk, 0, asyncio.Event()
    document, examine = at.document, at.examine

    def counted(caller: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == len(personas):
            everybody.set()
        return document(caller)

    async def patient(work: Any) -> Any:
        await asyncio.wait_for(everybody.wait(), 30)
        return await examine(work)

    headers = [town.headers(each) | {"Content-Type": "application/octet-stream"} for each in personas]
    with monkeypatch.context() as patch:
        patch.setattr(at, "document", counted)
        patch.setattr(at, "examine", patient)
        answers = town.service.ask_together([("POST", "/documents", each, b"a plan") for each in headers])
    return [each.status for each in answers]


def test_nobody_sends_more_than_two_documents_at_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = sent_together(town, monkeypatch, *["applicant-1"] * 6, "applicant-2", "clerk-1")
    assert sorted(statuses[:6]) == [201] * desk.DOCUMENTS_OF_ONE + [429] * (6 - desk.DOCUMENTS_OF_ONE)
    assert statuses[6:] == [201, 201], "others have their own places"
    assert sent_together(town, monkeypatch, "applicant-1", "applicant-1") == [201, 201], "whoever is done makes room"


def test_so_many_documents_come_in_at_once_and_no_more(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "DOCUMENTS", 3)
    personas = ("applicant-1", "applicant-2", "clerk-1", "approver-1", "finance-1")
    assert sorted(sent_together(town, monkeypatch, *personas)) == [201] * 3 + [503] * 2
    assert sent_together(town, monkeypatch, *personas[:3]) == [201] * 3


def test_what_is_refused_takes_no_place_for_ever(town: Town) -> None:
    for content, status in ((b"PK\x03\x04", 415), (bytes(11 * 2**20), 413), (b"%PDF-1.7", 422)):
        for _ in range(desk.DOCUMENTS_OF_ONE + 1):
            assert town.ask("clerk-1", "POST", "/documents", content, **OCTETS).status == status
    assert not town.edge.app.state.desk._documents


def test_documents_that_take_their_time_hold_up_nobody_who_reads(town: Town) -> None:
    """All examiners are busy until somebody has read; if they were readers, nobody ever would."""
    read, at = threading.Event(), town.edge.app.state.desk

    async def both() -> bool:
        busy = [asyncio.ensure_future(at.examine(lambda: read.wait(30))) for _ in range(20)]
        await at.read(lambda _: read.set())
        return all(await asyncio.gather(*busy))

    assert town.service._runner.run(both())
