"""What the law must remember of a subsidy, and the sums that its rules speak of."""

from datetime import date, datetime

from ledger_automation.workflows._table import Payload, Term
from ledger_automation.workflows.deadlines import end_of_day
from ledger_automation.workflows.money import share_of
from ledger_automation.workflows.subsidy.payloads import Application, Condition, Programme, Rules

_ENDLESS = (None, date.max)
"""No last day, or the last one that there is, which has no day after it."""

PAID = frozenset({"disbursed", "proven", "accepted", "reclaimed"})
"""The stages of a tranche after its money left."""


class Tranche(Payload, frozen=True):
    """One instalment: requested, approved, disbursed, proven, accepted or reclaimed; also returned."""

    number: int
    amount: int
    payee: str
    requested_by: str
    stage: str = "requested"
    approved_by: str = ""
    expenditure: int = 0
    use_ends: datetime | None = None
    reclaimed: int = 0
    repaid: int = 0


class Grant(Payload, frozen=True):
    """The grant's money: every cent of ``amount`` is disbursed, open or cancelled (TR8)."""

    amount: int
    open: int
    rate: int
    starts: date | None
    ends: date | None
    advance: int
    conditions: tuple[Condition, ...]
    disbursed: int = 0
    cancelled: int = 0


class Subsidy(Payload, frozen=True):
    """A case: its programme, what was applied for, what was granted, its tranches."""

    title: str
    rules: Rules
    application: Application | None = None
    applied_by: str = ""
    checked_by: tuple[str, ...] = ()
    resolution_reference: str = ""
    resolved_on: date | None = None
    grant: Grant | None = None
    met: tuple[str, ...] = ()
    tranches: tuple[Tranche, ...] = ()
    final_report: str = ""

    def tranche(self, number: int) -> Tranche | None:
        """Return a tranche by its number."""
        return next((each for each in self.tranches if each.number == number), None)

    @property
    def parties(self) -> tuple[str, ...]:
        """Those whose own case it is: the applicant, and who handed the application in."""
        return (self.application.applicant, self.applied_by) if self.application is not None else ()

    def is_of(self, person: str) -> bool:
        """Say whether it is somebody's own case."""
        return person in self.parties

    @property
    def proven(self) -> int:
        """The expenditure proven so far, own funds included."""
        return sum(each.expenditure for each in self.tranches)

    @property
    def rate_applied_for(self) -> int:
        """The programme's rate for this applicant."""
        emergency = self.application is not None and self.application.budget_emergency
        return self.rules.rate_in_budget_emergency if emergency else self.rules.rate

    def ceiling(self, rate: int, advance: int) -> int:
        """Return how much may be disbursed in all, given what is proven (TR5; ANBest-P 1.4)."""
        if self.rules.own_funds == "first" and self.application is not None:
            return max(0, self.proven - self.application.own_share) + advance
        return share_of(self.proven, rate) + advance


def terms(state: str, case: Subsidy) -> tuple[Term, ...]:
    """Return what is to be done until when: apply, bring the council's resolution, prove the use of each tranche."""
    rules, call_ends, due = case.rules, case.rules.call_ends, case.rules.resolution_due
    if state in {"programme_open", "returned"} and call_ends not in _ENDLESS:
        return (Term("application", end_of_day(call_ends, rules.zone)),)
    if state in {"applied", "checked"} and due not in _ENDLESS and case.resolved_on is None:
        return (Term("resolution", end_of_day(due, rules.zone)),)
    if state in {"granted", "final_proof_submitted"}:
        ends = (each.use_ends for each in case.tranches if each.stage == "disbursed")
        return tuple(Term("use", each) for each in ends if each is not None)
    return ()


def opened(programme: Programme) -> Subsidy:
    """Return the case of a programme that nobody has applied to yet."""
    return Subsidy(programme.title, programme.rules)
