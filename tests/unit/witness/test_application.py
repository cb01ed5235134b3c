"""The witness over HTTP: each status code of C2SP tlog-witness, and what is refused before anything is looked at."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger_automation.tlog.cosignature import WitnessKey, witnesses_of
from ledger_automation.tlog.note import SignerKey
from ledger_automation.witness import application
from ledger_automation.witness.application import MOST_AT_ONCE, MOST_BYTES, Application
from ledger_automation.witness.witness import Witness
from support.asgi import Reply, Service
from support.views import ORIGIN, View, request

ONE, TWO = View("one", shared=5), View("two", shared=5)
STRANGER, THIEF = SignerKey("else.example", b"\x01" * 32), SignerKey(ORIGIN, b"\x06" * 32)
Ask = Callable[[bytes], Reply]


@pytest.fixture
def service(witness: Witness) -> Iterator[Service]:
    with asyncio.Runner() as runner:
        yield Service(Application(witness), runner)


@pytest.fixture
def ask(service: Service) -> Ask:
    return lambda body: service.ask("POST", "/add-checkpoint", body=body)


def test_200_is_the_cosignatures_line_and_nothing_else(ask: Ask, key: WitnessKey) -> None:
    reply = ask(ONE.body(5))
    assert (reply.status, reply.headers["content-length"]) == (200, str(len(reply.body)))
    line = reply.body.decode()
    assert line.startswith("\u2014 witness.example/1 ")
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert witnesses_of(ONE.note(5) + line, [key]) == [key]
    assert ask(ONE.body(12, 5)).status == 200
    assert ask(ONE.body(12, 12)).status == 200


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b""),
        (400, ONE.body(8, 5).replace(b"old 5", b"old 05")),
        (400, request(9, [], ONE.note(8))),
        (403, View(key=THIEF).body(8, 5)),
        (404, View(key=STRANGER).body(8, 5)),
        (409, ONE.body(8)),
        (409, request(5, [], View("three").note(5))),
        (422, request(5, TWO.proof(5, 8), View("three").note(8))),
        (422, request(5, [], ONE.note(8))),
    ],
)
def test_each_no_has_its_status(ask: Ask, status: int, body: bytes) -> None:
    assert ask(ONE.body(5)).status == 200
    assert ask(body).status == status
    assert ask(ONE.body(8, 5)).status == 200, "what was refused changed nothing"


def test_409_tells_the_size_that_was_cosigned_last(ask: Ask) -> None:
    def told(body: bytes) -> tuple[int, bytes, str]:
        reply = ask(body)
        return reply.status, reply.body, reply.headers["content-type"]

    assert told(ONE.body(20, 7)) == (409, b"0\n", "text/x.tlog.size")
    assert ask(ONE.body(12)).status == 200
    assert told(ONE.body(20)) == told(ONE.body(20, 11)) == (409, b"12\n", "text/x.tlog.size")
    assert told(request(12, [], View("three").note(12))) == (409, b"12\n", "text/x.tlog.size")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/add-checkpoint", 405),
        ("PUT", "/add-checkpoint", 405),
        ("POST", "/", 404),
        ("POST", "/add-checkpoint/", 404),
        ("POST", "/add-tree-head", 404),
    ],
)
def test_there_is_one_place_and_one_method(service: Service, method: str, path: str, status: int) -> None:
    reply = service.ask(method, path, body=ONE.body(5))
    assert reply.status == status
    assert reply.read == 0, "nothing is read of what leads nowhere"
    assert reply.headers.get("allow") == ("POST" if status == 405 else None)


def test_what_is_larger_than_any_checkpoint_is_not_read_to_its_end(service: Service) -> None:
    blocks = (b"x" * 4_096 for _ in range(1_000))
    reply = service.ask("POST", "/add-checkpoint", body=blocks)
    assert reply.status == 413
    assert reply.read <= MOST_BYTES + 4_096


def test_who_sends_too_slowly_is_let_go(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "SECONDS", 0.05)
    sent = []

    async def never() -> dict[str, object]:
        await asyncio.sleep(3_600)
        return {}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    asyncio.run(Application(witness)({"type": "http", "path": "/add-checkpoint", "method": "POST"}, never, send))
    assert sent[0]["status"] == 408


def test_more_than_a_few_at_once_come_again(service: Service) -> None:
    asked = [("POST", "/add-checkpoint", {}, ONE.body(3))] * (MOST_AT_ONCE + 5)
    statuses = [reply.status for reply in service.ask_together(asked)]
    assert statuses.count(503) == 5
    assert statuses.count(200) == 1, "all said that nothing was cosigned before; one was right"
    assert statuses.count(409) == MOST_AT_ONCE - 1


def test_a_memory_that_is_gone_is_said_without_saying_where(ask: Ask, place: Path) -> None:
    (place / "witness.sqlite").unlink()
    reply = ask(ONE.body(5))
    assert reply.status == 500
    assert str(place).encode() not in reply.body
