"""Which suites kill a mutant, and running them until one turns red.

What this does not do: it draws no mutants and writes no report; ``scripts/mutation.py`` does.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from solcx.exceptions import SolcError

from contracts.laws.test_laws import LAWS
from support.mutants import Changed, Mutant
from support.solidity import ROOT, copied, trees

SECONDS: Final = 900
STEPS: Final = "6000"
FRAME: Final = ("tests/contracts/test_case_ledger.py", "-k", "anvil")
MONTHS: Final = ("tests/contracts/laws/test_months.py",)
REGISTRY: Final = tuple(f"tests/contracts/test_{name}.py" for name in ("checkpoint_registry", "rfc9162", "rotation"))


def laws(name: str) -> tuple[str, ...]:
    """Return what asks the law of one workflow, on Anvil: all that does not name another one."""
    others = " or ".join(each for each in LAWS if each != name)
    return (
        "tests/contracts/laws/test_laws.py",
        "tests/contracts/laws/test_terms.py",
        "tests/contracts/test_malformed.py",
        "tests/contracts/test_fields.py",
        "-k",
        f"anvil and not ({others})",
    )


# By the last matching beginning of a contract's path.
SUITES: Final[dict[str, list[tuple[str, ...]]]] = {
    "": [FRAME, laws("market_stall"), laws("permit"), laws("subsidy")],
    "CheckpointRegistry": [REGISTRY],
    "libraries/Rfc9162": [REGISTRY],
    "workflows/permit/": [MONTHS, laws("permit")],
    "workflows/PermitLedger": [MONTHS, laws("permit")],
    "workflows/subsidy/": [laws("subsidy")],
    "workflows/SubsidyLedger": [laws("subsidy")],
    "workflows/parking_fine/": [laws("parking_fine")],
    "workflows/ParkingFineLedger": [laws("parking_fine")],
}
BUILD: Final = "from pathlib import Path; from ledger_automation.chain import artifacts; artifacts.build(Path.cwd())"


def red(root: Path, suites: list[tuple[str, ...]], **more: str) -> str | None:
    """Run suites until one turns red; return which, or None where all stay green."""
    env = {**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root / 'tests'}", "MUTANT_STEPS": STEPS, **more}
    for suite in suites:
        words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "support.mutants", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [*words, *suite], cwd=root, env=env, check=False, capture_output=True, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            return suite[0]  # a loop without its end is seen by whoever waits
        if done.returncode == 1:
            return suite[0]
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr).decode()[-3000:])
    return None


def of_contract(mutant: Mutant) -> dict[str, Any] | None:
    """Kill a contract's mutant in a copy of the checkout; None for one that the compiler refuses."""
    with tempfile.TemporaryDirectory() as folder:
        root = copied(Path(folder))
        path = root / mutant.place.path
        if mutant.place.within(text := path.read_bytes()) != mutant.before:
            raise RuntimeError(f"{mutant.place.path} was changed while its mutants were run")
        path.write_bytes(mutant.within(text))
        try:
            trees(root)
        except SolcError:
            return None
        short = mutant.place.path.removeprefix("contracts/")
        suites = [suites for begins, suites in SUITES.items() if short.startswith(begins)][-1]
        env = {**os.environ, "PYTHONPATH": str(root / "src")}
        if suites == [REGISTRY]:
            subprocess.run([sys.executable, "-c", BUILD], cwd=root, env=env, check=False, capture_output=True)
        killer = red(root, suites)
    what = f"{' '.join(mutant.before.split())[:120]} -> {mutant.after}"
    return {"where": f"{mutant.place.path}:{mutant.line}", "what": what, "killed_by": killer}


def of_table(mutant: Changed) -> dict[str, Any]:
    """Kill a table's mutant: by its own tests, or by the contract that still says what the table said."""
    suites = [("tests/unit/workflows",), laws(mutant.workflow)]
    killer = red(ROOT, suites, TABLE_MUTANT="|".join(mutant))
    return {"where": f"{mutant.workflow}.{mutant.action}", "what": f"{mutant.what} {mutant.value}", "killed_by": killer}
