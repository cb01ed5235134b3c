"""A client that asks as fast as it is answered: one kept connection a client, bytes written and read by hand.

So that what is measured is the service: a client library would cost more than the request.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

Make = Callable[[int], bytes]
"""Returns the bytes of a client's n-th request."""


class Run(NamedTuple):
    """What came of a run: seconds of each answered request, how long it took in all, and statuses other than 2xx."""

    seconds: list[float]
    elapsed: float
    refused: list[int]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed

    def quantile(self, part: float) -> float:
        """Return the time within which that part of all was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Write a POST request."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


async def load(port: int, makes: list[Make], seconds: float) -> Run:
    """Ask with one client each for so many seconds."""
    taken: list[float] = []
    refused: list[int] = []
    started = time.perf_counter()
    await asyncio.gather(*(_client(port, make, started + seconds, taken, refused) for make in makes))
    return Run(taken, time.perf_counter() - started, refused)


async def _client(port: int, make: Make, until: float, taken: list[float], refused: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while (asked := time.perf_counter()) < until:
        writer.write(make(number))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append(time.perf_counter() - asked)
        if not 200 <= int(head[9:12]) < 300:
            refused.append(int(head[9:12]))
        number += 1
    writer.close()
    await writer.wait_closed()
