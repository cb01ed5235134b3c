"""Write each ``$ ledger ... --help`` block of the README anew, or with ``--check`` tell whether one is out of date."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCK = re.compile(r"^    \$ (ledger(?: [a-z]+)* --help)\n(?:(?:    .*)?\n)*?(?=^\S|\Z)", re.MULTILINE)


def _block(match: re.Match[str]) -> str:
    words = [str(Path(sys.executable).parent / "ledger"), *match[1].split()[1:]]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    lines = (f"    {line}".rstrip() for line in done.stdout.strip().splitlines())
    return "\n".join([f"    $ {match[1]}", *lines, "", ""])


def main() -> int:
    """Return 1 when ``--check`` finds a block that is out of date."""
    written = README.read_text("utf-8")
    fresh = BLOCK.sub(_block, written)
    if "--check" in sys.argv:
        return int(fresh != written)
    README.write_text(fresh, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
