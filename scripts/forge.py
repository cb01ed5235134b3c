"""Run Forge with our compiler: ``scripts/forge.py test --match-contract SubsidyTest``; settings stand in foundry.toml.

The compiler's path is the machine's, so it is told here and stands in no file.
"""

import os
import subprocess
import sys
from pathlib import Path

from ledger_automation.chain import toolchain


def main() -> None:
    """Run it in the working directory, which is the repository or a copy of its contracts."""
    here = Path.cwd()
    env = {**os.environ, "FOUNDRY_SOLC": str(toolchain.solc(here))}
    sys.exit(subprocess.run([toolchain.forge(here), *sys.argv[1:]], env=env, check=False).returncode)


if __name__ == "__main__":
    main()
