"""What a grant account is made of: acts, lines, sums and findings, as typed values that JSON keeps exactly.

Every amount is in integer cents, every rate in basis points (6,500 is 65 %), every moment RFC 3339 in UTC as in the
events, every day ISO 8601. None stands where the trail does not say it (yet); 0 says that it is nothing.
"""

from typing import Final, Literal

import msgspec

FORMAT: Final = "ledger-automation/grant-account/v1"


class Act(msgspec.Struct, frozen=True):
    """One step: who took it, in which role, when, and its leaf in the log (None: not yet sequenced).

    ``signed`` tells that the actor's own signature stands in the event (enforced steps); False also where it is erased.
    """

    sequence: int
    action: str
    actor: str
    role: str
    at: str
    leaf_index: int | None
    signed: bool = False


class Paper(msgspec.Struct, frozen=True):
    """A document that came with step ``sequence``: size in bytes, SHA-256 in hex."""

    sequence: int
    name: str
    media_type: str
    size: int
    sha256: str


class Applied(msgspec.Struct, frozen=True):
    """What was applied for; ``own_share_expected`` is the share that the programme's rate leaves, rounded half up."""

    applicant: str
    kind: str
    planned: int
    own_share: int
    own_share_expected: int
    rate: int
    budget_emergency: bool


class Council(msgspec.Struct, frozen=True):
    """The council's paper on the own share: references, the day that was due, the one expected, the one that came."""

    paper: str
    own_share_proof: str
    due: str | None
    expected: str | None
    resolved: str | None


class ItemLine(msgspec.Struct, frozen=True):
    """A cost category: planned in the application, planned by the final proof, actually spent by it."""

    item: str
    planned: int | None
    restated: int | None = None
    actual: int | None = None


class YearLine(msgspec.Struct, frozen=True):
    """A year: planned in the application, and what the vouchers of the final proof say was paid in it."""

    year: int
    planned: int
    actual: int | None = None


class VoucherLine(msgspec.Struct, frozen=True):
    """A line of the final proof's list of vouchers."""

    number: str
    paid_on: str
    amount: int


class FinalProof(msgspec.Struct, frozen=True):
    """The final proof as it was last handed in: the report, the vouchers, who did it, and whether it was returned."""

    report: str
    vouchers: tuple[VoucherLine, ...]
    handed_in: Act
    returned: str | None = None


class RateLine(msgspec.Struct, frozen=True):
    """A rate from an act on, and why; the grant itself gives none."""

    rate: int
    reason: str | None
    act: Act


class Cut(msgspec.Struct, frozen=True):
    """What left the open grant for good: reduced, the rest cancelled, revoked or closed; ``reason`` may be none."""

    amount: int
    reason: str | None
    act: Act


class ConditionLine(msgspec.Struct, frozen=True):
    """A condition, the first tranche that waits for it, and what showed that it is met (None: open)."""

    name: str
    from_tranche: int
    evidence: str | None = None


class Sums(msgspec.Struct, frozen=True):
    """Where the grant's money is: ``grant`` = ``disbursed`` + ``open`` + ``cancelled``, to the cent (TR8).

    ``waiting`` is the part of ``open`` that is requested or approved. ``proven`` is expenditure, own funds included;
    ``earned`` what it entitles to at the rate now; ``unearned`` what was paid beyond that and not paid back.
    """

    grant: int = 0
    disbursed: int = 0
    open: int = 0
    cancelled: int = 0
    waiting: int = 0
    proven: int = 0
    earned: int = 0
    unearned: int = 0
    accepted: int = 0
    reclaimed: int = 0
    repaid: int = 0


class TrancheLine(msgspec.Struct, frozen=True):
    """One instalment.

    ``rate`` is the one in force when it was paid (None: not paid), ``rate_approved`` when it was approved.
    ``share`` + ``own`` = ``expenditure``. ``advance`` is what was paid ahead of the proven expenditure. ``accepted``
    is what stays with the payee once it was decided: a reclaim after the proof accepts the rest.
    """

    number: int
    stage: str
    payee: str
    requested: int
    acts: tuple[Act, ...]
    rate_approved: int | None = None
    rate: int | None = None
    advance: int = 0
    expenditure: int = 0
    share: int = 0
    own: int = 0
    disbursed: int = 0
    accepted: int = 0
    reclaimed: int = 0
    repaid: int = 0
    use_ends: str | None = None
    proofs: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    papers: tuple[Paper, ...] = ()

    def by(self, action: str) -> Act | None:
        """Return the last act of a kind, None where there was none."""
        return next((each for each in reversed(self.acts) if each.action == action), None)


Rule = Literal[
    "content_erased", "trail_diverges", "own_share_differs", "resolution_expected_late", "resolution_taken_late",
    "funding_does_not_meet_plan", "grant_not_conserved", "paid_beyond_earned", "open_after_period",
    "paid_at_another_rate", "use_unproven", "use_proven_late", "reclaim_unpaid", "item_not_planned",
    "item_beyond_plan", "plan_restated", "voucher_twice", "voucher_outside_period",
]  # fmt: skip
"""The names of findings; they are stable."""


class Finding(msgspec.Struct, frozen=True):
    """What an auditor would want to know: the rule's stable name, and its figures; the sentence is the reader's."""

    rule: Rule
    facts: dict[str, int | str]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The account of one grant, as its trail tells it up to step ``read_to`` (-1: of nothing).

    ``erased`` counts steps whose content was lawfully destroyed: behind the first of them no figure is read, only
    ``acts`` goes to the end. ``ended`` says that the case's state is final; ``decision`` is why it was refused,
    withdrawn, returned or revoked.
    """

    format: str = FORMAT
    case_id: str
    state: str
    ended: bool
    read_to: int
    erased: int = 0
    title: str = ""
    applied: Applied | None = None
    council: Council | None = None
    decision: str | None = None
    starts: str | None = None
    ends: str | None = None
    advance_allowed: int = 0
    own_funds: str = ""
    sums: Sums = Sums()
    items: tuple[ItemLine, ...] = ()
    years: tuple[YearLine, ...] = ()
    rates: tuple[RateLine, ...] = ()
    conditions: tuple[ConditionLine, ...] = ()
    cuts: tuple[Cut, ...] = ()
    tranches: tuple[TrancheLine, ...] = ()
    proof: FinalProof | None = None
    papers: tuple[Paper, ...] = ()
    acts: tuple[Act, ...] = ()
    findings: tuple[Finding, ...] = ()


def written(account: Account) -> bytes:
    """Write an account as JSON with sorted names: the same account, the same bytes."""
    return msgspec.json.encode(account, order="sorted")
