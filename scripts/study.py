"""Run a round of the study on a PostgreSQL server of its own: ``scripts/study.py ROUND.toml FOLDER [options]``.

The server's commits are durable, as a town's would be: what they cost is part of every figure.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.servers import postgresql  # noqa: E402  the tests' own tools are no package

DURABLE = {"max_connections": "100", "shared_buffers": "256MB"}


def main() -> None:
    """Run it, and end as it does."""
    if len(sys.argv) < len(("script", "round", "folder")):
        sys.exit(__doc__)
    given, out, *options = sys.argv[1:]
    program = Path(sys.executable).with_name("ledger")
    with postgresql(settings=DURABLE) as server:
        words = [program, "study", "run", given, "--out", out, "--db", server.url(), *options]
        done = subprocess.run(words, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
