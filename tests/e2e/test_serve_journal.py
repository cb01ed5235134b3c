"""`ledger serve` as a process: what its server writes down of what is no request of ours."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

NAMES: Final = ("Mustermann", "hunter2")
UPGRADE: Final = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
)
ODD: Final = (
    f"GET /workflows/permit/cases?applicant=Mustermann HTTP/1.1\r\nHost: a\r\n{UPGRADE}\r\n\r\n",
    f"GET /me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2\r\n{UPGRADE}\r\n\r\n",
    "GET /Mustermann HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "Mustermann hunter2\r\n\r\n",
    "GET /\x01Mustermann HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /me HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\nX: Mustermann\r\n\r\n",
    "POST /me HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nZZ\r\nhunter2\r\n",
)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A service on a port that was free; its journal is a file."""
    journal = tmp_path / "journal"
    program = "from ledger_automation.cli import main; main()"
    words = [sys.executable, "-c", program, "serve", "--dev", "--port", "0", "--chain", "tester"]
    with journal.open("wb") as file:
        process = subprocess.Popen([*words, "--home", tmp_path / "home"], stderr=file, stdout=file)
        try:
            while not (found := re.search(r"Serving http://127.0.0.1:(\d+)", journal.read_text("utf-8"))):
                assert process.poll() is None, journal.read_text("utf-8")
            yield int(found[1]), journal
        finally:
            process.terminate()
            process.wait(30)


def test_what_is_no_request_of_ours_leaves_no_name_and_breaks_no_line(serving: tuple[int, Path]) -> None:
    port, journal = serving
    for sent in ODD:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(sent.encode("latin-1"))
            answer = connection.recv(65_536)
            assert re.match(rb"HTTP/1\.1 4\d\d", answer), (sent, answer)
    lines = journal.read_text("utf-8").splitlines()
    written = [json.loads(line) for line in lines if not line.startswith("Serving")]
    assert len([each for each in written if each.get("event") in {"refused", "answered"}]) >= 3
    assert not [name for name in NAMES if name in journal.read_text("utf-8")]
