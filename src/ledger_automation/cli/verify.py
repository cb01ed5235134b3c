"""``ledger verify``: check a receipt without trusting who gave it out."""

from contextlib import ExitStack
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.cli.exit_codes import BY_VERDICT
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import InvalidInput, InvalidValue, NoteError, NotFound, UnreadableFile
from ledger_automation.orchestrator.monitor import FORMAT, recall
from ledger_automation.reading import Nodes, home_policy, pinned, read_policy, reading_chain
from ledger_automation.settings import Settings
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.tlog.hash_tree import ALGORITHMS
from ledger_automation.tlog.receipt_file import is_receipt, read
from ledger_automation.verify.policy import ON_CHAIN, Level, VerificationPolicy
from ledger_automation.verify.published import LogVerdict
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import ReceiptVerdict, Verifier


def verify(
    file: Annotated[Path, Parameter(help="The receipt.")],
    *,
    policy: Annotated[Path | None, Parameter(help="The pinned facts; default: what this home has pinned.")] = None,
    level: Annotated[Level | None, Parameter(help="How much to ask for; default: what the policy says.")] = None,
    held: Annotated[Path | None, Parameter(help="A checkpoint or receipt you have: it must be extended.")] = None,
    rpc: Annotated[
        list[str] | None,
        Parameter(help="A node to ask, not the policy's nor --chain; may be repeated.", negative=""),
    ] = None,
    timestamp: Annotated[Path | None, Parameter(help="A token (RFC 3161) over the receipt's checkpoint.")] = None,
    authority: Annotated[Path | None, Parameter(help="The certificates (PEM) that the token must lead to.")] = None,
    preserved: Annotated[Path | None, Parameter(help="A folder of evidence records (RFC 4998) of its steps.")] = None,
    failed: Annotated[
        list[str] | None,
        Parameter(
            help="A hash that is none any more, and since when: sha256=2035-01-01; may be repeated.", negative=""
        ),
    ] = None,
    quorum: Annotated[int, Parameter(help="How many nodes must answer and agree; 0: as the policy says, or all.")] = 0,
    options: Options = NONE,
) -> int:
    """Verify a receipt and say so in one sentence."""
    settings = options.settings()
    if (timestamp is None and preserved is None) != (authority is None):
        raise InvalidInput("A timestamp is some authority's: name --authority, and --timestamp or --preserved.")
    weak = _failed(failed or [])
    receipt, nodes = read(file), Nodes(tuple(rpc or ()), quorum)
    with ExitStack() as stack:
        asked = choose_policy(settings, policy, level)
        chain = stack.enter_context(reading_chain(settings, asked, nodes)) if asked.level in ON_CHAIN else None
        answer = Verifier(asked, chain, read_note(held, asked) if held else None).verify(receipt)
    if (authority is not None or weak) and answer.verdict is not Verdict.CONTRADICTED:
        from ledger_automation.verify.preserved import preserved as looked_at  # noqa: PLC0415  costs what most verbs save
        from ledger_automation.verify.timestamp import authorities, stamped  # noqa: PLC0415  the same

        roots = authorities(read_octets(authority)) if authority is not None else []
        if timestamp is not None:
            checkpoint = open_checkpoint(receipt.checkpoint, asked.origin, asked.keys())
            answer = stamped(answer, checkpoint, read_octets(timestamp), roots)
        if preserved is not None or weak:
            answer = looked_at(answer, receipt, (preserved, roots), weak, datetime.now(UTC))
    emit({**told(answer), "steps": answer.steps}, lines(answer), json=options.json)
    return BY_VERDICT[answer.verdict]


def _failed(given: list[str]) -> dict[str, datetime]:
    """Read which hash algorithm failed when; raises InvalidValue."""
    found = dict[str, datetime]()
    for each in given:
        name, _, day = each.partition("=")
        try:
            since = datetime.combine(date.fromisoformat(day), time(), UTC)
        except ValueError as error:
            raise InvalidValue("A hash that failed", each, "a name and a day, as in sha256=2035-01-01") from error
        if name not in ALGORITHMS:
            raise InvalidValue("A hash that failed", name, f"one of {', '.join(ALGORITHMS)}")
        if since <= datetime.now(UTC):  # what will fail has not
            found[name] = min(since, found.get(name, since))
    return found


_MARKS = {True: "holds ", False: "FAILS ", None: "open  "}


def told(answer: ReceiptVerdict | LogVerdict) -> dict[str, object]:
    """Return what every answer says first."""
    sentence = {"sentence": answer.sentence.en, "sentence_de": answer.sentence.de}
    return {"verdict": answer.verdict, "reason": answer.reason, **sentence}


def lines(answer: ReceiptVerdict | LogVerdict) -> list[str]:
    """Write an answer and the steps that led to it."""
    steps = [f"  {_MARKS[each.holds]} {each.step}: {each.detail}" for each in answer.steps]
    return [f"{answer.verdict}: {answer.sentence.en}", *steps]


def choose_policy(settings: Settings, file: Path | None, level: Level | None) -> VerificationPolicy:
    """Return the policy to verify by: a file, or what the home has pinned; without a chain up to level ``logged``."""
    if file is not None:
        policy = read_policy(file)
    else:
        policy = pinned(settings.home) if level in ON_CHAIN else home_policy(settings)
    return policy.at(level) if level is not None else policy


def read_octets(path: Path) -> bytes:
    """Read a file; raises NotFound."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"There is no file {path}.", path=str(path)) from error


def read_note(path: Path, policy: VerificationPolicy) -> str:
    """Read a checkpoint's note from its own file, a receipt or a monitor's memory; it must be of the pinned log."""
    octets = read_octets(path)
    if FORMAT.encode() in octets:
        memory = recall(path, policy)
        note = memory.checkpoint if memory else ""
    else:
        note = _noted(octets, path)
    try:
        open_checkpoint(note, policy.origin, policy.keys())
    except NoteError as error:
        raise UnreadableFile(
            path, f"it holds no checkpoint of this log ({error.sentence.removesuffix('.')})"
        ) from error
    return note


def _noted(octets: bytes, path: Path) -> str:
    """Return the checkpoint of a receipt in any encoding, or the note that the file is."""
    if is_receipt(octets):
        return read(path).checkpoint
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise UnreadableFile(path, "it is not text") from error
