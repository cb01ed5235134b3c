"""What the finance office takes along from an account: two papers (PDF) and two tables (CSV), as answers.

Pure like the pages: an account and who issues it go in, an answer comes out. Papers are German whatever the page's
language: they are the office's. Setting one takes up to a tenth of a second, so it belongs in a thread.
"""

from datetime import date
from typing import Final, NamedTuple

from starlette.responses import Response

from ledger_automation.orchestrator.account_lines import Account
from ledger_automation.papers import spreadsheet
from ledger_automation.papers.council import CouncilPaper, Kind, council_paper
from ledger_automation.papers.proof_of_use import ProofOfUse, proof_of_use
from ledger_automation.papers.typesetting import Office, Sheet
from ledger_automation.web.figures import Figures
from ledger_automation.web.pages import Language
from ledger_automation.web.words.grants import GRANT_STEPS

_PDF: Final = "application/pdf"
_CODE: Final = "Mit diesem Code wird der Fall geprüft."


class Issue(NamedTuple):
    """Who issues a paper, on which day, and what its QR code says ("": none)."""

    office: Office
    day: date
    code: str = ""


def proof_file(account: Account, issue: Issue) -> Response:
    """Answer with the proof of use, with the account inside."""
    told = ProofOfUse(_sheet("Verwendungsnachweis", account, issue), account, _findings(account), GRANT_STEPS)
    return _answer(proof_of_use(told), _PDF, f"verwendungsnachweis-{account.case_id}.pdf")


def report_file(account: Account, issue: Issue) -> Response:
    """Answer with the report to the council: before the grant, with what it is to resolve."""
    kind: Kind = "Bericht" if account.rates or account.ended else "Beschlussvorlage"
    title = f"Förderung: {account.title}" if account.title else "Förderung"
    told = CouncilPaper(_sheet(title, account, issue), kind, account, _findings(account))
    return _answer(council_paper(told), _PDF, f"bericht-{account.case_id}.pdf")


def tranches_file(account: Account) -> Response:
    """Answer with the tranches as a table."""
    return _answer(spreadsheet.tranches(account), spreadsheet.MEDIA_TYPE, f"teilbetraege-{account.case_id}.csv")


def vouchers_file(account: Account) -> Response:
    """Answer with the final proof's vouchers as a table."""
    return _answer(spreadsheet.vouchers(account), spreadsheet.MEDIA_TYPE, f"belege-{account.case_id}.csv")


def _sheet(title: str, account: Account, issue: Issue) -> Sheet:
    return Sheet(title, issue.day, issue.office, account.case_id, issue.code, _CODE if issue.code else "")


def _findings(account: Account) -> tuple[str, ...]:
    figures = Figures(Language.GERMAN)
    return tuple(figures.sentence(each) for each in account.findings)


def _answer(octets: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(octets, 200, headers, media_type)
