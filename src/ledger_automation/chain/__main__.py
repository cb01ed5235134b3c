"""Build or check the committed contracts: ``python -m ledger_automation.chain build|check``; for developers and CI."""

import sys
from collections.abc import Sequence

from ledger_automation.chain import artifacts
from ledger_automation.errors import LedgerError


def main(arguments: Sequence[str]) -> int:
    """Return 0 when done and alike, 1 for differences, 2 for other words, 4 where the tools are missing."""
    try:
        match list(arguments):
            case ["build"]:
                sys.stdout.writelines(f"{path}\n" for path in artifacts.build())
                return 0
            case ["check"]:
                differences = artifacts.check()
                sys.stdout.writelines(f"{line}\n" for line in differences)
                return 1 if differences else 0
    except LedgerError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 4
    sys.stderr.write("python -m ledger_automation.chain build|check\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
