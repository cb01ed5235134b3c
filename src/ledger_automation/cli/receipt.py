"""``ledger receipt``: a file that proves a case, for whoever holds it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit, save
from ledger_automation.cli.verify import read_note
from ledger_automation.errors import InvalidInput
from ledger_automation.orchestrator.receipt import issue, issue_absence
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.tlog.receipt import Absence, Receipt
from ledger_automation.tlog.receipt_file import Encoding, write
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level


def receipt(
    case: Annotated[str, Parameter(help="The case's id.")],
    *,
    sequence: Annotated[int | None, Parameter(help="Only this step.")] = None,
    absent: Annotated[bool, Parameter(help="Prove that the log has no such case.", negative="")] = False,
    held: Annotated[Path | None, Parameter(help="A checkpoint or receipt you have: prove that it is extended.")] = None,
    encoding: Annotated[Encoding, Parameter(help="JSON, a COSE receipt, or text for QR codes.")] = Encoding.JSON,
    qr: Annotated[Path | None, Parameter(help="Also draw it as QR codes, into this SVG.")] = None,
    out: Annotated[Path | None, Parameter(help="Write to this file; default: stdout.")] = None,
    options: Options = NONE,
) -> int:
    """Issue the receipt of a case, or of one step, or the proof that there is no such case."""
    case_id = CaseId(case)
    if absent and (sequence is not None or held is not None):
        raise InvalidInput("A case that is not there has no steps and extends nothing: --absent goes alone.")
    with open_ledger(options.settings(), existing=True) as ledger, ledger.read() as unit:
        policy = ledger.policy(Level.LOGGED)
        size = open_checkpoint(read_note(held, policy), policy.origin, policy.keys()).tree_size if held else None
        witnesses = ledger.settings.witnesses_required
        if absent:
            issued: Receipt | Absence = issue_absence(unit, case_id, witnesses=witnesses)
        else:
            issued = issue(unit, case_id, sequence, size, witnesses=witnesses)
    octets = write(issued, encoding)
    shown = as_text(octets, encoding) if out is None else []
    if qr is not None:
        draw(issued, qr)
    if out is None:
        emit(issued, shown, json=options.json)
        return 0
    save(out, octets)
    steps = len(issued.entries) if isinstance(issued, Receipt) else 0
    data = {"file": str(out), "bytes": len(octets), "steps": steps, "anchored": issued.anchor is not None}
    anchored = "with its anchor" if issued.anchor else "not anchored yet"
    emit(data, [f"{out}: {steps} steps, {len(octets)} bytes, {anchored}."], json=options.json)
    return 0


def as_text(octets: bytes, encoding: Encoding) -> list[str]:
    """Return the lines of a receipt that is written to stdout; raises InvalidInput for one that is no text."""
    if encoding is Encoding.COSE:
        raise InvalidInput("A COSE receipt is no text: name a file for it with --out.")
    return octets.decode().rstrip("\n").split("\n")


def draw(issued: Receipt | Absence, path: Path) -> None:
    """Draw a receipt's frames as QR codes, one below the other."""
    from ledger_automation.papers import qr_codes  # noqa: PLC0415  draws with a library of the extra `service`

    save(path, qr_codes.svg(write(issued, Encoding.FRAMES).decode().splitlines()).encode())
