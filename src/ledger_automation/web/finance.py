"""The finance office's pages: all grants with where their money is, and the account of one.

    grants, grant               read the facts, in a unit of work: one query for a page of grants, two for an account
    grants_page, grant_page     show facts; they ask nobody anything

Who may see them, and at which address they stand, is the routes' matter: a reader must have been let in before. The
list is of the cases' rows (what the law remembers); the account is read from the events (`orchestrator.account`).
"""

from datetime import datetime
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import NotFound
from ledger_automation.orchestrator.account import account
from ledger_automation.orchestrator.account_lines import Account
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.values import CaseId
from ledger_automation.verify.sources import FORGOTTEN, CaseRecord
from ledger_automation.web.figures import Figures
from ledger_automation.web.pages import language_of, page
from ledger_automation.web.words import grants as grants_words
from ledger_automation.workflows.subsidy import WORKFLOW

_SHOWN: Final = 200


class GrantLine(NamedTuple):
    """One grant of the list; amounts in cents. ``erased``: nothing of it is known any more but its state."""

    case_id: str
    state: str
    programme: str
    applicant: str
    planned: int = 0
    granted: int = 0
    disbursed: int = 0
    open: int = 0
    cancelled: int = 0
    erased: bool = False


class Programme(NamedTuple):
    """The grants of one programme, and their sums in cents."""

    title: str
    lines: tuple[GrantLine, ...]

    @property
    def total(self) -> GrantLine:
        """The sums of its lines."""
        planned, granted, disbursed, left, cancelled = (
            sum(column)
            for column in zip(
                *((each.planned, each.granted, each.disbursed, each.open, each.cancelled) for each in self.lines),
                strict=True,
            )
        )
        return GrantLine("", "", self.title, "", planned, granted, disbursed, left, cancelled)


class Grants(NamedTuple):
    """A page of grants by programme; ``after`` is where the next page begins (None: this is the last)."""

    programmes: tuple[Programme, ...]
    after: str | None


def grants(unit: UnitOfWork, after: str = "") -> Grants:
    """Return up to 200 grants behind a case id, with one query; programmes by title, grants by case id."""
    records = unit.cases.page(WORKFLOW.name, None, after, _SHOWN)
    by_title: dict[str, list[GrantLine]] = {}
    for line in map(_line, records):
        by_title.setdefault(line.programme, []).append(line)
    programmes = tuple(Programme(title, tuple(lines)) for title, lines in sorted(by_title.items()))
    return Grants(programmes, records[-1].case_id if len(records) == _SHOWN else None)


def grant(unit: UnitOfWork, case_id: CaseId, at: datetime) -> Account:
    """Return the account of a subsidy as it stands at a moment (aware); raises NotFound for any other case."""
    record = unit.cases.case(case_id)
    if record is None or record.workflow != WORKFLOW.name:
        raise NotFound(f"There is no grant {case_id}.", case_id=case_id)
    return account(unit.cases.trail(case_id), at)


def grants_page(request: Request, facts: Grants) -> Response:
    """Show grants in the language of the address."""
    return page(request, "foerderung", facts=facts, called=grants_words, figures=Figures(language_of(request)))


def grant_page(request: Request, facts: Account) -> Response:
    """Show one grant's account in the language of the address."""
    figures = Figures(language_of(request))
    return page(
        request,
        "account",
        account=facts,
        called=grants_words,
        figures=figures,
        findings=[figures.sentence(each) for each in facts.findings],
    )


def _line(record: CaseRecord) -> GrantLine:
    if record.data == FORGOTTEN:
        return GrantLine(record.case_id, record.state, "", "", erased=True)
    law = WORKFLOW.thaw(record.data)
    applied, money = law.application, law.grant
    line = GrantLine(record.case_id, record.state, law.title, applied.applicant if applied is not None else "")
    if applied is not None:
        line = line._replace(planned=applied.planned)
    if money is not None:
        line = line._replace(
            granted=money.amount, disbursed=money.disbursed, open=money.open, cancelled=money.cancelled
        )
    return line
