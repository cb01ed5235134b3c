"""Subsidies as a store would return them: lawful steps become rows, without a store."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from zlib import crc32

from ledger_automation.errors import TransitionNotAllowed
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.study import wismar
from ledger_automation.values import CaseId
from ledger_automation.verify.columns import columns
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import CaseRecord, DocumentRecord, EventRecord
from ledger_automation.workflows import Actor, Command, workflow

ORIGIN: Final = "test.example/ledger"
CASE: Final = CaseId("0b54d5a8-3c0f-4c5f-9d0b-6f0f6c1d2e3a")


class Town:
    """One subsidy, step by step; ``rows`` are its events as a store tells them, ``law`` what the law remembers."""

    def __init__(self, case_id: CaseId = CASE) -> None:
        ticks = count()
        self.recorder = Recorder(ORIGIN, lambda: datetime(2026, 3, 2, tzinfo=UTC) + timedelta(seconds=next(ticks)))
        self.standing = Standing(case_id, workflow("subsidy"), Level.LOGGED)
        self.rows: list[EventRecord] = []
        self.record: CaseRecord | None = None

    @property
    def law(self) -> Any:
        assert self.standing.case is not None
        return self.standing.case.data

    def take(self, *intents: Intent) -> "Town":
        for intent in intents:
            step, self.standing = self.recorder.step(self.standing, intent)
            number, event = len(self.rows), step.event
            self.record = step.case
            self.rows.append(
                EventRecord(
                    number + 1, *columns(event), step.commitment, step.salt, step.canonical, crc32(step.canonical),
                    len(step.documents), number, b"", event.case_id, event.sequence,
                )
            )  # fmt: skip
        return self

    def attempt(self, intent: Intent) -> str | None:
        """Take a step, or return the rule that refuses it."""
        try:
            self.take(intent)
        except TransitionNotAllowed as refusal:
            return refusal.rule
        return None


def step(day: str, actor: str, role: str, action: str, *documents: DocumentRecord, **payload: Any) -> Intent:
    at = datetime.fromisoformat(f"{day}T10:00:00").replace(tzinfo=UTC)
    return Intent(Command(action, Actor(actor, role), payload), at, documents)


def of_wismar(steps: Iterable[Intent] = wismar.STEPS, *more: Intent) -> Town:
    """The demonstration's grant, as far as it goes, and further."""
    return Town().take(*steps, *more)


ITEMS: Final = [f"strategy and implementation {year}" for year in (2020, 2021, 2022, 2023)]
SPENT: Final = (27_800_000, 27_000_000, 0, 200_000)
_PLANNED: Final = (45_854_249, 45_854_249, 45_854_249, 45_854_251)

FINAL: Final = (
    step("2020-09-01", "wismar-treasury", "applicant", "submit_final_proof",
         DocumentRecord("Sachbericht.pdf", "application/pdf", b"%PDF-1.7 the report"),
         report="The strategy was adopted by the council.\n\nImplementation began in two quarters.",
         figures=[{"item": item, "planned": planned, "actual": actual}
                  for item, planned, actual in zip(ITEMS, _PLANNED, SPENT, strict=True)],
         vouchers=[{"number": "1-14", "paid_on": "2020-03-02", "amount": 27_800_000},
                   {"number": "15-31", "paid_on": "2020-06-02", "amount": 27_000_000},
                   {"number": "32", "paid_on": "2019-09-30", "amount": 200_000}]),
    step("2020-10-01", "auditor-1", "auditor", "close"),
)  # fmt: skip
"""How the demonstration's grant might end: one voucher is paid a day before the period."""
