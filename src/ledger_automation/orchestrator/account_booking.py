"""Booking a grant, step by step: what an account's figures are the sums of, from the payloads of the events.

`Book.take` follows an event through the law (`audit.trail`) and then books it by one of two tables: a step of a tranche
changes its line (`_OF_TRANCHE`), any other the account (`_BOOKED`); what stands in neither is an act and no figure. The
law's memory after the step is at hand for what is no sum: terms, and what the proven expenditure entitles to.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.event import AuditEvent
from ledger_automation.audit.trail import Trail
from ledger_automation.errors import CanonicalError, Misconfigured
from ledger_automation.orchestrator.account_lines import (
    Act,
    ConditionLine,
    Cut,
    FinalProof,
    Finding,
    Paper,
    RateLine,
    TrancheLine,
    VoucherLine,
)
from ledger_automation.values import timestamp
from ledger_automation.verify.sources import EventRecord
from ledger_automation.workflows.subsidy import WORKFLOW, Subsidy


def act_of(row: EventRecord) -> Act:
    """Return who took a step, by its row alone."""
    return Act(row.sequence, row.action, row.actor_id, row.actor_role, row.occurred_at, row.leaf_index)


class Book:
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
        if event.workflow != WORKFLOW.name:
            return Finding("trail_diverges", {"sequence": row.sequence, "rule": "workflow"})
        parted = self.trail.follow(event, row.commitment)
        if parted is not None:
            return Finding("trail_diverges", {"sequence": row.sequence, "rule": parted.rule})
        self.law = self.trail.case.data if self.trail.case is not None else None  # of what was followed, and no further
        act = replace(act_of(row), signed=event.signature is not None)
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


def _unchanged(_book: Book, _line: TrancheLine, _given: dict[str, Any]) -> dict[str, Any]:
    return {}


def _approved(book: Book, _line: TrancheLine, _given: dict[str, Any]) -> dict[str, Any]:
    return {"stage": "approved", "rate_approved": book.rate}


def _returned(_book: Book, _line: TrancheLine, _given: dict[str, Any]) -> dict[str, Any]:
    return {"stage": "returned", "expenditure": 0, "rate_approved": None}


def _paid(book: Book, line: TrancheLine, _given: dict[str, Any]) -> dict[str, Any]:
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


def _proven(_book: Book, line: TrancheLine, given: dict[str, Any]) -> dict[str, Any]:
    spent = line.expenditure + given["expenditure"]
    return {"stage": "proven", "expenditure": spent, "proofs": (*line.proofs, given["reference"])}


def _accepted(_book: Book, line: TrancheLine, _given: dict[str, Any]) -> dict[str, Any]:
    return {"stage": "accepted", "accepted": line.disbursed}


def _reclaimed(_book: Book, line: TrancheLine, given: dict[str, Any]) -> dict[str, Any]:
    asked = line.reclaimed + given["amount"]
    decided = line.stage in {"proven", "accepted"} or line.accepted > 0
    return {"stage": "reclaimed", "reclaimed": asked, "accepted": line.disbursed - asked if decided else 0}


def _repaid(_book: Book, line: TrancheLine, given: dict[str, Any]) -> dict[str, Any]:
    return {"repaid": line.repaid + given["amount"]}


_OF_TRANCHE: Final[dict[str, Callable[[Book, TrancheLine, dict[str, Any]], dict[str, Any]]]] = {
    "approve_tranche": _approved,
    "return_tranche": _returned,
    "disburse_tranche": _paid,
    "prove_use": _proven,
    "accept_use": _accepted,
    "reclaim": _reclaimed,
    "record_repayment": _repaid,
}


def _granted(book: Book, event: AuditEvent, act: Act) -> None:
    given = event.payload
    book.granted = given["amount"]
    book.rates.append(RateLine(given["rate"], None, act))
    book.conditions = {each["name"]: ConditionLine(each["name"], each["from_tranche"]) for each in given["conditions"]}


def _rate(book: Book, event: AuditEvent, act: Act) -> None:
    book.rates.append(RateLine(event.payload["rate"], event.payload["reason"], act))


def _met(book: Book, event: AuditEvent, _act: Act) -> None:
    name = event.payload["name"]
    book.conditions[name] = replace(book.conditions[name], evidence=event.payload["evidence"])


def _reduced(book: Book, event: AuditEvent, act: Act) -> None:
    book.cut(event.payload["amount"], event, act)


def _rest(book: Book, event: AuditEvent, act: Act) -> None:
    book.cut(book.open, event, act)


def _revoked(book: Book, event: AuditEvent, act: Act) -> None:
    book.decision = event.payload["reason"]
    book.cut(book.open, event, act)


def _decided(book: Book, event: AuditEvent, _act: Act) -> None:
    book.decision = event.payload["reason"]


def _again(book: Book, _event: AuditEvent, _act: Act) -> None:
    book.decision = None


def _final_proof(book: Book, event: AuditEvent, act: Act) -> None:
    given = event.payload
    book.figures = tuple(given["figures"])
    lines = tuple(VoucherLine(each["number"], each["paid_on"], each["amount"]) for each in given["vouchers"])
    book.proof = FinalProof(given["report"], lines, act)


def _proof_returned(book: Book, event: AuditEvent, _act: Act) -> None:
    if book.proof is not None:
        book.proof = replace(book.proof, returned=event.payload["reason"])


_BOOKED: Final[dict[str, Callable[[Book, AuditEvent, Act], None]]] = {
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
