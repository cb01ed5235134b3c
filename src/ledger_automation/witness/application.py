"""The witness over HTTP: ``POST /add-checkpoint`` and nothing else (C2SP tlog-witness), as one ASGI application.

Who asks needs no token: the log's signature on the checkpoint is all there is to it. So whatever is cheap comes first
(a bound for size and time, the reading, the signature), and the memory's lock last. No framework: there is one route,
and what a framework would add (cookies, forms, redirects) a witness must not have.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, NamedTuple

import structlog

from ledger_automation.errors import (
    AnotherSize,
    Forbidden,
    InvalidInput,
    LedgerError,
    NotFound,
    ProofError,
    SplitView,
    Unreachable,
)
from ledger_automation.witness.witness import Witness

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MOST_BYTES: Final = 64 * 2**10
SECONDS: Final = 10.0
MOST_AT_ONCE: Final = 32
PATH: Final = "/add-checkpoint"
SIZE: Final = "text/x.tlog.size"
_TEXT: Final = "text/plain; charset=utf-8"
_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))

STATUS: Final[dict[type[LedgerError], int]] = {
    InvalidInput: 400,
    Forbidden: 403,
    NotFound: 404,
    AnotherSize: 409,
    SplitView: 409,
    ProofError: 422,
    Unreachable: 503,
}
"""What the witness says no with; anything else it raises is a fault of its home, and answered 500."""

_log = structlog.get_logger("witness")


class Answer(NamedTuple):
    """A status, and a body of some type."""

    status: int
    body: str
    kind: str = _TEXT
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Application:
    """Serves one witness; satisfies ASGI 3."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._under_way = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise AssertionError("the witness speaks HTTP only")
        started = time.perf_counter()
        answer = await self._answer(scope, receive)
        body = answer.body.encode()
        headers = [(b"content-type", answer.kind.encode()), (b"content-length", str(len(body)).encode())]
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": [*headers, *_HEADERS, *answer.headers]}
        )
        await send({"type": "http.response.body", "body": body})
        milliseconds = round((time.perf_counter() - started) * 1000, 2)
        _log.info("asked to cosign", status=answer.status, milliseconds=milliseconds)

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        if scope["path"] != PATH:
            return Answer(404, "A witness has one place, /add-checkpoint.\n")
        if scope["method"] != "POST":
            return Answer(405, "Checkpoints are sent with POST.\n", headers=((b"allow", b"POST"),))
        if self._under_way >= MOST_AT_ONCE:
            return Answer(503, "Too many checkpoints are under way; come again.\n", headers=((b"retry-after", b"1"),))
        self._under_way += 1
        try:
            async with asyncio.timeout(SECONDS):
                body = await _body(receive)
            if body is None:
                return Answer(413, "A checkpoint with its proof is not as large.\n")
            return await asyncio.to_thread(self._judge, body)
        except TimeoutError:
            return Answer(408, "The request took too long.\n")
        finally:
            self._under_way -= 1

    def _judge(self, body: bytes) -> Answer:
        try:
            return Answer(200, self._witness.add_checkpoint(body))
        except (AnotherSize, SplitView) as error:
            return Answer(409, f"{error.tree_size}\n", SIZE)
        except LedgerError as error:
            status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)
            if status is None:
                _log.error("The witness cannot be used.", kind=type(error).__name__)
                return Answer(500, "The witness cannot be used; its operator is told why.\n")
            return Answer(status, f"{error.sentence}\n")


async def _body(receive: Receive) -> bytes | None:
    """Read a request's body; None where it is too large, or whoever sent it left."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or len(body) > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(body)
