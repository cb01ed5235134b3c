"""``ledger check``: a published log, checked by whoever has the policy, with no more than its files and one node."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.cli.exit_codes import BY_VERDICT
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.cli.verify import choose_policy, lines, read_note, told
from ledger_automation.published import open_log
from ledger_automation.reading import reading_chain
from ledger_automation.verify.policy import ON_CHAIN, Level
from ledger_automation.verify.published import LogChecker, LogVerdict


def check(
    place: Annotated[str, Parameter(help="A folder, or the URL that a file server shows it under.")],
    *,
    policy: Annotated[Path | None, Parameter(help="The pinned facts; default: what this home has pinned.")] = None,
    level: Annotated[Level | None, Parameter(help="How much to ask for; default: what the policy says.")] = None,
    held: Annotated[list[Path] | None, Parameter(help="A checkpoint you have; may be repeated.")] = None,
    options: Options = NONE,
) -> int:
    """Check a published log: every tile and entry, what you hold of it, and what the chain holds of it."""
    settings = options.settings()
    with ExitStack() as stack:
        asked = choose_policy(settings, policy, level)
        fetch = stack.enter_context(open_log(place))
        chain = stack.enter_context(reading_chain(settings, asked)) if asked.level in ON_CHAIN else None
        answer = LogChecker(asked, chain, [read_note(each, asked) for each in held or ()]).check(fetch)
    found = [f"  {each.in_words()}" for each in answer.findings]
    emit(_data(answer), [*lines(answer), *found], json=options.json)
    return BY_VERDICT[answer.verdict]


def _data(answer: LogVerdict) -> dict[str, object]:
    return {
        **told(answer),
        "tree_size": answer.tree_size,
        "root_hash": answer.root_hash,
        "anchored_size": answer.anchored_size,
        "findings": answer.findings,
        "steps": answer.steps,
    }
