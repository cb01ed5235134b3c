"""``ledger evidence``: the evidence records of a receipt's steps, each beside what it is of."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit, save
from ledger_automation.errors import InvalidInput, NotFound
from ledger_automation.orchestrator.preserve import evidence as recorded
from ledger_automation.tlog.receipt_file import read
from ledger_automation.verify.preserved import content, file_names, readable


def evidence(
    file: Annotated[Path, Parameter(help="The receipt.")],
    *,
    out: Annotated[Path, Parameter(help="Write what was stamped, and the record of each step, to this folder.")],
    options: Options = NONE,
) -> int:
    """Write the evidence records (RFC 4998) of a receipt's steps, for whoever verifies it in decades."""
    settings, receipt = options.settings(), read(file)
    contents = {each.leaf_index: content(each) for each in readable(receipt)}
    if not contents:
        raise InvalidInput("There is nothing to read in it: no step whose content was not erased.")
    records = recorded(settings.home, contents)
    for leaf, octets in contents.items():
        if leaf not in records:
            raise NotFound(f"Leaf {leaf} is not preserved yet; `ledger preserve` does that.", leaf_index=leaf)
        for name, written in zip(file_names(leaf), (octets, records[leaf]), strict=True):
            save(out / name, written)
    data = {"folder": str(out), "leaves": sorted(records)}
    emit(data, [f"{out}: the evidence of {len(records)} steps."], json=options.json)
    return 0
