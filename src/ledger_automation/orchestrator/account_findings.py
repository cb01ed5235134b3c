"""What an auditor would want to know of a grant account that broke no rule: a rule's name and its figures each.

Four rules are the law's own (`workflows.subsidy.findings`: ``own_share_differs``, ``resolution_late``,
``funding_does_not_meet_plan``, ``grant_not_conserved``); the rest is read off the account. No sentence here: whoever
shows a finding words it, in the reader's language. Amounts are cents, rates basis points, days ISO 8601.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from ledger_automation.orchestrator.account_lines import Account, Finding, Rule, TrancheLine
from ledger_automation.values import parse_timestamp
from ledger_automation.workflows.deadlines import local_day
from ledger_automation.workflows.money import share_of
from ledger_automation.workflows.subsidy import Subsidy
from ledger_automation.workflows.subsidy import findings as findings_of_the_law

Facts = dict[str, int | str]

_OF_THE_LAW: Final[dict[str, Rule | None]] = {
    "own_share_differs": "own_share_differs",
    "resolution_late": None,  # told apart here: expected late, and taken late
    "funding_does_not_meet_plan": "funding_does_not_meet_plan",
    "grant_not_conserved": "grant_not_conserved",
}
"""What the law's findings are called here."""

_LEEWAY: Final = 2_000
"""ANBest-P 1.2: a cost category may be exceeded by up to 20 % (basis points) where others save as much."""


def findings(account: Account, law: Subsidy | None, at: datetime | None) -> Iterator[Finding]:
    """Yield the findings of an account; ``law`` is the law's memory of the case, ``at`` today (None: not known).

    Those of the money come first, then the tranches in order, then the final proof.
    """
    if law is None:
        return
    yield from _of_application(account, law)
    yield from _of_money(account, law, at)
    for line in account.tranches:
        yield from _of_tranche(line, law, at)
    yield from _of_items(account)
    yield from _of_vouchers(account)


def _of_application(account: Account, law: Subsidy) -> Iterator[Finding]:
    for each in findings_of_the_law(law):
        if (rule := _OF_THE_LAW[each.rule]) is not None:
            yield Finding(rule, {"expected": each.expected, "actual": each.actual, "difference": each.difference})
    council = account.council
    if council is None or council.due is None:
        return
    days: tuple[tuple[Rule, str | None], ...] = (
        ("resolution_expected_late", council.expected),
        ("resolution_taken_late", council.resolved),
    )
    for late, day in days:
        if day is not None and day > council.due:
            by = (date.fromisoformat(day) - date.fromisoformat(council.due)).days
            yield Finding(late, {"due": council.due, "day": day, "days": by})


def _of_money(account: Account, law: Subsidy, at: datetime | None) -> Iterator[Finding]:
    sums = account.sums
    if sums.unearned > account.advance_allowed or (account.ended and sums.unearned):
        paid = sums.disbursed - sums.repaid
        yield Finding("paid_beyond_earned", {"paid": paid, "earned": sums.earned, "difference": sums.unearned})
    if at is not None and account.ends is not None and sums.open:  # an end leaves nothing open
        today = local_day(at, law.rules.zone).isoformat()
        if today > account.ends:
            yield Finding("open_after_period", {"ends": account.ends, "difference": sums.open})


def _of_tranche(line: TrancheLine, law: Subsidy, at: datetime | None) -> Iterator[Finding]:
    number = line.number
    if line.rate is not None and line.rate_approved not in {None, line.rate}:
        yield Finding(
            "paid_at_another_rate",
            {"tranche": number, "rate_approved": line.rate_approved or 0, "rate_paid": line.rate},
        )
    if line.use_ends is not None:
        ends = parse_timestamp(line.use_ends)
        proven = next((each for each in line.acts if each.action == "prove_use"), None)
        when = parse_timestamp(proven.at) if proven is not None else at if line.stage == "disbursed" else None
        if when is not None and when >= ends:
            due = local_day(ends, law.rules.zone).toordinal() - 1
            facts: Facts = {
                "tranche": number,
                "due": date.fromordinal(due).isoformat(),
                "days": local_day(when, law.rules.zone).toordinal() - due,
            }
            yield Finding("use_proven_late" if proven is not None else "use_unproven", facts)
    if line.reclaimed > line.repaid:
        unpaid: Facts = {"tranche": number, "reclaimed": line.reclaimed, "repaid": line.repaid}
        yield Finding("reclaim_unpaid", {**unpaid, "difference": line.reclaimed - line.repaid})


def _of_items(account: Account) -> Iterator[Finding]:
    for each in account.items:
        if each.actual is None:
            continue
        planned = each.planned if each.planned is not None else 0
        if each.planned is None and each.actual:
            yield Finding("item_not_planned", {"item": each.item, "actual": each.actual})
        elif each.actual > planned + share_of(planned, _LEEWAY):
            beyond: Facts = {"item": each.item, "planned": planned, "actual": each.actual}
            yield Finding("item_beyond_plan", {**beyond, "difference": each.actual - planned})
        if each.planned is not None and each.restated != planned:
            yield Finding("plan_restated", {"item": each.item, "expected": planned, "actual": each.restated or 0})


def _of_vouchers(account: Account) -> Iterator[Finding]:
    if account.proof is None:
        return
    seen: set[str] = set()
    for each in account.proof.vouchers:
        if each.number in seen:
            yield Finding("voucher_twice", {"voucher": each.number, "amount": each.amount})
        seen.add(each.number)
        if not (account.starts or each.paid_on) <= each.paid_on <= (account.ends or each.paid_on):
            yield Finding(
                "voucher_outside_period", {"voucher": each.number, "day": each.paid_on, "amount": each.amount}
            )
