"""A town's ledger as any of its processes opens it, what it records, and what must be true of it in the end."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.chain import anvil
from ledger_automation.merkle import leaf_hash
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.orchestrator.submission import OPEN, State
from ledger_automation.orchestrator.transition import Intent, Recorder, advance, open_case
from ledger_automation.settings import Settings
from ledger_automation.values import CaseId
from ledger_automation.verify.auditor import Auditor, AuditReport
from ledger_automation.verify.policy import Level
from ledger_automation.worker.workplace import Workplace
from ledger_automation.workflows import Actor, Command, workflow

PATIENCE = 60
FINE = {"amount": 3_500, "offence": "kerb", "rules": {"hearing_required": False}}


class Town:
    """One home with one database; ``place`` is one process's place of work, and there may be several."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def place(self, stack: ExitStack, *, later: timedelta | None = None) -> Workplace:
        """Open a place of work, whose clock may be ahead."""
        ledger, recorder = self.ledger, self.ledger.recorder
        if later is not None:
            ahead = Recorder(recorder.origin, lambda: recorder.clock() + later)
            ledger = replace(ledger, recorder=ahead)
        place = Workplace(lambda: nullcontext(ledger))
        stack.callback(place.close)
        return place

    def fine(self) -> CaseId:
        intent = Intent(Command("record_fine", Actor("olga", "clerk"), FINE), self.ledger.recorder.clock())
        step = open_case(self.ledger.begin, self.ledger.recorder, workflow("parking_fine"), Level.ANCHORED, intent)
        return CaseId(step.event.case_id)

    def pay(self, case: CaseId, cents: int = 1) -> None:
        command = Command("record_payment", Actor("cash-office", "finance"), {"amount": cents})
        advance(self.ledger.begin, self.ledger.recorder, case, Intent(command, self.ledger.recorder.clock()))

    def pending(self) -> int:
        with self.ledger.read() as unit:
            return len(unit.log.pending(1_000, sweep=True))

    def size(self) -> int:
        """How many leaves the log has; every event one, and no leaf without its event."""
        with self.ledger.read() as unit:
            rows = [row for _, _, trail in unit.cases.trails(0, 0) for row in trail if row.leaf_index is not None]
            leaves = [digest for _, digest in unit.log.leaves(0)]
        assert sorted(row.leaf_index for row in rows if row.leaf_index is not None) == list(range(len(leaves)))
        for row in rows:
            assert leaves[row.leaf_index or 0] == leaf_hash(row.commitment)
        return len(leaves)

    def actions(self) -> Counter[str]:
        with self.ledger.read() as unit:
            return Counter(row.action for _, _, trail in unit.cases.trails(0, 0) for row in trail)

    def seal(self, place: Workplace) -> None:
        """Do every duty until all is in the log, and the log is anchored, finally; none has anything to report."""
        give_up = time.monotonic() + PATIENCE
        while True:
            assert all(place.run(duty) for duty in ROUND)
            if self.is_settled():
                return
            assert time.monotonic() < give_up, (self.submitted()[-3:], self.pending())
            time.sleep(0.05)

    def is_settled(self) -> bool:
        """Tell whether all is in the log, and the log is anchored, finally."""
        sent = self.submitted()
        open_ones = [state for _, state in sent if state in OPEN]
        return not self.pending() and not open_ones and max((size or 0 for size, _ in sent), default=0) == self.size()

    def submitted(self) -> list[tuple[int | None, str]]:
        with self.ledger.read() as unit:
            return [(each.tree_size, str(each.state)) for each in unit.log.submissions(0)]

    def anchored(self) -> list[int | None]:
        """The sizes that are on the chain, finally."""
        return [size for size, state in self.submitted() if state == State.FINAL]

    def anchored_once(self) -> list[int]:
        """The sizes that were anchored, each by one transaction that is final; what it replaced was never mined."""
        found = self.submitted()
        sizes = self.anchored()
        assert len(sizes) == len(set(sizes)), found
        assert {state for _, state in found} <= {State.FINAL, State.REPLACED}, found
        return [size for size in sizes if size is not None]

    def alarms(self) -> list[str]:
        with self.ledger.read() as unit:
            return sorted(str(each.kind) for each in unit.anchors.alarms())

    def audit(self, place: Workplace) -> AuditReport:
        found = place.on_chain()
        with self.ledger.read() as unit:
            return Auditor(found.policy, found.chain).audit(unit.cases, unit.log)

    def origin(self) -> bytes:
        return sha256(self.ledger.settings.origin.encode()).digest()

    def everything(self) -> Any:
        with self.ledger.read() as unit:
            return (
                list(unit.cases.trails(0, 0)), list(unit.log.leaves(0)), list(unit.log.nodes(8, 0)),
                list(unit.log.checkpoints(0)), list(unit.log.submissions(0)),
            )  # fmt: skip


ROUND = (Duty.SEQUENCE, Duty.SWEEP, Duty.ANCHOR, Duty.SETTLE)


@contextmanager
def town(home: Path, url: str = "", **settings: Any) -> Iterator[Town]:
    """Open a town on Anvil."""
    with open_ledger(Settings(home=home, database_url=url, chain="anvil", **settings)) as ledger:
        yield Town(ledger)


def end_anvil(home: Path) -> None:
    """End whatever Anvil of a home a killed process left behind, and no other."""
    with suppress(OSError, ValueError):
        if anvil._is_alive(home / "anvil"):
            os.kill(anvil._pid(home / "anvil"), signal.SIGKILL)
