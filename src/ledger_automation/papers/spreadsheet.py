"""A grant's tranches and vouchers as a table for spreadsheets (CSV), which never becomes a formula.

    UTF-8 with a byte order mark   else Excel reads umlauts as Windows-1252
    ``;`` between cells            a German spreadsheet's, since ``,`` is its decimal mark; else as RFC 4180: CRLF at
                                   the end of each line, quotes doubled
    1834169,98                     amounts in euros, exact, without signs for thousands: they can be added up
    2020-03-02                     days as ISO 8601, which every spreadsheet takes for a day
    "text"                         texts are always quoted

A text that a spreadsheet would take for a formula has an apostrophe before it (OWASP, "CSV Injection"): where it begins
with ``= + - @``, their wide forms, a tab, CR, LF or NUL. The same behind ``, ;``, a quote, a tab or an end of line,
where a spreadsheet of another country would begin a cell. An apostrophe in such a place gets one too, so that taking
one away in each gives the text back.
"""

import re
from collections.abc import Iterable
from typing import Final

from ledger_automation.orchestrator.account_lines import Account, Act, TrancheLine
from ledger_automation.papers.script import STAGES

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"

TRANCHES: Final = (
    "Fall", "Teilbetrag", "Stand", "Zahlungsempfänger", "angefordert (EUR)", "Fördersatz (%)", "ausgezahlt (EUR)",
    "davon vorab (EUR)", "nachgewiesen (EUR)", "davon Zuwendung (EUR)", "davon Eigenmittel (EUR)", "anerkannt (EUR)",
    "zurückgefordert (EUR)", "erstattet (EUR)", "angefordert von", "angefordert am", "bewilligt von", "bewilligt am",
    "ausgezahlt von", "ausgezahlt am", "nachgewiesen von", "nachgewiesen am", "entschieden von", "entschieden am",
    "Belege", "Begründungen",
)  # fmt: skip
VOUCHERS: Final = ("Fall", "Lfd. Nr.", "Beleg", "bezahlt am", "Betrag (EUR)")

_MARK: Final = "\ufeff"
_PERILOUS: Final = re.compile("(?:^|(?<=[,;\"\t\r\n]))(?=['=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20])")
_SIGNED: Final = ("request_tranche", "approve_tranche", "disburse_tranche", "prove_use")
_DECIDED: Final = ("accept_use", "reclaim")


class Figure(str):
    """A cell that is a number already, and stands without quotes."""

    __slots__ = ()


def tranches(account: Account) -> bytes:
    """Return an account's tranches, one a line, under `TRANCHES`; moments are shortened to their day (UTC)."""
    return _written(TRANCHES, (_tranche(account.case_id, each) for each in account.tranches))


def vouchers(account: Account) -> bytes:
    """Return the final proof's vouchers, one a line, under `VOUCHERS`; the head alone before there is one."""
    lines = account.proof.vouchers if account.proof is not None else ()
    return _written(
        VOUCHERS,
        (
            [account.case_id, Figure(at), each.number, Figure(each.paid_on), amount(each.amount)]
            for at, each in enumerate(lines, 1)
        ),
    )


def amount(cents: int) -> Figure:
    """Write integer cents as euros; raises ValueError for a negative one, whose sign would begin a formula."""
    if cents < 0:
        raise ValueError("an account's amounts are not negative")
    return Figure(f"{cents // 100},{cents % 100:02d}")


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, wherever it begins a cell."""
    return _PERILOUS.sub("'", text)


def _tranche(case_id: str, line: TrancheLine) -> list[str]:
    decided = [line.by(action) for action in _DECIDED]
    last = max((each for each in decided if each is not None), key=lambda act: act.sequence, default=None)
    signed = [*(line.by(action) for action in _SIGNED), last]
    rate = amount(line.rate) if line.rate is not None else ""
    sums = (
        line.disbursed, line.advance, line.expenditure, line.share, line.own, line.accepted, line.reclaimed,
        line.repaid,
    )  # fmt: skip
    return [
        case_id, Figure(line.number), STAGES.get(line.stage, line.stage), line.payee, amount(line.requested), rate,
        *(amount(each) for each in sums), *(cell for act in signed for cell in _signature(act)),
        " | ".join(line.proofs), " | ".join(line.reasons),
    ]  # fmt: skip


def _signature(act: Act | None) -> tuple[str, str]:
    return (act.actor, Figure(act.at[: len("2026-01-31")])) if act is not None else ("", "")


def _written(head: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    lines = [";".join(_cell(each) for each in row) for row in (head, *rows)]
    return (_MARK + "".join(f"{line}\r\n" for line in lines)).encode("utf-8")


def _cell(value: str) -> str:
    if isinstance(value, Figure):
        return value
    return '"' + guarded(value).replace('"', '""') + '"'
