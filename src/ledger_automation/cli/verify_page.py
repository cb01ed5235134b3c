"""``ledger verify-page``: the second verifier as one file, for whoever has a browser and nothing else."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit, save
from ledger_automation.cli.verify import choose_policy
from ledger_automation.verify.page import assemble


def verify_page(
    *,
    out: Annotated[Path, Parameter(help="Write to this file.")],
    policy: Annotated[Path | None, Parameter(help="The pinned facts; default: what this home has pinned.")] = None,
    options: Options = NONE,
) -> int:
    """Write the page that verifies receipts in a browser, from disk, with a policy inside."""
    asked = choose_policy(options.settings(), policy, None)
    octets = assemble(asked).text.encode()
    save(out, octets)
    data = {"file": str(out), "bytes": len(octets), "origin": asked.origin, "level": asked.level}
    emit(data, [f"{out}: verifies receipts of {asked.origin} at level {asked.level}."], json=options.json)
    return 0
