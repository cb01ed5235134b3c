"""The proof of use of a grant (Verwendungsnachweis): report, figures in two columns, list of vouchers.

The three parts are those of the general terms (ANBest-P; VV to § 44 LHO M-V). Every figure is the account's; the
account itself lies inside the PDF as JSON, so that a reviewer's program reads what a person reads. A half-finished
grant has a proof too: what is not there yet is said, and no column adds up to more than it has.
"""

import msgspec

from ledger_automation.orchestrator.account_lines import Account, Act, ItemLine, YearLine, written
from ledger_automation.papers.script import ROLES, day, euro, moment, paragraphs, percent
from ledger_automation.papers.typesetting import Enclosed, Sheet, typeset

FILE = "foerderkonto.json"
_OPEN = "offen"


class ProofOfUse(msgspec.Struct, frozen=True):
    """What a proof of use needs: the account, the findings worded in German, and what steps are called, by action."""

    sheet: Sheet
    account: Account
    findings: tuple[str, ...] = ()
    steps: dict[str, str] = {}


def proof_of_use(told: ProofOfUse) -> bytes:
    """Return the proof of use as PDF/A-3b; raises what `typesetting.typeset` raises."""
    account = told.account
    facts = {
        "particulars": _particulars(account),
        "report": paragraphs(account.proof.report) if account.proof is not None else [],
        "items": item_rows(account.items),
        "income": _income(account),
        "years": year_rows(account.years),
        "tranches": _tranches(account),
        "identity": identity(account),
        "vouchers": _vouchers(account),
        "papers": [[each.name, f"{each.size:,} Byte".replace(",", "."), each.sha256] for each in account.papers],
        "findings": told.findings,
        "signatures": _signatures(told),
    }
    about = f"Förderkonto des Falls {account.case_id} ({account.format})"
    return typeset("proof", told.sheet, facts, Enclosed(FILE, "application/json", about, written(account)))


def item_rows(lines: tuple[ItemLine, ...]) -> list[list[str]]:
    """Return cost categories as planned and as spent, with their sums; ``offen`` where nothing is proven yet."""
    rows = [[each.item, _amount(each.planned or 0), _amount(each.actual)] for each in lines]
    spent = None if all(each.actual is None for each in lines) else sum(each.actual or 0 for each in lines)
    return [*rows, ["Summe", _amount(sum(each.planned or 0 for each in lines)), _amount(spent)]]


def year_rows(lines: tuple[YearLine, ...]) -> list[list[str]]:
    """Return years as planned and as paid, with their sums; ``offen`` where there are no vouchers yet."""
    rows = [[str(each.year), _amount(each.planned), _amount(each.actual)] for each in lines]
    spent = None if all(each.actual is None for each in lines) else sum(each.actual or 0 for each in lines)
    return [*rows, ["Summe", _amount(sum(each.planned for each in lines)), _amount(spent)]]


def identity(account: Account) -> list[list[str]]:
    """Return where every cent of the grant is; the last row is the grant, the sum of those before it."""
    sums = account.sums
    return [
        ["ausgezahlt", euro(sums.disbursed)],
        ["offen", euro(sums.open)],
        ["entfallen", euro(sums.cancelled)],
        ["Zuwendung", euro(sums.grant)],
    ]


def period(account: Account) -> str:
    """Return the grant's period in words."""
    starts = day(account.starts) if account.starts else "ohne Beginn"
    return f"{starts} bis {day(account.ends) if account.ends else 'ohne Ende'}"


def rates(account: Account) -> str:
    """Return every rate with the day from which on it held."""
    return "; ".join(f"{percent(each.rate)} ab {moment(each.act.at)[:10]}" for each in account.rates) or "keiner"


def _particulars(account: Account) -> list[list[str]]:
    applied = account.applied
    return [
        ["Förderprogramm", account.title or "nicht lesbar"],
        ["Zuwendungsempfänger", applied.applicant if applied is not None else "keiner"],
        ["Fallnummer", account.case_id],
        ["Bewilligt", euro(account.sums.grant)],
        ["Zeitraum", period(account)],
        ["Fördersatz", rates(account)],
        *([["Beschluss", account.council.paper]] if account.council is not None and account.council.paper else []),
        *([["Gelöschte Schritte", str(account.erased)]] if account.erased else []),
    ]


def _income(account: Account) -> list[list[str]]:
    """Who paid: the grant less what went back, and the rest of the spending by own funds."""
    sums, applied = account.sums, account.applied
    planned_own = applied.own_share if applied is not None else 0
    proven = [each.actual for each in account.items if each.actual is not None]
    paid = sums.disbursed - sums.repaid
    own = sum(proven) - paid if proven else None
    total = sum(proven) if proven else None
    return [
        ["Eigenmittel", euro(planned_own), _amount(own)],
        ["Zuwendung", euro(sums.grant), euro(paid)],
        ["Summe", euro(planned_own + sums.grant), _amount(total)],
    ]


def _tranches(account: Account) -> list[list[str]]:
    if not account.tranches:
        return []
    sums = account.sums
    rows = [
        [
            str(each.number), euro(each.disbursed), percent(each.rate) if each.rate is not None else _OPEN,
            euro(each.expenditure), euro(each.accepted), euro(each.reclaimed), euro(each.repaid),
        ]
        for each in account.tranches
    ]  # fmt: skip
    total = [sums.disbursed, sums.proven, sums.accepted, sums.reclaimed, sums.repaid]
    disbursed, *others = (euro(each) for each in total)
    return [*rows, ["Summe", disbursed, "", *others]]


def _vouchers(account: Account) -> list[list[str]]:
    """The final proof's list; before it, what the tranches' proofs refer to, which names no day."""
    if account.proof is None:
        return []
    lines = account.proof.vouchers
    rows = [[str(at), each.number, day(each.paid_on), euro(each.amount)] for at, each in enumerate(lines, 1)]
    return [*rows, ["", "Summe", "", euro(sum(each.amount for each in lines))]]


def _signatures(told: ProofOfUse) -> list[list[str]]:
    numbers = {act.sequence: each.number for each in told.account.tranches for act in each.acts}

    def row(act: Act) -> list[str]:
        number = numbers.get(act.sequence)
        return [
            moment(act.at),
            told.steps.get(act.action, act.action),
            str(number or ""),
            ROLES.get(act.role, act.role),
            act.actor,
        ]

    return [row(each) for each in told.account.acts]


def _amount(cents: int | None) -> str:
    return euro(cents) if cents is not None else _OPEN
