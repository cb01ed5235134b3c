"""Measure this machine and write ``benchmarks/main-job.json``; each figure comes from a process of its own.

scripts/bench.py                     everything (needs the real logs, LEDGER_SHARED or ../shared)
scripts/bench.py FIGURE HOME         one figure, as JSON on stdout (used by the above)
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from ledger_automation.study import measurement

ROOT = Path(__file__).resolve().parents[1]
LOG = Path(os.environ.get("LEDGER_SHARED", ROOT.parent / "shared")) / "data" / "road_traffic_fines_10k.xes.gz"
MILLION = 30  # times 34,724 events


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


FIGURES = {each.__name__: each for each in (replay, audit, integration, million, million_audit)}


def main() -> None:
    """Run one figure, or all of them one after another."""
    if len(sys.argv) > 1:
        print(json.dumps(FIGURES[sys.argv[1]](Path(sys.argv[2]))))
        return
    results: dict[str, object] = {"date": datetime.now(UTC).isoformat(timespec="minutes"), **measurement.machine()}
    with tempfile.TemporaryDirectory() as home:
        for name in FIGURES:
            done = subprocess.run([sys.executable, __file__, name, home], capture_output=True, text=True, check=True)
            results[name] = json.loads(done.stdout)
            print(name, json.dumps(results[name]), flush=True)
    (ROOT / "benchmarks" / "main-job.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
