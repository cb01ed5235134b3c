"""What the verifier must be told, and by whom: the protocols of its sources, and the records they return.

The verifier does no I/O. Whoever runs it hands it a `LogSource` (a database, a file) and a `ChainSource` (a node); each
record is what that source claims, and nothing of it is believed before it is checked.
"""

from typing import Protocol

import msgspec


class ChainIdentity(msgspec.Struct, frozen=True):
    """Which chain and which contract: pinned by the verifier's policy, never taken from a receipt.

    ``genesis_hash`` and ``registry_code_hash`` (keccak-256 of the deployed code) are 0x-prefixed lower-case hex,
    ``registry`` is a checksummed address (ERC-55).
    """

    chain_id: int
    genesis_hash: str
    registry: str
    registry_code_hash: str


class AnchoredCheckpoint(msgspec.Struct, frozen=True):
    """A checkpoint as the registry holds it: size in leaves, two roots of 32 bytes."""

    tree_size: int
    root_hash: bytes
    case_map_root: bytes


class AnchorEvidence(msgspec.Struct, frozen=True):
    """What the chain says of one transaction.

    ``succeeded`` is the receipt's status. ``anchored`` is the checkpoint of the one `CheckpointAnchored` event that the
    pinned registry emitted in it for the pinned origin, None where there is none. ``confirmations`` counts the block
    itself: 1 in the newest block.
    """

    transaction: str
    block_number: int
    block_hash: str
    succeeded: bool
    anchored: AnchoredCheckpoint | None
    confirmations: int


class ChainSource(Protocol):
    """A chain, read only. Every method raises Unreachable when no node answers."""

    def identity(self) -> ChainIdentity:
        """Return what is really there now: chain id, genesis block, contract and its code."""
        ...

    def latest(self, origin: bytes) -> AnchoredCheckpoint | None:
        """Return the newest checkpoint of an origin (SHA-256 of its name) from the contract's storage, or None."""
        ...

    def evidence(self, transaction: str, origin: bytes) -> AnchorEvidence | None:
        """Return what the chain knows of a transaction (0x hex), None where it was not mined."""
        ...
