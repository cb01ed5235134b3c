"""Clients of two API processes that are killed now and then, and what they were told; a supervisor for what dies.

A client does what a town's load balancer and a careful program do together: it asks one process, and where that one
does not answer, the other, with the same Idempotency-Key, until it has an answer or has waited too long.
"""

import asyncio
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random
from typing import Any, Final, NamedTuple, Self

import uvicorn
from fastapi import FastAPI

from ledger_automation.api import problems
from ledger_automation.api.dev_issuer import DevIssuer
from ledger_automation.api.routes import add
from ledger_automation.values import CaseId
from support.brokers import free_port
from support.http_load import request
from support.towns import FINE
from support.works import Program

LONGEST: Final = 10.0
"""Seconds after which a request that nobody answered counts as lost to the caller."""

_TRY: Final = 2.0
_FINE: Final = {**FINE, "amount": 10**9}
_PAUSE: Final = 0.05
_RARELY: Final = 0.1
_AGAIN: Final = frozenset({409, 429, 500, 502, 503})
"""Statuses that say: not now; what they mean to whoever asks again is in the problem document."""


class Supervised:
    """A program that is started again whenever it has died (as `restart: unless-stopped`)."""

    def __init__(self, name: str, start: Callable[[], Program]) -> None:
        self.name = name
        self._start = start
        self._program = start()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._program.signal(signal.SIGKILL)
        self._program.wait()

    def look(self) -> None:
        """Start it again if it is dead."""
        if self._program.process.poll() is not None:
            self._program = self._start()


class Asked(NamedTuple):
    """What a client asks for."""

    path: str
    key: str
    body: bytes
    role: str


class Told(NamedTuple):
    """The step that an answer names."""

    case_id: str
    sequence: int
    commitment: str


class Book:
    """All that was asked, and all that was answered."""

    def __init__(self) -> None:
        self.asked: dict[str, Asked] = {}
        self.told: dict[str, Told] = {}
        self.seconds: list[float] = []
        self.late: list[str] = []
        self.failed_tries = 0

    def availability(self) -> float:
        """Return the part of the requests that were answered in time."""
        return len(self.seconds) / (len(self.seconds) + len(self.late))


class Clients:
    """Clients with cases of their own and one that they share, asking for as long as the block lasts."""

    def __init__(self, ports: Sequence[int], issuer: DevIssuer, book: Book, seed: int, number: int) -> None:
        self._ports, self._book, self._number = ports, book, number
        self._tokens = {"clerk": issuer.token("clerk-1", 7_200), "finance": issuer.token("finance-1", 7_200)}
        self._random = Random(seed)
        self._shared: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), name="clients")
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        """Begin to ask."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop asking, once everybody has an answer; raise what went wrong."""
        self._over.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def ask_again(self) -> None:
        """Ask once more for what was not answered in time: whether it was done is told by the same key."""
        asyncio.run(self._late())

    async def _late(self) -> None:
        for key in self._book.late:
            await self._ask(self._book.asked[key], 0, once_more=True)

    async def _all(self) -> None:
        try:
            await asyncio.gather(*(self._client(number) for number in range(self._number)))
        except BaseException as error:
            self._error = error
            raise

    async def _client(self, number: int) -> None:
        own: list[str] = []
        while not self._over.is_set():
            cases = self._shared if self._shared and self._random.random() < _RARELY else own
            if not cases or self._random.random() < _RARELY:
                told = await self._ask(self._asked("", "clerk", _FINE), number)
                if told is not None:
                    own.append(told.case_id)
                    self._shared = self._shared or own[:1]
            else:
                path = f"/{self._random.choice(cases)}/record_payment"
                await self._ask(self._asked(path, "finance", {"amount": 1}), number)
            await asyncio.sleep(self._random.random() * _PAUSE)

    def _asked(self, path: str, role: str, payload: dict[str, Any]) -> Asked:
        key = str(CaseId.random())
        asked = Asked(f"/workflows/parking_fine/cases{path}", key, json.dumps({"payload": payload}).encode(), role)
        self._book.asked[key] = asked
        return asked

    async def _ask(self, asked: Asked, number: int, *, once_more: bool = False) -> Told | None:
        """Ask one process after the other until one answers; None where that takes too long."""
        started = time.monotonic()
        while time.monotonic() - started < LONGEST:
            port = self._ports[number % len(self._ports)]
            status, answer = 503, b""
            with suppress(OSError, EOFError, TimeoutError, ValueError):
                status, answer = await asyncio.wait_for(self._send(port, asked), _TRY)
            if status in {200, 201}:
                return self._noted(asked, answer, time.monotonic() - started, once_more=once_more)
            assert status in _AGAIN, (status, answer)
            self._book.failed_tries += 1
            number += 1
            await asyncio.sleep(_PAUSE)
        assert not once_more, f"{asked} is answered by nobody"
        self._book.late.append(asked.key)
        return None

    def _noted(self, asked: Asked, answer: bytes, seconds: float, *, once_more: bool) -> Told:
        found = json.loads(answer)
        told = Told(found["case_id"], found["sequence"], found["commitment"])
        self._book.told[asked.key] = told
        if not once_more:
            self._book.seconds.append(seconds)
        return told

    async def _send(self, port: int, asked: Asked) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            headers = {
                "Authorization": f"Bearer {self._tokens[asked.role]}", "Content-Type": "application/json",
                "Idempotency-Key": asked.key, "Connection": "close",
            }  # fmt: skip
            writer.write(request(asked.path, headers, asked.body))
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(body) != length:
                raise EOFError
            return int(head[9:12]), body
        finally:
            writer.close()


@contextmanager
def issuing() -> Iterator[DevIssuer]:
    """Run an issuer of tokens, which every process of the API finds by discovery."""
    port = free_port()
    issuer = DevIssuer(f"http://127.0.0.1:{port}/dev", "ledger")
    app = FastAPI(openapi_url=None)
    problems.install(app)
    add(app, issuer.routes())
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    thread = threading.Thread(target=server.run, name="issuer")
    thread.start()
    try:
        yield issuer
    finally:
        server.should_exit = True
        thread.join()
