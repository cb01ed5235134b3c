"""The parking fine in the numbers of contracts/workflows/ParkingFineLedger.sol (requirements FI1 to FI9).

The state says how a case ended and which appeal is pending, so the words need not: the first holds who recorded the
fine, the rung, the rules and the money, the second, there from the first appeal or service on, the moments that service
and decisions set and the person concerned. What ends at the moment of a step is cut to its second, since no later step
can come before it.

What this does not do: it decides nothing. Rules with terms of more than 510 days, or a calendar that nobody knows, are
InvalidValue: no contract can hold them.
"""

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from ledger_automation.errors import InvalidValue
from ledger_automation.workflows._enforcement import Enforcement, Names, Word, moment, pack
from ledger_automation.workflows._table import Step
from ledger_automation.workflows.deadlines import CALENDAR_KNOWN
from ledger_automation.workflows.parking_fine.case import APPEALED, RUNGS, Fine, Rules
from ledger_automation.workflows.parking_fine.steps import serve, serve_decision

_STATES: Final = (*RUNGS, *APPEALED, "in_collection", "settled", "overpaid", "dismissed", "written_off")

_YEARS: Final = (1971, 2499)
_SECOND: Final = 1_000_000
_DAYS_BITS: Final = 9
_NO_PENALTY: Final = (1 << _DAYS_BITS) - 1
_CENTS_BITS: Final = 53
_PAID_BITS: Final = 55
_MOMENT_BITS: Final = 40


def _facts(fine: Fine, names: Names) -> tuple[Word, ...]:
    word = pack(
        (names.member(fine.recorded_by), 32),
        (RUNGS.index(fine.rung) + 1, 3),
        (fine.forwarded, 1),
        (fine.decided, 1),
        (fine.authority_decided, 1),
        (_rules(fine.rules), 50),
        (fine.amount, 56),
        (fine.expense, 56),
        (fine.paid - fine.refunded, _PAID_BITS),
    )
    second = pack((_moments(fine), 4 * _MOMENT_BITS), (names.member(fine.person_concerned), 32))
    return (word, second) if second else (word,)


def _rules(rules: Rules) -> int:
    days = (rules.appeal_days, rules.court_days, rules.court_days_after_decision, rules.penalty_after_days)
    if _NO_PENALTY in (*days, rules.collection_after_days):
        raise InvalidValue("The days of a term in an enforced step", _NO_PENALTY, f"from 0 to {_NO_PENALTY - 1}")
    return pack(
        (rules.hearing_required, 1),
        (rules.appeal_before_notice, 1),
        (rules.court_directly, 1),
        *((_NO_PENALTY if each is None else each, _DAYS_BITS) for each in (*days, rules.collection_after_days)),
    )


def _moments(fine: Fine) -> Word:
    set_by_service = (fine.appeal_ends, fine.court_ends, fine.penalty_starts, fine.collection_starts)
    return pack(*((_seconds(each), _MOMENT_BITS) for each in set_by_service))


def _seconds(at: datetime | None) -> int:
    return moment(at) // _SECOND


def _require_year(at: datetime) -> None:
    """Keep within the calendars: the law refuses such moments too, but is perhaps asked later."""
    if not _YEARS[0] <= at.year <= _YEARS[1]:
        raise InvalidValue("A moment of an enforced fine", at.isoformat(), f"in the years {_YEARS[0]} to {_YEARS[1]}")


def _record(_: Fine | None, step: Step, _names: Names) -> tuple[Word, ...]:
    rules: Rules = step.payload.rules
    if not CALENDAR_KNOWN.holds(None, step):
        raise InvalidValue("The calendar of an enforced case", f"{rules.zone}, {rules.holidays_of}", "a known one")
    return (pack((0, 38), (_rules(rules), 50), (step.payload.amount, _CENTS_BITS)),)


def _amount(_: Fine | None, step: Step, _names: Names) -> tuple[Word, ...]:
    return (step.payload.amount,)


def _expense(_: Fine | None, step: Step, _names: Names) -> tuple[Word, ...]:
    return (step.payload.expense,)


def _serve(fine: Fine | None, step: Step, _: Names) -> tuple[Word, ...]:
    """Return the terms as service starts them; which of them an earlier end closed for good, the contract knows."""
    _require_year(step.at)
    return (_moments(serve(replace(fine, appeal_ends=None), step)) if fine else 0,)


def _decide(_: Fine | None, step: Step, _names: Names) -> tuple[Word, ...]:
    return (int(step.payload.outcome == "dismissed"),)


def _serve_decision(fine: Fine | None, step: Step, _: Names) -> tuple[Word, ...]:
    """Return the end of the term that an authority's decision opens; a court's opens none."""
    _require_year(step.at)
    if fine is None or fine.appeal == "appealed_to_court":
        return ()
    return (_seconds(serve_decision(fine, step).court_ends),)


ENFORCEMENT: Final = Enforcement(
    contract="ParkingFineLedger",
    states=_STATES,
    facts=_facts,
    arguments={
        "record_fine": _record,
        "correct_amount": _amount,
        "send_notice": _expense,
        "record_service": _serve,
        "decide_appeal": _decide,
        "serve_decision": _serve_decision,
        "add_penalty": _amount,
        "record_payment": _amount,
        "record_collected": _amount,
        "refund": _amount,
    },
)
