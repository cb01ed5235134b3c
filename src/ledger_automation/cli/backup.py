"""``ledger backup``: everything that a ledger needs to be there again, in one folder."""

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from ledger_automation.bootstrap import back_up
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import complain, emit

_HELD = "The back-up holds private keys: whoever reads it can sign for this log. Encrypt it, or keep it locked away."
_WITHOUT = "Private keys are not in it: keep keys/ elsewhere, since without keys/log.key the log cannot go on."


def backup(
    folder: Path,
    *,
    with_keys: Annotated[bool, Parameter(help="Copy the private keys too (0600).", negative=())] = False,
    options: Options = NONE,
) -> int:
    """Back up database, policy, public keys and deployments into an empty folder, while others write on."""
    manifest = back_up(options.settings(), folder, private=with_keys)
    rows = manifest.rows
    lines = [
        f"{rows['event']} events of {rows['case']} cases, a log of {manifest.tree_size} leaves, in {folder}.",
        *([] if with_keys else [_WITHOUT]),
    ]
    emit(msgspec.to_builtins(manifest), lines, json=options.json)
    if with_keys:
        complain(_HELD)
    return 0
