"""Places of a published log: a folder and any static file server say the same, bounded, and lead nowhere else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.errors import NotFound, Unreachable
from ledger_automation.published import LARGEST, open_log, web
from support.tiled import TiledLog

FILES = TiledLog(300).files(300)


@contextmanager
def served(handler: Callable[..., Any]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def answering(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, octets in FILES.items():
        (tmp_path / "log" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "log" / path).write_bytes(octets)
    return tmp_path / "log"


def test_a_folder_and_a_static_file_server_say_the_same(folder: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with served(partial(Quiet, directory=str(folder.parent))) as url:
        for place in (str(folder), f"{url}/log", f"{url}/log/"):
            with open_log(place) as fetch:
                assert {path: fetch(path) for path in FILES} == FILES
                for missing in ("tile/0/001", "tile/5/000", "x"):
                    with pytest.raises(NotFound, match=missing):
                        fetch(missing)


def test_a_folder_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(NotFound), open_log(str(place)):
            pass


def test_what_cannot_be_read_is_unreachable(folder: Path) -> None:
    with open_log(str(folder)) as fetch, pytest.raises(Unreachable, match="cannot be read"):
        fetch("tile")


@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 429, 500, 503, 204])
def test_any_other_answer_of_a_server_is_unreachable_and_no_redirect_is_followed(status: int) -> None:
    reached: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append(self.path)

    with served(Elsewhere) as elsewhere, served(answering(status, b"", {"Location": elsewhere})) as url:
        with open_log(url) as fetch, pytest.raises(Unreachable, match=str(status)):
            fetch("checkpoint")
        assert reached == []


def test_nobody_there_is_unreachable() -> None:
    with open_log("http://127.0.0.1:9") as fetch, pytest.raises(Unreachable):
        fetch("checkpoint")


def test_what_is_too_long_is_cut_off_behind_the_bound(folder: Path) -> None:
    (folder / "checkpoint").write_bytes(b"x" * (3 * LARGEST))
    with served(answering(200, b"x" * (3 * LARGEST))) as url:
        for place in (str(folder), url):
            with open_log(place) as fetch:
                assert fetch("checkpoint") == b"x" * (LARGEST + 1)


def test_of_what_is_too_long_no_more_is_taken_than_what_is_on_its_way() -> None:
    whole, sent, over = 64 * 2**20, 0, threading.Event()

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal sent
            self.send_response(200)
            self.send_header("Content-Length", str(whole))
            self.end_headers()
            with suppress(OSError):
                while sent < whole:
                    self.wfile.write(b"x" * 2**16)
                    sent += 2**16
            over.set()

        def log_message(self, *_: Any) -> None:
            pass

    with served(Endless) as url:
        with open_log(url) as fetch:
            assert len(fetch("checkpoint")) == LARGEST + 1
        assert over.wait(30)
    assert sent < whole


def test_a_server_that_drips_is_not_waited_for_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each octet comes in time, and all together do not."""
    monkeypatch.setattr(web, "SECONDS", 0.5)
    end = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            while not end.wait(0.1):
                self.wfile.write(b"x" * (1 << 10))

        def log_message(self, *_: Any) -> None:
            pass

    with served(Dripping) as url:
        with open_log(url) as fetch, pytest.raises(Unreachable, match="within"):
            fetch("checkpoint")
        end.set()
