"""The finance office's reading of a grant: a case's trail becomes an account. Pure: rows in, `Account` out.

    account(unit.cases.trail(case_id))      # of any subsidy case: half finished, refused, revoked, erased

The trail is followed through the law (`audit.trail`), and the figures are booked from the events' payloads beside it:
who reads an account need not believe the case's row. Where events and law part, or where content was destroyed, the
booking stops there and a finding says so; whoever took the later steps still stands in `Account.acts`.

Amounts are integer cents, rates basis points; the one rounding is `money.share_of` (half up to the cent). What it does
not do: verify commitments, leaves or anchors (`verify`), word anything (`web.words`), or know what day it is: the
findings that depend on today need ``at``.
"""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec.structs import replace

from ledger_automation.errors import InvalidInput
from ledger_automation.orchestrator.account_booking import Book, act_of
from ledger_automation.orchestrator.account_findings import findings
from ledger_automation.orchestrator.account_lines import Account, Applied, Council, Sums, TrancheLine
from ledger_automation.orchestrator.account_plan import items, shared, years
from ledger_automation.verify.sources import EventRecord
from ledger_automation.workflows.money import WHOLE, share_of
from ledger_automation.workflows.subsidy import WORKFLOW, Subsidy


def account(rows: Sequence[EventRecord], at: datetime | None = None) -> Account:
    """Return the account of a subsidy case from all its events in order; ``at`` (aware) is today, None for never.

    Raises InvalidInput for rows of no case or of another workflow.
    """
    if not rows or rows[0].workflow != WORKFLOW.name:
        raise InvalidInput("An account is read from the events of a subsidy.", rows=len(rows))
    book, stopped = Book(), None
    for row in rows:
        stopped = book.take(row)
        if stopped is not None:
            break
    found = _closed(book, rows)
    told = findings(found, book.law, at)
    return replace(found, findings=(*((stopped,) if stopped else ()), *told))


def _closed(book: Book, rows: Sequence[EventRecord]) -> Account:
    """Return the account without its findings; the law's memory gives what no sum depends on."""
    law, last = book.law, rows[-1]
    lines = shared(sorted(book.tranches.values(), key=lambda each: each.number), law, book.rates)
    found = Account(
        case_id=last.case_id,
        state=last.to_state,
        ended=last.to_state in WORKFLOW.final,
        read_to=book.read_to,
        erased=sum(row.canonical is None for row in rows),
        decision=book.decision,
        rates=tuple(book.rates),
        conditions=tuple(book.conditions.values()),
        cuts=tuple(book.cuts),
        tranches=lines,
        proof=book.proof,
        papers=tuple(book.papers),
        acts=(*book.acts, *(act_of(row) for row in rows[len(book.acts) :])),
    )
    if law is None:
        return found
    return replace(
        found,
        title=law.title,
        own_funds=law.rules.own_funds,
        applied=_applied(law),
        council=_council(law),
        starts=_day(law.grant.starts) if law.grant else None,
        ends=_day(law.grant.ends) if law.grant else None,
        advance_allowed=law.grant.advance if law.grant else 0,
        sums=_sums(book, lines, law),
        items=items(law, book.figures),
        years=years(law, book.proof),
    )


def _sums(book: Book, lines: tuple[TrancheLine, ...], law: Subsidy) -> Sums:
    if not book.rates:
        return Sums()
    total = {
        name: sum(getattr(each, name) for each in lines)
        for name in ("disbursed", "expenditure", "accepted", "reclaimed", "repaid")
    }
    earned = law.ceiling(book.rate, 0)
    return Sums(
        grant=book.granted,
        disbursed=total["disbursed"],
        open=book.open,
        cancelled=sum(each.amount for each in book.cuts),
        waiting=sum(each.requested for each in lines if each.stage in {"requested", "approved"}),
        proven=total["expenditure"],
        earned=earned,
        unearned=max(0, total["disbursed"] - total["repaid"] - earned),
        accepted=total["accepted"],
        reclaimed=total["reclaimed"],
        repaid=total["repaid"],
    )


def _applied(law: Subsidy) -> Applied | None:
    given = law.application
    if given is None:
        return None
    rate = law.rate_applied_for
    expected = share_of(given.planned, WHOLE - rate)
    return Applied(given.applicant, given.kind, given.planned, given.own_share, expected, rate, given.budget_emergency)


def _council(law: Subsidy) -> Council | None:
    given = law.application
    if given is None:
        return None
    return Council(
        law.resolution_reference,
        given.own_share_proof,
        _day(law.rules.resolution_due),
        _day(given.resolution_expected),
        _day(law.resolved_on),
    )


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
