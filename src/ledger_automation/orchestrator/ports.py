"""What the use cases need of the outside: a chain to anchor on and a store to write to."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ledger_automation.verify.sources import AnchoredCheckpoint, ChainSource


class SignedSubmission(msgspec.Struct, frozen=True):
    """One signed transaction: to be stored before it is sent, and sent again as it is."""

    transaction: str
    raw: bytes
    sender: str
    nonce: int


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
