"""Take each guard of ``tests/faults/guards.toml`` out of a copy of the sources; the test it names must turn red.

Red means a failed assertion, or an error of this software where the test expected none or another: a copy that cannot
be imported proves nothing. Writes ``benchmarks/guards.json``. With words, only guards whose fault begins with one.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ledger_automation.study.measurement import machine

ROOT = Path(__file__).resolve().parents[1]
FAULTS = ROOT / "tests" / "faults"
SECONDS = 300
SEED = 20260302  # for whatever hashes or shuffles: nothing in these tests draws by chance
RED = re.compile(r"^E +((?:AssertionError|assert|Failed: DID NOT|ledger_automation\.errors\.\w+)\b.*)", re.MULTILINE)


def run(test: str, source: Path | None) -> tuple[int, str]:
    """Run a test on the sources, or on a copy of them."""
    words = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", "-p", "no:cacheprovider", str(FAULTS / test)]
    env = {**os.environ, "PYTHONPATH": str(source or ROOT / "src"), "PYTHONHASHSEED": str(SEED)}
    # A guard may be what ends a loop: whoever hangs is not red, since nothing was asserted.
    try:
        done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return -1, f"no end within {SECONDS} s"
    return done.returncode, done.stdout + done.stderr


def without(guard: dict[str, str]) -> dict[str, Any]:
    """Take one guard out; say whether and why the test turned red."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        path = source / "ledger_automation" / guard["file"]
        text = path.read_text("utf-8")
        if text.count(guard["guard"]) != 1:
            raise SystemExit(f"{guard['fault']}: its guard does not stand just once in {guard['file']}")
        path.write_text(text.replace(guard["guard"], guard["without"]), "utf-8")
        code, output = run(guard["test"], source)
    reason = RED.search(output)
    fault, file, removed = guard["fault"], guard["file"], " ".join(guard["guard"].split())
    red = code == 1 and reason is not None
    print(f"{fault} {'red' if red else 'NOT RED'}  {removed[:70]}", flush=True)
    because = reason.group(1).replace(str(ROOT), "")[:160] if red and reason else output[-2000:]
    return {"fault": fault, "file": file, "guard": removed, "test": guard["test"], "red": red, "because": because}


def main() -> None:
    """Insist that all is green with every guard in its place, and that each test is red without its own."""
    guards = tomllib.loads((FAULTS / "guards.toml").read_text("utf-8"))["guard"]
    wanted = [each for each in guards if each["fault"].startswith(tuple(sys.argv[1:]) or ("C",))]
    code, output = run("", None)
    if code:
        sys.exit(f"not green with every guard in its place: {output[-2000:]}")
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(without, wanted))
    if len(sys.argv) == 1:
        facts = {"date": datetime.now(UTC).isoformat(timespec="minutes"), "seed": SEED, **machine()}
        counts = {"faults": len({each["fault"] for each in results}), "guards": len(results)}
        report = {**facts, **counts, "red": sum(each["red"] for each in results), "removed": results}
        (ROOT / "benchmarks" / "guards.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    sys.exit(0 if all(each["red"] for each in results) else "a guard was taken out and its test did not turn red")


if __name__ == "__main__":
    main()
