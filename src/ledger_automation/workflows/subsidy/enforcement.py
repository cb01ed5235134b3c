"""How `SubsidyLedger.sol` sees a subsidy: what is remembered and what is brought along, in words of 256 bits.

What is remembered changes its form with the grant. Before it: the programme's rules with the application in one word,
the kinds of applicants that are eligible, and who checked. From then on: the money, what bounds it, then a word for
each condition that is still open and one for each tranche, which holds only what its stage still needs. What waits and
what is unproven follows from that list and is not remembered twice.

Days become the quarters of an hour, counted from 1970, at which they begin or end: in every zone of today a day begins
on one. What does not fit raises InvalidValue, and such a case cannot be enforced: see the limits below.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime
from typing import Final, TypeVar

from ledger_automation.errors import InvalidValue
from ledger_automation.workflows._enforcement import Enforcement, Names, Word, moment, pack
from ledger_automation.workflows._table import Step
from ledger_automation.workflows.deadlines import end_of_day, start_of_day
from ledger_automation.workflows.subsidy import payloads as carries
from ledger_automation.workflows.subsidy.case import Grant, Subsidy, Tranche, opened
from ledger_automation.workflows.subsidy.steps import disburse

Arguments = Callable[[Subsidy | None, Step, Names], tuple[Word, ...]]
T = TypeVar("T")

MOST_KINDS: Final = 5
MOST_CHECKERS: Final = 8
MOST_LISTED: Final = 100
"""Of open conditions and tranches together."""

_QUARTER: Final = 15 * 60 * 1_000_000
_STAGES: Final = ("", "requested", "approved", "returned", "disbursed", "proven", "accepted", "reclaimed")


def _facts(case: Subsidy, names: Names) -> tuple[Word, ...]:
    if case.grant is None:
        return (_programme(case, names), _kinds(case.rules, names), _checkers(case, names))
    conditions = _conditions(case.grant.conditions, case.met, names)
    listed = (*conditions, *(_tranche(each, names) for each in case.tranches))
    return (_money(case, case.grant), _bounds(case, case.grant, names), *_limited(listed, MOST_LISTED))


def _programme(case: Subsidy, names: Names) -> Word:
    """Return the rules, and the application in the low 176 bits."""
    rules, given = case.rules, case.application
    return pack(
        (given.own_share if given else 0, 56),
        (given.planned if given else 0, 56),
        (names.member(given.applicant) if given else 0, 32),
        (names.member(case.applied_by), 32),
        (_quarters(end_of_day, rules.call_ends, rules), 32),
        (rules.rate, 14),
        (rules.rate_in_budget_emergency, 14),
        (rules.use_weeks, 10),
        (rules.resolution_due is not None, 1),
        (rules.check_required, 1),
        (rules.cost_plan_required, 1),
        (rules.own_share_proof_required, 1),
        (rules.own_funds == "first", 1),
        (given.budget_emergency if given else False, 1),
        (case.resolved_on is not None, 1),
    )


def _kinds(rules: carries.Rules, names: Names) -> Word:
    kinds = dict.fromkeys(rules.eligible)
    return pack(*((_kind(each, names), 48) for each in _limited(kinds, MOST_KINDS)))


def _checkers(case: Subsidy, names: Names) -> Word:
    checkers = dict.fromkeys(case.checked_by)
    return pack(*((names.member(each), 32) for each in _limited(checkers, MOST_CHECKERS)))


def _money(case: Subsidy, grant: Grant) -> Word:
    return pack(
        (grant.open, 56),
        (grant.cancelled, 56),
        (grant.disbursed, 56),
        (case.proven, 64),
        (grant.rate, 14),
        (case.rules.use_weeks, 10),
    )


def _bounds(case: Subsidy, grant: Grant, names: Names) -> Word:
    """Return what bounds the money; the own share only where it bounds."""
    given, first = case.application, case.rules.own_funds == "first"
    return pack(
        (given.own_share if given and first else 0, 56),
        (grant.advance, 56),
        (_quarters(start_of_day, grant.starts, case.rules), 32),
        (_quarters(end_of_day, grant.ends, case.rules), 32),
        (names.member(given.applicant if given else ""), 32),
        (names.member(case.applied_by), 32),
        (case.rate_applied_for, 15),
        (first, 1),
    )


def _conditions(conditions: Iterable[carries.Condition], met: Collection[str], names: Names) -> list[Word]:
    """Return a word for each that is open; of a name that stands twice, the earlier tranche counts."""
    first: dict[str, int] = {}
    for each in conditions:
        first[each.name] = min(each.from_tranche, first.get(each.name, each.from_tranche))
    return [
        pack((0, 16), (number, 16), (_condition(name, names), 64)) for name, number in first.items() if name not in met
    ]


def _tranche(tranche: Tranche, names: Names) -> Word:
    """Return what the stage still needs."""
    stage = tranche.stage
    waiting = stage in {"requested", "approved"}
    head = ((_STAGES.index(stage), 3), (tranche.number, 13), (tranche.amount if stage != "returned" else 0, 56))
    if stage == "reclaimed":
        return pack(*head, (tranche.reclaimed, 56), (tranche.repaid, 56))
    return pack(
        *head,
        (names.member(tranche.payee) if waiting else 0, 32),
        (tranche.expenditure if waiting else 0, 56),
        (names.member(tranche.requested_by) if waiting else 0, 32),
        (names.member(tranche.approved_by) if waiting else 0, 32),
        (_in_quarters(tranche.use_ends if stage == "disbursed" else None), 32),
    )


def _open_programme(_: Subsidy | None, step: Step, names: Names) -> tuple[Word, ...]:
    return _facts(opened(step.payload), names)[:2]


def _apply(_: Subsidy | None, step: Step, names: Names) -> tuple[Word, ...]:
    given: carries.Application = step.payload
    return (
        pack(
            (given.own_share, 56),
            (given.planned, 56),
            (names.member(given.applicant), 32),
            (_kind(given.kind, names), 48),
            (sum(each.amount for each in given.cost_plan), 62),
            (given.budget_emergency, 1),
            (bool(given.own_share_proof), 1),
        ),
    )


def _grant(case: Subsidy | None, step: Step, names: Names) -> tuple[Word, ...]:
    if case is None:  # without a programme there is no time zone, and the step is refused for its state
        return ()
    given: carries.GrantDecision = step.payload
    decided = pack(
        (given.amount, 56),
        (given.advance, 56),
        (_quarters(start_of_day, given.starts, case.rules), 32),
        (_quarters(end_of_day, given.ends, case.rules), 32),
        (given.rate, 14),
    )
    return (decided, *_limited(_conditions(given.conditions, (), names), MOST_LISTED))


def _request(_: Subsidy | None, step: Step, names: Names) -> tuple[Word, ...]:
    given: carries.TrancheRequest = step.payload
    return (pack((given.number, 16), (given.amount, 56), (names.member(given.payee), 32), (given.expenditure, 56)),)


def _disburse(case: Subsidy | None, step: Step, _: Names) -> tuple[Word, ...]:
    number = step.payload.number
    if case is None or case.grant is None or case.tranche(number) is None:  # refused before its term of use matters
        return (number,)
    paid = disburse(case, step).tranche(number)
    return (pack((number, 16), (_in_quarters(paid.use_ends if paid else None), 32)),)


def _number(_: Subsidy | None, step: Step, __: Names) -> tuple[Word, ...]:
    return (step.payload.number,)


def _with_number(field: str) -> Arguments:
    return lambda _, step, __: (pack((step.payload.number, 16), (getattr(step.payload, field), 53)),)


def _final_proof(_: Subsidy | None, step: Step, __: Names) -> tuple[Word, ...]:
    given: carries.FinalProof = step.payload
    vouchers, spent = sum(each.amount for each in given.vouchers), sum(each.actual for each in given.figures)
    return (pack((vouchers, 64), (spent, 64)),)


def _kind(text: str, names: Names) -> int:
    return names.blind(text) >> 80


def _condition(text: str, names: Names) -> int:
    return names.blind(text) >> 64


def _quarters(bound: Callable[[date, str], datetime], day: date | None, rules: carries.Rules) -> int:
    """Return when a day begins or ends; raises InvalidValue where the calendar does not reach."""
    if day is None:
        return 0
    try:
        return _in_quarters(bound(day, rules.zone))
    except (ArithmeticError, LookupError, OSError, ValueError) as error:
        raise InvalidValue("A day in an enforced step", day.isoformat(), f"in the calendar of {rules.zone}") from error


def _in_quarters(at: datetime | None) -> int:
    quarters, rest = divmod(moment(at), _QUARTER)
    if rest:
        raise InvalidValue("The end of a day in an enforced step", str(at), "on a quarter of an hour")
    return quarters


def _limited(listed: Iterable[T], most: int) -> tuple[T, ...]:
    kept = tuple(listed)
    if len(kept) > most:
        raise InvalidValue("The length of a list in an enforced case", len(kept), f"at most {most}")
    return kept


ENFORCEMENT: Final = Enforcement(
    contract="SubsidyLedger",
    states=(
        "programme_open", "applied", "returned", "checked", "granted",
        "final_proof_submitted", "closed", "revoked", "refused", "withdrawn",
    ),
    facts=_facts,
    arguments={
        "open_programme": _open_programme,
        "apply": _apply,
        "grant": _grant,
        "meet_condition": lambda _, step, names: (_condition(step.payload.name, names),),
        "request_tranche": _request,
        "endorse_tranche": _number,
        "return_tranche": _number,
        "approve_tranche": _number,
        "disburse_tranche": _disburse,
        "prove_use": _with_number("expenditure"),
        "accept_use": _number,
        "change_rate": lambda _, step, __: (step.payload.rate,),
        "reduce_grant": lambda _, step, __: (step.payload.amount,),
        "submit_final_proof": _final_proof,
        "reclaim": _with_number("amount"),
        "record_repayment": _with_number("amount"),
    },
)  # fmt: skip
