"""What Forge finds in random runs against the contracts; and that it would find a guard that is missing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNS, DEPTH, FUZZ = 1_000, 500, 10_000


def forge(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "forge.py"
    done = [sys.executable, script, "test", *words]
    return subprocess.run(done, cwd=folder, capture_output=True, text=True, check=False)


def test_no_random_run_breaks_an_invariant() -> None:
    done = forge(ROOT, "--json")
    assert done.stdout.startswith("{"), done.stdout[-4000:] + done.stderr[-4000:]
    suites: dict[str, Any] = json.loads(done.stdout)
    results = {(name, test): each for name, suite in suites.items() for test, each in suite["test_results"].items()}
    assert {test: each["reason"] for test, each in results.items() if each["status"] != "Success"} == {}
    assert done.returncode == 0
    invariants = [each["kind"]["Invariant"] for each in results.values() if "Invariant" in each["kind"]]
    fuzzed = [each["kind"]["Fuzz"] for each in results.values() if "Fuzz" in each["kind"]]
    assert {path.name for path in (ROOT / "contracts" / "test").glob("*.t.sol")} == {
        suite.rpartition("/")[2].partition(":")[0] for suite in suites
    }
    assert len(invariants) == len(suites)
    assert [(each["runs"], each["calls"], each["reverts"]) for each in invariants] == [
        (RUNS, RUNS * DEPTH, 0) for _ in invariants
    ]
    assert all(each["runs"] >= FUZZ for each in fuzzed)
    assert fuzzed


@pytest.mark.parametrize(
    ("suite", "source", "guard", "without", "found"),
    [
        (
            "RegistryTest",
            "CheckpointRegistry.sol",
            "if (!Rfc9162.isConsistent(previousSize, treeSize, previousRoot, rootHash, consistencyProof)) {",
            "if (previousRoot == rootHash) {",
            "a wrong checkpoint was anchored",
        ),
        (
            "SubsidyTest",
            "workflows/subsidy/TrancheLaw.sol",
            "_requirePayerApart(bounds, word, terms);",
            "",
            "one person did two parts",
        ),
    ],
)
def test_a_missing_guard_is_found(  # the sources are copied: nobody else must see them without it
    tmp_path: Path, suite: str, source: str, guard: str, without: str, found: str
) -> None:
    others = [
        path.name
        for path in (ROOT / "contracts" / "test").glob("*.t.sol")
        if f"contract {suite} " not in path.read_text("utf-8")
    ]
    shutil.copytree(ROOT / "contracts", tmp_path / "contracts", ignore=shutil.ignore_patterns(*others))
    shutil.copy(ROOT / "foundry.toml", tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    path = tmp_path / "contracts" / source
    text = path.read_text("utf-8")
    assert text.count(guard) == 1
    path.write_text(text.replace(guard, without), "utf-8")
    done = forge(tmp_path, "--match-contract", suite, "--match-test", "invariant")
    assert done.returncode == 1
    assert found in done.stdout
