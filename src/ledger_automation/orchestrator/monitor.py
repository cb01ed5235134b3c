"""Following a published log and its chain, and saying so when something is wrong with either.

A monitor remembers the last checkpoint that it verified, in a file of its own, and looks again and again: the newest
checkpoint must extend that one, and whatever checkpoints of others it is given; every new tile and entry must lead to
the root; the chain must hold a beginning of the same log. A checkpoint is believed once the file that remembers it is
durable, so whoever dies in between verifies it once more and forgets nothing.

    fork             two signed checkpoints that no one log has             contradicted
    shrinkage        fewer leaves than were seen before                     contradicted
    bad_checkpoint   not signed by the pinned key, or malformed             contradicted
    bad_tile         a tile or an entry that does not lead to the root      contradicted
    other_root       the chain holds another log                            contradicted
    behind_chain     the chain holds more leaves than are shown             contradicted
    unreachable      files or node do not answer                            unreachable
    lying_node       two nodes of the chain contradict each other           contradicted
    freeze           no growth for longer than the log may be silent        pending
    anchors_missing  leaves without an anchor for longer than may be        pending

Each alarm names its class in the catalogue of tampering too; a fork's is T37 where the size that is shown has two
roots, T38 where a longer checkpoint that is held does fit, so that whoever follows the log step by step is led past the
fork, else T36.

Two monitors that are shown two logs of one size cannot know it alone: each takes the other's file as held.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec

from ledger_automation.errors import (
    Contradiction,
    LedgerError,
    LogTooShort,
    Misconfigured,
    NoteError,
    NotFound,
    ProofError,
    TileError,
    Unreachable,
    UnreadableFile,
)
from ledger_automation.orchestrator import durable
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.tlog.tiles import Fetch
from ledger_automation.values import parse_timestamp, timestamp
from ledger_automation.verify.policy import ON_CHAIN, VerificationPolicy
from ledger_automation.verify.published import REWRITTEN, Anchors, PublishedLog
from ledger_automation.verify.sources import ChainSource
from ledger_automation.verify.verdict import Verdict

FORMAT: Final = "ledger-automation/monitor/v1"


class Trouble(StrEnum):
    """What may be wrong with a published log."""

    FORK = "fork"
    SHRINKAGE = "shrinkage"
    BAD_CHECKPOINT = "bad_checkpoint"
    BAD_TILE = "bad_tile"
    OTHER_ROOT = "other_root"
    BEHIND_CHAIN = "behind_chain"
    UNREACHABLE = "unreachable"
    LYING_NODE = "lying_node"
    FREEZE = "freeze"
    ANCHORS_MISSING = "anchors_missing"

    @property
    def verdict(self) -> Verdict:
        """What it means for the log."""
        if self is Trouble.UNREACHABLE:
            return Verdict.UNREACHABLE
        return Verdict.PENDING if self in {Trouble.FREEZE, Trouble.ANCHORS_MISSING} else Verdict.CONTRADICTED


_OF_THE_LOG: Final[dict[type[LedgerError], Trouble]] = {
    LogTooShort: Trouble.SHRINKAGE,
    ProofError: Trouble.FORK,
    TileError: Trouble.BAD_TILE,
    NoteError: Trouble.BAD_CHECKPOINT,
    Unreachable: Trouble.UNREACHABLE,
    NotFound: Trouble.UNREACHABLE,
}
_OF_THE_CHAIN: Final[dict[type[LedgerError], Trouble]] = {
    **_OF_THE_LOG,
    LogTooShort: Trouble.BEHIND_CHAIN,
    ProofError: Trouble.OTHER_ROOT,
    Contradiction: Trouble.OTHER_ROOT,
}


_CLASSES: Final = {
    Trouble.FORK: REWRITTEN,
    Trouble.SHRINKAGE: "T21",
    Trouble.BAD_CHECKPOINT: "T40",
    Trouble.BAD_TILE: "T31",
    Trouble.OTHER_ROOT: "T42",
    Trouble.BEHIND_CHAIN: "T21",
    Trouble.LYING_NODE: "T45",
    Trouble.FREEZE: "T39",
    Trouble.ANCHORS_MISSING: "T47",
}


class Alarm(NamedTuple):
    """Something that is wrong, in one sentence, and what is known about it."""

    trouble: Trouble
    sentence: str
    facts: dict[str, Any]

    @property
    def tampering(self) -> str | None:
        """Its class in the catalogue of tampering; None where nobody answered."""
        return self.facts.get("tampering", _CLASSES.get(self.trouble))


class Memory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a monitor remembers: the last verified note, when it grew, and since when how many leaves wait for a chain.

    Moments are RFC 3339; ``waiting_since`` is empty while nothing waits.
    """

    format: Literal["ledger-automation/monitor/v1"]
    checkpoint: str
    grown_at: str
    waiting_size: int = 0
    waiting_since: str = ""


class Patience(NamedTuple):
    """How long a log may stay as it is, and how long leaves may be without an anchor."""

    silence: timedelta
    unanchored: timedelta


class Look(NamedTuple):
    """What one look came to: the newest verified checkpoint (None before the first), and all that is wrong."""

    checkpoint: Checkpoint | None
    anchored_size: int | None
    alarms: tuple[Alarm, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the alarms; final without any."""
        found = {alarm.trouble.verdict for alarm in self.alarms}
        worst_first = (Verdict.CONTRADICTED, Verdict.UNREACHABLE, Verdict.PENDING)
        return next((each for each in worst_first if each in found), Verdict.FINAL)


class Monitor:
    """Follows one log. ``memory`` is the file of its own; the chain is asked where the policy wants an anchor."""

    def __init__(self, policy: VerificationPolicy, memory: Path, patience: Patience) -> None:
        self._policy = policy
        self._path = memory
        self._patience = patience
        self._alarms: list[Alarm] = []

    def look(self, fetch: Fetch, now: datetime, chain: ChainSource | None = None, held: Sequence[str] = ()) -> Look:
        """Look once; raises Misconfigured for another chain than the pinned one, or another log's memory."""
        self._alarms = []
        before = recall(self._path, self._policy)
        anchors = self._ask(chain)
        log = self._verified(fetch, before, held)
        after = self._grown(before, log, now)
        if after is not None and anchors is not None:
            anchored = self._anchored(log, anchors)
            after = self._waiting(after, anchored, now)
        if after is not None and after != before:
            remember(self._path, after)
        self._judge(after, now)
        size = anchors.latest.tree_size if anchors and anchors.latest else 0
        shown = _checkpoint(after, self._policy) if after else None
        return Look(shown, size if anchors else None, tuple(self._alarms))

    def _ask(self, chain: ChainSource | None) -> Anchors | None:
        if chain is None or self._policy.level not in ON_CHAIN:
            return None
        try:
            return Anchors.ask(chain, self._policy)
        except Unreachable as error:
            self._raise(Trouble.UNREACHABLE, error)
        except Contradiction as error:
            self._raise(Trouble.LYING_NODE, error)
        return None

    def _verified(self, fetch: Fetch, before: Memory | None, held: Sequence[str]) -> PublishedLog | None:
        """Return the log that is shown, None where something is wrong with it."""
        older = [note for note in (before.checkpoint if before else None, *held) if note is not None]
        log = None
        try:
            log = PublishedLog.read(fetch, self._policy)
            log.tree.edge()
            log.require_extends_all(older, self._policy, "A checkpoint that was seen before")
            flaws = log.flaws(_checkpoint(before, self._policy).tree_size if before else 0)
        except tuple(_OF_THE_LOG) as error:
            trouble = _OF_THE_LOG[type(error)]
            self._raise(trouble, error, shown=log.note if log else "")
            return None
        for flaw in flaws:
            self._raise(Trouble.BAD_TILE, flaw)
        return None if flaws else log

    def _grown(self, before: Memory | None, log: PublishedLog | None, now: datetime) -> Memory | None:
        if log is None or (before is not None and _size(before, self._policy) == log.checkpoint.tree_size):
            return before
        waiting = (before.waiting_size, before.waiting_since) if before else (0, "")
        return Memory(FORMAT, log.note, timestamp(now), *waiting)

    def _anchored(self, log: PublishedLog | None, anchors: Anchors) -> int:
        """Hold the chain against the log that is shown; return how many leaves it holds."""
        if log is not None:
            try:
                return anchors.require_prefix(log)
            except tuple(_OF_THE_CHAIN) as error:
                rewritten = {"tampering": REWRITTEN} if isinstance(error, ProofError) else {}
                self._raise(_OF_THE_CHAIN[type(error)], error, **rewritten)
        return anchors.latest.tree_size if anchors.latest else 0

    def _waiting(self, memory: Memory, anchored: int, now: datetime) -> Memory:
        """Write down since when leaves wait for their anchor: those that waited first, until they have it."""
        size = _size(memory, self._policy)
        if memory.waiting_since and anchored >= memory.waiting_size:
            memory = msgspec.structs.replace(memory, waiting_size=0, waiting_since="")
        if not memory.waiting_since and anchored < size:
            memory = msgspec.structs.replace(memory, waiting_size=size, waiting_since=timestamp(now))
        return memory

    def _judge(self, memory: Memory | None, now: datetime) -> None:
        """Ring for what has lasted too long."""
        if memory is None:
            return
        if now - parse_timestamp(memory.grown_at) > self._patience.silence:
            sentence = f"The log has not grown since {memory.grown_at}."
            self._alarms.append(Alarm(Trouble.FREEZE, sentence, {"since": memory.grown_at}))
        since = memory.waiting_since
        if since and now - parse_timestamp(since) > self._patience.unanchored:
            sentence = f"The first {memory.waiting_size} leaves are not all on the chain since {since}."
            facts = {"since": since, "tree_size": memory.waiting_size}
            self._alarms.append(Alarm(Trouble.ANCHORS_MISSING, sentence, facts))

    def _raise(self, trouble: Trouble, error: LedgerError, shown: str = "", **more: Any) -> None:
        """Ring; two notes that no one log has are a proof, whoever has them."""
        facts = {**error.facts, **more}
        if "note" in facts:
            facts["notes"] = [facts.pop("note"), shown]
        self._alarms.append(Alarm(trouble, error.sentence, facts))


def recall(path: Path, policy: VerificationPolicy) -> Memory | None:
    """Read what was remembered, None where nothing was; raises UnreadableFile, or Misconfigured for another log's."""
    try:
        memory = msgspec.json.decode(path.read_bytes(), type=Memory)
        for moment in filter(None, (memory.grown_at, memory.waiting_since)):
            parse_timestamp(moment)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableFile(path, f"it is not what a monitor remembers ({error})") from error
    _checkpoint(memory, policy)
    return memory


def remember(path: Path, memory: Memory) -> None:
    """Put a memory in its place, durably: after this its checkpoint is never taken back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write(path, msgspec.json.format(msgspec.json.encode(memory), indent=1) + b"\n")


def _checkpoint(memory: Memory, policy: VerificationPolicy) -> Checkpoint:
    try:
        return open_checkpoint(memory.checkpoint, policy.origin, policy.keys())
    except NoteError as error:
        sentence = f"What the monitor remembers is of another log or another key: {error.sentence}"
        raise Misconfigured(sentence, expected=error.expected, actual=error.actual) from error


def _size(memory: Memory, policy: VerificationPolicy) -> int:
    return _checkpoint(memory, policy).tree_size
