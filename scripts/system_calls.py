"""Kill, or fail with EIO or ENOSPC, every system call of one step on SQLite; writes ``benchmarks/system-calls.json``.

With a number N only every Nth point is struck, and nothing is written. Ends with an error where anything that was
acknowledged is lost, or anything that is left contradicts itself.
"""

import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from ledger_automation.study.measurement import machine  # noqa: E402
from support.system_calls import FAULTS, Point, Run, survey  # noqa: E402


def report(points: list[Point], runs: list[Run]) -> dict[str, Any]:
    """Count what the runs came to."""
    flaws = [f"{each.fault} at {each.point.call} {each.point.number}: {flaw}" for each in runs for flaw in each.flaws]
    silent = [each for each in runs if each.committed and not each.acknowledged]
    by_fault = {
        fault: {
            "runs": len(of := [each for each in runs if each.fault == fault]),
            "struck": sum(each.struck for each in of),
            "committed": sum(each.committed for each in of),
            "acknowledged": sum(each.acknowledged for each in of),
        }
        for fault in FAULTS
    }
    return {
        "points": len(points),
        "points_by_call": dict(Counter(each.call for each in points)),
        "runs": len(runs),
        "struck": sum(each.struck for each in runs),
        "by_fault": by_fault,
        "inconsistent": sum(any(not flaw.startswith("lost") for flaw in each.flaws) for each in runs),
        "acknowledged_but_lost": sum(any(flaw.startswith("lost") for flaw in each.flaws) for each in runs),
        "committed_but_unacknowledged": len(silent),
        "of_these_answered_under_the_same_key": sum(not each.flaws for each in silent),
        "flaws": flaws,
    }


def main() -> None:
    """Strike, count, write."""
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    facts = {"date": datetime.now(UTC).isoformat(timespec="minutes"), **machine(), "seed": None}
    started = time.monotonic()
    found = report(*survey(lambda points: points[::every]))
    written = json.dumps({**facts, "seconds": round(time.monotonic() - started), **found}, indent=2) + "\n"
    if every == 1:
        (ROOT / "benchmarks" / "system-calls.json").write_text(written, "utf-8")
    print(written)
    sys.exit("something was lost or contradicts itself" if found["flaws"] else 0)


if __name__ == "__main__":
    main()
