"""What each step of a subsidy changes; a step may assume that its guards hold."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from ledger_automation.workflows._table import Step
from ledger_automation.workflows.deadlines import end_of_day, local_day
from ledger_automation.workflows.subsidy.case import Grant, Subsidy, Tranche, opened

Effect = Callable[[Subsidy, Step], Subsidy]


def open_programme(_: None, step: Step) -> Subsidy:
    """Open the case."""
    return opened(step.payload)


def apply_for(case: Subsidy, step: Step) -> Subsidy:
    """Take in the application, or the amended one."""
    given = step.payload
    reference = case.resolution_reference or given.resolution_reference
    return replace(case, application=given, applied_by=step.actor.id, checked_by=(), resolution_reference=reference)


def check(case: Subsidy, step: Step) -> Subsidy:
    """Note who checked."""
    return replace(case, checked_by=(*case.checked_by, step.actor.id))


def keep(case: Subsidy, _: Step) -> Subsidy:
    """Change nothing but the state."""
    return case


def resolve_council(case: Subsidy, step: Step) -> Subsidy:
    """Note the council's resolution."""
    return replace(case, resolution_reference=step.payload.reference, resolved_on=step.payload.resolved_on)


def grant(case: Subsidy, step: Step) -> Subsidy:
    """Grant: all of it is open."""
    given = step.payload
    granted = Grant(given.amount, given.amount, given.rate, given.starts, given.ends, given.advance, given.conditions)
    return replace(case, grant=granted)


def meet(case: Subsidy, step: Step) -> Subsidy:
    """Note a condition as met."""
    return replace(case, met=(*case.met, step.payload.name))


def request(case: Subsidy, step: Step) -> Subsidy:
    """Add a tranche, or replace one that was returned."""
    given = step.payload
    tranche = Tranche(given.number, given.amount, given.payee, step.actor.id, expenditure=given.expenditure)
    others = (each for each in case.tranches if each.number != given.number)
    return replace(case, tranches=(*others, tranche))


def _changed(case: Subsidy, number: int, **changes: Any) -> Subsidy:
    tranches = tuple(replace(each, **changes) if each.number == number else each for each in case.tranches)
    return replace(case, tranches=tranches)


def approve(case: Subsidy, step: Step) -> Subsidy:
    """Order the payment (Anordnung)."""
    return _changed(case, step.payload.number, stage="approved", approved_by=step.actor.id)


def send_back(case: Subsidy, step: Step) -> Subsidy:
    """Return a request; its proven expenditure no longer counts."""
    return _changed(case, step.payload.number, stage="returned", expenditure=0)


def disburse(case: Subsidy, step: Step) -> Subsidy:
    """Pay: the amount moves from open to disbursed, and its term of use starts."""
    tranche, money, zone = _tranche(case, step), _grant(case), case.rules.zone
    last = local_day(step.at, zone) + timedelta(weeks=case.rules.use_weeks)
    paid = replace(money, open=money.open - tranche.amount, disbursed=money.disbursed + tranche.amount)
    after = _changed(case, tranche.number, stage="disbursed", use_ends=end_of_day(last, zone))
    return replace(after, grant=paid)


def prove(case: Subsidy, step: Step) -> Subsidy:
    """Add the expenditure proven for a tranche."""
    proven = _tranche(case, step).expenditure + step.payload.expenditure
    return _changed(case, step.payload.number, stage="proven", expenditure=proven)


def accept(case: Subsidy, step: Step) -> Subsidy:
    """Accept the proof of a tranche."""
    return _changed(case, step.payload.number, stage="accepted")


def reclaim(case: Subsidy, step: Step) -> Subsidy:
    """Ask back a part of a tranche; what was disbursed stays disbursed."""
    asked = _tranche(case, step).reclaimed + step.payload.amount
    return _changed(case, step.payload.number, stage="reclaimed", reclaimed=asked)


def repay(case: Subsidy, step: Step) -> Subsidy:
    """Note what came back."""
    return _changed(case, step.payload.number, repaid=_tranche(case, step).repaid + step.payload.amount)


def change_rate(case: Subsidy, step: Step) -> Subsidy:
    """Set another rate; what was paid is paid, the next payment counts with the new one."""
    return replace(case, grant=replace(_grant(case), rate=step.payload.rate))


def reduce(case: Subsidy, step: Step) -> Subsidy:
    """Move a part of the open grant to cancelled."""
    return _cancelled(case, step.payload.amount)


def cancel_rest(case: Subsidy, _: Step) -> Subsidy:
    """Move all that is open to cancelled: on revocation, on closure, or when nothing more is needed."""
    return _cancelled(case, _grant(case).open)


def final_proof(case: Subsidy, step: Step) -> Subsidy:
    """Note the final proof of use."""
    return replace(case, final_report=step.payload.report)


def _cancelled(case: Subsidy, amount: int) -> Subsidy:
    money = _grant(case)
    return replace(case, grant=replace(money, open=money.open - amount, cancelled=money.cancelled + amount))


def _grant(case: Subsidy) -> Grant:
    if case.grant is None:
        raise AssertionError("the table lets no money step happen before the grant")
    return case.grant


def _tranche(case: Subsidy, step: Step) -> Tranche:
    found = case.tranche(step.payload.number)
    if found is None:
        raise AssertionError("a guard has checked that the tranche exists")
    return found
