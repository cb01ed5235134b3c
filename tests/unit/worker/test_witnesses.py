"""The wire to a witness: over a real socket, whatever the other end does."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from ledger_automation.errors import Unreachable
from ledger_automation.orchestrator.cosign import Reply
from ledger_automation.worker import witnesses
from ledger_automation.worker.witnesses import HttpWire

END = b"note\n"
Peer = Callable[[Callable[[socket.socket], Any]], str]


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Serve one connection with a few lines of a test; the request's head and body were read before."""
    listening = socket.create_server(("127.0.0.1", 0))
    threads = []

    def serve(answer: Callable[[socket.socket], Any]) -> str:
        def run() -> None:
            connection, _ = listening.accept()
            with closing(connection), suppress(OSError):
                seen.append(b"")
                while not seen[-1].partition(b"\r\n\r\n")[2].endswith(END):
                    seen[-1] += connection.recv(65_536)
                answer(connection)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/w"

    yield serve
    for each in threads:
        each.join(10)
    listening.close()
    seen.clear()


seen: list[bytes] = []


def answering(head: str, body: bytes = b"") -> Callable[[socket.socket], Any]:
    return lambda connection: connection.sendall(f"HTTP/1.1 {head}\r\n\r\n".encode() + body)


def test_it_posts_to_the_one_place_and_tells_status_type_and_body(peer: Peer) -> None:
    url = peer(answering("409 Conflict\r\ncontent-type: text/x.tlog.size\r\ncontent-length: 3", b"12\n"))
    assert HttpWire().post(f"{url}/", b"old 0\n\nnote\n") == Reply(409, "text/x.tlog.size", b"12\n")
    (request,) = seen
    assert request.startswith(b"POST /w/add-checkpoint HTTP/1.1\r\n")
    assert b"accept-encoding: identity\r\n" in request.lower(), "the bytes are taken as they come"
    assert request.endswith(b"\r\n\r\nold 0\n\nnote\n")


def test_a_redirect_is_an_answer_and_is_not_followed(peer: Peer) -> None:
    url = peer(answering("307 Temporary\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0"))
    assert HttpWire().post(url, END).status == 307


@pytest.mark.parametrize("how", ["silent", "gone", "no HTTP", "too much", "drop by drop"])
def test_whoever_does_not_answer_as_a_witness_is_unreachable_within_the_bound(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(witnesses, "_SECONDS", 0.3)
    over = threading.Event()

    def drops(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n")
        while not over.wait(0.05):
            connection.sendall(b"x")

    ways: dict[str, Callable[[socket.socket], Any]] = {
        "silent": lambda _: over.wait(10),
        "gone": lambda connection: connection.close(),
        "no HTTP": lambda connection: connection.sendall(b"hello\r\n\r\n"),
        "too much": answering(f"200 OK\r\ncontent-length: {2**20}", b"x" * 2**20),
        "drop by drop": drops,
    }
    try:
        with pytest.raises(Unreachable):
            HttpWire().post(peer(ways[how]), END)
    finally:
        over.set()


def test_nobody_there_is_unreachable() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match="does not answer"):
        HttpWire().post(f"http://127.0.0.1:{port}", b"")
    with pytest.raises(Unreachable):
        HttpWire().post("http://[", b"")
