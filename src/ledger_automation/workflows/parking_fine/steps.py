"""What each step of a parking fine changes; a step may assume that its guards hold."""

from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from ledger_automation.workflows._table import Step
from ledger_automation.workflows.deadlines import end_of_day, local_day, start_of_day, term_end
from ledger_automation.workflows.parking_fine.case import Fine, RecordFine

Effect = Callable[[Fine, Step], Fine]


def record(_: None, step: Step) -> Fine:
    """Open the case."""
    given: RecordFine = step.payload
    return Fine(given.rules, step.actor.id, given.amount)


def send_hearing(fine: Fine, _: Step) -> Fine:
    """Ask the person concerned (§ 55 OWiG)."""
    return replace(fine, rung="hearing_sent")


def correct_amount(fine: Fine, step: Step) -> Fine:
    """Set another amount; possible until service only."""
    return replace(fine, amount=step.payload.amount)


def send_notice(fine: Fine, step: Step) -> Fine:
    """Send the notice; its expense is added to what is due."""
    return replace(fine, expense=fine.expense + step.payload.expense, rung="notice_sent")


def serve(fine: Fine, step: Step) -> Fine:
    """Record the service, which starts every term (FI8): appeal, court, penalty, collection.

    An appeal that was withdrawn or decided before it stays over: what that closed is not opened again.
    """
    rules = fine.rules
    day = local_day(step.at, rules.zone)
    appeal = term_end(day, days=rules.appeal_days, land=rules.holidays_of)
    court = term_end(day, days=rules.court_days, land=rules.holidays_of)
    raised = rules.penalty_after_days
    over = fine.appeal_ends is not None
    return replace(
        fine,
        rung="notified",
        appeal_ends=fine.appeal_ends if over else end_of_day(appeal, rules.zone),
        court_ends=fine.court_ends if over else end_of_day(court, rules.zone),
        penalty_starts=None if raised is None else start_of_day(day + timedelta(days=raised), rules.zone),
        collection_starts=start_of_day(day + timedelta(days=rules.collection_after_days), rules.zone),
    )


def appeal_to(where: str) -> Effect:
    """Return the step that takes the fine to the authority or the court and so suspends escalation."""
    return lambda fine, step: replace(fine, appeal=where, decided=False, person_concerned=step.actor.id)


def forward(fine: Fine, _: Step) -> Fine:
    """Hand the appeal on to the deciding authority."""
    return replace(fine, forwarded=True)


def decide(fine: Fine, step: Step) -> Fine:
    """Record what was decided; a dismissal ends the case and cancels what is due."""
    if step.payload.outcome == "dismissed":
        return replace(fine, ended="dismissed", appeal="")
    return replace(fine, decided=True)


def serve_decision(fine: Fine, step: Step) -> Fine:
    """End the suspension; after an authority's decision the way to the court is open for a term of its own."""
    by_court = fine.appeal == "appealed_to_court"
    rules = fine.rules
    last = term_end(local_day(step.at, rules.zone), days=rules.court_days_after_decision, land=rules.holidays_of)
    return replace(
        fine,
        appeal="",
        decided=False,
        authority_decided=True,
        appeal_ends=step.at,
        court_ends=step.at if by_court else end_of_day(last, rules.zone),
    )


def withdraw_appeal(fine: Fine, step: Step) -> Fine:
    """End the suspension at the wish of the person concerned; there is no second appeal."""
    return replace(fine, appeal="", decided=False, appeal_ends=step.at, court_ends=step.at)


def add_penalty(fine: Fine, step: Step) -> Fine:
    """Replace the amount by the tariff's higher value; the expense stays."""
    return replace(fine, amount=step.payload.amount, rung="penalty_added")


def pay(fine: Fine, step: Step) -> Fine:
    """Add a payment."""
    return replace(fine, paid=fine.paid + step.payload.amount)


def refund(fine: Fine, step: Step) -> Fine:
    """Give back what was paid beyond what is due."""
    return replace(fine, refunded=fine.refunded + step.payload.amount)


def collect(fine: Fine, _: Step) -> Fine:
    """Hand the fine over to enforcement."""
    return replace(fine, ended="in_collection")


def cancel(fine: Fine, _: Step) -> Fine:
    """Drop the fine; nothing is due any more."""
    return replace(fine, ended="dismissed", appeal="")


def write_off(fine: Fine, _: Step) -> Fine:
    """Give up an irrecoverable fine (Niederschlagung, § 59 LHO M-V)."""
    return replace(fine, ended="written_off")
