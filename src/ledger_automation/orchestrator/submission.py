"""What is sent to a chain, and what becomes of it: the records that the lane keeps, and the alarms that it rings.

A submission is one signed transaction, for a checkpoint or for one step of an enforced case. Who stores it, and how a
chain is asked, stands in `ports`; what is done about it, in `submit`.
"""

from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec


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
    AUDIT = "audit"
    WEBHOOK = "webhook"
    WITNESS = "witness"


class Alarm(msgspec.Struct, frozen=True):
    """One alarm: what about (a subject's key, an address, a chain), in one sentence, with its facts."""

    kind: AlarmKind
    about: str
    sentence: str
    facts: dict[str, Any] = {}


Listen = Callable[[Alarm], None]
"""Told of each alarm after it is stored."""
