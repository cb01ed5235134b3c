"""``ledger receipt``: a file that proves a case, for whoever holds it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.cli.verify import read_note
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.tlog.receipt import write
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level


def receipt(
    case: Annotated[str, Parameter(help="The case's id.")],
    *,
    sequence: Annotated[int | None, Parameter(help="Only this step.")] = None,
    held: Annotated[Path | None, Parameter(help="A checkpoint or receipt you have: prove that it is extended.")] = None,
    out: Annotated[Path | None, Parameter(help="Write to this file; default: stdout.")] = None,
    options: Options = NONE,
) -> int:
    """Issue the receipt of a case, or of one step."""
    case_id = CaseId(case)
    with open_ledger(options.settings(), existing=True) as ledger, ledger.read() as unit:
        policy = ledger.policy(Level.LOGGED)
        size = open_checkpoint(read_note(held, policy), policy.origin, policy.keys()).tree_size if held else None
        issued = issue(unit, case_id, sequence, size)
    text = write(issued)
    if out is None:
        emit(issued, [text.decode().rstrip()], json=options.json)
        return 0
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(text)
    data = {"file": str(out), "bytes": len(text), "steps": len(issued.entries), "anchored": issued.anchor is not None}
    anchored = "with its anchor" if issued.anchor else "not anchored yet"
    emit(data, [f"{out}: {len(issued.entries)} steps, {len(text)} bytes, {anchored}."], json=options.json)
    return 0
