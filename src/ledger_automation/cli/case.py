"""``ledger case open|do|show``: work on one case."""

import mimetypes
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from ledger_automation.bootstrap import open_ledger
from ledger_automation.canonical import parse
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import InvalidValue, Misconfigured, NotFound, UnknownAction
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.orchestrator.query import case_view, level_of
from ledger_automation.orchestrator.transition import Intent, advance, open_case
from ledger_automation.reading import EPHEMERAL
from ledger_automation.values import ActorId, CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import DocumentRecord
from ledger_automation.workflows import LOG, Actor, Command, Workflow, workflow

app = App(name="case", help="Open a case, take it a step on, show it.")

_ActorName = Annotated[str, Parameter(name="--actor", help="Who acts: a pseudonym.")]
_Role = Annotated[str, Parameter(help="The role that the actor acts in.")]
_PayloadText = Annotated[str, Parameter(name="--payload", help="JSON, or @FILE with JSON; money in whole cents.")]
_Moment = Annotated[str, Parameter(name="--at", help="When it happened, ISO 8601 with a zone; default: now.")]
_Files = Annotated[list[Path] | None, Parameter(name="--attach", help="A document of the step; may be repeated.")]


@app.command(name="open")
def open_(
    workflow_name: Annotated[str, Parameter(name="workflow", help="permit, subsidy or parking_fine.")],
    *,
    actor: _ActorName,
    role: _Role,
    payload: _PayloadText = "{}",
    at: _Moment = "",
    attach: _Files = None,
    action: Annotated[str, Parameter(help="Which opening step, where a workflow has several.")] = "",
    level: Annotated[Level, Parameter(help="How much evidence the case gets.")] = Level.ANCHORED,
    options: Options = NONE,
) -> int:
    """Open a case under a random id."""
    table = workflow(workflow_name)
    if table.name == LOG:
        raise InvalidValue("A workflow", workflow_name, "one of cases: the log opens its own case itself")
    intent = _intent(_opening(table, action), (actor, role), payload, at, attach)
    settings = options.settings()
    if level is Level.ENFORCED and settings.chain == EPHEMERAL:
        sentence = "An enforced case needs a chain that outlives this command: --chain anvil or the URL of a node."
        raise Misconfigured(sentence)
    with open_ledger(settings) as ledger:
        if level is Level.ENFORCED:
            with ledger.enforcing() as chain:
                step = chain.enforcer.open_case(table, intent)
        else:
            step = open_case(ledger.begin, ledger.recorder, table, level, intent)
    return _answer(step, options)


@app.command(name="do")
def do(
    case: Annotated[str, Parameter(help="The case's id.")],
    action: Annotated[str, Parameter(help="What to do; `ledger case show` lists what is possible.")],
    *,
    actor: _ActorName,
    role: _Role,
    payload: _PayloadText = "{}",
    at: _Moment = "",
    attach: _Files = None,
    options: Options = NONE,
) -> int:
    """Take a case one step on; the law of its workflow decides."""
    case_id, intent = CaseId(case), _intent(action, (actor, role), payload, at, attach)
    with open_ledger(options.settings(), existing=True) as ledger:
        if level_of(ledger.begin, case_id) is Level.ENFORCED:
            with ledger.enforcing() as chain:
                step = chain.enforcer.advance(case_id, intent)
        else:
            step = advance(ledger.begin, ledger.recorder, case_id, intent)
    return _answer(step, options)


@app.command
def show(case: Annotated[str, Parameter(help="The case's id.")], *, options: Options = NONE) -> int:
    """Show where a case stands, what happened, and how well each step is witnessed."""
    case_id = CaseId(case)
    with open_ledger(options.settings(), existing=True) as ledger, ledger.read() as unit:
        view = case_view(unit, case_id)
    emit(view, _lines(view), json=options.json)
    return 0


def _opening(table: Workflow[Any], action: str) -> str:
    openings = sorted(each.action for each in table.transitions.values() if not each.sources)
    if action and action not in openings:
        raise UnknownAction(table.name, action, openings)
    if not action and len(openings) > 1:
        raise InvalidValue("The opening step", action, f"one of {', '.join(openings)} (--action)")
    return action or openings[0]


def _intent(action: str, actor: tuple[str, str], payload: str, at: str, attach: list[Path] | None) -> Intent:
    text = _read(Path(payload[1:])) if payload.startswith("@") else payload.encode()
    value = parse(text)
    if not isinstance(value, dict):
        raise InvalidValue("A payload", payload, "a JSON object")
    documents = tuple(
        DocumentRecord(path.name, mimetypes.guess_type(path.name)[0] or "application/octet-stream", _read(path))
        for path in attach or []
    )
    return Intent(Command(action, Actor(ActorId(actor[0]), actor[1]), value), _moment(at), documents)


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue("A moment", text, "ISO 8601, such as 2026-01-31T12:00:00+01:00") from error
    if moment.tzinfo is None:
        raise InvalidValue("A moment", text, "a time with a zone, such as 2026-01-31T12:00:00+01:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidValue("A moment", text, "within the years that a calendar has") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"The file {path} cannot be read: {error.strerror}.", path=str(path)) from error


def _answer(step: RecordedStep, options: Options) -> int:
    event = step.event
    data = {
        "case_id": event.case_id,
        "sequence": event.sequence,
        "action": event.action,
        "state": event.to_state,
        "commitment": step.commitment,
    }
    emit(data, [f"{event.case_id} step {event.sequence}: {event.action} -> {event.to_state}"], json=options.json)
    return 0


def _lines(view: dict[str, Any]) -> list[str]:
    steps = [
        f"  {each['sequence']:>3}  {each['occurred_at'][:19]}  {each['action']:<24} -> {each['to_state']:<20}"
        f" {each['actor']['role']:<10} {each['evidence']}"
        for each in view["events"]
    ]
    following = ", ".join(view["actions"]) if view["actions"] else "nothing; the case has ended"
    head = f"{view['workflow']} {view['case_id']}: {view['state']} ({view['level']})"
    waiting = [f"  step {view['waiting']} is signed and waits for the chain"] if view["waiting"] is not None else []
    return [head, *steps, *waiting, f"  possible now: {following}"]
