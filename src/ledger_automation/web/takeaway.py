"""What somebody takes along from a case: its receipt on paper and as QR codes, and the office's letters about it.

    /faelle/{case}/beleg.pdf           where the case stands and how well that is witnessed, with a QR code
    /faelle/{case}/qr                  the receipt itself in QR codes, to be photographed and verified anywhere; of one
                                       that is too long for that, the file is there
    /faelle/{case}/bescheid/{number}   the letter about a step, for those who write letters and whom they are about;
                                       for the former with the case's access code while it names nobody

Setting a paper takes up to a tenth of a second, in a thread of its own. Papers are German: they are the office's.
"""

import base64
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import NotFound
from ledger_automation.orchestrator.asked import access_code
from ledger_automation.orchestrator.decide import APPLICANT, names_nobody
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.visible import case_for
from ledger_automation.papers.decisions import decided
from ledger_automation.papers.notice import Notice, notice
from ledger_automation.papers.qr_codes import svg
from ledger_automation.papers.receipt import Receipt as Paper
from ledger_automation.papers.receipt import Witnessed, receipt
from ledger_automation.papers.typesetting import Office, Sheet
from ledger_automation.tlog.checkpoint import stated
from ledger_automation.tlog.receipt import Receipt
from ledger_automation.tlog.receipt_file import Encoding, write
from ledger_automation.values import CaseId
from ledger_automation.verify.sources import CaseRecord, EventRecord
from ledger_automation.verify.verifier import Verifier
from ledger_automation.web import words
from ledger_automation.web.cases import case_of
from ledger_automation.web.pages import page
from ledger_automation.web.site import Site
from ledger_automation.web.visits import Signed, Visitor
from ledger_automation.workflows.deadlines import local_day

WRITER: Final = "clerk"
"""Who writes an office's letters."""

LETTERS: Final = frozenset({WRITER, APPLICANT})
"""Who has them: whoever writes them, and whom they are about."""

_ZONE: Final = "Europe/Berlin"
_DIGITS: Final = 9
MOST_CODES: Final = 30
"""Nobody photographs more, and each takes a twentieth of a second to draw."""

_CODE: Final = "Die Adresse, unter der ein Beleg geprüft wird; dahinter der Fingerabdruck des letzten Schritts."


def paper(site: Site) -> Signed:
    """Return a case's receipt as a paper (PDF)."""

    async def given(request: Request, visitor: Visitor) -> Response:
        def read(unit: UnitOfWork) -> tuple[CaseRecord, list[EventRecord], Receipt]:
            record = case_for(unit, visitor.member, case_of(request))
            case_id = CaseId(record.case_id)
            return record, unit.cases.trail(case_id), issue(unit, case_id, witnesses=site.witnesses)

        record, rows, issued = await site.office.read(read)
        told = _paper(site, request, record, rows, issued)
        return pdf(await site.office.run(lambda: receipt(told)), f"beleg-{record.case_id}")

    return given


def codes(site: Site) -> Signed:
    """Return the page with a receipt's QR codes."""

    async def shown(request: Request, visitor: Visitor) -> Response:
        def read(unit: UnitOfWork) -> tuple[str, list[str]]:
            record = case_for(unit, visitor.member, case_of(request))
            issued = issue(unit, CaseId(record.case_id), witnesses=site.witnesses)
            return record.case_id, write(issued, Encoding.FRAMES).decode().splitlines()

        case_id, frames = await site.office.read(read)
        drawn = await site.office.run(lambda: [_drawn(each) for each in frames if len(frames) <= MOST_CODES])
        return page(request, "codes", case_id=case_id, codes=drawn)

    return shown


def letter(site: Site) -> Signed:
    """Return the office's letter about a step (PDF); raises NotFound where none is written about it."""

    async def given(request: Request, visitor: Visitor) -> Response:
        number = request.path_params["number"]
        if not (number.isascii() and number.isdigit() and len(number) <= _DIGITS):
            raise NotFound("There is no such step.")

        def read(unit: UnitOfWork) -> tuple[CaseRecord, list[EventRecord]]:
            record = case_for(unit, visitor.member, case_of(request))
            return record, unit.cases.trail(CaseId(record.case_id))

        record, rows = await site.office.read(read)
        decision = decided(rows, int(number))
        for_post = WRITER in visitor.member.roles and names_nobody(record)
        code = access_code(record.case_id, site.office.secret) if for_post else ""
        told = Notice(_sheet(site, request, record, decision.heading), (), decision, (), code)
        return pdf(await site.office.run(lambda: notice(told)), f"bescheid-{record.case_id}-{number}")

    return given


def pdf(octets: bytes, name: str) -> Response:
    """Return a paper as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.pdf"', "Cache-Control": "no-store"}
    return Response(octets, 200, headers, "application/pdf")


def office_of(site: Site) -> Office:
    """Return who writes."""
    return Office(site.town)


def _drawn(frame: str) -> str:
    """Draw a code, as a page's `data:` takes it."""
    return base64.b64encode(svg([frame]).encode()).decode()


def _paper(site: Site, request: Request, record: CaseRecord, rows: list[EventRecord], issued: Receipt) -> Paper:
    found = Verifier(site.home.policy()).verify(issued)
    checkpoint = stated(issued.checkpoint)
    steps = tuple(
        Witnessed(row.sequence, row.occurred_at, words.step(record.workflow, row.action), row.actor_id, row.leaf_index)
        for row in rows
    )
    return Paper(
        sheet=_sheet(site, request, record, f"Beleg: {words.workflow(record.workflow)}"),
        verdict=found.sentence.de,
        remark="Ob der Stand auf der Kette verankert ist, prüft, wer den Beleg prüft: mit dem Code oder mit der Datei.",
        state=words.state(record.workflow, record.state),
        origin=site.origin,
        tree_size=checkpoint.tree_size,
        steps=steps,
        evidence=(("Letzter Schritt", record.head.hex()), ("Protokoll", checkpoint.root_hash.hex())),
    )


def _sheet(site: Site, request: Request, record: CaseRecord, title: str) -> Sheet:
    day = local_day(site.clock(), _ZONE)
    code = f"{site.reached(request)}/verify.html#{record.head.hex()}"
    return Sheet(title, day, office_of(site), record.case_id, code, _CODE)
