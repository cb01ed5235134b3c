"""What the use cases need of the outside: a store to write to, a chain to send to and to anchor on.

A unit of work is one transaction. Everything that belongs together is written inside one and committed once, at the
edge; leaving the block without a commit leaves nothing behind. For each port one behaviour suite in
``tests/behaviours`` runs against every adapter.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import msgspec

from ledger_automation.audit.event import AuditEvent
from ledger_automation.merkle.tree import Frontier, StoredNode
from ledger_automation.orchestrator.asked import Answer, Asked, Found, MemberStore
from ledger_automation.orchestrator.audits import AuditRunStore
from ledger_automation.orchestrator.case_map import CaseMapStore
from ledger_automation.orchestrator.cosignatures import CosignatureStore
from ledger_automation.orchestrator.observed import Look, Reception, Trace
from ledger_automation.orchestrator.passkey import PasskeyStore
from ledger_automation.orchestrator.receivers import WebhookStore
from ledger_automation.orchestrator.session import SessionStore
from ledger_automation.orchestrator.submission import (
    Alarm,
    AlarmKind,
    Call,
    HeldStep,
    SignedSubmission,
    Subject,
    Submission,
)
from ledger_automation.orchestrator.uploads import UploadStore
from ledger_automation.verify.shares import Readers
from ledger_automation.verify.sources import (
    AnchoredCheckpoint,
    CaseRecord,
    CaseSource,
    ChainSource,
    CheckpointRecord,
    DocumentRecord,
    LeafRecord,
    LogSource,
    StoreSource,
)


class RecordedStep(NamedTuple):
    """One lawful step, ready to be stored: the case after it, the event, and what opens its commitment.

    ``parties`` are those whose own case it has become by this step.
    """

    case: CaseRecord
    event: AuditEvent
    canonical: bytes
    salt: bytes
    commitment: bytes
    documents: tuple[DocumentRecord, ...]
    parties: tuple[str, ...] = ()


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


class CaseStore(CaseSource, Protocol):
    """Cases and events, to write."""

    def case(self, case_id: str) -> CaseRecord | None:
        """Return one case's row."""
        ...

    def known(self, case_ids: Sequence[str]) -> dict[str, CaseRecord]:
        """Return the rows of those cases that there are, by id."""
        ...

    def page(self, workflow: str, party: str | None, after: str, limit: int) -> list[CaseRecord]:
        """Return cases of a workflow in the order of their ids, from behind one; with ``party``, its own ones only."""
        ...

    def oldest(self, workflow: str, states: Collection[str], before: str, limit: int) -> list[CaseRecord]:
        """Return cases of a workflow that came to one of some states before a moment, the oldest first."""
        ...

    def forget(self, case_ids: Collection[str]) -> None:
        """Destroy what the law remembers of cases whose content is destroyed; they do not go on from there."""
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

    def tile(self, level: int, number: int, width: int) -> list[bytes]:
        """Return the first hashes of a tile (C2SP tlog-tiles; level 0: leaves), as many of the width as there are."""
        ...

    def entries(self, start: int, length: int) -> list[bytes]:
        """Return the commitments under leaves from an index on, in order, as many of the length as there are."""
        ...

    def place(self, index: int) -> LeafRecord | None:
        """Return one leaf with whose it is."""
        ...

    def final_size(self) -> int:
        """Return how many leaves are on the chain with all confirmations; 0 while none is."""
        ...

    def recent(self, count: int) -> list[CheckpointRecord]:
        """Return the newest checkpoints, the newest first."""
        ...

    def append(self, leaves: Sequence[NewLeaf], nodes: Sequence[StoredNode]) -> None:
        """Store leaves and nodes. MUST raise Conflict when somebody else wrote a leaf of these indices."""
        ...

    def sign_off(self, checkpoint: CheckpointRecord) -> None:
        """Store a checkpoint. MUST raise Conflict when there is one of its size."""
        ...


class AlarmStore(Protocol):
    """Alarms, each standing until what it is about is over."""

    def ring(self, alarm: Alarm, at: str) -> bool:
        """Store an alarm. MUST return False, and count only, where the same kind already stands about the same."""
        ...

    def alarms(self) -> list[Alarm]:
        """Return what stands, oldest first."""
        ...

    def quiet(self, kind: AlarmKind, about: str) -> None:
        """Let an alarm stand no longer; its row stays."""
        ...


class AnchorStore(AlarmStore, Protocol):
    """What was sent to the chain."""

    def add(self, submission: Submission) -> None:
        """Store a submission; it is committed before it is sent.

        MUST raise Conflict where its subject has an open or final one of another nonce, or where its nonce is open for
        another subject.
        """
        ...

    def update(self, before: Sequence[Submission], after: Sequence[Submission]) -> bool:
        """Write down what became of all that was signed for one nonce: states, blocks, and when each was last sent.

        MUST return False, and change nothing, where ``before`` is not what `unsettled` says of that nonce any more:
        another process wrote or signed since, and what was concluded from ``before`` may be wrong.
        """
        ...

    def of(self, subject: Subject) -> list[Submission]:
        """Return everything that was ever signed for a subject, in order of nonce and attempt."""
        ...

    def unsettled(self, chain_id: int) -> list[Submission]:
        """Return what is open on a chain, with what it replaced or was replaced by; in order of nonce and attempt."""
        ...

    def last_final(self, chain_id: int) -> Submission | None:
        """Return the final submission in the highest block of a chain."""
        ...

    def last_anchored(self, chain_id: int) -> int:
        """Return the largest size whose checkpoint is final on a chain; 0 for none."""
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


class HeldStepStore(Protocol):
    """Signed steps that their contract has not decided yet, or has refused while they still may be used."""

    def hold(self, step: HeldStep) -> None:
        """Store a step. MUST raise Conflict where another step of its case is held."""
        ...

    def held(self) -> list[HeldStep]:
        """Return all that are held."""
        ...

    def refuse(self, step: HeldStep) -> None:
        """Hold a step no longer, and keep it: its contract refused it, and may yet be shown it again by anybody."""
        ...

    def refused(self) -> list[HeldStep]:
        """Return all that were refused."""
        ...

    def release(self, step: HeldStep) -> None:
        """Forget a step. MUST leave another step of the same case alone."""
        ...


class RequestStore(Protocol):
    """What is asked for, and what it was answered."""

    def look(self, group: Sequence[Asked]) -> list[Found]:
        """Return what is known of each request; MUST lock the cases until the unit ends, unless the unit is brief."""
        ...

    def record(self, steps: Sequence[RecordedStep], answers: Sequence[Answer]) -> frozenset[str]:
        """Store steps of as many cases, each with its answer, and the answers without a step.

        Where a case is not where its step expects it, either MUST store nothing of that step and return the case, or
        raise Conflict and store nothing in this unit. MUST raise Conflict where a key was answered meanwhile.
        """
        ...

    def answer(self, answers: Sequence[Answer]) -> None:
        """Store answers. MUST raise Conflict, and store nothing in this unit, where a key was answered meanwhile."""
        ...

    def purge(self, before: str) -> int:
        """Forget answers older than a moment; return how many."""
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
    def case_map(self) -> CaseMapStore:
        """Tiles of the case map."""
        ...

    @property
    def anchors(self) -> AnchorStore:
        """Submissions to the chain."""
        ...

    @property
    def intake(self) -> IntakeStore:
        """Replays of files."""
        ...

    @property
    def steps(self) -> HeldStepStore:
        """Signed steps on their way to a contract."""
        ...

    @property
    def members(self) -> MemberStore:
        """Who may act."""
        ...

    @property
    def requests(self) -> RequestStore:
        """What was asked for, and answered."""
        ...

    @property
    def soundness(self) -> StoreSource:
        """Whether the database itself can be relied on."""
        ...

    @property
    def readers(self) -> Readers:
        """Who else can read this snapshot."""
        ...

    @property
    def uploads(self) -> UploadStore:
        """Documents that wait for their step."""
        ...

    @property
    def webhooks(self) -> WebhookStore:
        """Who is told of what happens."""
        ...

    @property
    def audits(self) -> AuditRunStore:
        """What audits found."""
        ...

    @property
    def sessions(self) -> SessionStore:
        """Who is signed in by a browser."""
        ...

    @property
    def passkeys(self) -> PasskeyStore:
        """With which passkeys people sign."""
        ...

    @property
    def cosignatures(self) -> CosignatureStore:
        """What witnesses said."""
        ...

    def commit(self) -> None:
        """Make everything durable; afterwards nothing more may be written in this unit."""
        ...


Begin = Callable[[], AbstractContextManager[UnitOfWork]]
"""Opens a unit of work that may write; without `UnitOfWork.commit` nothing of it stays."""


class TransactionChain(Protocol):
    """A chain to send to, with one key. Every method raises Unreachable when no node answers."""

    def look(self, known_block: int | None) -> Look:
        """Return what the node says now, and the hash of a block that was known before."""
        ...

    def sign(self, call: Call, nonce: int) -> SignedSubmission:
        """Sign a call; MUST NOT send anything.

        MUST simulate the call first: raises ChainRefused with the contract's custom error when it would revert, and
        GasLimitExceeded when it does not fit.
        """
        ...

    def bump(self, submission: SignedSubmission) -> SignedSubmission | None:
        """Sign the same call under the same nonce for at least 10 % more; None where that would exceed the cap."""
        ...

    def broadcast(self, submission: SignedSubmission) -> Reception:
        """Send the stored bytes. MUST be safe to repeat: a transaction that the node already knows has arrived."""
        ...

    def trace(self, submission: SignedSubmission) -> Trace:
        """Return what became of a transaction, by its hash and by its nonce."""
        ...


class CheckpointAnchor(ChainSource, TransactionChain, Protocol):
    """A chain to anchor on."""

    def call(self, origin: bytes, previous_size: int, checkpoint: AnchoredCheckpoint, proof: Sequence[bytes]) -> Call:
        """Return the registry's ``anchor(...)`` as a call."""
        ...
