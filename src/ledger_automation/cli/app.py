"""The verbs under one name, and the one place where an error becomes a sentence and an exit code."""

import os
import sys
from importlib.metadata import version
from typing import Final

from cyclopts import App, CycloptsError

from ledger_automation.cli.exit_codes import USAGE, exit_code
from ledger_automation.cli.output import as_json, complain
from ledger_automation.errors import LedgerError, Misconfigured, ServiceMissing

_INTERRUPTED = 130
_NO_READER = 141

GROUPS: Final = ("case", "contracts", "database", "keys", "member", "study", "witness")
VERBS: Final = {
    "audit": "Audit the whole log, or what is new since a mark, and report every finding with its place.",
    "backup": "Back up database, policy, public keys and deployments into an empty folder, while others write on.",
    "case": "Open a case, take it a step on, show it.",
    "check": "Check a published log: every tile and entry, what you hold of it, and what the chain holds of it.",
    "contracts": "Compile the contracts, or check the committed artifacts.",
    "database": "Prepare the database of a ledger.",
    "demo": "Run the Wismar grant, 60 permits and 300 fines; seal, receipt, audit; then tamper and find it.",
    "deploy": "Deploy the contracts on a chain, or find those deployed before, and pin the registry.",
    "doctor": "Look at chain, contract, keys, clock and database, and say what is wrong and what to do; changes "
    "nothing.",
    "dossier": "Export a case: events, documents, proofs, a page and a script that check it without this software.",
    "erase": "Destroy the content of a case or of one step, and seal the decision; every other proof keeps holding.",
    "evidence": "Write the evidence records (RFC 4998) of a receipt's steps, for whoever verifies it in decades.",
    "keys": "Show the keys of a home, and rotate them.",
    "member": "Seat actors in the contracts that enforce workflows, and show their seats.",
    "monitor": "Follow a published log and its chain; each alarm is a line of JSON, and a contradiction ends it.",
    "preserve": "Have an authority stamp what opens every logged step, and renew what was stamped before (RFC 4998).",
    "privacy-scan": "Live a run over invented people, and search all that leaves the database for them.",
    "publish": "Publish the log's newest checkpoint as files, tiles first; what is there already stays as it is.",
    "receipt": "Issue the receipt of a case, or of one step, or the proof that there is no such case.",
    "refresh": "Bring a step's receipt up to the newest published checkpoint, with the proof that the older one is "
    "extended.",
    "replay": "Replay a log: every event is accepted, refused by a rule, or ignored by the mapping.",
    "restore": "Restore a back-up into an empty home and database, and say whether the chain knows a longer log.",
    "retention": "List the ended cases whose time is over, and with --erase destroy their content.",
    "seal": "Put everything recorded into the log, sign a checkpoint, anchor it on the chain, and have it cosigned.",
    "serve": "Serve API and pages until it is interrupted.",
    "study": "Measure six systems, and say which steps need a chain.",
    "timestamp": "Have an authority sign that it was shown a checkpoint: a second anchor, which needs no chain.",
    "verify": "Verify a receipt and say so in one sentence.",
    "verify-page": "Write the page that verifies receipts in a browser, from disk, with a policy inside.",
    "witness": "Cosign checkpoints of logs, as a witness after C2SP tlog-witness.",
}
"""Each is loaded when it is called: who only verifies has no database, and nobody waits for a web framework."""

app = App(
    name="ledger",
    help="Administrative cases in a log whose rewriting a chain refuses.",
    version=version("ledger-automation"),
    result_action="return_value",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,  # `run` says what was kept
)
for name, told in VERBS.items():
    module = name.replace("-", "_")
    app.command(f"{__package__}.{module}:{'app' if name in GROUPS else module}", name=name, help=told)
app.register_install_completion_command()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    words = sys.argv[1:] if arguments is None else arguments
    sys.exit(run(words))


def run(words: list[str]) -> int:
    """Run a verb and return its exit code."""
    try:
        code = _call(words)
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


def _call(words: list[str]) -> int:
    """Call the verb; raises ServiceMissing where it needs a library that is not here."""
    try:
        return int(app(words, exit_on_error=False, print_error=False) or 0)
    except ImportError as error:
        missing = error.__cause__ or error  # while the verb was loaded, or when it was already at work
        name = missing.name if isinstance(missing, ModuleNotFoundError) else None
        if name is None or name.partition(".")[0] == __name__.partition(".")[0]:
            raise
        raise ServiceMissing(name) from error
