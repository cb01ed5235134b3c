"""Ask both verifiers 5,000 mutants, and measure them at 2^20 leaves; writes ``benchmarks/pages.json``.

What is measured is the offline part (level logged): reading the file, canonical form, signature, inclusion, law, case
map. The browser is Debian's Chromium with the page opened from disk; node and network take their own time on top.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from ledger_automation.study.measurement import machine  # noqa: E402
from ledger_automation.verify.policy import Level  # noqa: E402
from support import million  # noqa: E402
from support.archive import POLICY, archive  # noqa: E402
from support.browser import Question, chromium, opened, page_says, program_says  # noqa: E402

FILE, ROUNDS = ROOT / "benchmarks" / "pages.json", 200
TIMED = """async ([text, rounds]) => {
  const octets = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const taken = [];
  for (let round = 0; round < rounds; round += 1) {
    const started = performance.now();
    await verifyReceipt(octets, { level: "logged" });
    taken.push(performance.now() - started);
  }
  return taken;
}"""


def shown(milliseconds: list[float]) -> dict[str, float]:
    """Return median and 99th percentile."""
    return {"median": round(median(milliseconds), 2), "p99": round(quantiles(milliseconds, n=100)[-1], 2)}


def program(question: Question) -> list[float]:
    """Time the program's verifier, reading included."""
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        program_says(POLICY, question)
        taken.append((time.perf_counter() - started) * 1_000)
    return taken


def measured() -> dict[str, object]:
    """Time both on the receipt of a case of nine steps and of one step."""
    log = archive()
    longest = max(log.cases().values(), key=len)
    figures: dict[str, object] = {}
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        page = opened(browser, POLICY.at(Level.LOGGED), Path(folder))
        for name, octets in million.receipts([each for at in longest if (each := log.filed[at])], seed=1).items():
            question = Question(octets)
            answer = program_says(POLICY, question)
            if [answer] != page_says(page, [question]) or answer["verdict"] != "final":
                raise SystemExit(f"the two verifiers disagree on {name} among 2^20 leaves: {answer}")
            in_browser = page.evaluate(TIMED, [question.as_json()["receipt"], ROUNDS])
            times = {"program": shown(program(question)), "browser": shown(in_browser)}
            figures[name] = {"steps": len(json.loads(octets)["entries"]), "bytes": len(octets), "milliseconds": times}
    return figures


def main() -> int:
    """Write the figures; returns the tests' exit code."""
    asked = {**os.environ, "PAGE_MUTANTS": "6500", "PAGE_FILE": str(FILE)}
    tests = [sys.executable, "-m", "pytest", "-q", "tests/integration/page/test_agreement.py"]
    if code := subprocess.run(tests, cwd=ROOT, env=asked, check=False).returncode:
        return code
    figures = {"machine": machine(), "agreement": json.loads(FILE.read_text("utf-8")), "at 2^20 leaves": measured()}
    FILE.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
