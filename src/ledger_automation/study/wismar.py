"""The subsidy that this project exists for: the Hansestadt Wismar's application to "Modellprojekte Smart Cities", 2019.

The figures up to the application are public (council paper VO/2019/3113): planned spending of 1,834,169.98 EUR over
2020-2023, funding of 65 % as a rule and 90 % in budget emergency, a stated own share of 183,417.01 EUR, the call open
until 2019-05-17, the council's resolution on the own share due on 2019-06-24, the council's meeting on 2019-06-27. The
split of the spending over the years and everything after the application is an illustration: nobody was paid. It is
granted at 65 %; the budget emergency is recognised later, and the rate with which the proven expenditure counts becomes
90 %: what makes the second tranche payable.

`STEPS` are what happens; `REFUSED` are steps that somebody tries on the way, and which both the law and its contract
refuse. `ROLES_OF` seats everybody who signs any of them.
"""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from ledger_automation.orchestrator.transition import Intent
from ledger_automation.verify.sources import DocumentRecord
from ledger_automation.workflows import Actor, Command
from ledger_automation.workflows.money import share_of

PLANNED: Final = 183_416_998
OWN_SHARE: Final = 18_341_701
_GRANT: Final = share_of(PLANNED, 6_500)
_YEARS: Final = (2020, 2021, 2022, 2023)
_TRANCHE: Final = 25_000_000
_RECLAIMED: Final = 1_250_000

PAPER: Final = DocumentRecord(
    "VO-2019-3113.txt", "text/plain", b"Council paper VO/2019/3113, as referred to by this demonstration.\n"
)


class Attempt(NamedTuple):
    """A step that the law must refuse, and the rule that does."""

    after: int
    intent: Intent
    rule: str


def _step(day: str, actor: str, role: str, action: str, *documents: DocumentRecord, **payload: Any) -> Intent:
    at = datetime.fromisoformat(f"{day}T10:00:00").replace(tzinfo=UTC)
    return Intent(Command(action, Actor(actor, role), payload), at, documents)


def _cost_plan() -> list[dict[str, Any]]:
    share, rest = divmod(PLANNED, len(_YEARS))
    amounts = [share] * (len(_YEARS) - 1) + [share + rest]
    return [
        {"item": f"strategy and implementation {year}", "year": year, "amount": amount}
        for year, amount in zip(_YEARS, amounts, strict=True)
    ]


STEPS: Final = (
    _step(
        "2019-02-15", "ministry", "system", "open_programme",
        title="Modellprojekte Smart Cities",
        rules={"call_ends": "2019-05-17", "resolution_due": "2019-06-24", "rate": 6_500,
               "rate_in_budget_emergency": 9_000},
    ),
    _step(
        "2019-05-16", "wismar-treasury", "applicant", "apply", PAPER,
        applicant="hansestadt-wismar", kind="municipality", planned=PLANNED, own_share=OWN_SHARE,
        budget_emergency=True, cost_plan=_cost_plan(), own_share_proof="VO/2019/3113",
        resolution_reference="VO/2019/3113", resolution_expected="2019-06-27",
    ),
    _step("2019-06-03", "clerk-1", "clerk", "check_application", note="complete"),
    _step("2019-06-28", "wismar-treasury", "applicant", "record_resolution",
          reference="VO/2019/3113", resolved_on="2019-06-27"),
    _step("2019-09-02", "approver-1", "approver", "grant",
          amount=_GRANT, rate=6_500, starts="2019-10-01", ends="2024-09-30", advance=_TRANCHE),
    _step("2020-01-20", "wismar-treasury", "applicant", "request_tranche",
          number=1, amount=_TRANCHE, payee="wismar-city-account"),
    _step("2020-01-27", "approver-2", "approver", "approve_tranche", number=1),
    _step("2020-02-03", "cashier-1", "finance", "disburse_tranche", number=1),
    _step("2020-03-09", "wismar-treasury", "applicant", "prove_use",
          number=1, expenditure=27_800_000, reference="vouchers 1-14"),
    _step("2020-03-30", "auditor-1", "auditor", "accept_use", number=1),
    _step("2020-04-20", "wismar-treasury", "applicant", "request_tranche",
          number=2, amount=_TRANCHE, payee="wismar-city-account"),
    _step("2020-04-27", "approver-2", "approver", "approve_tranche", number=2),
    _step("2020-05-11", "approver-1", "approver", "change_rate",
          rate=9_000, reason="budget emergency recognised by the supervisory authority"),
    _step("2020-05-18", "cashier-1", "finance", "disburse_tranche", number=2),
    _step("2020-06-22", "wismar-treasury", "applicant", "prove_use",
          number=2, expenditure=27_000_000, reference="vouchers 15-31"),
    _step("2020-07-06", "auditor-1", "auditor", "reclaim",
          number=2, amount=_RECLAIMED, reason="vouchers 30 and 31 lie outside the period"),
    _step("2020-08-03", "cashier-1", "finance", "record_repayment", number=2, amount=_RECLAIMED),
)  # fmt: skip

REFUSED: Final = (
    Attempt(4, _step("2019-09-02", "clerk-1", "approver", "grant", amount=_GRANT, rate=6_500), "four_eyes"),
    Attempt(6, _step("2020-01-21", "wismar-treasury", "approver", "approve_tranche", number=1), "requester_approves"),
    Attempt(6, _step("2020-01-22", "cashier-1", "finance", "disburse_tranche", number=1), "tranche_not_approved"),
    Attempt(7, _step("2020-01-28", "approver-3", "approver", "approve_tranche", number=1), "tranche_not_requested"),
    Attempt(8, _step("2020-02-04", "cashier-1", "finance", "disburse_tranche", number=1), "tranche_paid_already"),
    Attempt(8, _step("2020-02-05", "wismar-treasury", "applicant", "request_tranche",
                     number=2, amount=_GRANT, payee="wismar-city-account"), "beyond_grant"),
    Attempt(12, _step("2020-04-28", "cashier-1", "finance", "disburse_tranche", number=2), "beyond_rate_of_proven"),
)  # fmt: skip


def _roles() -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for intent in (*STEPS, *(attempt.intent for attempt in REFUSED)):
        found.setdefault(intent.command.actor.id, set()).add(intent.command.actor.role)
    return {actor: tuple(sorted(roles)) for actor, roles in found.items()}


ROLES_OF: Final = _roles()
"""Everybody, in every role that he acts or tries to act in: so that the law refuses, and not a missing seat."""
