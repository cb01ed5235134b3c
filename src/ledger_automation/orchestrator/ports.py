"""What the use cases need of the outside: a store to write to, and a chain to anchor on.

A unit of work is one transaction. Everything that belongs together is written inside one and committed once, at the
edge; leaving the block without a commit leaves nothing behind. For each port one behaviour suite in
``tests/behaviours`` runs against every adapter.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import msgspec

from ledger_automation.audit.event import AuditEvent
from ledger_automation.merkle.tree import Frontier, StoredNode
from ledger_automation.verify.sources import (
    AnchoredCheckpoint,
    AnchorEvidence,
    CaseRecord,
    CaseSource,
    ChainSource,
    CheckpointRecord,
    DocumentRecord,
    LogSource,
    SubmissionRecord,
)


class RecordedStep(NamedTuple):
    """One lawful step, ready to be stored: the case after it, the event, and what opens its commitment."""

    case: CaseRecord
    event: AuditEvent
    canonical: bytes
    salt: bytes
    commitment: bytes
    documents: tuple[DocumentRecord, ...]


class PendingEvent(NamedTuple):
    """An event without a leaf."""

    event_id: int
    case_id: str
    sequence: int
    commitment: bytes


class NewLeaf(NamedTuple):
    """A place in the log to be written."""

    leaf_index: int
    event_id: int
    case_id: str
    sequence: int
    leaf_hash: bytes


class IntakeRun(msgspec.Struct, frozen=True):
    """How far the replay of one file has come; ``refusals`` counts by rule.

    ``position`` counts what was read, ``openings`` the opening steps that the mapping added and the file does not hold.
    """

    source: str
    secret: bytes
    position: int = 0
    cases: int = 0
    accepted: int = 0
    ignored: int = 0
    openings: int = 0
    refusals: dict[str, int] = {}

    @property
    def counted(self) -> int:
        """Count the file's events so far: accepted, refused and ignored."""
        return self.accepted + self.ignored + sum(self.refusals.values())


class SignedSubmission(msgspec.Struct, frozen=True):
    """One signed transaction: to be stored before it is sent, and sent again as it is."""

    transaction: str
    raw: bytes
    sender: str
    nonce: int


class CaseStore(CaseSource, Protocol):
    """Cases and events, to write."""

    def case(self, case_id: str) -> CaseRecord | None:
        """Return one case's row."""
        ...

    def known(self, case_ids: Sequence[str]) -> dict[str, CaseRecord]:
        """Return the rows of those cases that there are, by id."""
        ...

    def record(self, steps: Sequence[RecordedStep]) -> None:
        """Store steps, each case's in order.

        MUST raise Conflict, and store nothing of it, when a case is not where its first step expects it.
        """
        ...


class LogStore(LogSource, Protocol):
    """The log, to write. Only the sequencer does."""

    def pending(self, limit: int, *, sweep: bool) -> list[PendingEvent]:
        """Return events of logged cases without a leaf, in order of their ids.

        MUST find every one with ``sweep``; without, it MAY look only behind the last sequenced event.
        """
        ...

    def frontier(self) -> Frontier:
        """Return the log's right edge, read from leaves and nodes."""
        ...

    def subtree(self, level: int, number: int) -> bytes:
        """Return the root of a full subtree (for proofs); raises NotFound."""
        ...

    def append(self, leaves: Sequence[NewLeaf], nodes: Sequence[StoredNode]) -> None:
        """Store leaves and nodes. MUST raise Conflict when somebody else wrote a leaf of these indices."""
        ...

    def sign_off(self, checkpoint: CheckpointRecord) -> None:
        """Store a checkpoint. MUST raise Conflict when there is one of its size."""
        ...


class AnchorStore(Protocol):
    """What was sent to the chain."""

    def add(self, submission: SignedSubmission, tree_size: int, chain_id: int, contract: str) -> None:
        """Store a submission as pending; it is committed before it is sent."""
        ...

    def unsettled(self) -> list[tuple[SignedSubmission, SubmissionRecord]]:
        """Return what is pending or anchored but not final, in the order of sizes."""
        ...

    def settle(self, evidence: AnchorEvidence, state: str) -> None:
        """Write down what the chain says of a submission."""
        ...

    def lose(self, chain_id: int) -> None:
        """Write down that a chain is gone with everything that was sent to it."""
        ...


class IntakeStore(Protocol):
    """How far files were replayed."""

    def run(self, source: str) -> IntakeRun | None:
        """Return a file's run."""
        ...

    def save(self, run: IntakeRun) -> None:
        """Store a file's run."""
        ...


class UnitOfWork(Protocol):
    """One transaction."""

    @property
    def cases(self) -> CaseStore:
        """Cases and events."""
        ...

    @property
    def log(self) -> LogStore:
        """Leaves, nodes and checkpoints."""
        ...

    @property
    def anchors(self) -> AnchorStore:
        """Submissions to the chain."""
        ...

    @property
    def intake(self) -> IntakeStore:
        """Replays of files."""
        ...

    def commit(self) -> None:
        """Make everything durable; afterwards nothing more may be written in this unit."""
        ...


Begin = Callable[[], AbstractContextManager[UnitOfWork]]
"""Opens a unit of work that may write; without `UnitOfWork.commit` nothing of it stays."""


class CheckpointAnchor(ChainSource, Protocol):
    """A chain to anchor on. Every method raises Unreachable when no node answers."""

    def sign(
        self, origin: bytes, previous_size: int, checkpoint: AnchoredCheckpoint, proof: Sequence[bytes]
    ) -> SignedSubmission:
        """Sign ``anchor(...)`` with the next nonce; MUST NOT send anything.

        MUST simulate the call first and raise AnchorRefused with the contract's custom error when it would revert.
        """
        ...

    def broadcast(self, submission: SignedSubmission) -> None:
        """Send the stored bytes. MUST be safe to repeat: a transaction that the node already knows is a success."""
        ...
