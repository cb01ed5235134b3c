"""What the steps of a subsidy carry."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from ledger_automation.workflows._table import BASIS_POINTS, Cents, Payload, PositiveCents, Text

Rate = Annotated[int, msgspec.Meta(ge=0, le=10_000, extra=BASIS_POINTS)]
"""A funding rate in basis points."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Number = Annotated[int, msgspec.Meta(ge=1, le=1_000)]


class Rules(Payload, frozen=True):
    """The terms of a programme; the defaults follow ANBest-P."""

    rate: Rate = 6_500
    rate_in_budget_emergency: Rate = 9_000
    eligible: tuple[Name, ...] = ("municipality",)
    call_ends: date | None = None
    resolution_due: date | None = None
    check_required: bool = True
    cost_plan_required: bool = True
    own_share_proof_required: bool = True
    own_funds: Literal["pro_rata", "first"] = "pro_rata"
    use_weeks: Annotated[int, msgspec.Meta(ge=1, le=520)] = 6
    zone: str = "Europe/Berlin"


class Programme(Payload, frozen=True):
    """A call for applications."""

    title: Name
    rules: Rules = Rules()


class CostItem(Payload, frozen=True):
    """One line of the cost plan."""

    item: Name
    year: Annotated[int, msgspec.Meta(ge=1990, le=2200)]
    amount: PositiveCents


class Application(Payload, frozen=True):
    """What is applied for; ``resolution_expected`` is the day of the council's meeting."""

    applicant: Name
    kind: Name
    planned: PositiveCents
    own_share: Cents = 0
    budget_emergency: bool = False
    cost_plan: tuple[CostItem, ...] = ()
    own_share_proof: str = ""
    resolution_reference: str = ""
    resolution_expected: date | None = None


class Check(Payload, frozen=True):
    """The result of a check, for the file."""

    note: str = ""


class Resolution(Payload, frozen=True):
    """The council's resolution on the own share."""

    reference: Text
    resolved_on: date


class Condition(Payload, frozen=True):
    """What must be met before tranche number ``from_tranche`` and all later ones."""

    name: Name
    from_tranche: Number = 1


class GrantDecision(Payload, frozen=True):
    """The grant: amount, rate, period (open where no day is named), conditions, and what is paid before proof."""

    amount: PositiveCents
    rate: Rate
    starts: date | None = None
    ends: date | None = None
    advance: Cents = 0
    conditions: tuple[Condition, ...] = ()


class Reason(Payload, frozen=True):
    """Why."""

    reason: Text


class ConditionMet(Payload, frozen=True):
    """Which condition is met, and what shows it."""

    name: Name
    evidence: Text


class TrancheRequest(Payload, frozen=True):
    """A call for money; ``expenditure`` is what was spent and proven already (reimbursement)."""

    number: Number
    amount: PositiveCents
    payee: Name
    expenditure: Cents = 0


class TrancheStep(Payload, frozen=True):
    """Which tranche."""

    number: Number


class TrancheReason(Payload, frozen=True):
    """Which tranche, and why."""

    number: Number
    reason: Text


class UseProof(Payload, frozen=True):
    """What was spent with the tranche and the own funds together, and where the proof lies."""

    number: Number
    expenditure: PositiveCents
    reference: Text


class Reclaim(Payload, frozen=True):
    """What is asked back of a tranche."""

    number: Number
    amount: PositiveCents
    reason: Text


class Repayment(Payload, frozen=True):
    """What came back of a tranche."""

    number: Number
    amount: PositiveCents


class RateChange(Payload, frozen=True):
    """A new rate."""

    rate: Rate
    reason: Text


class Reduction(Payload, frozen=True):
    """By how much the grant is reduced."""

    amount: PositiveCents
    reason: Text


class ProofLine(Payload, frozen=True):
    """One line of the numeric proof, in its two columns: as planned, as spent."""

    item: Name
    planned: Cents
    actual: Cents


class Voucher(Payload, frozen=True):
    """One line of the list of vouchers (Belegliste)."""

    number: Name
    paid_on: date
    amount: PositiveCents


class FinalProof(Payload, frozen=True):
    """The final proof of use: Sachbericht, zahlenmaessiger Nachweis, Belegliste."""

    report: Text
    figures: Annotated[tuple[ProofLine, ...], msgspec.Meta(min_length=1)]
    vouchers: Annotated[tuple[Voucher, ...], msgspec.Meta(min_length=1)]
