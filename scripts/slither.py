"""Run Slither on the shipped contracts; each high or medium finding needs a reason in contracts/slither-reasons.toml.

A reason that no finding needs any more is one too many and fails as well. Slither lives in an environment of its own
(``requirements-slither.lock``), because it pins an older web3. Named by its path: ``scripts/slither.py PATH``.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from ledger_automation.chain import artifacts, toolchain

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / ".build" / "slither-out"


def findings(slither: str) -> list[dict[str, Any]]:
    """Compile as Slither wants it, and ask."""
    shutil.rmtree(OUT, ignore_errors=True)
    sources = sorted(path for folder in artifacts.SHIPPED for path in (ROOT / folder).glob("*.sol"))
    env = {**os.environ, "FOUNDRY_OUT": str(OUT), "FOUNDRY_CACHE": "false", "FOUNDRY_SOLC": str(toolchain.solc(ROOT))}
    env["PATH"] = f"{toolchain.forge(ROOT).parent}{os.pathsep}{env['PATH']}"
    built = [toolchain.forge(ROOT), "build", "--build-info", *sources]
    subprocess.run(built, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    asked = [slither, ".", "--foundry-ignore-compile", "--foundry-out-directory", str(OUT), "--json", "-"]
    done = subprocess.run(asked, cwd=ROOT, env=env, check=False, capture_output=True, text=True)
    answer = json.loads(done.stdout) if done.stdout else {"success": False, "error": done.stderr}
    if not answer["success"]:
        sys.exit(f"Slither failed: {answer['error']}")
    found: list[dict[str, Any]] = answer["results"].get("detectors", [])
    return found


def main() -> None:
    """Compare what is found with what has a reason."""
    found = {
        (each["check"], each["description"].partition(" (")[0]): each["description"].strip()
        for each in findings(sys.argv[1])
        if each["impact"] in {"High", "Medium"}
    }
    reasons = tomllib.loads((ROOT / "contracts" / "slither-reasons.toml").read_text("utf-8"))["finding"]
    reasoned = {(each["check"], each["where"]) for each in reasons if each["reason"]}
    for key in sorted(found.keys() - reasoned):
        print(f"without a reason: {key[0]}: {found[key]}")
    for key in sorted(reasoned - found.keys()):
        print(f"no longer found: {key[0]}: {key[1]}")
    print(f"{len(found)} high or medium findings, {len(found.keys() & reasoned)} with a reason")
    sys.exit(found.keys() != reasoned)


if __name__ == "__main__":
    main()
