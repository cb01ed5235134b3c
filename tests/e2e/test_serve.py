"""``ledger serve --dev`` as somebody meets it: one command, a token, a case, a receipt; and an orderly end."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LEDGER = Path(sys.executable).with_name("ledger")
SECONDS = 60


class Served:
    """A service in a process of its own."""

    def __init__(self, home: Path, *words: str, **settings: str) -> None:
        ours = {"LEDGER_HOME": str(home), "LEDGER_SEQUENCE_SECONDS": "0.2", "LEDGER_ANCHOR_SECONDS": "1"}
        self.home = home
        self.log = home.parent / f"serve-{secrets.token_hex(4)}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [LEDGER, "serve", "--port", "0", *words], env={**os.environ, **ours, **settings}, stderr=log, stdout=log
            )
        self.url = self._url()

    def _url(self) -> str:
        give_up = time.monotonic() + SECONDS
        while time.monotonic() < give_up:
            for line in self.log.read_text("utf-8").splitlines():
                if line.startswith("Serving "):
                    return line.split()[1].rstrip(".")
            assert self.process.poll() is None, self.log.read_text("utf-8")
            time.sleep(0.05)
        raise AssertionError(self.log.read_text("utf-8"))

    def ask(self, path: str, body: Any = None, persona: str = "", **headers: str) -> Any:
        sent = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if persona:
            sent["Authorization"] = f"Bearer {self.ask('/dev/token', {'persona': persona})['access_token']}"
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, sent)) as answer:  # noqa: S310  ours
            return json.load(answer)

    def until(self, found: Any) -> Any:
        give_up = time.monotonic() + SECONDS
        while not (last := found()):
            assert time.monotonic() < give_up, self.log.read_text("utf-8")
            time.sleep(0.2)
        return last

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    found = Served(home, "--dev", "--chain", "tester")
    yield found
    if found.process.poll() is None:
        found.process.kill()
        found.process.wait(SECONDS)


def test_one_command_brings_a_case_to_an_anchored_receipt_and_ends_in_order(served: Served, home: Path) -> None:
    opened = served.ask("/workflows/parking_fine/cases", {"payload": {"amount": 3_500}}, "clerk-1", Idempotency_Key="a")
    path = f"/workflows/parking_fine/cases/{opened['case_id']}"
    served.until(lambda: served.ask(f"{path}/events", None, "clerk-1")["events"][0]["evidence"] == "final")
    receipt = served.ask(f"{path}/receipt", None, "clerk-1")
    assert receipt["anchor"]["chain_id"] > 0
    served.until(lambda: served.ask("/readyz")["ready"])
    assert served.end() in {0, -signal.SIGTERM}
    text = served.log.read_text("utf-8")
    assert "Traceback" not in text
    assert opened["case_id"] not in text
    (home.parent / "receipt.json").write_text(json.dumps(receipt), "utf-8")
    words = ["verify", str(home.parent / "receipt.json"), "--level", "logged"]
    done = subprocess.run([LEDGER, *words], env={**os.environ, "LEDGER_HOME": str(home)}, check=False)
    assert done.returncode == 0


def test_who_listens_is_let_go_when_the_service_ends(served: Served) -> None:
    opened = served.ask(
        "/workflows/parking_fine/cases", {"payload": {"amount": 3_500}}, "clerk-1", Idempotency_Key="listened-to"
    )
    token = served.ask("/dev/token", {"persona": "clerk-1"})["access_token"]
    live = f"{served.url}/workflows/parking_fine/cases/{opened['case_id']}/live"
    asked = urllib.request.Request(live, headers={"Authorization": f"Bearer {token}"})  # noqa: S310  ours
    with urllib.request.urlopen(asked) as stream:  # noqa: S310
        assert stream.readline().startswith(b"id: 0-")
        assert served.end() in {0, -signal.SIGTERM}
        stream.read()  # to its orderly end: cut short, this raises
    assert "Cancel" not in served.log.read_text("utf-8")


def test_what_was_acknowledged_is_there_after_a_kill(served: Served, home: Path) -> None:
    opened = served.ask("/workflows/parking_fine/cases", {"payload": {"amount": 1}}, "clerk-1", Idempotency_Key="a")
    served.process.kill()
    served.process.wait(SECONDS)
    again = Served(home, "--dev", "--chain", "tester")
    try:
        case = again.ask(f"/workflows/parking_fine/cases/{opened['case_id']}", None, "auditor-1")
        assert case["state"] == "recorded"
    finally:
        again.process.kill()
        again.process.wait(SECONDS)


def test_what_cannot_be_served_is_said_in_a_sentence(home: Path, served: Served) -> None:
    port = served.url.rpartition(":")[2]
    env = {**os.environ, "LEDGER_HOME": str(home)}
    for words, code, sentence in (
        (["--dev", "--port", port], 4, "Nothing can listen"),
        (["--dev", "--port", "99999"], 4, "Nothing can listen"),
        (["--port", "0", "--chain", "tester"], 4, "No issuer of tokens is trusted"),
        (["--port", "x"], 2, "port"),
    ):
        done = subprocess.run([LEDGER, "serve", *words], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
    nowhere = home.parent / "nowhere"
    done = subprocess.run(
        [LEDGER, "serve"], env=env | {"LEDGER_HOME": str(nowhere)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, nowhere.exists()) == (4, False), "no home is made for nothing"
