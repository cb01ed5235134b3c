"""``ledger audit``: hold everything the database says against itself, the law and the chain."""

import gc
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from ledger_automation.bootstrap import member_secret, open_ledger
from ledger_automation.cli.exit_codes import BY_VERDICT
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.cli.verify import choose_policy, read_note
from ledger_automation.reading import reading_chain
from ledger_automation.verify.auditor import Auditor, AuditReport, Mark, read_mark
from ledger_automation.verify.policy import ON_CHAIN, Level
from ledger_automation.verify.selftest import selftest


def audit(
    *,
    policy: Annotated[Path | None, Parameter(help="The pinned facts; default: what this home has pinned.")] = None,
    level: Annotated[Level | None, Parameter(help="How much to ask for; default: what the policy says.")] = None,
    held: Annotated[list[Path] | None, Parameter(help="A checkpoint or receipt kept outside; may be repeated.")] = None,
    mark: Annotated[Path | None, Parameter(help="Go on from this file, and write where the next audit may.")] = None,
    options: Options = NONE,
) -> int:
    """Audit the whole log, or what is new since a mark, and report every finding with its place."""
    settings, started = options.settings(), time.perf_counter()
    selftest()
    gc.freeze()  # what is loaded by now stays: not walking it again and again saves a sixth of the time
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(settings, existing=True))
        asked = choose_policy(settings, policy, level)
        chain = stack.enter_context(reading_chain(settings, asked)) if asked.level in ON_CHAIN else None
        unit = stack.enter_context(ledger.read())
        notes, secret = tuple(read_note(each, asked) for each in held or ()), member_secret(settings.home, create=False)
        auditor = Auditor(asked, chain, notes, secret)
        report = auditor.audit(unit.cases, unit.log, _last(mark), unit.soundness, unit.readers)
    if mark is not None and report.mark is not None:
        mark.write_bytes(msgspec.json.encode(report.mark))
    seconds = time.perf_counter() - started
    emit(_data(report, seconds), _lines(report, seconds), json=options.json)
    return BY_VERDICT[report.verdict]


def _last(mark: Path | None) -> Mark | None:
    return read_mark(mark.read_bytes()) if mark is not None and mark.exists() else None


def _data(report: AuditReport, seconds: float) -> dict[str, object]:
    return {
        "verdict": report.verdict,
        "reason": report.reason,
        "sentence": report.sentence.en,
        "sentence_de": report.sentence.de,
        "events": report.events,
        "cases": report.cases,
        "erased": report.erased,
        "tree_size": report.tree_size,
        "checkpoints": report.checkpoints,
        "anchored_size": report.anchored_size,
        "findings": report.findings,
        "seconds": round(seconds, 3),
    }


def _lines(report: AuditReport, seconds: float) -> list[str]:
    head = f"{report.verdict}: {report.sentence.en}"
    counts = (
        f"  {report.events} events of {report.cases} cases, {report.tree_size} leaves,"
        f" {report.checkpoints} checkpoints, anchored up to {report.anchored_size}; {seconds:.2f} s"
    )
    return [head, counts, *(f"  {each.in_words()}" for each in report.findings)]
