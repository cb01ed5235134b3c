"""The finance office's reading of a grant: a case's trail becomes an account. Pure: rows in, `Account` out.

    account(unit.cases.trail(case_id))      # of any subsidy case: half finished, refused, revoked, erased

The trail is followed through the law (`audit.trail`), and the figures are booked from the events' payloads beside it:
who reads an account need not believe the case's row. Where events and law part, or where content was destroyed, the
booking stops there and a finding says so; whoever took the later steps still stands in `Account.acts`.

Amounts are integer cents, rates basis points; the one rounding is `money.share_of` (half up to the cent). What it does
not do: verify commitments, leaves or anchors (`verify`), word anything (`web.words`), or know what day it is: the
findings that depend on today need ``at``.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.event import AuditEvent
from ledger_automation.audit.trail import Trail
from ledger_automation.errors import CanonicalError, InvalidInput, Misconfigured
from ledger_automation.orchestrator.account_findings import findings
from ledger_automation.orchestrator.account_lines import (
    Account,
    Act,
    Applied,
    ConditionLine,
    Council,
    Cut,
    FinalProof,
    Finding,
    Paper,
    RateLine,
    Sums,
    TrancheLine,
    VoucherLine,
)
from ledger_automation.orchestrator.account_plan import items, shared, years
from ledger_automation.values import timestamp
from ledger_automation.verify.sources import EventRecord
from ledger_automation.workflows.money import WHOLE, share_of
from ledger_automation.workflows.subsidy import WORKFLOW, Subsidy


def account(rows: Sequence[EventRecord], at: datetime | None = None) -> Account:
    """Return the account of a subsidy case from all its events in order; ``at`` (aware) is today, None for never.

    Raises InvalidInput for rows of no case or of another workflow.
    """
    if not rows or rows[0].workflow != WORKFLOW.name:
        raise InvalidInput("An account is read from the events of a subsidy.", rows=len(rows))
    book, stopped = _Book(), None
    for row in rows:
        stopped = book.take(row)
        if stopped is not None:
            break
    found = book.closed(rows)
    told = findings(found, book.law, at)
    return replace(found, findings=(*((stopped,) if stopped else ()), *told))


def _act(row: EventRecord) -> Act:
    return Act(row.sequence, row.action, row.actor_id, row.actor_role, row.occurred_at, row.leaf_index)


class _Book:
    """The account under way: what is booked so far, and the law's own memory of the case beside it."""

    def __init__(self) -> None:
        self.trail = Trail()
        self.law: Subsidy | None = None
        self.read_to = -1
        self.acts: list[Act] = []
        self.tranches: dict[int, TrancheLine] = {}
        self.rates: list[RateLine] = []
        self.conditions: dict[str, ConditionLine] = {}
        self.cuts: list[Cut] = []
        self.papers: list[Paper] = []
        self.proof: FinalProof | None = None
        self.figures: tuple[dict[str, Any], ...] = ()
        self.decision: str | None = None
        self.granted = 0

    @property
    def open(self) -> int:
        """Return what is neither paid nor cancelled."""
        paid = sum(each.disbursed for each in self.tranches.values())
        return self.granted - paid - sum(each.amount for each in self.cuts)

    @property
    def rate(self) -> int:
        """Return the rate in force."""
        return self.rates[-1].rate

    def take(self, row: EventRecord) -> Finding | None:
        """Book one step; returns why not, after which nothing more may be booked."""
        if row.canonical is None:
            return Finding("content_erased", {"sequence": row.sequence})
        try:
            event = decode(row.canonical)
        except (CanonicalError, Misconfigured):
            return Finding("trail_diverges", {"sequence": row.sequence, "rule": "unreadable"})
        parted = self.trail.follow(event, row.commitment)
        if parted is not None:
            return Finding("trail_diverges", {"sequence": row.sequence, "rule": parted.rule})
        self.law = self.trail.case.data if self.trail.case is not None else None  # of what was followed, and no further
        act = replace(_act(row), signed=event.signature is not None)
        self.acts.append(act)
        papers = [Paper(row.sequence, each.name, each.media_type, each.size, each.sha256) for each in event.attachments]
        self.papers += papers
        if (number := event.payload.get("number")) is not None:
            self._tranche(number, event, act, tuple(papers))
        elif event.action in _BOOKED:
            _BOOKED[event.action](self, event, act)
        self.read_to = row.sequence
        return None

    def _tranche(self, number: int, event: AuditEvent, act: Act, papers: tuple[Paper, ...]) -> None:
        given = event.payload
        line = self.tranches.get(number)
        if event.action == "request_tranche":
            before = line or TrancheLine(number, "requested", given["payee"], 0, ())
            fresh = TrancheLine(number, "requested", given["payee"], given["amount"], before.acts)
            kept = {"expenditure": given["expenditure"], "reasons": before.reasons, "papers": before.papers}
            line = replace(fresh, **kept)
        if line is None:
            raise AssertionError("the law lets nothing happen to a tranche that nobody requested")
        line = replace(line, acts=(*line.acts, act), papers=(*line.papers, *papers))
        if reason := given.get("reason"):
            line = replace(line, reasons=(*line.reasons, reason))
        change = _OF_TRANCHE.get(event.action, _unchanged)(self, line, given)
        self.tranches[number] = replace(line, **change)

    def cut(self, amount: int, event: AuditEvent, act: Act) -> None:
        """Move a part of what is open to cancelled, where there is any."""
        if amount:
            self.cuts.append(Cut(amount, event.payload.get("reason"), act))

    def closed(self, rows: Sequence[EventRecord]) -> Account:
        """Return the account without its findings; the law's memory gives what no sum depends on."""
        law, last = self.law, rows[-1]
        lines = shared(sorted(self.tranches.values(), key=lambda each: each.number), law, self.rates)
        found = Account(
            case_id=last.case_id,
            state=last.to_state,
            ended=last.to_state in WORKFLOW.final,
            read_to=self.read_to,
            erased=sum(row.canonical is None for row in rows),
            decision=self.decision,
            rates=tuple(self.rates),
            conditions=tuple(self.conditions.values()),
            cuts=tuple(self.cuts),
            tranches=lines,
            proof=self.proof,
            papers=tuple(self.papers),
            acts=(*self.acts, *(_act(row) for row in rows[len(self.acts) :])),
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
            sums=self._sums(lines, law),
            items=items(law, self.figures),
            years=years(law, self.proof),
        )

    def _sums(self, lines: tuple[TrancheLine, ...], law: Subsidy) -> Sums:
        if not self.rates:
            return Sums()
        total = {
            name: sum(getattr(each, name) for each in lines)
            for name in ("disbursed", "expenditure", "accepted", "reclaimed", "repaid")
        }
        earned = law.ceiling(self.rate, 0)
        return Sums(
            grant=self.granted,
            disbursed=total["disbursed"],
            open=self.open,
            cancelled=sum(each.amount for each in self.cuts),
            waiting=sum(each.requested for each in lines if each.stage in {"requested", "approved"}),
            proven=total["expenditure"],
            earned=earned,
            unearned=max(0, total["disbursed"] - total["repaid"] - earned),
            accepted=total["accepted"],
            reclaimed=total["reclaimed"],
            repaid=total["repaid"],
        )


def _unchanged(_book: _Book, _line: TrancheLine, _given: dict[str, Any]) -> dict[str, Any]:
    return {}


def _approved(book: _Book, _line: TrancheLine, _given: dict[str, Any]) -> dict[str, Any]:
    return {"stage": "approved", "rate_approved": book.rate}


def _returned(_book: _Book, _line: TrancheLine, _given: dict[str, Any]) -> dict[str, Any]:
    return {"stage": "returned", "expenditure": 0, "rate_approved": None}


def _paid(book: _Book, line: TrancheLine, _given: dict[str, Any]) -> dict[str, Any]:
    law = book.law
    if law is None:
        raise AssertionError("the law has just followed this payment")
    before = sum(each.disbursed for each in book.tranches.values())
    ahead = before + line.requested - law.ceiling(book.rate, 0)
    ends = next(each.use_ends for each in law.tranches if each.number == line.number)
    return {
        "stage": "disbursed",
        "disbursed": line.requested,
        "rate": book.rate,
        "advance": min(line.requested, max(0, ahead)),
        "use_ends": timestamp(ends) if ends is not None else None,
    }


def _proven(_book: _Book, line: TrancheLine, given: dict[str, Any]) -> dict[str, Any]:
    spent = line.expenditure + given["expenditure"]
    return {"stage": "proven", "expenditure": spent, "proofs": (*line.proofs, given["reference"])}


def _accepted(_book: _Book, line: TrancheLine, _given: dict[str, Any]) -> dict[str, Any]:
    return {"stage": "accepted", "accepted": line.disbursed - line.reclaimed}


def _reclaimed(_book: _Book, line: TrancheLine, given: dict[str, Any]) -> dict[str, Any]:
    asked = line.reclaimed + given["amount"]
    decided = line.stage in {"proven", "accepted"} or line.accepted > 0
    return {"stage": "reclaimed", "reclaimed": asked, "accepted": line.disbursed - asked if decided else 0}


def _repaid(_book: _Book, line: TrancheLine, given: dict[str, Any]) -> dict[str, Any]:
    return {"repaid": line.repaid + given["amount"]}


_OF_TRANCHE: Final[dict[str, Callable[[_Book, TrancheLine, dict[str, Any]], dict[str, Any]]]] = {
    "approve_tranche": _approved,
    "return_tranche": _returned,
    "disburse_tranche": _paid,
    "prove_use": _proven,
    "accept_use": _accepted,
    "reclaim": _reclaimed,
    "record_repayment": _repaid,
}


def _granted(book: _Book, event: AuditEvent, act: Act) -> None:
    given = event.payload
    book.granted = given["amount"]
    book.decision = None
    book.rates.append(RateLine(given["rate"], None, act))
    book.conditions = {each["name"]: ConditionLine(each["name"], each["from_tranche"]) for each in given["conditions"]}


def _rate(book: _Book, event: AuditEvent, act: Act) -> None:
    book.rates.append(RateLine(event.payload["rate"], event.payload["reason"], act))


def _met(book: _Book, event: AuditEvent, _act: Act) -> None:
    name = event.payload["name"]
    book.conditions[name] = replace(book.conditions[name], evidence=event.payload["evidence"])


def _reduced(book: _Book, event: AuditEvent, act: Act) -> None:
    book.cut(event.payload["amount"], event, act)


def _rest(book: _Book, event: AuditEvent, act: Act) -> None:
    book.cut(book.open, event, act)


def _revoked(book: _Book, event: AuditEvent, act: Act) -> None:
    book.decision = event.payload["reason"]
    book.cut(book.open, event, act)


def _decided(book: _Book, event: AuditEvent, _act: Act) -> None:
    book.decision = event.payload["reason"]


def _again(book: _Book, _event: AuditEvent, _act: Act) -> None:
    book.decision = None


def _final_proof(book: _Book, event: AuditEvent, act: Act) -> None:
    given = event.payload
    book.figures = tuple(given["figures"])
    lines = tuple(VoucherLine(each["number"], each["paid_on"], each["amount"]) for each in given["vouchers"])
    book.proof = FinalProof(given["report"], lines, act)


def _proof_returned(book: _Book, event: AuditEvent, _act: Act) -> None:
    if book.proof is not None:
        book.proof = replace(book.proof, returned=event.payload["reason"])


_BOOKED: Final[dict[str, Callable[[_Book, AuditEvent, Act], None]]] = {
    "apply": _again,
    "return_application": _decided,
    "withdraw_application": _decided,
    "refuse": _decided,
    "grant": _granted,
    "change_rate": _rate,
    "meet_condition": _met,
    "reduce_grant": _reduced,
    "cancel_rest": _rest,
    "close": _rest,
    "revoke": _revoked,
    "submit_final_proof": _final_proof,
    "return_final_proof": _proof_returned,
}


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


def _day(day: Any) -> str | None:
    return day.isoformat() if day is not None else None
