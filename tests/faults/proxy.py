"""A JSON-RPC proxy that lies: between us and a real node, on loopback, it does to chosen methods what bad nodes do.

A fault gets the request and a way to forward it, and returns a reply: a JSON value, raw octets with a status, or it
raises `Dropped` and the connection ends without a word. ``calls`` counts requests, ``sent`` keeps raw transactions.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

Forward = Callable[[], dict[str, Any]]
Fault = Callable[[dict[str, Any], Forward], Any]


class Dropped(Exception):
    """The connection ends without a reply."""


class Raw(NamedTuple):
    """Octets that are no JSON-RPC; with a pause after each when they come slowly."""

    status: int
    body: bytes
    pause: float = 0.0
    location: str = ""


def dropped_before(_: dict[str, Any], __: Forward) -> Any:
    raise Dropped


def dropped_after(_: dict[str, Any], forward: Forward) -> Any:
    forward()
    raise Dropped


def null(request: dict[str, Any], _: Forward) -> Any:
    return {"jsonrpc": "2.0", "id": request["id"], "result": None}


def saying(code: int, message: str, *, forwarded: bool = False) -> Fault:
    def fault(request: dict[str, Any], forward: Forward) -> Any:
        if forwarded:
            forward()
        return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message}}

    return fault


def changed(change: Callable[[Any], Any]) -> Fault:
    def fault(_: dict[str, Any], forward: Forward) -> Any:
        reply = forward()
        return {**reply, "result": change(reply["result"])}

    return fault


def raw(status: int, body: bytes, pause: float = 0.0, *, forwarded: bool = False, location: str = "") -> Fault:
    def fault(_: dict[str, Any], forward: Forward) -> Any:
        if forwarded:
            forward()
        return Raw(status, body, pause, location)

    return fault


class Proxy:
    """Forwards to ``upstream``, which may be changed; ``faults`` maps methods (or "*") to what they suffer."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.faults: dict[str, Fault] = {}
        self.calls: Counter[str] = Counter()
        self.sent: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                proxy.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def heal(self) -> None:
        self.faults.clear()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        request = json.loads(body)
        method = request["method"]
        self.calls[method] += 1
        if method == "eth_sendRawTransaction":
            self.sent.append(request["params"][0])
        fault = self.faults.get(method) or self.faults.get("*")
        try:
            reply = fault(request, lambda: self._forward(body)) if fault else self._forward(body)
        except Dropped:
            return
        reply = reply if isinstance(reply, Raw) else Raw(200, json.dumps(reply).encode())
        handler.send_response(reply.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(reply.body)))
        if reply.location:
            handler.send_header("Location", reply.location)
        handler.end_headers()
        for part in [reply.body] if not reply.pause else [reply.body[at : at + 1] for at in range(len(reply.body))]:
            try:
                handler.wfile.write(part)
                handler.wfile.flush()
            except OSError:
                return  # whoever asked did not wait for the end, as he should
            time.sleep(reply.pause)

    def _forward(self, body: bytes) -> dict[str, Any]:
        place = urlsplit(self.upstream)
        connection = HTTPConnection(place.hostname or "", place.port or 80, timeout=60)
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        reply: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return reply
