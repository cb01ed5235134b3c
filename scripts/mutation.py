"""Change contracts and tables, one thing at a time; some test must turn red. Writes ``benchmarks/mutation.json``.

A seeded sample: ``scripts/mutation.py [CONTRACTS [TABLES]]`` says how many of each. What does not compile is no mutant.
The cheapest suites run first. Whoever survives stands in the report; equivalent ones stand, with a reason, in
``tests/contracts/equivalent.toml`` and are not drawn.
"""

import json
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from ledger_automation.study.measurement import machine  # noqa: E402
from support.killing import of_contract, of_table  # noqa: E402  the tests' own tools are no package
from support.mutants import Mutant, of_contracts, of_tables  # noqa: E402

SEED = 20261123


def named(mutant: Mutant) -> tuple[str, str, str, str]:
    """Name a mutant as the list of equivalent ones does: its file, its whole line, what stood there and what does."""
    lines = (ROOT / mutant.place.path).read_text("utf-8").splitlines()
    return mutant.place.path, lines[mutant.line - 1].strip(), " ".join(mutant.before.split()), mutant.after


def main() -> None:
    """Draw, kill, write; fail below 95 %."""
    contracts, tables = (int(each) for each in (*sys.argv[1:], *("150", "60")[len(sys.argv) - 1 :]))
    listed = tomllib.loads((ROOT / "tests" / "contracts" / "equivalent.toml").read_text("utf-8")).get("mutant", [])
    equivalent = {
        tuple(each[name] for name in ("path", "line", "before", "after")) for each in listed if each["reason"]
    }
    every = [each for each in of_contracts(ROOT) if named(each) not in equivalent]
    random = Random(SEED)  # noqa: S311  chance that can be repeated
    drawn, changed = random.sample(every, contracts), random.sample(of_tables(), tables)
    results = []
    with ThreadPoolExecutor(2) as pool:
        for each in chain(pool.map(of_contract, drawn), pool.map(of_table, changed)):
            if each:
                print("killed  " if each["killed_by"] else "SURVIVED", each["where"], each["what"], flush=True)
                results.append(each)
    survived = [each for each in results if not each["killed_by"]]
    facts = {"date": datetime.now(UTC).isoformat(timespec="minutes"), "seed": SEED, **machine()}
    counts = {
        "contracts": len(results) - tables,
        "tables": tables,
        "total": len(results),
        "killed": len(results) - len(survived),
    }
    report = {**facts, **counts, "equivalent": listed, "survived": survived}
    (ROOT / "benchmarks" / "mutation.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    sys.exit(f"only {counts['killed']} of {counts['total']} killed" if len(survived) * 20 > len(results) else 0)


if __name__ == "__main__":
    main()
