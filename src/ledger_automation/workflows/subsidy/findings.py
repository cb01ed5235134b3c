"""What an auditor would want to know about a case that broke no rule: findings, in words and as data.

Everything is computed from the case. For the Wismar application of 2019 (VO/2019/3113) two findings come out by
themselves: the stated own share is one cent off the rounded share, and the council met after its deadline.
"""

from collections.abc import Iterator
from datetime import date, datetime

import msgspec

from ledger_automation.values import Money
from ledger_automation.workflows.money import WHOLE, share_of
from ledger_automation.workflows.subsidy.case import Grant, Subsidy
from ledger_automation.workflows.subsidy.payloads import Application


class Finding(msgspec.Struct, frozen=True):
    """One finding: a stable name, a sentence for people, and the figures behind it."""

    rule: str
    sentence: str
    expected: int | str
    actual: int | str
    difference: int


def findings(case: Subsidy, at: datetime | None = None) -> list[Finding]:
    """Return the findings of a case; those that depend on today need ``at``."""
    found: list[Finding] = []
    if case.application is not None:
        found += _own_share(case, case.application)
        found += _resolution(case, case.application)
    if case.grant is not None:
        found += _funding(case, case.grant)
    if at is not None:
        found += _unproven(case, at)
    return found


def _own_share(case: Subsidy, application: Application) -> Iterator[Finding]:
    """Compare the stated own share with its percentage of the planned spending, rounded half up (DIN 1333)."""
    rate = WHOLE - case.rate_applied_for
    expected = share_of(application.planned, rate)
    difference = application.own_share - expected
    if difference:
        sentence = (
            f"The stated own share of {Money(application.own_share)} EUR differs by {_cents(difference)} from "
            f"{_percent(rate)} of the planned {Money(application.planned)} EUR, which is {Money(expected)} EUR rounded."
        )
        yield Finding("own_share_differs", sentence, expected, application.own_share, difference)


def _resolution(case: Subsidy, application: Application) -> Iterator[Finding]:
    due = case.rules.resolution_due
    day = case.resolved_on or application.resolution_expected
    if due is None or day is None or day <= due:
        return
    late = (day - due).days
    verb = "was taken" if case.resolved_on is not None else "was expected"
    sentence = (
        f"The council's resolution on the own share {verb} on {day}, {late} day{'s' if late != 1 else ''} after its "
        f"deadline of {due}."
    )
    yield Finding("resolution_late", sentence, due.isoformat(), day.isoformat(), late)


def _funding(case: Subsidy, grant: Grant) -> Iterator[Finding]:
    """Ask whether grant and own share pay for the plan, and whether every cent of the grant is somewhere (TR8)."""
    application = case.application
    if application is not None and grant.amount + application.own_share != application.planned:
        covered = grant.amount + application.own_share
        difference = covered - application.planned
        sentence = (
            f"Grant and own share together are {Money(covered)} EUR, {_cents(difference)} "
            f"{'more' if difference > 0 else 'less'} than the planned {Money(application.planned)} EUR."
        )
        yield Finding("funding_does_not_meet_plan", sentence, application.planned, covered, difference)
    parts = grant.disbursed + grant.open + grant.cancelled
    if parts != grant.amount:
        sentence = f"Disbursed, open and cancelled are {Money(parts)} EUR, the grant is {Money(grant.amount)} EUR."
        yield Finding("grant_not_conserved", sentence, grant.amount, parts, parts - grant.amount)


def _unproven(case: Subsidy, at: datetime) -> Iterator[Finding]:
    for tranche in case.tranches:
        if tranche.stage == "disbursed" and tranche.use_ends is not None and at >= tranche.use_ends:
            late = _days(tranche.use_ends.date(), at.date())
            sentence = f"The use of tranche {tranche.number} is unproven {late} days after its term."
            yield Finding("use_unproven", sentence, tranche.use_ends.isoformat(), at.isoformat(), late)


def _days(since: date, until: date) -> int:
    return (until - since).days


def _cents(difference: int) -> str:
    size = abs(difference)
    return "one cent" if size == 1 else f"{Money(size)} EUR"


def _percent(basis_points: int) -> str:
    whole, rest = divmod(basis_points, 100)
    return f"{whole} %" if not rest else f"{whole}.{rest:02d} %"
