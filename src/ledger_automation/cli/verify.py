"""``ledger verify``: check a receipt without trusting who gave it out."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.bootstrap import pinned, read_policy, reading_chain
from ledger_automation.cli.exit_codes import BY_VERDICT
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import NoteError, NotFound, UnreadableFile
from ledger_automation.settings import Settings
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.tlog.receipt import read
from ledger_automation.verify.policy import ON_CHAIN, Level, VerificationPolicy
from ledger_automation.verify.verifier import Verifier


def verify(
    file: Annotated[Path, Parameter(help="The receipt.")],
    *,
    policy: Annotated[Path | None, Parameter(help="The pinned facts; default: what this home has pinned.")] = None,
    level: Annotated[Level | None, Parameter(help="How much to ask for; default: what the policy says.")] = None,
    held: Annotated[Path | None, Parameter(help="A checkpoint or receipt you have: it must be extended.")] = None,
    options: Options = NONE,
) -> int:
    """Verify a receipt and say so in one sentence."""
    settings = options.settings()
    receipt = read(file)
    with ExitStack() as stack:
        asked = choose_policy(settings, policy, level)
        chain = stack.enter_context(reading_chain(settings, asked)) if asked.level in ON_CHAIN else None
        answer = Verifier(asked, chain, read_note(held, asked) if held else None).verify(receipt)
    steps = [f"  {_MARKS[each.holds]} {each.step}: {each.detail}" for each in answer.steps]
    data = {
        "verdict": answer.verdict,
        "reason": answer.reason,
        "sentence": answer.sentence.en,
        "sentence_de": answer.sentence.de,
        "steps": answer.steps,
    }
    emit(data, [f"{answer.verdict}: {answer.sentence.en}", *steps], json=options.json)
    return BY_VERDICT[answer.verdict]


_MARKS = {True: "holds ", False: "FAILS ", None: "open  "}


def choose_policy(settings: Settings, file: Path | None, level: Level | None) -> VerificationPolicy:
    """Return the policy to verify by: a file, or what the home has pinned; without a chain up to level ``logged``."""
    if file is not None:
        policy = read_policy(file)
    elif (settings.home / "policy.json").exists():
        policy = pinned(settings.home)
    elif level in ON_CHAIN:
        return pinned(settings.home)
    else:
        public = settings.home / "keys" / "log.pub"
        if not public.exists():
            raise NotFound(f"There is no policy and no log key under {settings.home}; name one with --policy.")
        policy = VerificationPolicy(settings.origin, (public.read_text().strip(),), Level.LOGGED)
    return policy.at(level) if level is not None else policy


def read_note(path: Path, policy: VerificationPolicy) -> str:
    """Read a checkpoint's note from its own file or from a receipt; it must be one of the pinned log."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"There is no file {path}.", path=str(path)) from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(path, "it is not text") from error
    note = read(path).checkpoint if text.lstrip().startswith("{") else text
    try:
        open_checkpoint(note, policy.origin, policy.keys())
    except NoteError as error:
        raise UnreadableFile(
            path, f"it holds no checkpoint of this log ({error.sentence.removesuffix('.')})"
        ) from error
    return note
