"""``ledger evidence``: the evidence records of a receipt's steps, each beside what it is of."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit, save
from ledger_automation.errors import InvalidInput, NotFound
from ledger_automation.orchestrator.preserve import evidence as recorded
from ledger_automation.tlog.receipt import Receipt
from ledger_automation.tlog.receipt_file import read
from ledger_automation.verify.preserved import content, file_names


def evidence(
    file: Annotated[Path, Parameter(help="The receipt.")],
    *,
    out: Annotated[Path, Parameter(help="Write what was stamped, and the record of each step, to this folder.")],
    options: Options = NONE,
) -> int:
    """Write the evidence records (RFC 4998) of a receipt's steps, for whoever verifies it in decades."""
    settings, receipt = options.settings(), read(file)
    if not isinstance(receipt, Receipt):
        raise InvalidInput("There are no steps in a proof that a case does not exist.")
    leaves = [each.leaf_index for each in receipt.entries]
    records = recorded(settings.home, leaves)
    for leaf in leaves:
        if leaf not in records:
            raise NotFound(f"Leaf {leaf} is not preserved yet; `ledger preserve` does that.", leaf_index=leaf)
    for each in receipt.entries:
        for name, octets in zip(file_names(each.leaf_index), (content(each), records[each.leaf_index]), strict=True):
            save(out / name, octets)
    data = {"folder": str(out), "leaves": sorted(records)}
    emit(data, [f"{out}: the evidence of {len(records)} steps."], json=options.json)
    return 0
