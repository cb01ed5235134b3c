"""``ledger demo``: everything once, on eth-tester and SQLite, with what it found in words."""

import shutil
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import Bars, as_json, emit, progress
from ledger_automation.cli.seal import EPHEMERAL
from ledger_automation.errors import Conflict, InvalidValue
from ledger_automation.study.demonstration import Demonstration, in_words
from ledger_automation.verify.policy import write
from ledger_automation.verify.verdict import shown

_SUMMARY = "summary.json"
_CENTURY_OF_DAYS = 36_525
"""How far back the contracts let a step lie: the grant of 2019 is replayed today."""


def demo(
    *,
    out: Annotated[Path, Parameter(help="For receipts, key and summary; an earlier demo's is replaced.")] = Path("out"),
    options: Options = NONE,
) -> int:
    """Run the Wismar grant, 60 permits and 300 fines; seal, receipt, audit; then tamper and find it."""
    started = time.perf_counter()
    if options.db is not None and not options.db.startswith("sqlite:"):
        kind = options.db.partition(":")[0]  # the rest may hold a password
        raise InvalidValue("The database of a demonstration", kind, "an SQLite file: copies are tampered with")
    _make_room(out)
    settings = options.settings().model_copy(update={"home": out / "ledger", "database_url": options.db or ""})
    with open_ledger(settings) as ledger, ledger.enforcing(_CENTURY_OF_DAYS) as chain, progress() as bars:
        summary = Demonstration(ledger, chain, out, Bars(bars).tell).run()
    lines = in_words(summary)
    data = {**shown(summary), "seconds": round(time.perf_counter() - started, 3)}
    (out / "log.pub").write_text(summary.log_key + "\n")
    (out / "policy.json").write_bytes(write(chain.policy))
    (out / "summary.md").write_text("\n".join(lines) + "\n")
    (out / _SUMMARY).write_text(as_json(data) + "\n")
    lines += ["", f"{out}/ holds receipts, the log's public key and the policy; {data['seconds']:.1f} s."]
    emit(data, lines + ([EPHEMERAL] if settings.chain == "tester" else []), json=options.json)
    return 0


def _make_room(out: Path) -> None:
    """Remove an earlier demonstration, and never anything else."""
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / _SUMMARY).exists() and not (out / "ledger" / "policy.json").exists():
        raise Conflict(f"{out} holds something that is not a demonstration; name another folder with --out.")
    shutil.rmtree(out)
