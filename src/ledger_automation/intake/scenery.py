"""What the generator invents around a walk: delays, amounts, officers. Made up here, taken from no log.

Each process has a `Scenery`: how long until the next step, and which attributes its event carries. The amounts are a
small tariff of our own; a payment is mostly what is due, sometimes a part; officers are numbers.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from ledger_automation.values import Money
from ledger_automation.workflows import Case
from ledger_automation.workflows.parking_fine import Fine

_TARIFF: Final = {2_000: 4_000, 3_500: 7_000, 5_500: 11_000, 7_000: 14_500}
_EXPENSES: Final = (1_150, 1_350)
_PART_PAYERS: Final = 0.08
_DISMISSED: Final = 0.55
_OFFICES_OPEN: Final = (8, 16)


class Scenery(NamedTuple):
    """How a process looks: the moment of its next step, the attributes of an event."""

    later: Callable[[Random, str, datetime, Case | None], datetime]
    attributes: Callable[[Random, str, Case | None], dict[str, str]]


_DAYS: Final[Mapping[str, tuple[int, int]]] = {
    "Send Fine": (20, 90),
    "Insert Fine Notification": (5, 25),
    "Payment": (2, 40),
    "Insert Date Appeal to Prefecture": (5, 50),
    "Send Appeal to Prefecture": (5, 60),
    "Receive Result Appeal from Prefecture": (30, 150),
    "Notify Result Appeal to Offender": (3, 20),
    "Appeal to Judge": (3, 25),
    "Send for Credit Collection": (200, 600),
}


def _fine_later(random: Random, activity: str, at: datetime, case: Case | None) -> datetime:
    if activity == "Add penalty" and case is not None and case.data.penalty_starts is not None:
        timer: datetime = case.data.penalty_starts  # the timer fires at the first second of its day
        return max(at, timer)
    fewest, most = _DAYS.get(activity, (1, 10))
    return _office_hours(random, at + timedelta(days=random.randint(fewest, most)))


def _fine_attributes(random: Random, activity: str, case: Case | None) -> dict[str, str]:
    fine: Fine | None = case.data if case is not None else None
    if activity == "Create Fine" or fine is None:
        amount = random.choice(list(_TARIFF))
        return {"amount": str(Money(amount)), "article": str(random.choice((7, 157, 158))), **_officer(random)}
    if activity == "Send Fine":
        return {"expense": str(Money(random.choice(_EXPENSES)))}
    if activity == "Add penalty":
        return {"amount": str(Money(_TARIFF.get(fine.amount, 2 * fine.amount)))}
    if activity == "Send Appeal to Prefecture":
        return {"dismissal": "#" if random.random() < _DISMISSED else "NIL"}
    if activity == "Payment":
        left = max(1, fine.due - fine.paid)
        return {"paymentAmount": str(Money((left + 1) // 2 if random.random() < _PART_PAYERS else left))}
    return {}


def _receipt_later(random: Random, _activity: str, at: datetime, _case: Case | None) -> datetime:
    if random.random() < 0.5:  # noqa: PLR2004 (half of the steps follow at once)
        return at + timedelta(minutes=random.randint(1, 90), seconds=random.randrange(60))
    return _office_hours(random, at + timedelta(days=random.randint(1, 4)))


def _receipt_attributes(random: Random, activity: str, _case: Case | None) -> dict[str, str]:
    return {} if not activity else _officer(random)


def _officer(random: Random) -> dict[str, str]:
    return {"org:resource": f"officer-{random.randint(1, 12):02d}"}


def _office_hours(random: Random, day: datetime) -> datetime:
    opens, closes = _OFFICES_OPEN
    return day.replace(hour=random.randrange(opens, closes), minute=random.randrange(60), second=random.randrange(60))


SCENERIES: Final[Mapping[str, Scenery]] = {
    "traffic_fines": Scenery(_fine_later, _fine_attributes),
    "receipt": Scenery(_receipt_later, _receipt_attributes),
}
