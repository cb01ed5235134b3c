"""Which ways the tests take at every branch of the contracts, into ``benchmarks/contract-coverage.json``.

Not by program counters: the optimiser melts branches together and the compiler's map of what is left is a guess. The
sources of a copy are instrumented instead, condition by condition, and the suites run on it unchanged on eth-tester.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from ledger_automation.study.measurement import machine  # noqa: E402
from support.branches import instrument  # noqa: E402  the tests' own tools are no package
from support.solidity import copied, line, measured  # noqa: E402

SUITES = (
    "laws",
    "test_case_ledger.py",
    "test_checkpoint_registry.py",
    "test_rfc9162.py",
    "test_rotation.py",
    "test_malformed.py",
    "test_fields.py",
)


def run(root: Path) -> set[int]:
    """Run the suites on the instrumented copy; return what it told."""
    told = root / "told.json"
    env = {**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root / 'tests'}", "BRANCHES": str(told)}
    build = "from pathlib import Path; from ledger_automation.chain import artifacts; artifacts.build(Path.cwd())"
    subprocess.run([sys.executable, "-c", build], cwd=root, env=env, check=True)
    suites = [str(path) for name in SUITES if (path := root / "tests" / "contracts" / name).exists()]
    words = [sys.executable, "-m", "pytest", "-q", "-p", "support.branches", "-k", "not anvil", *suites]
    done = subprocess.run(words, cwd=root, env=env, check=False)
    if done.returncode:
        sys.exit("the suites are not green on the instrumented contracts")
    return set(json.loads(told.read_text("utf-8")))


def main() -> None:
    """Measure, write, and fail where a way was not taken that has no reason."""
    with tempfile.TemporaryDirectory() as folder:
        root = copied(Path(folder))
        texts = {path.relative_to(root).as_posix(): path.read_bytes() for path in measured(root)}
        found = instrument(root)
        told = run(root)
    reasons = tomllib.loads((ROOT / "contracts" / "test" / "untaken.toml").read_text("utf-8")).get("branch", [])
    excused = {(each["path"], each["condition"], each["never"]) for each in reasons if each["reason"]}
    files: dict[str, Any] = {path: {"ways": 0, "taken": 0, "not_taken": []} for path in texts}
    for number, each in enumerate(found):
        path = each.place.path
        for holds in (True, False):
            files[path]["ways"] += 1
            if number << 1 | holds in told:
                files[path]["taken"] += 1
                continue
            what = " ".join(each.place.within(texts[path]).split())
            missing = {"line": line(texts[path], each.place.start), "condition": what, "never": holds}
            files[path]["not_taken"].append({**missing, "reason": (path, what, holds) in excused})
    ways, taken = (sum(each[key] for each in files.values()) for key in ("ways", "taken"))
    left = [(path, each) for path in files for each in files[path]["not_taken"] if not each["reason"]]
    facts = {"date": datetime.now(UTC).isoformat(timespec="minutes"), **machine()}
    report = {**facts, "ways": ways, "taken": taken, "without_a_reason": len(left), "files": files}
    (ROOT / "benchmarks" / "contract-coverage.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    for path, each in left:
        print(f"{path}:{each['line']}: never {each['never']}: {each['condition']}")
    sys.exit(f"{taken} of {ways} ways taken, {len(left)} without a reason" if left else 0)


if __name__ == "__main__":
    main()
