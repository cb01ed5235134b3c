"""What a node says, as the lane hears it (spec/faults.md, section 3). Nothing here is believed before it is weighed.

Weighing is the business of `submit` and `watch`; how a node is asked, that of the adapter behind `TransactionChain`.
"""

from enum import StrEnum

import msgspec

from ledger_automation.verify.sources import ChainIdentity


class Look(msgspec.Struct, frozen=True):
    """What a node says at one moment.

    ``mined`` counts the sender's transactions in blocks. ``finalized`` is the chain's own final block, None where its
    word for it means nothing. ``known_hash`` is the hash of the block that was asked for, None where the node has none.
    ``batches`` is how many of the dearest transactions the sender can pay, None where they are ``free``.
    """

    identity: ChainIdentity
    sender: str
    mined: int
    head: int
    finalized: int | None
    known_hash: str | None
    batches: int | None
    free: bool


class Fate(StrEnum):
    """What a node can show of signed bytes."""

    MINED = "mined"
    REVERTED = "reverted"
    WAITING = "waiting"
    ABSENT = "absent"
    UNRECEIPTED = "unreceipted"
    DISPLACED = "displaced"


class Trace(msgspec.Struct, frozen=True):
    """The fate of one transaction; ``by`` is the transaction that took its nonce."""

    fate: Fate
    block_number: int | None = None
    block_hash: str | None = None
    by: str = ""


class Reception(StrEnum):
    """What a node said when bytes were sent: it has them; the fee is too low; the nonce is used."""

    ARRIVED = "arrived"
    UNDERPRICED = "underpriced"
    PASSED_OVER = "passed_over"
