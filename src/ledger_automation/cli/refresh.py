"""``ledger refresh``: a receipt under the newest published checkpoint, without the office that issued it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit, save
from ledger_automation.cli.receipt import as_text
from ledger_automation.cli.verify import choose_policy
from ledger_automation.published import open_log
from ledger_automation.tlog.receipt_file import Encoding, read, write
from ledger_automation.verify.policy import Level
from ledger_automation.verify.published import PublishedLog
from ledger_automation.verify.refresh import refresh as renewed


def refresh(
    file: Annotated[Path, Parameter(help="The receipt.")],
    place: Annotated[str, Parameter(help="The published log: a folder or a URL.")],
    *,
    sequence: Annotated[int | None, Parameter(help="This step, of the receipt of a whole case.")] = None,
    policy: Annotated[Path | None, Parameter(help="The pinned facts; default: what this home has pinned.")] = None,
    encoding: Annotated[Encoding, Parameter(help="JSON, a COSE receipt, or text for QR codes.")] = Encoding.JSON,
    out: Annotated[Path | None, Parameter(help="Write to this file; default: stdout.")] = None,
    options: Options = NONE,
) -> int:
    """Bring a step's receipt up to the newest published checkpoint, with the proof that the older one is extended."""
    asked = choose_policy(options.settings(), policy, Level.LOGGED)
    receipt = read(file)
    with open_log(place) as fetch:
        log = PublishedLog.read(fetch, asked)
        fresh = renewed(receipt, log, asked, sequence)
    octets, size = write(fresh, encoding), log.checkpoint.tree_size
    newer = fresh.checkpoint != receipt.checkpoint
    if out is None:
        emit(fresh, as_text(octets, encoding), json=options.json)
        return 0
    save(out, octets)
    data = {"file": str(out), "bytes": len(octets), "tree_size": size, "renewed": newer}
    what = f"brought up to {size} leaves" if newer else f"as it was; nothing newer than {size} leaves is shown"
    emit(data, [f"{out}: {what}, {len(octets)} bytes."], json=options.json)
    return 0
