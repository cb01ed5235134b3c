"""The council's paper on a grant (Bürgerschaft): what it is to resolve, or a report, with the figures.

Written before a grant, it states the plan and the own share that the council is to provide; afterwards, where the
money is. The figures are the account's; nothing here judges, but for the findings that the caller words.
"""

from typing import Literal

import msgspec

from ledger_automation.orchestrator.account_lines import Account
from ledger_automation.papers.proof_of_use import identity, period, rates, year_rows
from ledger_automation.papers.script import day, euro, percent
from ledger_automation.papers.typesetting import Sheet, typeset
from ledger_automation.workflows.money import WHOLE

Kind = Literal["Beschlussvorlage", "Bericht"]
"""What the council is to resolve, or a report."""


class CouncilPaper(msgspec.Struct, frozen=True):
    """What a council's paper needs: which kind, its number, the account, the findings worded in German."""

    sheet: Sheet
    kind: Kind
    account: Account
    findings: tuple[str, ...] = ()


def council_paper(told: CouncilPaper) -> bytes:
    """Return the council's paper as PDF; raises what `typesetting.typeset` raises."""
    account = told.account
    resolves = told.kind == "Beschlussvorlage"
    facts = {
        "kind": told.kind,
        "particulars": _particulars(account, told.sheet),
        "proposal_heading": "Beschlussvorschlag" if resolves else "Kenntnisnahme",
        "proposal": [_proposal(account) if resolves else "Die Bürgerschaft nimmt den Bericht zur Kenntnis."],
        "situation": _situation(account),
        "funding": _funding(account),
        "years": _years(account),
        "identity": identity(account) if account.rates else [],
        "findings": told.findings,
    }
    return typeset("council", told.sheet, facts)


def _particulars(account: Account, sheet: Sheet) -> list[list[str]]:
    council = account.council
    rows = [["Fallnummer", account.case_id], ["Datum", day(sheet.day)]]
    if council is None:
        return rows
    rows.insert(0, ["Vorlage", council.paper or "ohne Nummer"])
    if council.due is not None:
        rows.append(["Beschluss fällig am", day(council.due)])
    if council.resolved is not None:
        rows.append(["Beschlossen am", day(council.resolved)])
    elif council.expected is not None:
        rows.append(["Beschluss erwartet am", day(council.expected)])
    return rows


def _proposal(account: Account) -> str:
    applied = account.applied
    if applied is None:
        return "Es liegt kein Antrag vor; es ist nichts zu beschließen."
    own, title = euro(applied.own_share), account.title
    return f"Die Bürgerschaft stellt für das Vorhaben „{title}“ Eigenmittel in Höhe von {own} bereit."


def _situation(account: Account) -> list[str]:
    applied, sums = account.applied, account.sums
    if applied is None:
        return ["Zu dem Programm ist kein Antrag lesbar."]
    emergency = " wegen einer Haushaltsnotlage" if applied.budget_emergency else ""
    told = [
        (
            f"{applied.applicant} hat im Programm „{account.title}“ eine Zuwendung zu Ausgaben von "
            f"{euro(applied.planned)} beantragt. Der Fördersatz des Programms beträgt "
            f"{percent(applied.rate)}{emergency}."
        )
    ]
    if account.rates:
        told.append(
            f"Bewilligt wurden {euro(sums.grant)} für den Zeitraum {period(account)}. Fördersatz: {rates(account)}."
        )
        told.append(
            f"Ausgezahlt sind {euro(sums.disbursed)}, nachgewiesen {euro(sums.proven)}. Zurückgefordert wurden "
            f"{euro(sums.reclaimed)}, davon sind {euro(sums.repaid)} erstattet."
        )
    if account.decision is not None:
        told.append(f"Begründung der letzten Entscheidung: {account.decision}")
    return told


def _years(account: Account) -> list[list[str]]:
    """Years as planned, and as paid once the final proof tells it."""
    if not account.years:
        return []
    rows = year_rows(account.years)
    return rows if account.proof is not None else [row[:2] for row in rows]


def _funding(account: Account) -> list[list[str]]:
    applied = account.applied
    if applied is None:
        return [["Ausgaben", euro(0)]]
    share = percent(WHOLE - applied.rate)
    return [
        ["Geplante Ausgaben", euro(applied.planned)],
        ["Eigenmittel, wie angegeben", euro(applied.own_share)],
        [f"Eigenmittel, {share} gerundet", euro(applied.own_share_expected)],
        ["Unterschied", euro(applied.own_share - applied.own_share_expected)],
    ]
