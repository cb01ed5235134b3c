"""What every request passes: an id, a limit, headers, one line in the journal, a place in the figures.

The journal holds the route as it is declared, never the path, a query or a body: a case is somebody's. Who calls is
told by a digest under a key that ends with the process: of the caller whose token holds, and of the address of anybody
else. So a limit is a caller's, with however many tokens, and who invents tokens has his address's. Pure ASGI, so that
streams are not held up and the hot path pays little.
"""

import secrets
import time
from collections import OrderedDict
from hashlib import blake2b
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger_automation.api.forwarded import Networks, sender
from ledger_automation.api.problems import BY_STATUS, document
from ledger_automation.api.traces import Trace, untraced

_CLIENTS: Final = 10_000
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""What every answer says unless its route says otherwise."""

_CREDENTIALS: Final = (b"authorization", b"cookie")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""Those that are written down by name: any other word is the caller's own."""

_log = structlog.get_logger("api")


class Limit:
    """A bucket of tokens for each client: so many requests a second, and as many at once as ten seconds bring."""

    def __init__(self, a_second: float) -> None:
        self._rate = a_second
        self._burst = max(1.0, 10 * a_second)
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def wait(self, client: bytes, now: float) -> float:
        """Take a token; returns 0, or how many seconds it takes until there is one."""
        tokens, since = self._buckets.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        taken = tokens >= 1
        self._buckets[client] = (tokens - taken, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        return 0 if taken else (1 - tokens) / self._rate


class Figures:
    """Requests by route and status, and how long they took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Counter("ledger_requests", "Requests", ["method", "route", "status"], registry=registry)
        self.seconds = Histogram("ledger_request_seconds", "Time to the answer", ["method", "route"], registry=registry)


class Edge:
    """Wraps an application; satisfies ASGI 3."""

    def __init__(
        self, app: ASGIApp, figures: Figures, limit: Limit, trace: Trace = untraced, proxies: Networks = ()
    ) -> None:
        self.app = app
        self._proxies = proxies
        self._trace = trace
        self._figures = figures
        self._limit = limit
        self._secret = secrets.token_bytes(16)
        self._callers: OrderedDict[bytes, bytes] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass on what is none."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        passage = _Passage(scope, send)
        sent = self._digest(b"\0".join(value for name, value in scope["headers"] if name in _CREDENTIALS))
        client = self._callers.get(sent) or self._digest(sender(scope, self._proxies).encode())
        seconds = self._limit.wait(client, passage.started)
        try:
            if seconds:
                answer = document(BY_STATUS[429], "Too many requests; wait a moment.")
                answer.headers["Retry-After"] = str(int(seconds) + 1)
                await answer(scope, receive, passage.send)
            else:
                await self.app(scope, receive, passage.send)
        finally:
            self._note(passage, self._caller(scope, sent) or client)

    def _caller(self, scope: Scope, sent: bytes) -> bytes | None:
        """Return who turned out to call, and know it again by what was sent; None where no token was looked at."""
        found = scope.get("state", {}).get("caller")
        if found is None:
            return None
        self._callers[sent] = caller = self._digest("\0".join(found).encode())
        if len(self._callers) > _CLIENTS:
            self._callers.popitem(last=False)
        return caller

    def _digest(self, value: bytes) -> bytes:
        return blake2b(value, key=self._secret, digest_size=16).digest()

    def _note(self, passage: "_Passage", client: bytes) -> None:
        route: Any = passage.scope.get("route")
        name = getattr(route, "path", "none")
        method = passage.scope["method"] if passage.scope["method"] in _METHODS else "other"
        seconds = time.perf_counter() - passage.started
        self._figures.requests.labels(method, name, passage.status).inc()
        self._figures.seconds.labels(method, name).observe(seconds)
        self._trace(method, name, passage.status, seconds)
        refused = passage.status in {401, 403, 404, 429}
        (_log.warning if refused else _log.info)(
            "refused" if refused else "answered",
            method=method, route=name, status=passage.status, milliseconds=round(seconds * 1000, 2),
            client=client.hex(), request=passage.id,
        )  # fmt: skip


class _Passage:
    """One request on its way: when it came, under which id, and what it was answered."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.started = time.perf_counter()
        self.id = secrets.token_hex(8)
        self.status = 500
        self._send = send

    async def send(self, message: Message) -> None:
        """Send on, with our headers on the first message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            said = {name for name, _ in message["headers"]}
            missing = (each for each in _HEADERS if each[0] not in said)
            message["headers"] = [*message["headers"], *missing, (b"x-request-id", self.id.encode())]
        await self._send(message)
