"""The verbs under one name, and the one place where an error becomes a sentence and an exit code."""

import os
import sys
from importlib.metadata import version

from cyclopts import App, CycloptsError

from ledger_automation.cli import (
    audit,
    case,
    contracts,
    database,
    demo,
    deploy,
    doctor,
    keys,
    member,
    receipt,
    replay,
    seal,
    verify,
)
from ledger_automation.cli.exit_codes import USAGE, exit_code
from ledger_automation.cli.output import as_json, complain
from ledger_automation.errors import LedgerError, Misconfigured

_INTERRUPTED = 130
_NO_READER = 141

app = App(
    name="ledger",
    help="Administrative cases in a log whose rewriting a chain refuses.",
    version=version("ledger-automation"),
    result_action="return_value",
    help_format="plaintext",
)
for group in (case.app, contracts.app, database.app, keys.app, member.app):
    app.command(group)
for verb in (
    seal.seal,
    receipt.receipt,
    verify.verify,
    audit.audit,
    replay.replay,
    deploy.deploy,
    doctor.doctor,
    demo.demo,
):
    app.command(verb)
app.register_install_completion_command()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    words = sys.argv[1:] if arguments is None else arguments
    sys.exit(run(words))


def run(words: list[str]) -> int:
    """Run a verb and return its exit code."""
    try:
        code = int(app(words, exit_on_error=False, print_error=False) or 0)
        sys.stdout.flush()
    except CycloptsError as error:
        complain(str(error))
        return USAGE
    except LedgerError as error:
        if "--json" in words:
            answer = {"error": type(error).__name__, "sentence": error.sentence, "facts": dict(error.facts)}
            sys.stdout.write(as_json(answer) + "\n")
        complain(error.sentence)
        return exit_code(error)
    except KeyboardInterrupt:
        complain("Interrupted; everything acknowledged so far is kept.")
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read our answer has seen enough: `ledger case show ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NO_READER
    except OSError as error:
        complain(f"{error.filename or 'The system'}: {error.strerror or error}.")
        return exit_code(Misconfigured(""))
    return code
