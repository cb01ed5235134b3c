"""JSON-RPC over HTTP to a node that may be bad: every reply is bounded in size and in time.

Nothing is repeated and no redirect is followed: a bad node must not send us anywhere else. Proxies of the environment
stand between us and our own machine only by mistake, so a loopback address is asked directly.
"""

import re
import time
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import msgspec

from ledger_automation.errors import InvalidValue, Unreachable

SECONDS: Final = 10
LARGEST: Final = 8 * 1024 * 1024
"""Octets. Nothing that is asked here answers with a tenth of it."""

_OK: Final = 200
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def is_loopback(url: str) -> bool:
    """Tell whether a URL leads to this machine; raises ValueError for what is no URL."""
    return urlsplit(url).hostname in _LOOPBACK


class Refusal(msgspec.Struct, frozen=True):
    """What a node says instead of a result."""

    code: int = 0
    message: str = ""


class _Reply(msgspec.Struct, frozen=True):
    id: int
    result: Any = None
    error: Refusal | None = None


class Wire:
    """The way to one node; ``endpoint`` names it without credentials or path."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = f":{parts.port}" if parts.port else ""
            self._client = httpx2.Client(timeout=SECONDS, follow_redirects=False, trust_env=not is_loopback(url))
        except ValueError as error:
            raise InvalidValue("A node", "(an address)", "an http(s) URL") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidValue("A node", "(an address)", "an http(s) URL")
        self.endpoint = f"{parts.scheme}://{parts.hostname}{port}"
        self._url = url
        self._numbers = count(1)

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def ask(self, method: str, *parameters: Any) -> Any:
        """Return a result, or a `Refusal`; raises Unreachable for whatever is neither."""
        number = next(self._numbers)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
        try:
            reply = msgspec.json.decode(self._post(msgspec.json.encode(request)), type=_Reply)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise self.silent(_reason(error)) from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self.silent("its reply is no JSON-RPC") from error
        if reply.id != number:
            raise self.silent("it replied to another question")
        return reply.result if reply.error is None else reply.error

    def silent(self, reason: str) -> Unreachable:
        """Return the error for no answer, with the reason."""
        return Unreachable(f"The chain at {self.endpoint} did not answer: {reason}.")

    def _post(self, body: bytes) -> bytes:
        give_up = time.monotonic() + SECONDS
        read = bytearray()
        headers = {"content-type": "application/json", "accept-encoding": "identity"}  # nothing is unpacked
        with self._client.stream("POST", self._url, content=body, headers=headers) as reply:
            if reply.status_code != _OK:
                raise self.silent(f"it replied with status {reply.status_code}")
            for part in reply.iter_raw():
                read += part
                if len(read) > LARGEST:
                    raise self.silent(f"the reply is larger than {LARGEST} octets")
                if time.monotonic() > give_up:
                    raise self.silent(f"the reply was not complete within {SECONDS} s")
        return bytes(read)


def _reason(error: Exception) -> str:
    """One line, and never an address, which may carry an access key."""
    if isinstance(error, httpx2.ConnectError) and "SSL" not in str(error):
        return "nothing listens there"
    if isinstance(error, httpx2.TimeoutException):
        return f"nothing came within {SECONDS} s"
    first_line = (str(error) or type(error).__name__).splitlines()[0]
    return re.sub(r"https?://\S+", "(address)", first_line)[:200]
