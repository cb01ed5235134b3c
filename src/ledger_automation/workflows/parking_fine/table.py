"""The table of the parking fine: who may do what, when, and what follows."""

from typing import Final

from ledger_automation.workflows._machine import Workflow
from ledger_automation.workflows._table import Barred, Nothing, Retention, Transition
from ledger_automation.workflows.deadlines import CALENDAR_KNOWN
from ledger_automation.workflows.parking_fine import guards as rule
from ledger_automation.workflows.parking_fine import steps as do
from ledger_automation.workflows.parking_fine.case import (
    APPEALED,
    OPEN,
    RUNGS,
    Amount,
    Collection,
    Decision,
    Fine,
    Reason,
    RecordFine,
    SendNotice,
    standing,
    terms,
)
from ledger_automation.workflows.parking_fine.enforcement import ENFORCEMENT

_UNSERVED: Final = ("recorded", "hearing_sent", "notice_sent")
_SERVED: Final = ("notified", "penalty_added")
_ENDS: Final = ("settled", "overpaid")
_CLOSED: Final[tuple[Barred, ...]] = (rule.AFTER_COLLECTION, rule.AFTER_SETTLEMENT, rule.AFTER_DISMISSAL)
_STEP: Final = ("clerk", "system")

_TRANSITIONS: Final = (
    Transition("record_fine", "fine_recorded", (), ("recorded",), _STEP, RecordFine, do.record, (CALENDAR_KNOWN,)),
    Transition(
        "send_hearing", "hearing_sent", ("recorded",), ("hearing_sent",), _STEP, Nothing, do.send_hearing,
        barred=_CLOSED,
    ),
    Transition(
        "correct_amount", "amount_corrected", (*RUNGS, *APPEALED), (*_UNSERVED, *APPEALED, *_ENDS), ("clerk",),
        Amount, do.correct_amount, (rule.NOT_OWN_FINE, rule.AMOUNT_FIXED), standing, _CLOSED,
    ),
    Transition(
        "send_notice", "notice_sent", OPEN, ("notice_sent", *APPEALED), _STEP,
        SendNotice, do.send_notice, (rule.NOTICE_ONCE, rule.HEARING_FIRST), standing, _CLOSED,
    ),
    Transition(
        "record_service", "notice_served", OPEN, ("notified", *APPEALED), _STEP,
        Nothing, do.serve, (rule.NOTICE_FIRST, rule.SERVED_ONCE), standing, _CLOSED,
    ),
    Transition(
        "appeal_to_authority", "appealed_to_authority", RUNGS, ("appealed_to_authority",), ("applicant",),
        Nothing, do.appeal_to("appealed_to_authority"), (rule.OWN_CASE, rule.NOTHING_TO_APPEAL, rule.APPEAL_IN_TIME),
        barred=(rule.APPEAL_PENDING, *_CLOSED),
    ),
    Transition(
        "appeal_to_court", "appealed_to_court", RUNGS, ("appealed_to_court",), ("applicant",),
        Nothing, do.appeal_to("appealed_to_court"),
        (rule.OWN_CASE, rule.NOTHING_TO_APPEAL, rule.AUTHORITY_FIRST, rule.COURT_IN_TIME),
        barred=(rule.APPEAL_PENDING, *_CLOSED),
    ),
    Transition(
        "forward_appeal", "appeal_forwarded", APPEALED, APPEALED, ("clerk",), Nothing, do.forward,
        (rule.NOT_OWN_FINE, rule.FORWARDED_ONCE), standing, (rule.NO_APPEAL_PENDING, *_CLOSED),
    ),
    Transition(
        "decide_appeal", "appeal_decided", APPEALED, (*APPEALED, "dismissed"), ("approver",), Decision, do.decide,
        (rule.NOT_IN_OWN_CASE, rule.DECIDED_ONCE), standing, (rule.NO_APPEAL_PENDING, *_CLOSED),
    ),
    Transition(
        "serve_decision", "decision_served", APPEALED, RUNGS, _STEP, Nothing, do.serve_decision,
        (rule.DECIDED_FIRST,), standing, (rule.NO_APPEAL_PENDING, *_CLOSED),
    ),
    Transition(
        "withdraw_appeal", "appeal_withdrawn", APPEALED, RUNGS, ("applicant",), Nothing, do.withdraw_appeal,
        (rule.OWN_CASE,), standing, (rule.NO_APPEAL_PENDING, *_CLOSED),
    ),
    Transition(
        "add_penalty", "penalty_added", _SERVED, ("penalty_added",), ("system",), Amount, do.add_penalty,
        (rule.PENALTY_KNOWN, rule.PENALTY_ONCE, rule.PENALTY_DUE, rule.PENALTY_RAISES),
        barred=(rule.SUSPENDED, rule.NOT_SERVED, *_CLOSED),
    ),
    Transition(
        "record_payment", "payment_recorded", OPEN, (*OPEN, *_ENDS), ("finance",), Amount, do.pay, (), standing,
        (rule.PAID_TO_COLLECTION, rule.PAID_ALREADY, rule.AFTER_DISMISSAL),
    ),
    Transition(
        "send_to_collection", "sent_to_collection", _SERVED, ("in_collection",), ("finance", "system"),
        Collection, do.collect, (rule.COLLECTION_DUE,),
        barred=(
            rule.SUSPENDED, rule.NOT_SERVED, rule.COLLECTED_THOUGH_SETTLED, rule.AFTER_COLLECTION,
            rule.AFTER_DISMISSAL,
        ),
    ),
    Transition(
        "record_collected", "collected", ("in_collection",), ("in_collection", *_ENDS), ("finance",),
        Amount, do.pay, (), standing, (rule.PAID_ALREADY, rule.AFTER_DISMISSAL),
    ),
    Transition(
        "write_off", "written_off", ("in_collection",), ("written_off",), ("finance",), Reason, do.write_off,
        (rule.NOT_OWN_FINE,), barred=(rule.AFTER_SETTLEMENT, rule.AFTER_DISMISSAL),
    ),
    Transition(
        "cancel_fine", "fine_cancelled", OPEN, ("dismissed",), ("approver",), Reason, do.cancel,
        (rule.NOT_IN_OWN_CASE,), barred=_CLOSED,
    ),
    Transition(
        "refund", "refunded", ("overpaid", "dismissed"), ("settled", "dismissed"), ("finance",),
        Amount, do.refund, (rule.REFUND_EXACT,), standing,
    ),
)  # fmt: skip

WORKFLOW: Final = Workflow(
    name="parking_fine",
    version=1,
    data=Fine,
    final=("settled", "dismissed", "written_off"),
    transitions=_TRANSITIONS,
    enforcement=ENFORCEMENT,
    parties=lambda fine: (fine.person_concerned,) if fine.person_concerned else (),
    retention=Retention(8, "vouchers, § 147 (3) AO: 8 years"),
    terms=terms,
)
