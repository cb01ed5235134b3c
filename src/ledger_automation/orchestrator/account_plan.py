"""Plan against actual, by cost category and by year, and how a tranche's proven expenditure is shared.

The law's payloads give the plan by category and year (the application), the actual spending by category (the final
proof's figures) and by day (its vouchers). So a category has an actual once the final proof is there, and a year too;
before that both are None, and what is proven stands with the tranches.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from ledger_automation.orchestrator.account_lines import FinalProof, ItemLine, RateLine, TrancheLine, YearLine
from ledger_automation.workflows.money import share_of
from ledger_automation.workflows.subsidy import Subsidy


def items(law: Subsidy, figures: Sequence[dict[str, Any]]) -> tuple[ItemLine, ...]:
    """Return cost categories in the order of the plan, then those that the final proof alone knows; equal ones add up.

    ``figures`` are the final proof's lines as payloads (``item``, ``planned``, ``actual``); none before it.
    """
    found: dict[str, ItemLine] = {}
    for planned in law.application.cost_plan if law.application is not None else ():
        line = found.setdefault(planned.item, ItemLine(planned.item, 0))
        found[planned.item] = replace(line, planned=(line.planned or 0) + planned.amount)
    for each in figures:
        line = found.setdefault(each["item"], ItemLine(each["item"], None))
        restated, actual = (line.restated or 0) + each["planned"], (line.actual or 0) + each["actual"]
        found[each["item"]] = replace(line, restated=restated, actual=actual)
    return tuple(found.values())


def years(law: Subsidy, proof: FinalProof | None) -> tuple[YearLine, ...]:
    """Return the years of the plan and of the vouchers, in order."""
    planned: dict[int, int] = {}
    paid: dict[int, int] = {}
    for each in law.application.cost_plan if law.application is not None else ():
        planned[each.year] = planned.get(each.year, 0) + each.amount
    for voucher in proof.vouchers if proof is not None else ():
        year = int(voucher.paid_on[:4])
        paid[year] = paid.get(year, 0) + voucher.amount
    known = sorted({*planned, *paid})
    return tuple(
        YearLine(year, planned.get(year, 0), paid.get(year, 0) if proof is not None else None) for year in known
    )


def shared(lines: Sequence[TrancheLine], law: Subsidy | None, rates: Sequence[RateLine]) -> tuple[TrancheLine, ...]:
    """Return tranches with their proven expenditure shared: ``share`` + ``own`` = ``expenditure``, to the cent.

    Pro rata, each is shared at its own rate (where it is not paid yet: the rate now) and rounded by itself; with own
    funds first, they cover the expenditure of the first tranches until they are used up.
    """
    found: list[TrancheLine] = []
    left = law.application.own_share if law is not None and law.application is not None else 0
    for line in lines:
        if law is not None and law.rules.own_funds == "first":
            own = min(left, line.expenditure)
            left -= own
        else:
            rate = line.rate if line.rate is not None else rates[-1].rate
            own = line.expenditure - share_of(line.expenditure, rate)
        found.append(replace(line, share=line.expenditure - own, own=own))
    return tuple(found)
