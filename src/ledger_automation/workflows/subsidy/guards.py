"""The rules of a subsidy for application, grant and closure, each with its name and its sentence."""

from collections.abc import Callable
from datetime import date
from typing import Final

from ledger_automation.workflows._table import Barred, Guard, Step, own_case_only
from ledger_automation.workflows.deadlines import end_of_day
from ledger_automation.workflows.money import share_of
from ledger_automation.workflows.subsidy.case import Grant, Subsidy

Holds = Callable[[Subsidy, Step], bool]


def _call_is_open(case: Subsidy, step: Step) -> bool:
    """Ask of a first application only; one that was returned to be amended came in time."""
    ends = case.rules.call_ends
    if ends in {None, date.max} or step.state == "returned":  # the last day that there is has no day after it
        return True
    return step.at < end_of_day(ends, case.rules.zone)


def _cost_plan_fits(case: Subsidy, step: Step) -> bool:
    plan = step.payload.cost_plan
    if not plan:
        return not case.rules.cost_plan_required
    return bool(sum(each.amount for each in plan) == step.payload.planned)


def _of_grant(holds: Callable[[Grant, Step], bool]) -> Holds:
    return lambda case, step: case.grant is not None and holds(case.grant, step)


def _grant_fits_rate(case: Subsidy, step: Step) -> bool:
    if case.application is None:
        return False
    return bool(step.payload.amount <= share_of(case.application.planned, step.payload.rate))


IN_TIME: Final = Guard("application_too_late", "The application came after the last second of the call.", _call_is_open)
ELIGIBLE: Final = Guard(
    "applicant_not_eligible",
    "The programme is not open to applicants of this kind.",
    lambda case, step: step.payload.kind in case.rules.eligible,
)
COST_PLAN: Final = Guard(
    "cost_plan_does_not_add_up",
    "A cost plan is required, and its items add up to the planned spending.",
    _cost_plan_fits,
)
OWN_SHARE_PROOF: Final = Guard(
    "own_share_proof_missing",
    "The programme requires a proof of the own share.",
    lambda case, step: not case.rules.own_share_proof_required or bool(step.payload.own_share_proof),
)
RESOLUTION_PRESENT: Final = Guard(
    "resolution_missing",
    "The programme requires the council's resolution before the grant.",
    lambda case, _: case.rules.resolution_due is None or case.resolved_on is not None,
)
NOT_IN_OWN_CASE: Final = Guard(
    "nobody_decides_in_own_case",
    "Who applied takes no decision of the office.",
    lambda case, step: not case.is_of(step.actor.id),
)
OWN_CASE: Final = own_case_only(lambda case, person: case.application is None or case.is_of(person))
"""A programme opens without an applicant: whoever applies first is the one."""
CHECKED: Final = Guard(
    "check_first",
    "An application is checked before it is decided.",
    lambda case, _: bool(case.checked_by) or not case.rules.check_required,
)
FOUR_EYES: Final = Guard(
    "four_eyes",
    "Who checked the application does not decide on it.",
    lambda case, step: step.actor.id not in case.checked_by,
)
GRANT_WITHIN_RATE: Final = Guard(
    "grant_beyond_rate", "A grant is at most the rate of the planned spending, rounded half up.", _grant_fits_rate
)
RATE_OF_PROGRAMME: Final = Guard(
    "rate_beyond_programme",
    "The rate is at most the programme's rate for this applicant.",
    lambda case, step: step.payload.rate <= case.rate_applied_for,
)
PERIOD: Final = Guard(
    "period_reversed",
    "A period ends after it starts.",
    lambda _, step: not (step.payload.starts and step.payload.ends) or step.payload.starts <= step.payload.ends,
)
CONDITION_KNOWN: Final = Guard(
    "condition_unknown",
    "Only a condition of the grant that is still open can be met.",
    lambda case, step: (
        case.grant is not None
        and step.payload.name in {each.name for each in case.grant.conditions}
        and step.payload.name not in case.met
    ),
)
REDUCTION_WITHIN_OPEN: Final = Guard(
    "reduction_beyond_open",
    "Only what is neither paid nor under way can be cancelled.",
    _of_grant(lambda grant, step: step.payload.amount <= grant.open),
)
SOMETHING_OPEN: Final = Guard(
    "nothing_open", "Nothing of the grant is open.", _of_grant(lambda grant, _: grant.open > 0)
)
ALL_PROVEN: Final = Guard(
    "use_not_proven",
    "The use of every paid tranche is proven before the final proof.",
    lambda case, _: all(each.stage != "disbursed" for each in case.tranches),
)
NOTHING_WAITING: Final = Guard(
    "tranche_waiting",
    "No tranche waits for approval or payment.",
    lambda case, _: all(each.stage not in {"requested", "approved"} for each in case.tranches),
)
VOUCHERS_ADD_UP: Final = Guard(
    "vouchers_do_not_add_up",
    "The list of vouchers adds up to the column of actual spending.",
    lambda _, step: (
        sum(each.amount for each in step.payload.vouchers) == sum(each.actual for each in step.payload.figures)
    ),
)
SPENT_AS_PROVEN: Final = Guard(
    "final_proof_below_tranches",
    "The final proof shows at least the expenditure that was proven for the tranches.",
    lambda case, step: sum(each.actual for each in step.payload.figures) >= case.proven,
)
NOT_GRANTED: Final = Barred(
    "not_granted_yet", "There is no grant yet.", ("programme_open", "applied", "returned", "checked")
)
AFTER_REVOCATION: Final = Barred(
    "nothing_after_revocation", "The grant was revoked; nothing follows but reclaim and repayment.", ("revoked",)
)
AFTER_CLOSURE: Final = Barred(
    "nothing_after_closure", "The case is closed; nothing follows but reclaim and repayment.", ("closed",)
)
