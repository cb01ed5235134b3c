"""Cases on pages, for whoever is signed in: what waits for him, and a case as it stands.

    /faelle               what waits for somebody's roles, by the term that ends first; for an applicant, his own cases
    /faelle/{case}        what happened, what is to be done until when, and the steps that the table allows
    /faelle/{case}/stand  how it stands in a word, for a page that is open; it keeps nobody signed in
    /faelle/{case}/beleg  the receipt, to take away

What the law refuses whatever is written in a form is said in its place (`steps_of`): a step whose payload may be empty
is tried, and nothing of it is kept.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import InvalidValue, TransitionNotAllowed
from ledger_automation.orchestrator.asked import access_code
from ledger_automation.orchestrator.decide import APPLICANT, is_of_letter, names_nobody, unknown
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.orchestrator.query import ERASED, case_view
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.transition import Standing
from ledger_automation.orchestrator.visible import case_for
from ledger_automation.papers.decisions import DECISIONS
from ledger_automation.tlog.receipt_file import MEDIA_TYPES, Encoding, write
from ledger_automation.values import CaseId, timestamp
from ledger_automation.verify.sources import CaseRecord
from ledger_automation.verify.verifier import ReceiptVerdict, Verifier
from ledger_automation.web.figures import Figures
from ledger_automation.web.forms import fields_of
from ledger_automation.web.pages import language_of, page
from ledger_automation.web.site import Site
from ledger_automation.web.visits import Signed, Visitor
from ledger_automation.workflows import LOG, Actor, Command, Workflow, names, workflow
from ledger_automation.workflows._table import Term
from ledger_automation.workflows.deadlines import NEVER

_SHOWN: Final = 50


class Line(NamedTuple):
    """A line of the worklist, as it is at a moment."""

    record: CaseRecord
    terms: tuple[Term, ...]
    now: datetime

    @property
    def first(self) -> Term | None:
        """The term that ends first."""
        return min(self.terms, key=lambda term: term.ends, default=None)


class Step(NamedTuple):
    """A step that the table allows somebody; ``refusal`` is the rule that stands in its way, where that is known."""

    action: str
    refusal: str = ""


def worklist(site: Site) -> Signed:
    """Return the page of what waits for somebody."""

    async def listed(request: Request, visitor: Visitor) -> Response:
        member, now = visitor.member, site.clock()

        def read(unit: UnitOfWork) -> list[CaseRecord]:
            found: list[CaseRecord] = []
            for table in tables():
                if states := _waiting(table, member.roles):
                    found += unit.cases.oldest(table.name, states, timestamp(now), _SHOWN)
                if APPLICANT in member.roles:
                    found += unit.cases.page(table.name, member.actor_id, "", _SHOWN)
            return found

        records = {each.case_id: each for each in await site.office.read(read)}
        lines = [Line(each, terms_of(each), now) for each in records.values()]
        lines.sort(key=lambda line: (line.first.ends if line.first else NEVER, line.record.at))
        openings = [(table.name, action) for table in tables() for action in _actions(table, None, member.roles)]
        return page(request, "worklist", lines=lines[:_SHOWN], more=len(lines) > _SHOWN, openings=openings)

    return listed


def file(site: Site) -> Signed:
    """Return the page of one case."""

    async def shown(request: Request, visitor: Visitor) -> Response:
        member, now = visitor.member, site.clock()

        def read(unit: UnitOfWork) -> tuple[CaseRecord, dict[str, Any], bool, ReceiptVerdict | None]:
            record = case_for(unit, member, case_of(request))
            refused = any(each.case_id == record.case_id for each in unit.steps.refused())
            case = case_view(unit, CaseId(record.case_id))
            return record, case, refused, _verdict(site, unit, case)

        record, case, refused, verdict = await site.office.read(read)
        code = (
            access_code(record.case_id, site.office.secret) if "clerk" in member.roles and names_nobody(record) else ""
        )
        rows = workflow(record.workflow).transitions

        def written() -> Response:
            return page(
                request, "file", script=True, stands=_stands(case), case=case, code=code, terms=terms_of(record),
                now=now, figures=Figures(language_of(request)),
                refused=refused and case["waiting"] is None,
                fields={action: fields_of(row.payload) for action, row in rows.items()},
                steps=() if case["waiting"] is not None else steps_of(record, visitor, now),
                verdict=verdict,
                letters=DECISIONS.keys() if {"clerk", APPLICANT} & {*member.roles} else (),
            )  # fmt: skip

        return await site.office.run(written)  # a case may say a megabyte a step

    return shown


def is_logged(case: Mapping[str, Any]) -> bool:
    """Tell whether every step of a case that is there is in the log, so that there is a receipt of it."""
    return all(each["evidence"] in {"logged", "final", ERASED} for each in case["events"])


def _verdict(site: Site, unit: UnitOfWork, case: Mapping[str, Any]) -> ReceiptVerdict | None:
    """Verify a case's receipt as its holder would, up to the log's signature; None while there is none."""
    if not is_logged(case):
        return None
    return Verifier(site.home.policy()).verify(issue(unit, CaseId(case["case_id"]), witnesses=site.witnesses))


def standing(site: Site) -> Signed:
    """Return how a case stands, in a word that changes with it: what the page of a case asks for while it is open."""

    async def told(request: Request, visitor: Visitor) -> Response:
        def read(unit: UnitOfWork) -> str:
            record = case_for(unit, visitor.member, case_of(request))
            return _stands(case_view(unit, CaseId(record.case_id)))

        return Response(await site.office.read(read), 200, {"Cache-Control": "no-store"}, "text/plain")

    return told


def _stands(case: dict[str, Any]) -> str:
    waits = "" if case["waiting"] is None else "-waiting"
    return f"{case['sequence']}-{case['events'][-1]['evidence']}{waits}"


def receipt(site: Site) -> Signed:
    """Return the receipt of a case."""

    async def given(request: Request, visitor: Visitor) -> Response:
        def read(unit: UnitOfWork) -> tuple[str, bytes]:
            record = case_for(unit, visitor.member, case_of(request))
            return record.case_id, write(issue(unit, CaseId(record.case_id), witnesses=site.witnesses), Encoding.JSON)

        return attached(*await site.office.read(read))

    return given


def attached(case_id: str, octets: bytes) -> Response:
    """Return a receipt as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{case_id}.json"', "Cache-Control": "no-store"}
    return Response(octets, 200, headers, MEDIA_TYPES[Encoding.JSON])


def of_letter(unit: UnitOfWork, given: Mapping[str, str], secret: bytes) -> CaseRecord | None:
    """Return the case that a letter is about (``number``), if its ``code`` opens it."""
    try:
        case_id = CaseId(given.get("number", "").strip().lower())
    except InvalidValue:
        return None
    record = unit.cases.case(case_id)
    return record if record is not None and is_of_letter(given.get("code", ""), record, secret) else None


def tables() -> list[Workflow[Any]]:
    """Return the workflows that people see."""
    return [workflow(name) for name in names() if name != LOG]


def case_of(request: Request) -> CaseId:
    """Return the case that a path names; one that can be none is not there."""
    name = request.path_params["case"]
    try:
        return CaseId(name)
    except InvalidValue:
        raise unknown(name[:64]) from None


def terms_of(record: CaseRecord) -> tuple[Term, ...]:
    """Return what is to be done in a case until when; of one that was forgotten, nothing."""
    standing = Standing.of(record)
    if standing.case is None or standing.is_forgotten:
        return ()
    return standing.table.terms(record.state, standing.case.data)


def steps_of(record: CaseRecord, visitor: Visitor, now: datetime) -> list[Step]:
    """Return the steps that the table allows somebody in a case as it stands."""
    standing = Standing.of(record)
    if standing.is_forgotten:
        return []
    return [
        Step(action, _refusal(standing, Command(action, Actor(str(visitor.member.actor_id), role), {}), now))
        for action, role in _actions(standing.table, record.state, visitor.member.roles).items()
    ]


def _refusal(standing: Standing, command: Command, now: datetime) -> str:
    try:
        standing.table.apply(standing.case, command, now)
    except TransitionNotAllowed as refusal:
        return refusal.rule
    except InvalidValue:  # what is missing is asked for in the form
        return ""
    return ""


def _actions(table: Workflow[Any], state: str | None, roles: tuple[str, ...]) -> dict[str, str]:
    """Return the actions that a table allows in a state (None: to open a case), each with the role that takes it."""
    found: dict[str, str] = {}
    for role in roles:
        for action in table.allowed(state, role):
            found.setdefault(action, role)
    return found


def _waiting(table: Workflow[Any], roles: tuple[str, ...]) -> set[str]:
    """Return the states from which one of the roles may go on; an applicant's cases are listed by whose they are."""
    officers = [role for role in roles if role != APPLICANT]
    return {state for state in table.states - table.final if any(table.allowed(state, role) for role in officers)}
