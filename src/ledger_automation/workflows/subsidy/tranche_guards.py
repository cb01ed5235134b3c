"""The rules of a subsidy's tranches, each with its name and its sentence; TR numbers are those of the requirements."""

from collections.abc import Callable
from typing import Final

from ledger_automation.workflows._table import Guard, Step
from ledger_automation.workflows.deadlines import local_day
from ledger_automation.workflows.subsidy.case import PAID, Subsidy, Tranche

Holds = Callable[[Subsidy, Step], bool]


def _of_tranche(holds: Callable[[Tranche, Step], bool]) -> Holds:
    """Read a rule on the step's tranche; a tranche that does not exist never holds."""

    def on_case(case: Subsidy, step: Step) -> bool:
        tranche = case.tranche(step.payload.number)
        return tranche is not None and holds(tranche, step)

    return on_case


def _conditions_met(case: Subsidy, step: Step) -> bool:
    if case.grant is None:
        return False
    needed = {each.name for each in case.grant.conditions if each.from_tranche <= step.payload.number}
    return needed <= set(case.met)


def _fits_open(case: Subsidy, step: Step) -> bool:
    """Count what is requested or approved and not yet paid against what is open (TR1)."""
    if case.grant is None:
        return False
    waiting = sum(
        each.amount
        for each in case.tranches
        if each.stage in {"requested", "approved"} and each.number != step.payload.number
    )
    return bool(waiting + step.payload.amount <= case.grant.open)


def _pays_within_ceiling(case: Subsidy, step: Step) -> bool:
    tranche = case.tranche(step.payload.number)
    if tranche is None or case.grant is None:
        return False
    return case.grant.disbursed + tranche.amount <= case.ceiling(case.grant.rate, case.grant.advance)


def _within_rate(case: Subsidy, step: Step) -> bool:
    return case.rules.own_funds == "first" or _pays_within_ceiling(case, step)


def _own_funds_came_first(case: Subsidy, step: Step) -> bool:
    return case.rules.own_funds != "first" or _pays_within_ceiling(case, step)


def _within_period(case: Subsidy, step: Step) -> bool:
    day = local_day(step.at, case.rules.zone)
    grant = case.grant
    return grant is not None and (grant.starts or day) <= day <= (grant.ends or day)


def _earlier_use_is_proven(case: Subsidy, step: Step) -> bool:
    return not any(
        each.stage == "disbursed" and each.use_ends is not None and step.at >= each.use_ends for each in case.tranches
    )


TRANCHE_ONCE: Final = Guard(
    "tranche_once",
    "Each tranche is requested once; only a returned one may be requested again.",
    lambda case, step: (found := case.tranche(step.payload.number)) is None or found.stage == "returned",
)
BEYOND_GRANT: Final = Guard("beyond_grant", "Tranches never exceed the grant less its reductions.", _fits_open)
IN_PERIOD: Final = Guard("outside_period", "Money is called and paid within the grant's period only.", _within_period)
TRANCHE_KNOWN: Final = Guard(
    "tranche_unknown",
    "Nobody has requested a tranche of this number.",
    lambda case, step: case.tranche(step.payload.number) is not None,
)
IS_REQUESTED: Final = Guard(
    "tranche_not_requested",
    "The tranche is not waiting for approval.",
    _of_tranche(lambda t, _: t.stage == "requested"),
)
IS_RETURNABLE: Final = Guard(
    "tranche_not_returnable",
    "Only a tranche that was not paid yet can be returned.",
    _of_tranche(lambda t, _: t.stage in {"requested", "approved"}),
)
CONDITIONS_MET: Final = Guard("conditions_open", "A tranche waits until all its conditions are met.", _conditions_met)
REQUESTER_APART: Final = Guard(
    "requester_approves",
    "Who requested a tranche does not approve it.",
    _of_tranche(lambda t, step: step.actor.id != t.requested_by),
)
PAYEE_APART: Final = Guard(
    "payee_acts",
    "Who receives the money neither approves nor pays it.",
    _of_tranche(lambda t, step: step.actor.id != t.payee),
)
PAYER_APART: Final = Guard(
    "order_and_payment_apart",
    "Who ordered a payment or asked for it does not carry it out (Anordnung und Vollzug).",
    _of_tranche(lambda t, step: step.actor.id not in {t.approved_by, t.requested_by}),
)
NOT_PAID_YET: Final = Guard(
    "tranche_paid_already",
    "Each tranche is paid once.",
    _of_tranche(lambda t, _: t.stage not in PAID),
)
IS_APPROVED: Final = Guard(
    "tranche_not_approved", "Only an approved tranche is paid.", _of_tranche(lambda t, _: t.stage == "approved")
)
WITHIN_OPEN: Final = Guard(
    "beyond_grant",
    "Tranches never exceed the grant less its reductions.",
    lambda case, step: (
        case.grant is not None
        and (found := case.tranche(step.payload.number)) is not None
        and found.amount <= case.grant.open
    ),
)
WITHIN_RATE: Final = Guard(
    "beyond_rate_of_proven",
    "Payments stay within the rate of the proven expenditure and the advance that the grant allows.",
    _within_rate,
)
OWN_FUNDS: Final = Guard(
    "own_funds_first", "Own funds are spent first; only what they do not cover is paid.", _own_funds_came_first
)
EARLIER_PROVEN: Final = Guard(
    "earlier_use_unproven",
    "No further tranche while the use of an earlier one is unproven after its term (ANBest-P 1.4).",
    _earlier_use_is_proven,
)
IS_PAID: Final = Guard(
    "tranche_not_paid",
    "Only the use of a paid tranche is proven.",
    _of_tranche(lambda t, _: t.stage in {"disbursed", "proven"}),
)
IS_PROVEN: Final = Guard(
    "use_not_proven", "Only a proven use is accepted.", _of_tranche(lambda t, _: t.stage == "proven")
)
RECLAIM_WITHIN_PAID: Final = Guard(
    "reclaim_beyond_disbursed",
    "No more is asked back than was disbursed.",
    _of_tranche(lambda t, step: t.stage in PAID and t.reclaimed + step.payload.amount <= t.amount),
)
REPAID_WITHIN_RECLAIM: Final = Guard(
    "repayment_beyond_reclaim",
    "No more is repaid than was asked back.",
    _of_tranche(lambda t, step: t.repaid + step.payload.amount <= t.reclaimed),
)
