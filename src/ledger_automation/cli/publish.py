"""``ledger publish``: the log as files that any static file server can show."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.orchestrator import publish as use_case
from ledger_automation.verify.policy import Level


def publish(
    folder: Annotated[Path, Parameter(help="Where a file server takes it from; made if it is not there.")],
    *,
    options: Options = NONE,
) -> int:
    """Publish the log's newest checkpoint as files, tiles first; what is there already stays as it is."""
    with open_ledger(options.settings(), existing=True) as ledger:
        done = use_case.publish(ledger.read, folder, ledger.policy(Level.LOGGED))
    fresh = done.tree_size - done.previous_size
    lines = [f"{folder} shows {done.tree_size} leaves, {fresh} of them new; {done.files} files were written."]
    emit(done._asdict(), lines, json=options.json)
    return 0
