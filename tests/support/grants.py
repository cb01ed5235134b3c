"""Subsidies as a store would return them: lawful steps become rows, without a store."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from zlib import crc32

from hypothesis import strategies as st

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


ACTIONS: Final = (
    "request_tranche", "approve_tranche", "disburse_tranche", "prove_use", "accept_use", "reclaim", "record_repayment",
    "return_tranche", "change_rate", "reduce_grant", "cancel_rest", "endorse_tranche", "meet_condition", "revoke",
    "submit_final_proof", "return_final_proof", "close",
)  # fmt: skip
ONWARD: Final = {
    None: "request_tranche", "returned": "request_tranche", "requested": "approve_tranche",
    "approved": "disburse_tranche", "disbursed": "prove_use", "proven": "reclaim", "reclaimed": "record_repayment",
    "accepted": "reclaim",
}  # fmt: skip
"""What takes a tranche on from a stage; chance alone would pay next to none."""
RARE: Final = {"revoke", "cancel_rest", "close", "submit_final_proof"}
Tries = list[tuple[str | None, int, int, int]]
TRIES: Final = st.lists(
    st.tuples(
        st.sampled_from([None, None, None, *ACTIONS]), st.integers(1, 3), st.integers(1, 40_000), st.integers(0, 9)
    ),
    min_size=10,
    max_size=50,
)


def _payload(action: str, number: int, amount: int, proven: int) -> dict[str, Any]:
    return {
        "request_tranche": {"number": number, "amount": amount, "payee": "account", "expenditure": amount // 3},
        "prove_use": {"number": number, "expenditure": amount, "reference": "v"},
        "reclaim": {"number": number, "amount": amount, "reason": "r"},
        "record_repayment": {"number": number, "amount": amount},
        "return_tranche": {"number": number, "reason": "r"},
        "change_rate": {"rate": 4_000 + amount % 5_001, "reason": "r"},
        "reduce_grant": {"amount": amount, "reason": "r"},
        "meet_condition": {"name": "a", "evidence": "e"},
        "submit_final_proof": {
            "report": "r",
            "figures": [{"item": "a", "planned": 1, "actual": proven + number}],
            "vouchers": [{"number": "1", "paid_on": "2020-01-01", "amount": proven + number}],
        },
        "cancel_rest": {"reason": "r"},
        "revoke": {"reason": "r"},
        "return_final_proof": {"reason": "r"},
        "close": {},
    }.get(action, {"number": number})


def _of_hundred_thousand(own_funds: str) -> Town:
    rules = {"check_required": False, "cost_plan_required": False, "own_share_proof_required": False}
    return Town().take(
        step("2019-01-01", "o", "clerk", "open_programme", title="t",
             rules={**rules, "rate": 9_000, "own_funds": own_funds}),
        step("2019-01-02", "town-1", "applicant", "apply", applicant="town", kind="municipality", planned=120_001,
             own_share=12_000),
        step("2019-01-03", "p", "approver", "grant", amount=100_000, rate=9_000, advance=40_000,
             conditions=[{"name": "a", "from_tranche": 2}]),
    )  # fmt: skip


def walked(own_funds: str, tries: Tries) -> Town:
    """A grant of 1,000 EUR, and whatever of some tries is lawful, or what takes the tranche on (None)."""
    town = _of_hundred_thousand(own_funds)
    at = datetime(2019, 2, 1, 10, tzinfo=UTC)
    for place, (chosen, number, amount, days) in enumerate(tries):
        before = town.law.tranche(number)
        action = chosen or ONWARD[before.stage if before else None]
        if action in RARE and place < len(tries) - 3:
            continue
        at += timedelta(days=days)
        role = town.standing.table.transition(action).roles[0]
        actor = "town-1" if role == "applicant" else f"{role}-1"
        given = _payload(action, number, amount, town.law.proven)
        town.attempt(step(at.date().isoformat(), actor, role, action, **given))
    return town
