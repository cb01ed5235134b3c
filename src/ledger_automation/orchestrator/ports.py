"""What the use cases need of the outside: a store to write to, a chain to send to and to anchor on.

A unit of work is one transaction. Everything that belongs together is written inside one and committed once, at the
edge; leaving the block without a commit leaves nothing behind. For each port one behaviour suite in
``tests/behaviours`` runs against every adapter.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from ledger_automation.audit.enforced import Domain, EnforcedStep
from ledger_automation.audit.event import AuditEvent
from ledger_automation.merkle.tree import Frontier, StoredNode
from ledger_automation.orchestrator.observed import Look, Reception, Trace
from ledger_automation.verify.sources import (
    AnchoredCheckpoint,
    CaseRecord,
    CaseSource,
    ChainSource,
    CheckpointRecord,
    DocumentRecord,
    LogSource,
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


class Subject(msgspec.Struct, frozen=True):
    """What a transaction is sent for: the checkpoint of a size, or one step of a case.

    ``call`` tells a step from another one that was signed for the same place: what became of the one says nothing of
    the other.
    """

    tree_size: int | None = None
    case_id: str | None = None
    sequence: int | None = None
    call: str = ""

    @property
    def key(self) -> str:
        """Name it in one stable text."""
        if self.tree_size is not None:
            return f"checkpoint/{self.tree_size}"
        return f"step/{self.case_id}/{self.sequence}/{self.call}"


class Call(msgspec.Struct, frozen=True):
    """A call of a contract. ``gas`` is a limit known to do; 0 asks the chain for one."""

    contract: str
    data: bytes
    gas: int = 0

    @property
    def short(self) -> str:
        """Tell it from other calls: 16 hex digits of its SHA-256."""
        return sha256(self.contract.encode() + self.data).hexdigest()[:16]


class HeldStep(NamedTuple):
    """A signed step on its way to its contract: everything that is needed to send it, and to record it afterwards.

    ``documents`` are `DocumentRecord`s as MessagePack.
    """

    case_id: str
    sequence: int
    salt: bytes
    canonical: bytes
    documents: bytes
    call: Call

    @property
    def subject(self) -> Subject:
        """What its transactions are sent for."""
        return Subject(case_id=self.case_id, sequence=self.sequence, call=self.call.short)


class SignedSubmission(msgspec.Struct, frozen=True):
    """One signed transaction: to be stored before it is sent, and sent again as it is."""

    transaction: str
    raw: bytes
    sender: str
    nonce: int


class State(StrEnum):
    """What the database says of a submission; the words are stored.

    ``confirmed_missing_receipt``: its nonce is used, and the node cannot show what for. ``replaced``: the same call was
    signed again with a better fee, and that one was mined. ``displaced``: somebody else's transaction took its nonce.
    """

    PENDING = "pending"
    MISSING_RECEIPT = "confirmed_missing_receipt"
    ANCHORED = "anchored"
    FINAL = "final"
    REVERTED = "reverted"
    REPLACED = "replaced"
    DISPLACED = "displaced"
    LOST = "lost"


OPEN: Final = (State.PENDING, State.MISSING_RECEIPT, State.ANCHORED)
"""What may still change by itself."""


class Submission(msgspec.Struct, frozen=True):
    """A stored submission. ``attempt`` counts from 1 the fees tried for one nonce.

    ``sent_block`` is the head when it was last sent: patience is counted in blocks, since clocks lie.
    """

    signed: SignedSubmission
    subject: Subject
    chain_id: int
    contract: str
    attempt: int
    sent_block: int
    state: State = State.PENDING
    block_number: int | None = None
    block_hash: str | None = None


class AlarmKind(StrEnum):
    """What a person should hear of; the words are stored."""

    LOW_FUNDS = "low_funds"
    FEE_CAP = "fee_cap"
    STUCK = "stuck"
    NONCE_TAKEN = "nonce_taken"
    REVERTED = "reverted"
    MISSING_RECEIPT = "missing_receipt"
    REORGANISED = "reorganised"
    FINAL_CONTRADICTED = "final_contradicted"
    OTHER_CHAIN = "other_chain"
    HELD_STEP = "held_step"


class Alarm(msgspec.Struct, frozen=True):
    """One alarm: what about (a subject's key, an address, a chain), in one sentence, with its facts."""

    kind: AlarmKind
    about: str
    sentence: str
    facts: dict[str, Any] = {}


Listen = Callable[[Alarm], None]
"""Told of each alarm after it is stored."""


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

    def update(self, submission: Submission) -> None:
        """Write down what became of a submission: state, block, and when it was last sent."""
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

    @property
    def steps(self) -> HeldStepStore:
        """Signed steps on their way to a contract."""
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


class CaseLedgers(Protocol):
    """The contracts that enforce laws, by workflow. Every method raises Unreachable when no node answers.

    A workflow without a contract raises NotFound.
    """

    def domain(self, name: str) -> Domain:
        """Return where signatures for a workflow count."""
        ...

    def standing(self, name: str, case_key: bytes) -> int:
        """Return the contract's word of a case: head (216 bits) | steps taken (32) | state (8); 0 for none."""
        ...

    def taken(self, name: str, word: int) -> int | None:
        """Return the block in which a step led its case to a standing, whoever relayed it; None where none did."""
        ...

    def call(self, name: str, step: EnforcedStep, signature: bytes) -> Call:
        """Return the relay of a signed step as a call."""
        ...


class ActorKeys(Protocol):
    """Whoever signs for an actor: a key at hand, a wallet, a passkey."""

    def sign(self, actor_id: str, digest: bytes) -> tuple[bytes, bytes]:
        """Return the actor's signer (ERC-7913 bytes) and its signature of 32 bytes.

        Raises Misconfigured where the actor cannot sign here.
        """
        ...
