"""Asking witnesses: the log's side of C2SP tlog-witness.

A round takes the newest checkpoint to each witness, and on the way there those that were sent to a chain, so that what
is anchored is cosigned too. A request says which size the witness is thought to have cosigned last, and proves that the
checkpoint extends it; a witness that knows better says so (409), and is asked once more from there.

    200          the cosignature is held against the witness's key, and stored
    409, a size  go on from there; or, where that is a contradiction, an alarm: this log is shorter than what the
                 witness cosigned, it cosigned another one of this size, or it remembers less than it cosigned here
    422          an alarm: what this log says does not extend what the witness cosigned
    403, 404     an alarm: the witness does not know this log, or not this key
    no answer    the next round asks again; after an hour of that, an alarm

Nothing here holds up the log: witnesses are asked beside each other, each for a bounded time, and outside of any
transaction. What is lost between a witness and our commit is asked for again, and costs an empty proof.

What this does not do: speak HTTP (`worker.witnesses`), or say how many witnesses are enough (`verify.policy`).
"""

import base64
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final, NamedTuple, Protocol

from ledger_automation.errors import (
    Conflict,
    Contradiction,
    InvalidDefinition,
    LedgerError,
    LogTooShort,
    NoteError,
    Unreachable,
)
from ledger_automation.merkle import consistency_proof
from ledger_automation.orchestrator.anchor import newest_checkpoint
from ledger_automation.orchestrator.ports import Begin, UnitOfWork
from ledger_automation.orchestrator.submission import Alarm, AlarmKind
from ledger_automation.orchestrator.transition import Clock
from ledger_automation.tlog.cosignature import WitnessKey
from ledger_automation.tlog.note import read_lines, read_note, signers
from ledger_automation.values import parse_timestamp, timestamp
from ledger_automation.verify.sources import CheckpointRecord, CosignatureRecord

PATIENCE: Final = timedelta(hours=1)
"""How long a witness may be away before a person hears of it."""

_ATTEMPTS: Final = 3
_MOST: Final = 32
_SECONDS: Final = 20.0
"""What one visit may ask for, and after how long it asks no more."""

_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,15})\n")
_SIZE_TYPE: Final = "text/x.tlog.size"
_URL: Final = re.compile(r"https?://[^\s?#]+")
_OK, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _UNPROCESSABLE = 200, 403, 404, 409, 422


class Reply(NamedTuple):
    """What a witness answered; ``kind`` is its media type."""

    status: int
    kind: str
    body: bytes


class Wire(Protocol):
    """Brings a request to a witness."""

    def post(self, url: str, body: bytes) -> Reply:
        """POST it; raises Unreachable."""
        ...


class PinnedWitness(NamedTuple):
    """A witness by its key, and where it is asked."""

    key: WitnessKey
    url: str


class Visit(NamedTuple):
    """What became of asking one witness: how many cosignatures it gave, and why it gave no more (None: it gave all)."""

    witness: WitnessKey
    cosigned: int
    error: LedgerError | None
    alarm: Alarm | None


class WitnessRound:
    """Asks the pinned witnesses of one log."""

    def __init__(self, begin: Begin, read: Begin, witnesses: Sequence[PinnedWitness], wire: Wire, clock: Clock) -> None:
        self._begin = begin
        self._read = read
        self._witnesses = witnesses
        self._wire = wire
        self._clock = clock

    def go(self) -> list[Visit]:
        """Ask all of them, beside each other, for the same checkpoint, whatever is sequenced meanwhile."""
        if not self._witnesses:
            return []
        with self._read() as unit:
            newest = newest_checkpoint(unit)
        if newest is None:
            return []
        with ThreadPoolExecutor(len(self._witnesses), "witness") as hands:
            return list(hands.map(lambda each: self._visit(each, newest), self._witnesses))

    def _visit(self, witness: PinnedWitness, newest: CheckpointRecord) -> Visit:
        with self._read() as unit:
            last = unit.cosignatures.last(witness.key.text)
            wanted = _wanted(unit, last.tree_size if last else 0, newest)
        asking = _Asking(self._read, witness, self._wire, last.tree_size if last else 0)
        cosigned, until = 0, time.monotonic() + _SECONDS
        try:
            for record in wanted:
                line = asking.ask(record) if time.monotonic() < until else None
                if line is not None:
                    self._keep(CosignatureRecord(record.tree_size, witness.key.text, line, timestamp(self._clock())))
                    cosigned += 1
        except LedgerError as error:
            return Visit(witness.key, cosigned, error, self._alarm(witness.key, error, last))
        return Visit(witness.key, cosigned, None, None)

    def _keep(self, cosignature: CosignatureRecord) -> None:
        with self._begin() as unit:
            unit.cosignatures.keep(cosignature)
            unit.commit()

    def _alarm(self, key: WitnessKey, error: LedgerError, last: CosignatureRecord | None) -> Alarm | None:
        """Say that something is wrong; not of a witness that has only just gone away, nor that we were busy."""
        lately = last is not None and self._clock() - parse_timestamp(last.at) < PATIENCE
        if isinstance(error, Conflict) or (isinstance(error, Unreachable) and lately):
            return None
        return Alarm(AlarmKind.WITNESS, key.text, f"Witness {key.name}: {error.sentence}", dict(error.facts))


class _Asking:
    """One witness that is asked for one checkpoint after another; ``known`` is the size that it cosigned last."""

    def __init__(self, read: Begin, witness: PinnedWitness, wire: Wire, known: int) -> None:
        self._read = read
        self._witness = witness
        self._wire = wire
        self._cosigned = known
        self._known = known

    def ask(self, record: CheckpointRecord) -> str | None:
        """Return the cosignature's line; None for a checkpoint that the witness is past. Raises as the module says."""
        for _ in range(_ATTEMPTS):
            if record.tree_size < self._known:
                return None
            reply = self._send(record)
            if reply.status != _CONFLICT:
                line = self._line(reply, record)
                self._known = self._cosigned = record.tree_size
                return line
            self._known = self._corrected(reply, record)
        raise Unreachable("Somebody else has it cosign this log at the same time.")

    def _send(self, record: CheckpointRecord) -> Reply:
        with self._read() as unit:
            known = self._known
            proof = consistency_proof(unit.log.subtree, known, record.tree_size) if known else []
        lines = [f"old {known}", *(base64.b64encode(node).decode() for node in proof)]
        return self._wire.post(self._witness.url, ("\n".join(lines) + f"\n\n{record.note}").encode())

    def _corrected(self, reply: Reply, record: CheckpointRecord) -> int:
        """Return the size that the witness says it cosigned last; raises Contradiction where that cannot be."""
        found = _SIZE.fullmatch(reply.body)
        if found is None or reply.kind.partition(";")[0].strip().lower() != _SIZE_TYPE:
            raise Unreachable("It refused without saying which size it cosigned last.")
        size = int(found[1])
        with self._read() as unit:
            ours = unit.log.frontier().size
        if size > ours:
            sentence = "It cosigned a longer log than this one: the end of this one was cut off, or there are two."
            raise LogTooShort(sentence, expected=size, actual=ours)
        if size < self._cosigned:
            sentence = "It remembers less than it cosigned here: it was set back, and may cosign a second history."
            raise Contradiction(sentence, expected=self._cosigned, actual=size)
        if size == self._known == record.tree_size:
            raise Contradiction("It cosigned another checkpoint of this size: there are two logs.", expected=size)
        return size

    def _line(self, reply: Reply, record: CheckpointRecord) -> str:
        """Return the line that this witness's key made; raises Contradiction or Unreachable for any other answer."""
        if reply.status == _UNPROCESSABLE:
            sentence = "This log does not extend what it cosigned: there are two logs, or this one was rewritten."
            raise Contradiction(sentence, expected=self._known, actual=record.tree_size)
        if reply.status in {_FORBIDDEN, _NOT_FOUND}:
            raise InvalidDefinition(f"It does not know this log or its key ({reply.status}).", status=reply.status)
        if reply.status != _OK:
            raise Unreachable(f"It answered {reply.status}.", status=reply.status)
        key = self._witness.key
        try:
            lines = read_lines(reply.body.decode())
        except UnicodeDecodeError as error:
            raise NoteError("Its answer is no signature line.", expected="UTF-8", actual=reply.body[:80]) from error
        if not signers(read_note(record.note)[0], lines, [key]):
            raise NoteError("Its answer is not signed by its key.", expected=key.text, actual=reply.body.decode()[:80])
        return next(f"{line.text}\n" for line in lines if (line.name, line.key_id) == (key.name, key.key_id))


def _wanted(unit: UnitOfWork, known: int, newest: CheckpointRecord) -> list[CheckpointRecord]:
    """Return what a witness is asked for, smallest first; one that is new is asked for the newest only."""
    if newest.tree_size <= known:
        return []
    sizes = {each.tree_size for each in unit.log.submissions(known)} if known else set()
    sent = sorted(size for size in sizes if size < newest.tree_size)
    return [*(next(unit.log.checkpoints(size - 1)) for size in sent[:_MOST]), newest]


def pinned_witnesses(places: Mapping[str, str], required: int = 0) -> tuple[PinnedWitness, ...]:
    """Read witnesses from where they are asked, by key; raises InvalidDefinition, InvalidValue."""
    if required > len(places):
        raise InvalidDefinition(f"The settings ask for {required} witnesses and name {len(places)}.")
    for key, url in places.items():
        if not _URL.fullmatch(url):
            raise InvalidDefinition(f"The witness {key.partition('+')[0]} has no http or https URL: {url!r:.80}.")
    return tuple(PinnedWitness(WitnessKey.parse(key), url) for key, url in places.items())
