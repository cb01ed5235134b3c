"""The rules of a parking fine, each with its name and its sentence: guards on facts, bars on states."""

from typing import Final

from ledger_automation.workflows._table import Barred, Guard, Step, own_case_only
from ledger_automation.workflows.parking_fine.case import APPEALED, RUNGS, Fine

HEARING_FIRST: Final = Guard(
    "hearing_first",
    "These rules require a hearing before the notice (§ 55 OWiG).",
    lambda fine, _: not fine.rules.hearing_required or fine.rung != "recorded",
)
NOTICE_ONCE: Final = Guard(
    "notice_sent_once",
    "The notice was sent already; its expense is due once.",
    lambda fine, _: fine.rung in {"recorded", "hearing_sent"},
)
NOTICE_FIRST: Final = Guard(
    "notice_first",
    "Only a notice that was sent can be served.",
    lambda fine, _: fine.rung not in {"recorded", "hearing_sent"},
)
SERVED_ONCE: Final = Guard(
    "served_once",
    "The notice was served already; its terms do not start again.",
    lambda fine, _: fine.rung not in {"notified", "penalty_added"},
)
AMOUNT_FIXED: Final = Guard(
    "amount_fixed_after_service",
    "The amount is fixed once the notice was served.",
    lambda fine, _: fine.rung in {"recorded", "hearing_sent", "notice_sent"},
)
NOTHING_TO_APPEAL: Final = Guard(
    "nothing_to_appeal_yet",
    "There is no notice yet that could be appealed.",
    lambda fine, step: fine.rules.appeal_before_notice or step.state not in {"recorded", "hearing_sent"},
)
APPEAL_IN_TIME: Final = Guard(
    "appeal_too_late",
    "The appeal came after the last second of its term, which runs from service.",
    lambda fine, step: fine.appeal_ends is None or step.at < fine.appeal_ends,
)
AUTHORITY_FIRST: Final = Guard(
    "authority_first",
    "These rules lead to the court only through the authority (§ 69 OWiG).",
    lambda fine, _: fine.rules.court_directly or fine.authority_decided,
)
COURT_IN_TIME: Final = Guard(
    "court_appeal_too_late",
    "The appeal to the court came after the last second of its term.",
    lambda fine, step: fine.court_ends is None or step.at < fine.court_ends,
)
FORWARDED_ONCE: Final = Guard("forwarded_once", "The appeal was forwarded already.", lambda fine, _: not fine.forwarded)
DECIDED_ONCE: Final = Guard("decided_once", "The appeal was decided already.", lambda fine, _: not fine.decided)
DECIDED_FIRST: Final = Guard(
    "decision_first", "Only a decision that was taken can be served.", lambda fine, _: fine.decided
)
NOT_IN_OWN_CASE: Final = Guard(
    "nobody_decides_in_own_case",
    "Neither who recorded the fine nor whom it concerns decides on it.",
    lambda fine, step: step.actor.id not in {fine.recorded_by, fine.person_concerned},
)
NOT_OWN_FINE: Final = Guard(
    "nobody_decides_in_own_case",
    "Whom the fine concerns does not change, forward or give it up.",
    lambda fine, step: step.actor.id != fine.person_concerned,
)
OWN_CASE: Final = own_case_only(lambda fine, person: fine.person_concerned in {"", person})
"""A fine opens without a person: whoever first acts as applicant is the one whom it concerns."""
PENALTY_KNOWN: Final = Guard(
    "no_penalty_in_these_rules",
    "These rules know no penalty for late payment.",
    lambda fine, _: fine.rules.penalty_after_days is not None,
)
PENALTY_ONCE: Final = Guard(
    "penalty_once", "The penalty was added already.", lambda fine, _: fine.rung != "penalty_added"
)
PENALTY_RAISES: Final = Guard(
    "penalty_below_amount",
    "The penalty replaces the amount by a higher tariff value, never by a lower one.",
    lambda fine, step: step.payload.amount >= fine.amount,
)


def _penalty_is_due(fine: Fine, step: Step) -> bool:
    return fine.penalty_starts is not None and step.at >= fine.penalty_starts


def _collection_is_due(fine: Fine, step: Step) -> bool:
    starts = fine.collection_starts
    return starts is not None and step.at >= starts and not (fine.authority_decided and _court_is_open(fine, step))


def _court_is_open(fine: Fine, step: Step) -> bool:
    return fine.court_ends is not None and step.at < fine.court_ends


PENALTY_DUE: Final = Guard(
    "penalty_too_early", "The penalty is not added before its day, which is counted from service.", _penalty_is_due
)
COLLECTION_DUE: Final = Guard(
    "collection_too_early", "Collection starts after the terms that run from service and decision.", _collection_is_due
)
REFUND_EXACT: Final = Guard(
    "refund_is_what_was_overpaid",
    "A refund is exactly what was paid beyond what is due; it happens once.",
    lambda fine, step: 0 < step.payload.amount == fine.refundable,
)

SUSPENDED: Final = Barred("suspended_by_appeal", "An appeal in time suspends escalation.", APPEALED)
NO_APPEAL_PENDING: Final = Barred("no_appeal_pending", "There is no appeal that could be handled.", RUNGS)
APPEAL_PENDING: Final = Barred("one_appeal_at_a_time", "An appeal is pending; there is no second one.", APPEALED)
NOT_SERVED: Final = Barred(
    "not_served_yet", "Escalation needs a notice that was served.", ("recorded", "hearing_sent", "notice_sent")
)
AFTER_COLLECTION: Final = Barred(
    "in_collection_already", "The fine is with enforcement; the office takes no more steps.", ("in_collection",)
)
_CLOSED: Final = ("settled", "overpaid", "written_off")
AFTER_SETTLEMENT: Final = Barred(
    "nothing_after_settled", "What was due is paid or given up; nothing follows but a refund.", _CLOSED
)
AFTER_DISMISSAL: Final = Barred(
    "nothing_after_dismissed", "The fine was dismissed; nothing follows but a refund.", ("dismissed",)
)
PAID_ALREADY: Final = Barred(
    "payment_although_settled", "Nothing is due any more; a payment would be more than what is due.", _CLOSED
)
PAID_TO_COLLECTION: Final = Barred(
    "payment_after_collection", "The fine is with enforcement, which takes the payment.", ("in_collection",)
)
COLLECTED_THOUGH_SETTLED: Final = Barred(
    "collection_although_settled", "Only a fine that is not settled goes to collection.", _CLOSED
)
