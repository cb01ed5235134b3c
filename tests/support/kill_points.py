"""A town that lives with requests and background work at once, and kills itself at a chosen point; and its successor.

    P01  before a step is recorded             P06  after broadcast, before it is written down
    P02  after it, before anybody is woken     P07  after that, before a receipt is issued
    P03  after a duty, before it is answered   P08  after the receipt, before the state is shown
    P04  after the claim, before signing       P09  after a checkpoint is signed, before it is stored
    P05  after storing, before broadcast       P10  after an answer is stored, before it is given

The client writes down what it asks before it asks, and what it was answered; an answer that it has counts for ever, and
what it has none for it asks again, under the same key, of whoever comes next.
"""

import importlib
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from ledger_automation.errors import NotSealed
from ledger_automation.orchestrator import receipt
from ledger_automation.orchestrator.asked import Asked, Identity, Member
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.orchestrator.query import case_view
from ledger_automation.tlog import receipt as receipt_file
from ledger_automation.values import CaseId
from ledger_automation.worker.in_process import InProcess
from ledger_automation.workflows import workflow
from support.towns import FINE, PATIENCE, Town, town

OFTEN: Final = {"sequence_seconds": 0.05, "settle_seconds": 0.1, "sweep_seconds": 1}
_CLERK: Final = Identity("https://issuer.example", "clerk")
_PAUSE: Final = 0.02
_LATER: Final = 0.05
"""A killed process may have gone on for so long at its point: its other threads are anywhere then."""


class Point(NamedTuple):
    """Where a process dies: before or after a call of something, at most the ``often``-th time."""

    module: str
    name: str
    after: bool
    often: int = 4


POINTS: Final = {
    "P01": Point("ledger_automation.store.requests", "SqlRequests.record", after=False),
    "P02": Point("ledger_automation.worker.in_process", "InProcess.wake", after=False),
    "P03": Point("ledger_automation.worker.workplace", "Workplace.run", after=True, often=8),
    "P04": Point("ledger_automation.chain.anchoring", "AnchoringChain.sign", after=False, often=2),
    "P05": Point("ledger_automation.chain.anchoring", "AnchoringChain.broadcast", after=False, often=2),
    "P06": Point("ledger_automation.chain.anchoring", "AnchoringChain.broadcast", after=True, often=2),
    "P07": Point("ledger_automation.orchestrator.submit", "Lane._write", after=True, often=2),
    "P08": Point("ledger_automation.tlog.receipt", "write", after=True),
    "P09": Point("ledger_automation.tlog.checkpoint", "Checkpoint.sign", after=True),
    "P10": Point("ledger_automation.orchestrator.decide", "Decider.decide", after=True),
}


class Diary:
    """What a client asked and was answered, in a file that outlives its processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, **line: Any) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def read(self) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
        """Return what was asked by its key, and the step that each answer named."""
        lines = [json.loads(line) for line in self.path.read_text("utf-8").splitlines()] if self.path.exists() else []
        asked = {line["key"]: line for line in lines if "action" in line}
        return asked, {line["key"]: line["sequence"] for line in lines if "sequence" in line}


class Client:
    """Opens fines and pays on them, one request at a time."""

    def __init__(self, town: Town, diary: Diary, random: Random) -> None:
        self.town, self.diary, self.random = town, diary, random
        self.decider = town.ledger.decider()
        self.cases: list[str] = []

    def one(self) -> None:
        """Ask for something new."""
        opens = not self.cases or self.random.random() < 0.3
        case = str(CaseId.random()) if opens else self.random.choice(self.cases)
        action, payload = ("record_fine", FINE) if opens else ("record_payment", {"amount": 1})
        key = self.random.randbytes(32).hex()
        self.diary.write(key=key, case=case, action=action, payload=payload)
        self.ask(key, case, action, payload)
        if opens:
            self.cases.append(case)

    def ask(self, key: str, case: str, action: str, payload: dict[str, Any]) -> None:
        fingerprint = sha256(json.dumps([case, action, payload]).encode()).digest()
        table, role = workflow("parking_fine"), "clerk" if action == "record_fine" else "finance"
        asked = Asked(_CLERK, bytes.fromhex(key), fingerprint, CaseId(case), table, action, payload, role)
        (outcome,) = self.decider.decide([asked])
        assert outcome.taken is not None, outcome
        self.diary.write(key=key, sequence=outcome.taken.sequence)


def live(home: Path, url: str, point: str, seed: str) -> None:
    """Live until the point is reached, then die of SIGKILL."""
    with town(home, url, **OFTEN) as opened, InProcess(opened.ledger) as work:
        client = Client(opened, Diary(home / "diary"), Random(seed))
        with opened.ledger.begin() as unit:
            unit.members.enrol(_CLERK, Member("olga", ("clerk", "finance")))
            unit.commit()
        first = opened.fine()
        _mine(POINTS[point], Random(seed))
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            client.one()
            work.wake(Duty.SEQUENCE, Duty.ANCHOR)
            with suppress(NotSealed), opened.ledger.read() as unit:
                (home / "receipt").write_bytes(receipt_file.write(receipt.issue(unit, first)))
                case_view(unit, first)
            time.sleep(_PAUSE)


def recover(home: Path, url: str) -> None:
    """Be the next process: ask again for what was not answered, and wait until all is final. Nobody lends a hand."""
    with town(home, url, **OFTEN) as opened, InProcess(opened.ledger) as work:
        diary = Diary(home / "diary")
        client = Client(opened, diary, Random(0))
        asked, answered = diary.read()
        for key in asked.keys() - answered.keys():
            client.ask(key, asked[key]["case"], asked[key]["action"], asked[key]["payload"])
        give_up = time.monotonic() + PATIENCE
        while not opened.is_settled():
            assert time.monotonic() < give_up, (opened.submitted()[-3:], opened.pending(), opened.alarms())
            work.wake(Duty.SEQUENCE, Duty.ANCHOR)
            time.sleep(0.1)


def _mine(point: Point, random: Random) -> None:
    """Put SIGKILL at a point of this very process, to be reached some time soon."""
    left, pause = random.randint(1, point.often), random.uniform(0, _LATER)
    owner: Any = importlib.import_module(point.module)
    *path, name = point.name.split(".")
    for each in path:
        owner = getattr(owner, each)
    call: Callable[..., Any] = getattr(owner, name)

    def die() -> None:
        nonlocal left
        left -= 1
        if not left:
            time.sleep(pause)
            os.kill(os.getpid(), signal.SIGKILL)

    def mined(*given: Any, **more: Any) -> Any:
        if not point.after:
            die()
        found = call(*given, **more)
        if point.after:
            die()
        return found

    setattr(owner, name, mined)
