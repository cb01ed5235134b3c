"""Reading a published log from a file server: bounded in size and in time, and never led elsewhere.

No redirect is followed. Proxies of the environment stand between us and our own machine only by mistake, so a loopback
address is asked directly. One connection is kept for all requests.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx2

from ledger_automation.errors import NotFound, Unreachable
from ledger_automation.rpc.wire import is_loopback
from ledger_automation.tlog.tiles import Fetch

SECONDS: Final = 10.0
_MISSING: Final = (httpx2.codes.NOT_FOUND, httpx2.codes.GONE)


def client(url: str) -> httpx2.Client:
    """Return a client for one server, to be closed by whoever asked for it."""
    return httpx2.Client(timeout=SECONDS, follow_redirects=False, trust_env=not is_loopback(url))


@contextmanager
def opened(url: str, largest: int) -> Iterator[Fetch]:
    """Open a URL; what is longer than ``largest`` octets is cut off behind one more."""
    with client(url) as server:
        yield lambda path: ask(server, "GET", f"{url.rstrip('/')}/{path}", largest)


def ask(server: httpx2.Client, method: str, url: str, largest: int, **sent: Any) -> bytes:
    """Send a request; return what is answered. Raises NotFound, Unreachable."""
    give_up, octets = time.monotonic() + SECONDS, bytearray()
    try:
        with server.stream(method, url, **sent) as answer:
            if answer.status_code in _MISSING:
                raise NotFound(f"The server has no {url}.", url=url)
            if answer.status_code != httpx2.codes.OK:
                raise Unreachable(f"The server answered {answer.status_code} for {url}.", url=url)
            for block in answer.iter_bytes(1 << 14):
                octets += block
                if len(octets) > largest:
                    break
                if time.monotonic() > give_up:
                    raise Unreachable(f"The server did not answer within {SECONDS:.0f} s for {url}.", url=url)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise Unreachable(f"The server does not answer for {url}: {type(error).__name__}.", url=url) from error
    return bytes(octets[: largest + 1])
