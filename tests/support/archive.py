"""A log in memory with lawful cases of every workflow, its case map, and receipts of it all: one seed, same bytes."""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from ledger_automation.audit.event import log_case_id
from ledger_automation.merkle import consistency_proof, inclusion_proof, leaf_hash, node_hash
from ledger_automation.merkle.tree import fold
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.note import SignerKey
from ledger_automation.tlog.receipt import encode_proof
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import ChainIdentity, DocumentRecord
from ledger_automation.workflows import LOG, Actor, Command, workflow
from support import case_maps
from support.pages import ROOT
from support.trails import Move, read

ORIGIN: Final = "wismar.example/ledger"
KEY, THIEF = SignerKey(ORIGIN, b"\x01" * 32), SignerKey(ORIGIN, b"\x02" * 32)
IDENTITY: Final = ChainIdentity(31337, "0x" + "01" * 32, "0x" + "aB" * 20, "0x" + "02" * 32)
POLICY: Final = VerificationPolicy(ORIGIN, (KEY.verifier.text,), Level.ANCHORED, IDENTITY, confirmations=2)
NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
CLAIM: Final = {
    "chain_id": IDENTITY.chain_id,
    "registry": IDENTITY.registry,
    "transaction": "0x" + "77" * 32,
    "block_number": 50,
    "block_hash": "0x" + "50" * 32,
}

Receipt = dict[str, Any]


class Filed(NamedTuple):
    """An event as a receipt shows it."""

    case_id: str
    sequence: int
    text: str
    salt: bytes
    commitment: bytes


class Archive:
    """Leaves in the order of the log; ``None`` is somebody else's."""

    def __init__(self, leaves: Iterable[Filed | None], random: Random) -> None:
        self.filed = list(leaves)
        self.hashes = [leaf_hash(each.commitment if each else random.randbytes(32)) for each in self.filed]
        self.node = cache(self._node)

    @property
    def size(self) -> int:
        return len(self.hashes)

    def _node(self, level: int, number: int) -> bytes:
        if level == 0:
            return self.hashes[number]
        return node_hash(self.node(level - 1, 2 * number), self.node(level - 1, 2 * number + 1))

    @cache  # noqa: B019  an archive lives as long as its tests
    def places(self, size: int) -> dict[str, case_maps.Place]:
        return {each.case_id: (each.sequence, self.hashes[at]) for at, each in enumerate(self.filed[:size]) if each}

    @cache  # noqa: B019
    def note(self, size: int, key: SignerKey = KEY) -> str:
        name = key.verifier.name
        return Checkpoint(name, size, fold(self.hashes[:size]), case_maps.root(self.places(size))).sign(key)

    def cases(self) -> dict[str, list[int]]:
        """Return where the events of each case stand, in their order."""
        found: dict[str, list[int]] = {}
        for at, each in enumerate(self.filed):
            if each:
                found.setdefault(each.case_id, []).append(at)
        return found

    def receipt(
        self,
        indices: Iterable[int],
        size: int | None = None,
        *,
        whole: bool = True,
        held: int = 0,
        anchored: bool = True,
    ) -> Receipt:
        """Return the receipt of some leaves; ``whole`` proves that the last one is the last of its case."""
        size = size or self.size
        indices = list(indices)
        entries = [self._entry(at, size) for at in indices]
        last = self.filed[indices[-1]]
        case_id = last.case_id if last else ""
        return {
            "format": "ledger-automation/receipt/v1",
            "entries": entries,
            "checkpoint": self.note(size),
            "case_map_proof": [*encode_proof(case_maps.siblings(self.places(size), case_id))] if whole else None,
            "anchor": CLAIM if anchored else None,
            "extension": self.extension(held, size) if held else None,
        }

    def erased(self, indices: Iterable[int], gone: Iterable[int], decisions: Iterable[int]) -> Receipt:
        """Return the receipt of a case some of whose steps (by sequence) were erased."""
        indices, gone = list(indices), set(gone)
        receipt = self.receipt(indices)
        last = self.filed[indices[-1]]
        steps = [self._entry(at, self.size) for at in indices]
        receipt["entries"] = [entry for sequence, entry in enumerate(steps) if sequence not in gone]
        receipt["erasure"] = {
            "case_id": last.case_id if last else "",
            "steps": [self._trace(indices[sequence], sequence) for sequence in sorted(gone)],
            "decisions": [self._entry(at, self.size) for at in decisions],
        }
        return receipt

    def _trace(self, at: int, sequence: int) -> dict[str, Any]:
        filed = self.filed[at]
        assert filed is not None
        proof = [*encode_proof(inclusion_proof(self.node, at, self.size))]
        return {"sequence": sequence, "commitment": filed.commitment.hex(), "leaf_index": at, "inclusion_proof": proof}

    def decisions(self) -> dict[tuple[str, int | None], int]:
        """Return where the log's own case decides on an erasure, by case and step."""
        found = {}
        for at, each in enumerate(self.filed):
            event = json.loads(each.text) if each else {}
            if event.get("action") == "record_erasure":
                found[event["payload"]["case_id"], event["payload"]["sequence"]] = at
        return found

    def absence(self, case_id: str, size: int | None = None) -> Receipt:
        """Return the proof that a log of a size has no such case."""
        size = size or self.size
        other, siblings = case_maps.beside(self.places(size), case_id)
        return {
            "format": "ledger-automation/absence/v1",
            "case_id": case_id,
            "other": other,
            "case_map_proof": [*encode_proof(siblings)],
            "checkpoint": self.note(size),
            "anchor": CLAIM,
        }

    def extension(self, held: int, size: int) -> dict[str, Any]:
        return {"first_size": held, "consistency_proof": [*encode_proof(consistency_proof(self.node, held, size))]}

    def _entry(self, at: int, size: int) -> dict[str, Any]:
        filed = self.filed[at]
        assert filed is not None
        return {
            "event": filed.text,
            "salt": filed.salt.hex(),
            "leaf_index": at,
            "inclusion_proof": [*encode_proof(inclusion_proof(self.node, at, size))],
        }


def archive(seed: int = 1) -> Archive:
    """Return a log in which the cases of every workflow run beside each other, among other people's leaves."""
    random = Random(seed)
    waiting = [list(_filed(name, trail, random)) for name, trail in _trails()]
    named = [case[0].case_id for case in waiting]
    waiting.append(list(_filed(LOG, _own(named), random)))
    leaves: list[Filed | None] = []
    while waiting:
        case = random.choice(waiting)
        leaves.append(case.pop(0))
        leaves += [None] * random.choice((0, 0, 1))
        waiting = [each for each in waiting if each]
    return Archive(leaves, random)


def _trails() -> list[tuple[str, list[Move]]]:
    path = Path(ROOT) / "tests" / "integration" / "api" / "trails.json"
    return [(name, trail) for name, trails in read(path.read_text("utf-8")).items() for trail in trails]


def _own(cases: list[str]) -> list[Move]:
    """Return the log's own case, which decides that some cases are erased, and single steps of others."""
    moves: list[tuple[str, dict[str, Any]]] = [("open_log", {}), ("record_heartbeat", {})]
    moves.append(("announce_key", {"name": "a.example", "public_key": "\u00e9\u2028\U0001f986"}))
    for number, case_id in enumerate(cases[:6]):
        sequence = None if number % 2 else 1
        moves.append(("record_erasure", {"case_id": case_id, "legal_basis": "Art. 17 GDPR", "sequence": sequence}))
    system = Actor("sequencer", "system")
    return [Move(Command(name, system, payload), NOON + timedelta(days=at)) for at, (name, payload) in enumerate(moves)]


def _filed(name: str, trail: list[Move], random: Random) -> Iterable[Filed]:
    case_id = log_case_id(ORIGIN) if name == LOG else CaseId(str(uuid.UUID(bytes=random.randbytes(16), version=4)))
    standing = Standing(case_id, workflow(name), Level.LOGGED)
    recorder = Recorder(ORIGIN, lambda: NOON)
    for command, at in trail:
        document = DocumentRecord("Plan (ä).pdf", "application/pdf", random.randbytes(9))
        documents = (document,) if random.random() < 0.2 else ()
        event, case = recorder.draft(standing, Intent(command, at, documents))
        step, standing = recorder.complete(standing, case, event, random.randbytes(32), documents)
        yield Filed(event.case_id, event.sequence, step.canonical.decode(), step.salt, step.commitment)
