"""What a parking fine carries and remembers: rules, payloads, and the facts that its state follows from."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from ledger_automation.workflows._table import Cents, Payload, PositiveCents, Step, Term, Text
from ledger_automation.workflows.deadlines import NEVER

RUNGS: Final = ("recorded", "hearing_sent", "notice_sent", "notified", "penalty_added")
APPEALED: Final = ("appealed_to_authority", "appealed_to_court")
OPEN: Final = (*RUNGS, *APPEALED)


Days = Annotated[int, msgspec.Meta(ge=0, le=3660)]
"""A term in days: at most ten years, so that it ends within the calendar."""


class Rules(Payload, frozen=True):
    """What differs between countries and years; the defaults are German law (OWiG) in Mecklenburg-Vorpommern."""

    hearing_required: bool = True
    appeal_before_notice: bool = False
    appeal_days: Days = 14
    court_directly: bool = False
    court_days: Days = 14
    court_days_after_decision: Days = 14
    penalty_after_days: Days | None = None
    collection_after_days: Days = 28
    holidays_of: str = "MV"
    zone: str = "Europe/Berlin"


ITALIAN: Final = Rules(
    hearing_required=False,
    appeal_before_notice=True,
    appeal_days=60,
    court_directly=True,
    court_days=60,
    court_days_after_decision=30,
    penalty_after_days=60,
    collection_after_days=60,
    holidays_of="",
    zone="Europe/Rome",
)


class RecordFine(Payload, frozen=True):
    """The fine as it was written."""

    amount: PositiveCents
    offence: str = ""
    rules: Rules = Rules()


class Amount(Payload, frozen=True):
    """An amount of money that is paid, refunded, corrected or raised to."""

    amount: PositiveCents


class SendNotice(Payload, frozen=True):
    """The notice, with the expense of sending it that is added to what is due."""

    expense: Cents = 0


class Decision(Payload, frozen=True):
    """What the authority or the court decided about the fine: it is dismissed, or it is upheld."""

    outcome: Literal["dismissed", "upheld"]


class Reason(Payload, frozen=True):
    """Why."""

    reason: Text


class Collection(Payload, frozen=True):
    """The batch with which the fine went to collection."""

    batch: str = ""


class Fine(Payload, frozen=True):
    """What the law must remember of a case."""

    rules: Rules
    recorded_by: str
    amount: int
    expense: int = 0
    paid: int = 0
    refunded: int = 0
    rung: str = "recorded"
    appeal: str = ""
    forwarded: bool = False
    decided: bool = False
    authority_decided: bool = False
    appeal_ends: datetime | None = None
    court_ends: datetime | None = None
    penalty_starts: datetime | None = None
    collection_starts: datetime | None = None
    ended: str = ""
    person_concerned: str = ""

    @property
    def due(self) -> int:
        """What is to be paid in all; a dismissal cancels it."""
        return 0 if self.ended == "dismissed" else self.amount + self.expense

    @property
    def refundable(self) -> int:
        """What was paid beyond what is due, and not yet given back."""
        return max(0, self.paid - self.refunded - self.due)


def terms(state: str, fine: Fine) -> tuple[Term, ...]:
    """Return what may be done until when: appeal, call the court; and from when the office goes on."""
    if state not in RUNGS:  # an appeal in time suspends everything else
        return ()
    to_court = fine.rules.court_directly or fine.authority_decided
    found = (
        Term("appeal", fine.appeal_ends or NEVER),
        Term("court", (fine.court_ends if to_court else None) or NEVER),
        Term("penalty", (None if state == "penalty_added" else fine.penalty_starts) or NEVER),
        Term("collection", fine.collection_starts or NEVER),
    )
    return tuple(each for each in found if each.ends != NEVER)


def standing(fine: Fine, _step: Step | None = None) -> str:
    """Derive the state from the facts: how it ended, else what was paid, else the appeal, else the rung."""
    if fine.ended in {"dismissed", "written_off"}:
        return fine.ended
    balance = fine.paid - fine.refunded - fine.due
    if balance >= 0:
        return "overpaid" if balance else "settled"
    return fine.ended or fine.appeal or fine.rung
