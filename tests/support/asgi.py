"""Asking an ASGI application without a socket: any method, path, headers and bytes, one event loop for all of it.

What an HTTP library would refuse to send, or mend, is sent as it is. Of a stream without an end the first part is
taken, and then the caller is gone, as one who closes a connection.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
Headers = dict[str, str] | Sequence[tuple[bytes, bytes]]


class Reply(NamedTuple):
    """What was answered; ``read`` says how many bytes of the request's body were read for it."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes
    read: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.fields)

    def json(self) -> Any:
        return json.loads(self.body)


class Service:
    """Asks one application; its start and end are run too."""

    def __init__(self, app: Application, runner: asyncio.Runner) -> None:
        self.app = app
        self._runner = runner

    def ask(
        self,
        method: str,
        path: str,
        headers: Headers = (),
        body: bytes | Iterable[bytes] = b"",
        client: str = "10.0.0.1",
    ) -> Reply:
        """Send a request; a body in parts is sent as one whose length was not declared."""
        return self._runner.run(_Exchange(method, path, headers, body, client).through(self.app))

    def ask_together(self, requests: Sequence[tuple[str, str, dict[str, str], bytes]]) -> list[Reply]:
        """Send requests at the same time: method, path, headers, body of each."""

        async def together() -> list[Reply]:
            asked = [_Exchange(*each, client="10.0.0.1").through(self.app) for each in requests]
            return await asyncio.gather(*asked)

        return self._runner.run(together())


class _Exchange:
    def __init__(self, method: str, path: str, headers: Headers, body: bytes | Iterable[bytes], client: str) -> None:
        place, _, query = path.partition("?")
        if isinstance(headers, dict):
            headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        if isinstance(body, bytes):
            if body and not any(name == b"content-length" for name, _ in headers):
                headers = [*headers, (b"content-length", str(len(body)).encode())]
            body = [body]
        self._parts = iter(body)
        self._read = 0
        self._ended = False
        self._scope: Message = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": unquote(place), "raw_path": place.encode(), "query_string": query.encode(),
            "root_path": "", "headers": list(headers), "client": (client, 40_000), "server": ("127.0.0.1", 8000),
            "state": {},
        }  # fmt: skip
        self._messages: list[Message] = []
        self._enough = asyncio.Event()

    async def through(self, app: Application) -> Reply:
        work = asyncio.ensure_future(app(self._scope, self._receive, self._send))
        enough = asyncio.ensure_future(self._enough.wait())
        await asyncio.wait([work, enough], return_when=asyncio.FIRST_COMPLETED)
        enough.cancel()
        if not work.done():
            work.cancel()
        (error,) = await asyncio.gather(work, return_exceptions=True)
        if error is not None and not self._messages:  # a server would cut the connection
            raise error
        start, *rest = self._messages
        fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
        return Reply(start["status"], fields, b"".join(each.get("body", b"") for each in rest), self._read)

    async def _receive(self) -> Message:
        if self._ended:  # whoever listens for the caller's leaving listens in vain
            await asyncio.sleep(3_600)
        part = next(self._parts, None)
        self._ended = part is None
        self._read += len(part or b"")
        return {"type": "http.request", "body": part or b"", "more_body": not self._ended}

    async def _send(self, message: Message) -> None:
        self._messages.append(message)
        if message["type"] == "http.response.body" and message.get("more_body"):
            self._enough.set()
            await asyncio.sleep(3_600)


@contextmanager
def serving(app: Application) -> Iterator[Service]:
    """Start an application, and end it with the block."""
    with asyncio.Runner() as runner:
        inbox: asyncio.Queue[Message] = asyncio.Queue()
        outbox: asyncio.Queue[Message] = asyncio.Queue()

        async def begin() -> asyncio.Task[None]:
            work = asyncio.ensure_future(app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))
            await inbox.put({"type": "lifespan.startup"})
            assert (await outbox.get())["type"] == "lifespan.startup.complete"
            return work

        async def end(work: asyncio.Task[None]) -> None:
            await inbox.put({"type": "lifespan.shutdown"})
            assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
            await work

        work = runner.run(begin())
        try:
            yield Service(app, runner)
        finally:
            runner.run(end(work))
