"""Measure this machine and write ``benchmarks/main-job.json``; each figure comes from a process of its own.

scripts/bench.py                     everything (needs the real logs, LEDGER_SHARED or ../shared)
scripts/bench.py long                ten million events, into benchmarks/ten-million.json (two hours, 20 GB in TMPDIR)
scripts/bench.py FIGURE HOME         one figure, as JSON on stdout (used by the above)
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ledger_automation.study import measurement
from ledger_automation.verify.auditor import Mark

ROOT = Path(__file__).resolve().parents[1]
LOG = Path(os.environ.get("LEDGER_SHARED", ROOT.parent / "shared")) / "data" / "road_traffic_fines_10k.xes.gz"
MILLION = 30  # times 34,724 events
NEW = 1_020  # of which a few are ignored


def replay(home: Path) -> dict[str, object]:
    """Replay the fine log at level anchored, five times on fresh homes."""
    number = iter(range(99))
    rate = measurement.rounds(5, lambda: measurement.replay_rate(LOG, home / str(next(number))))
    return {"events_per_second": rate, "peak_megabytes": measurement.peak_megabytes()}


def audit(home: Path) -> dict[str, object]:
    """Audit the first of those homes in full, and again from the mark that leaves."""
    report, _ = measurement.audit(home / "0")
    rates = measurement.rounds(7, lambda: report.events / measurement.audit(home / "0")[1])
    nothing_new = measurement.rounds(5, lambda: 1 / measurement.audit(home / "0", report.mark)[1])
    return {"verdict": report.verdict, "events_per_second": rates, "audits_of_nothing_new_per_second": nothing_new}


def integration(_: Path) -> dict[str, object]:
    """Integrate a million leaves in memory."""
    return {"leaves_per_second": measurement.rounds(5, measurement.integration_rate)}


def million(home: Path) -> dict[str, object]:
    """Replay over a million events into one log."""
    rate = measurement.replay_rate(LOG, home / "million", times=MILLION)
    return {"events_per_second": round(rate), "peak_megabytes": measurement.peak_megabytes()}


def million_audit(home: Path) -> dict[str, object]:
    """Audit that log in full, then only what one more replay adds."""
    report, seconds = measurement.audit(home / "million")
    facts = {"events": report.events, "verdict": report.verdict, "events_per_second": round(report.events / seconds)}
    measurement.replay_rate(LOG, home / "million", anchored=False)
    more, again = measurement.audit(home / "million", report.mark)
    added = {"events": more.events, "seconds": round(again, 3), "verdict": more.verdict}
    return {**facts, "only_what_is_new": added, "peak_megabytes": measurement.peak_megabytes()}


def ten_million(home: Path) -> dict[str, object]:
    """Replay over ten million events into one log."""
    rate = measurement.replay_rate(LOG, home / "ten", times=10 * MILLION)
    return {"events_per_second": round(rate), "peak_megabytes": measurement.peak_megabytes()}


def ten_million_audit(home: Path) -> dict[str, object]:
    """Audit that log in full, in a process that did nothing else."""
    report, seconds = measurement.audit(home / "ten")
    (home / "mark").write_bytes(msgspec.json.encode(report.mark))
    facts = {"events": report.events, "verdict": report.verdict, "events_per_second": round(report.events / seconds)}
    return {**facts, "peak_megabytes": measurement.peak_megabytes()}


def ten_million_more(home: Path) -> dict[str, object]:
    """Add a thousand events, five times, and audit only what is new."""
    mark = msgspec.json.decode((home / "mark").read_bytes(), type=Mark)
    rounds = []
    for _ in range(5):
        measurement.replay_rate(LOG, home / "ten", most=NEW, anchored=False)
        report, seconds = measurement.audit(home / "ten", mark)
        rounds.append({"events": report.events, "seconds": round(seconds, 3), "verdict": report.verdict})
        mark = report.mark
    return {"only_what_is_new": rounds, "peak_megabytes": measurement.peak_megabytes()}


FIGURES = {each.__name__: each for each in (replay, audit, integration, million, million_audit)}
LONG = {each.__name__: each for each in (ten_million, ten_million_audit, ten_million_more)}


def main() -> None:
    """Run one figure, or all of them one after another."""
    match sys.argv[1:]:
        case []:
            _all(FIGURES, "main-job.json")
        case ["long"]:
            _all(LONG, "ten-million.json")
        case [name, home] if name in FIGURES | LONG:
            print(json.dumps((FIGURES | LONG)[name](Path(home))))
        case _:
            sys.exit(__doc__)


def _all(figures: Iterable[str], file: str) -> None:
    results: dict[str, object] = {"date": datetime.now(UTC).isoformat(timespec="minutes"), **measurement.machine()}
    with tempfile.TemporaryDirectory() as home:
        for name in figures:
            done = subprocess.run([sys.executable, __file__, name, home], capture_output=True, text=True, check=True)
            results[name] = json.loads(done.stdout)
            print(name, json.dumps(results[name]), flush=True)
    (ROOT / "benchmarks" / file).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
