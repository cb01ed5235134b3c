"""Taking a step by a form: opening a case, or going on in one.

    /faelle/neu/{workflow}/{action}   the form that opens a case
    /faelle/{case}/{action}           the form of a step
    /brief/schritt                    the same for whoever is signed in and has a letter: its code goes with the form

A form carries the case's head as it was shown, so that whoever was overtaken is told so, and a key, so that a form that
is sent twice takes its step once. What cannot be read, or is refused by the law, is shown again as it was written; a
step that was taken is redirected to its case, and a contract's step waits there for its contract; whoever signs it with
a passkey is shown first what he signs (`signing`).
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import Forbidden, InvalidValue, NotFound, TransitionNotAllowed
from ledger_automation.orchestrator.asked import Asked
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.orchestrator.visible import case_for
from ledger_automation.values import CaseId
from ledger_automation.verify.sources import CaseRecord
from ledger_automation.web.cases import case_of, of_letter
from ledger_automation.web.forms import fields_of, flawed, hundredths, payload_of, rows_of
from ledger_automation.web.pages import language_of, page
from ledger_automation.web.signing import OURS, taken
from ledger_automation.web.site import Site
from ledger_automation.web.visits import Signed, Visitor, sent
from ledger_automation.workflows import LOG, Workflow, names, workflow
from ledger_automation.workflows._table import Transition

_HEAD: Final = re.compile("[0-9a-f]{64}")
_NO_HEAD: Final = b""
"""What no case's head is."""


class Form(NamedTuple):
    """The form of a step: of which case (None: one that is to be opened), and its head as it was seen."""

    table: Workflow[Any]
    row: Transition
    case_id: CaseId | None = None
    head: str = ""

    @property
    def path(self) -> str:
        """Where it is sent to, behind the language."""
        of = f"{self.case_id}" if self.case_id is not None else f"neu/{self.table.name}"
        return f"/faelle/{of}/{self.row.action}"


def opening(site: Site) -> Signed:
    """Return the form that opens a case, and what takes it."""

    async def opened(request: Request, visitor: Visitor) -> Response:
        name = request.path_params["workflow"]
        if name not in names() or name == LOG:
            raise NotFound("There is no such workflow.")
        row = _row(workflow(name), request.path_params["action"], visitor, opens=True)
        form = Form(workflow(name), row)
        return await _taken(site, request, visitor, form) if request.method == "POST" else _shown(request, form)

    return opened


def step(site: Site) -> Signed:
    """Return the form of a step, and what takes it."""

    async def stepped(request: Request, visitor: Visitor) -> Response:
        case_id, posts = case_of(request), request.method == "POST"
        given = {"number": str(case_id), "code": request.state.form.get("code", "") if posts else ""}

        def read(unit: UnitOfWork) -> CaseRecord:
            return of_letter(unit, given, site.office.secret) or case_for(unit, visitor.member, case_id)

        form = _form(await site.office.read(read), request.path_params["action"], visitor)
        return await _taken(site, request, visitor, form) if posts else _shown(request, form)

    return stepped


def by_letter(site: Site) -> Signed:
    """Return the form of a step for whoever has the office's letter about a case that names nobody yet."""

    async def begun(request: Request, visitor: Visitor) -> Response:
        given: dict[str, str] = request.state.form
        record = await site.office.read(lambda unit: of_letter(unit, given, site.office.secret))
        if record is None:
            raise NotFound("There is no such case for this letter.")
        return _shown(request, _form(record, given.get("action", ""), visitor), {"code": given["code"]})

    return begun


def _form(record: CaseRecord, action: str, visitor: Visitor) -> Form:
    table = workflow(record.workflow)
    return Form(table, _row(table, action, visitor, opens=False), CaseId(record.case_id), record.head.hex())


def _row(table: Workflow[Any], action: str, visitor: Visitor, *, opens: bool) -> Transition:
    """Return the row of a step; raises NotFound, Forbidden."""
    row = table.transitions.get(action)
    if row is None or opens == bool(row.sources):
        raise NotFound("There is no such step here.")
    if not {*row.roles} & {*visitor.member.roles}:
        raise Forbidden(f"{row.action} is for {' or '.join(row.roles)}.", allowed=row.roles)
    return row


def _shown(
    request: Request, form: Form, given: Mapping[str, str] | None = None, flaws: Sequence[str] = (), refusal: str = ""
) -> Response:
    """Return the form as a page: fresh, or as it was ``given``, with what is wrong with it."""
    given = {"head": form.head, "key": secrets.token_urlsafe(16), "code": ""} | dict(given or {})
    facts: dict[str, Any] = {"form": form, "fields": fields_of(form.row.payload), "given": given, "flaws": set(flaws)}
    status = 422 if flaws else 409 if refusal else 200
    return page(request, "step", status, **facts, refusal=refusal, rows_of=rows_of, hundredths=hundredths)


async def _taken(site: Site, request: Request, visitor: Visitor, form: Form) -> Response:
    """Take a step that was posted."""
    given: dict[str, str] = request.state.form
    if "more" in given:
        return _shown(request, form, given)
    payload, flaws = payload_of(fields_of(form.row.payload), given, language_of(request).decimal)
    try:
        if not flaws:
            form.table.typed(form.row, payload)
            outcome = await taken(site, request, visitor, _asked(request, visitor, form, payload))
    except InvalidValue as error:
        flaws = [flawed(error.sentence)]
    except TransitionNotAllowed as refusal:
        return _shown(request, form, given, refusal=refusal.rule)
    if flaws:
        return _shown(request, form, given, flaws)
    if isinstance(outcome, Response):
        return outcome
    step = outcome.taken or outcome.held
    if step is None:
        raise AssertionError("a step that was taken has a case")
    if outcome.taken is None and form.case_id is None:  # there is no case yet to be sent to
        return page(request, "held", 202, case_id=step.case_id)
    return sent(f"{language_of(request)}/faelle/{step.case_id}")


def _asked(request: Request, visitor: Visitor, form: Form, payload: dict[str, Any]) -> Asked:
    given: dict[str, str] = request.state.form
    theirs = (name for name in sorted(given) if name != "form" and not name.startswith(OURS))
    said = "\n".join((request.url.path, *(f"{name}={given[name]}" for name in theirs)))
    expected = bytes.fromhex(given["head"]) if _HEAD.fullmatch(given.get("head", "")) else _NO_HEAD
    return Asked(
        identity=visitor.identity,
        key=sha256("\0".join((*visitor.identity, "page", given.get("key", ""))).encode()).digest(),
        fingerprint=sha256(said.encode()).digest(),
        case_id=form.case_id or CaseId.random(),
        table=form.table,
        action=form.row.action,
        payload=payload,
        expected=expected if form.case_id is not None else None,
        code=given.get("code", ""),
    )
