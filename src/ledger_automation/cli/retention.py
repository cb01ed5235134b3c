"""``ledger retention``: which ended cases are kept longer than their law says, and the end of their content."""

from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import InvalidInput
from ledger_automation.orchestrator.erase import Decision, decide
from ledger_automation.orchestrator.erase import erase as carry_out
from ledger_automation.orchestrator.retention import Due, clocks, due
from ledger_automation.orchestrator.seal import seal
from ledger_automation.values import ActorId, CaseId
from ledger_automation.workflows import Actor, names, workflow


def retention(
    *,
    erase: Annotated[bool, Parameter(help="Destroy the content of what is due.", negative="")] = False,
    actor: Annotated[str, Parameter(help="Who decides, a clerk; with --erase.")] = "",
    limit: Annotated[int, Parameter(help="At most so many cases.")] = 1_000,
    options: Options = NONE,
) -> int:
    """List the ended cases whose time is over, and with --erase destroy their content, as `ledger erase` does."""
    if erase and not actor:
        raise InvalidInput("A decision is somebody's: name the clerk with --actor.")
    if limit < 1:
        raise InvalidInput("At least one case must be allowed for.")
    settings = options.settings()
    kept = clocks(map(workflow, names()), settings.retention_years)
    with open_ledger(settings, existing=True) as ledger:
        with ledger.read() as unit:
            found = list(islice(due(unit, settings.origin, kept, datetime.now(UTC), limit), limit))
        steps = _destroyed(ledger, found, Actor(ActorId(actor), "clerk")) if erase and found else 0
    rules = {name: years for name, (_, years) in sorted(kept.items())}
    data = {"years": rules, "due": [each._asdict() for each in found], "erased": steps}
    lines = [
        f"{each.case_id}: {each.workflow}, ended {each.ended_at[:10]}, kept until {each.kept_until}." for each in found
    ]
    if erase:
        lines.append(f"{steps} steps have no content any more.")
    emit(data, lines or ["No case is kept longer than it must be."], json=options.json)
    return 0


def _destroyed(ledger: Ledger, found: list[Due], actor: Actor) -> int:
    for each in found:
        words = f"{each.basis}, until {each.kept_until}"
        decide(ledger.begin, ledger.recorder, actor, Decision(CaseId(each.case_id), None, words))
    seal(ledger.begin, ledger.recorder, ledger.key, None)
    return carry_out(ledger.begin, ledger.recorder, ledger.eraser)
