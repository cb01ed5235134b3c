"""The command line: one file a verb, which parses, makes one call, and renders.

Every verb ends with one of the exit codes of `exit_codes`, and with one sentence on stderr when it says no.
"""

from ledger_automation.cli.app import main

__all__ = ["main"]
