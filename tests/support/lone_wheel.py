"""The wheel as a stranger installs it: a fresh environment with what the project itself depends on, and no extra."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = "ledger-automation"


def drawn(name: str, extras: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield what an installed distribution needs on this machine, and what that needs in turn."""
    yield canonical(name)
    for text in requires(name) or ():
        each = Requirement(text)
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            yield from drawn(each.name, frozenset(each.extras))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(names: set[str]) -> str:
    """Return those blocks of the lock, with their hashes."""
    blocks = re.split(r"^(?=[a-z0-9])", (ROOT / "requirements.lock").read_text("utf-8"), flags=re.MULTILINE)
    chosen = [block for block in blocks if block.partition("==")[0] in names]
    assert {block.partition("==")[0] for block in chosen} == names
    return "".join(chosen)


def install(folder: Path) -> Path:
    """Build the wheel and install it alone; returns the folder of the environment's programs."""
    wheels, lock, place = folder / "wheels", folder / "base.lock", folder / "venv"
    lock.write_text(locked({*drawn(PROJECT)} - {PROJECT}), "utf-8")
    quiet = ("--quiet", "--disable-pip-version-check")
    _run(sys.executable, "-m", "pip", "wheel", *quiet, "--no-deps", "--no-build-isolation", "-w", wheels, ROOT)
    _run(sys.executable, "-m", "venv", place)
    python = place / "bin" / "python"
    _run(python, "-m", "pip", "install", *quiet, "--require-hashes", "-r", lock)
    _run(python, "-m", "pip", "install", *quiet, "--no-deps", *wheels.glob("*.whl"))
    _run(python, "-m", "pip", "check", *quiet)
    return place / "bin"


def _run(*words: object) -> None:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
