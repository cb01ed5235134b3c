"""Attacks on the law by people who hold a seat: every step is lawful but the last, which both languages must refuse.

Each walks where a random walk seldom comes: into the role of an applicant in somebody else's case, into the roles of
the office in one's own, and up to the very edge of a term, of the money, or of what happens once.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Final, NamedTuple

from contracts.laws.driver import Question, in_numbers
from contracts.laws.walks import START
from ledger_automation.values import timestamp
from ledger_automation.workflows import Actor, Command, Workflow

OWN, DECIDES = "own_case_only", "nobody_decides_in_own_case"


class Try(NamedTuple):
    """One step: by ``role:name``, so many days and minutes after the one before."""

    who: str
    action: str
    payload: dict[str, Any]
    days: int = 1
    minutes: int = 0


class Attack(NamedTuple):
    """What leads there, what is tried then, and the rule that refuses it; no rule for what must be possible."""

    before: tuple[Try, ...]
    tried: Try
    rule: str | None


def by(who: str, action: str, *, days: int = 1, minutes: int = 0, **payload: Any) -> Try:
    return Try(who, action, payload, days, minutes)


def asked(table: Workflow[Any]) -> Iterator[Question]:
    """Take every attack's steps in Python, and yield all of them for the contract."""
    yield from taken(table, ATTACKS[table.name])


def taken(table: Workflow[Any], attacks: Iterable[Attack]) -> Iterator[Question]:
    """Take the steps of some attacks in Python, and yield all of them."""
    for attack in attacks:
        case, at = None, START
        for each in (*attack.before, attack.tried):
            role, _, name = each.who.partition(":")
            command = Command(each.action, Actor(name, role), each.payload)
            at += timedelta(days=each.days, minutes=each.minutes)
            question = in_numbers(table, case, command, at)
            assert question.rule == (attack.rule if each is attack.tried else None), (attack, each)
            yield question
            if question.rule is None:
                case = table.apply(case, command, at).case


_REASON: Final = {"reason": "x"}

_PERMIT: Final = (by("applicant:anna", "submit_application"),)
_DECIDED: Final = (
    *_PERMIT,
    by("clerk:boris", "acknowledge"),
    by("clerk:boris", "propose_decision", outcome="granted"),
    by("approver:clara", "grant"),
    by("clerk:boris", "notify"),
)
_SHORT: Final = (
    *_DECIDED[:3],
    by("approver:clara", "grant", valid_until=timestamp(START + timedelta(days=20))),
    _DECIDED[4],
)
_OBJECTED: Final = (*_DECIDED, by("applicant:anna", "object", **_REASON))


def _own_rules(who: str, **rules: Any) -> Try:
    return by(who, "submit_application", applicant=who.partition(":")[2], rules=rules)


_ITALIAN: Final = {
    "hearing_required": False, "appeal_before_notice": True, "appeal_days": 60, "court_directly": True,
    "court_days": 60, "court_days_after_decision": 30, "penalty_after_days": 60, "collection_after_days": 60,
    "holidays_of": "", "zone": "Europe/Rome",
}  # fmt: skip
_FINE: Final = (
    by("clerk:boris", "record_fine", amount=3_600, rules=_ITALIAN),
    by("clerk:boris", "send_notice", expense=1_300),
)
_APPEALED: Final = (*_FINE, by("applicant:anna", "appeal_to_authority"))
_WITHDRAWN: Final = (*_APPEALED, by("applicant:anna", "withdraw_appeal"))
_SERVED: Final = (*_WITHDRAWN, by("clerk:boris", "record_service"))
_COLLECTED: Final = (*_SERVED, by("finance:emil", "send_to_collection", days=61))
_DECISION_SERVED: Final = (
    *_APPEALED,
    by("approver:clara", "decide_appeal", outcome="upheld"),
    by("clerk:boris", "serve_decision"),
)
_FORWARD: Final = by("clerk:boris", "forward_appeal")
_NOTIFIED: Final = (*_FINE, by("clerk:boris", "record_service"))
_LATE: Final = (
    *_NOTIFIED,
    by("applicant:anna", "appeal_to_authority", days=50),
    by("approver:clara", "decide_appeal", outcome="upheld", days=15),
    by("clerk:boris", "serve_decision"),
)


def _fined(**rules: Any) -> tuple[Try, ...]:
    return by("clerk:boris", "record_fine", amount=3_600, rules={**_ITALIAN, **rules}), *_NOTIFIED[1:]


_UNHEARD: Final = (
    by("clerk:boris", "record_fine", amount=3_600, rules={**_ITALIAN, "hearing_required": True}),
    by("applicant:anna", "appeal_to_authority"),
)

_PROGRAMME: Final = by(
    "clerk:boris", "open_programme", title="t",
    rules={"check_required": False, "cost_plan_required": False, "own_share_proof_required": False},
)  # fmt: skip


def _apply(who: str) -> Try:
    return by(who, "apply", applicant="town", kind="municipality", planned=1_000)


_APPLIED: Final = (_PROGRAMME, _apply("applicant:anna"))
_RETURNED: Final = (*_APPLIED, by("clerk:boris", "return_application", **_REASON))
_GRANTED: Final = (
    *_APPLIED,
    by("approver:clara", "grant", amount=500, rate=5_000, advance=500, conditions=[{"name": "a", "from_tranche": 2}]),
)
_CALL: Final = {"number": 1, "amount": 100, "payee": "account"}
_ONE: Final = {"number": 1}
_PROOF: Final = {**_ONE, "expenditure": 200, "reference": "x"}
_SPENT: Final = {
    "report": "r",
    "figures": [{"item": "all", "planned": 1_000, "actual": 200}],
    "vouchers": [{"number": "1", "paid_on": "2001-05-01", "amount": 200}],
}
_REQUESTED: Final = (*_GRANTED, by("applicant:anna", "request_tranche", **_CALL))
_APPROVED: Final = (*_REQUESTED, by("approver:clara", "approve_tranche", **_ONE))
_PAID: Final = (*_APPROVED, by("finance:emil", "disburse_tranche", **_ONE))
_PROVEN: Final = (*_PAID, by("applicant:anna", "prove_use", **_PROOF))
_REPORTED: Final = (*_PROVEN, by("applicant:town", "submit_final_proof", **_SPENT))
_OWN_FIRST: Final = (
    by("clerk:boris", "open_programme", title="t", rules={**_PROGRAMME.payload["rules"], "own_funds": "first"}),
    _apply("applicant:anna"),
    by("approver:clara", "grant", amount=500, rate=5_000, advance=0),
    *_APPROVED[-2:],
)
_OWN_FIRST_ADVANCED: Final = (
    *_OWN_FIRST[:2], by("approver:clara", "grant", amount=500, rate=5_000, advance=100), *_APPROVED[-2:],
)  # fmt: skip
_TWO: Final = {"number": 2}
_SECOND: Final = (
    *_PAID,  # on 8 April 2001 at 9.30 UTC: its use is to be proven within six weeks, by 20 May at 22.00 UTC
    by("clerk:boris", "meet_condition", name="a", evidence="x"),
    by("applicant:anna", "request_tranche", **{**_CALL, **_TWO}),
    by("approver:clara", "approve_tranche", **_TWO),
)


def _in_own_case(before: tuple[Try, ...], role: str, action: str, **payload: Any) -> tuple[Attack, ...]:
    """The applicant tries it, and who handed the application in for him."""
    return tuple(Attack(before, by(f"{role}:{who}", action, **payload), DECIDES) for who in ("town", "anna"))


NEVER_PENALISED: Final = Attack(_fined(penalty_after_days=None)[:-1], by("clerk:boris", "record_service"), None)
ADVISED: Final = Attack(
    (*_PERMIT, by("clerk:boris", "request_advice", parties=["fire brigade"])),
    by("clerk:boris", "receive_advice", kind="external", party="fire brigade"), None,
)  # fmt: skip
"""Lawful steps whose arguments are spoilt elsewhere."""

ATTACKS: Final[dict[str, tuple[Attack, ...]]] = {
    "market_stall": (
        Attack((by("applicant:anna", "apply"),), by("approver:anna", "allot", fee=1), DECIDES),
    ),
    "permit": (
        Attack(_PERMIT, by("applicant:boris", "withdraw"), OWN),
        Attack(_PERMIT, by("applicant:boris", "supplement_documents"), OWN),
        Attack(_DECIDED, by("applicant:boris", "object", **_REASON), OWN),
        Attack(_OBJECTED, by("approver:anna", "reject_objection", **_REASON), DECIDES),
        Attack(_OBJECTED, by("approver:anna", "remedy_objection"), DECIDES),
        Attack((), _own_rules("applicant:anna", four_eyes=False), "rules_are_the_offices"),
        Attack((), _own_rules("applicant:anna", objection_months=0), "rules_are_the_offices"),
        Attack((), _own_rules("applicant:anna", planned_days=57), "rules_are_the_offices"),
        Attack((), _own_rules("clerk:boris", four_eyes=False), "rules_are_the_offices"),
        Attack((), by("clerk:boris", "submit_application", applicant="anna", rules={"four_eyes": False}), None),
        Attack(_DECIDED, by("clerk:boris", "close_refusal", days=40), "not_refused"),
        Attack(_SHORT, by("clerk:boris", "enter_into_force", days=60), "expired_at_that_second"),
    ),
    "parking_fine": (
        Attack(_APPEALED, by("applicant:boris", "withdraw_appeal"), OWN),
        Attack(_WITHDRAWN, by("applicant:boris", "appeal_to_authority"), OWN),
        Attack(_DECISION_SERVED, by("applicant:boris", "appeal_to_court"), OWN),
        Attack(_APPEALED, by("clerk:anna", "forward_appeal"), DECIDES),
        Attack(_APPEALED, by("approver:anna", "decide_appeal", outcome="dismissed"), DECIDES),
        Attack(_APPEALED, by("approver:anna", "cancel_fine", **_REASON), DECIDES),
        Attack(_APPEALED, by("clerk:anna", "correct_amount", amount=1), DECIDES),
        Attack(_COLLECTED, by("finance:anna", "write_off", **_REASON), DECIDES),
        Attack(_WITHDRAWN, by("clerk:boris", "record_service"), None),
        Attack(_SERVED, by("clerk:boris", "record_service"), "served_once"),
        Attack(_SERVED, by("applicant:anna", "appeal_to_authority"), "appeal_too_late"),
        Attack(_SERVED, by("applicant:anna", "appeal_to_court"), "court_appeal_too_late"),
        Attack(_SERVED, by("system:timer", "add_penalty", days=61, amount=7_400), None),
        Attack(_SERVED, by("system:timer", "add_penalty", days=61, amount=3_600), None),
        Attack(_SERVED, by("system:timer", "add_penalty", days=61, amount=3_599), "penalty_below_amount"),
        Attack((*_DECISION_SERVED, by("clerk:boris", "record_service")), by("applicant:anna", "appeal_to_court"), None),
        Attack(_UNHEARD, by("clerk:boris", "send_notice"), "hearing_first"),
        Attack(
            _fined(penalty_after_days=None), by("system:timer", "add_penalty", amount=9_000, days=90),
            "no_penalty_in_these_rules",
        ),
        Attack(_NOTIFIED, by("finance:emil", "send_to_collection"), "collection_too_early"),
        Attack(_LATE, by("finance:emil", "send_to_collection"), "collection_too_early"),
        Attack((*_APPEALED, _FORWARD), by("clerk:boris", "forward_appeal"), "forwarded_once"),
        Attack(
            _DECISION_SERVED[:-1], by("approver:clara", "decide_appeal", outcome="dismissed"), "decided_once",
        ),
        Attack((*_fined(court_directly=False), *_LATE[3:]), by("applicant:anna", "appeal_to_court"), None),
    ),
    "subsidy": (
        Attack(_APPLIED, by("applicant:boris", "withdraw_application", **_REASON), OWN),
        Attack(
            _APPLIED, by("applicant:boris", "record_resolution", reference="r", resolved_on="2001-04-01"), OWN,
        ),
        Attack(_RETURNED, _apply("applicant:boris"), OWN),
        Attack(_GRANTED, by("applicant:boris", "request_tranche", **_CALL), OWN),
        Attack(_REQUESTED, by("applicant:boris", "return_tranche", **_ONE, **_REASON), OWN),
        Attack(_PAID, by("applicant:boris", "prove_use", **_PROOF), OWN),
        Attack(_PROVEN, by("applicant:boris", "submit_final_proof", **_SPENT), OWN),
        *_in_own_case(_GRANTED, "clerk", "meet_condition", name="a", evidence="x"),
        *_in_own_case(_GRANTED, "approver", "change_rate", rate=6_000, **_REASON),
        *_in_own_case(_GRANTED, "approver", "reduce_grant", amount=1, **_REASON),
        *_in_own_case(_GRANTED, "approver", "cancel_rest", **_REASON),
        Attack(_REQUESTED, by("clerk:town", "endorse_tranche", **_ONE), DECIDES),
        Attack(_REQUESTED, by("approver:town", "approve_tranche", **_ONE), DECIDES),
        Attack(_REQUESTED, by("approver:anna", "approve_tranche", **_ONE), "requester_approves"),
        Attack(_APPROVED, by("finance:town", "disburse_tranche", **_ONE), DECIDES),
        Attack(_APPROVED, by("finance:anna", "disburse_tranche", **_ONE), "order_and_payment_apart"),
        *_in_own_case(_PAID, "auditor", "reclaim", amount=1, **_ONE, **_REASON),
        *_in_own_case(_PROVEN, "auditor", "accept_use", **_ONE),
        *_in_own_case(_REPORTED, "auditor", "return_final_proof", **_REASON),
        *_in_own_case(_REPORTED, "auditor", "close"),
        Attack(_PAID, by("applicant:anna", "submit_final_proof", **_SPENT), "use_not_proven"),
        Attack(_OWN_FIRST, by("finance:emil", "disburse_tranche", **_ONE), "own_funds_first"),
        Attack(_OWN_FIRST_ADVANCED, by("finance:emil", "disburse_tranche", **_ONE), None),
        Attack(_SECOND, by("finance:emil", "disburse_tranche", **_TWO, days=39, minutes=735), None),
        Attack(_SECOND, by("finance:emil", "disburse_tranche", **_TWO, days=39, minutes=750), "earlier_use_unproven"),
    ),
}  # fmt: skip
