"""What the verifier must be told, and by whom: the protocols of its sources, and the records they return.

The verifier does no I/O. Whoever runs it hands it a `LogSource` (a database, a file) and a `ChainSource` (a node); each
record is what that source claims, and nothing of it is believed before it is checked.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from ledger_automation.errors import Unreachable
from ledger_automation.merkle.tree import StoredNode
from ledger_automation.tlog.case_map import Head
from ledger_automation.verify.verdict import Finding


class EventRecord(NamedTuple):
    """An event's row with what hangs on it. Content is None once erased, the leaf is None until sequenced.

    The fields ``case_id`` to ``amount`` are the queryable columns, in the order of `COLUMNS`; ``documents`` counts the
    stored attachments; ``leaf_case_id`` and ``leaf_sequence`` are whose leaf it is. Any field may hold anything: it is
    what a database says.
    """

    event_id: int
    case_id: str
    sequence: int
    workflow: str
    action: str
    to_state: str
    actor_id: str
    actor_role: str
    occurred_at: str
    recorded_at: str
    amount: int | None
    commitment: bytes
    salt: bytes | None
    canonical: bytes | None
    checksum: int | None
    documents: int
    leaf_index: int | None
    leaf_hash: bytes | None
    leaf_case_id: str | None
    leaf_sequence: int | None


COLUMNS = EventRecord._fields[1:11]
"""The queryable columns, which the canonical bytes must repeat."""


FORGOTTEN: Final = b""
"""What the law remembers of a case whose content was destroyed, all of it."""


class CaseRecord(NamedTuple):
    """A case's row: the projection that its events must lead to."""

    case_id: str
    workflow: str
    workflow_version: int
    level: str
    state: str
    sequence: int
    at: str
    head: bytes
    data: bytes


Trail = tuple[str, CaseRecord | None, list[EventRecord]]
"""A case: its id, its row, and all its events by column ``sequence``."""


class DocumentRecord(NamedTuple):
    """A stored attachment."""

    name: str
    media_type: str
    content: bytes


class LeafRecord(NamedTuple):
    """A place in the log, and whose it is."""

    leaf_index: int
    event_id: int
    case_id: str
    sequence: int
    leaf_hash: bytes


class Edge(NamedTuple):
    """The highest event id (0: none), and when the newest event that has a leaf was recorded ("": none has)."""

    last_event: int
    last_recorded: str


class CheckpointRecord(NamedTuple):
    """A stored checkpoint: two columns and the signed note."""

    tree_size: int
    root_hash: bytes
    note: str
    created_at: str


class CosignatureRecord(NamedTuple):
    """One witness (its verifier key) on one checkpoint; ``line`` ends in a newline, ``at`` is when it was received."""

    tree_size: int
    witness: str
    line: str
    at: str


class SubmissionRecord(NamedTuple):
    """What the database says was sent to a chain for the checkpoint of a size, and what became of it."""

    transaction: str
    tree_size: int
    chain_id: int
    contract: str
    state: str
    block_number: int | None
    block_hash: str | None


class CaseSource(Protocol):
    """Cases and their events, from one snapshot."""

    def trail(self, case_id: str) -> list[EventRecord]:
        """Return one case's events in order of their column ``sequence``."""
        ...

    def trails(self, after_event: int, after_leaf: int) -> Iterator[Trail]:
        """Yield case by case: id, row and all events by column ``sequence``.

        Cases without events and events without a case are yielded too; any order of cases will do. With positive
        bounds, only cases with an event whose id is above ``after_event`` or with a leaf from ``after_leaf`` on, and
        those of level ``enforced``, whose contracts may have moved on by themselves.
        """
        ...

    def documents(self, event_id: int) -> list[DocumentRecord]:
        """Return the attachments of an event in order."""
        ...


class LogSource(Protocol):
    """The log, from the same snapshot."""

    def edge(self) -> Edge:
        """Return how far events and log have come."""
        ...

    def orphans(self, start: int) -> Iterator[LeafRecord]:
        """Yield leaves from an index on whose event's row is gone."""
        ...

    def leaves(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Yield (leaf index, leaf hash) from an index on, in order."""
        ...

    def places(self, start: int) -> Iterator[LeafRecord]:
        """Yield leaves with whose they are from an index on, in order."""
        ...

    def map_tiles_at(self, paths: Sequence[str], size: int) -> Mapping[str, bytes]:
        """Return those of some tiles that are stored for a size."""
        ...

    def map_versions(self) -> Iterator[tuple[int, str, bytes]]:
        """Yield every stored tile of the case map: (size from which on it is so, path, tile), in order of paths."""
        ...

    def heads(self, case_ids: Sequence[str], size: int) -> dict[str, Head]:
        """Return the last leaf below a size of those cases that have one."""
        ...

    def nodes(self, level: int, start: int) -> Iterator[StoredNode]:
        """Yield the stored nodes of a level from a number on, in order."""
        ...

    def checkpoints(self, after_size: int) -> Iterator[CheckpointRecord]:
        """Yield checkpoints of more than a size, in order."""
        ...

    def cosignatures(self, after_size: int) -> Iterator[CosignatureRecord]:
        """Yield cosignatures of checkpoints of more than a size, in order of size and witness."""
        ...

    def submissions(self, after_size: int) -> Iterator[SubmissionRecord]:
        """Yield submissions for checkpoints of more than a size, in order of size."""
        ...


class Soundness(NamedTuple):
    """What is wrong with a database itself, and whether anything can be read through it all the same.

    ``follows`` tells a replica, which may be behind whatever it follows.
    """

    findings: tuple[Finding, ...] = ()
    readable: bool = True
    follows: bool = False


class StoreSource(Protocol):
    """The database that cases and log are read from."""

    def look(self, *, whole: bool) -> Soundness:
        """Look at its shape; if ``whole``, also at every page and every unique index."""
        ...


CLAIMED: Final = ("anchored", "final")
"""The states of a submission that the chain must confirm."""


class ChainIdentity(msgspec.Struct, frozen=True):
    """Which chain and which contract: pinned by the verifier's policy, never taken from a receipt.

    ``genesis_hash`` and ``registry_code_hash`` (keccak-256 of the deployed code) are 0x-prefixed lower-case hex,
    ``registry`` is a checksummed address (ERC-55).
    """

    chain_id: int
    genesis_hash: str
    registry: str
    registry_code_hash: str


class LedgerPin(msgspec.Struct, frozen=True):
    """Which contract enforces a workflow: its address (ERC-55) and the keccak-256 of its code (0x hex)."""

    contract: str
    code_hash: str


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

    def settled(self, origin: bytes, confirmations: int) -> AnchoredCheckpoint | None:
        """Return the newest one that has so many confirmations (1: in the newest block), or None."""
        ...

    def evidence(self, transaction: str, origin: bytes) -> AnchorEvidence | None:
        """Return what the chain knows of a transaction (0x hex), None where it was not mined."""
        ...

    def block_hash(self, number: int) -> str | None:
        """Return the hash of the block of a number (0x hex), None where the chain has not come so far."""
        ...

    def code_hash(self, contract: str) -> str:
        """Return keccak-256 of the code at an address (0x hex)."""
        ...

    def standing(self, contract: str, case_key: bytes) -> int:
        """Return the word that a workflow's contract holds of a case: head, steps taken, state; 0 for none."""
        ...

    def took(self, contract: str, word: int) -> bool:
        """Tell whether a workflow's contract ever took the step that led a case to this word."""
        ...

    def seated(self, contract: str) -> frozenset[tuple[int, bytes]]:
        """Return everybody who ever had a seat in a workflow's contract: the member's number, and its signer."""
        ...


class NoChain:
    """A chain that cannot be asked, and why: every question raises Unreachable with that sentence."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def identity(self) -> ChainIdentity:
        """Raise Unreachable."""
        raise Unreachable(self._sentence)

    def latest(self, origin: bytes) -> AnchoredCheckpoint | None:  # noqa: ARG002
        """Raise Unreachable."""
        raise Unreachable(self._sentence)

    def settled(self, origin: bytes, confirmations: int) -> AnchoredCheckpoint | None:  # noqa: ARG002
        """Raise Unreachable."""
        raise Unreachable(self._sentence)

    def evidence(self, transaction: str, origin: bytes) -> AnchorEvidence | None:  # noqa: ARG002
        """Raise Unreachable."""
        raise Unreachable(self._sentence)

    def block_hash(self, number: int) -> str | None:  # noqa: ARG002
        """Raise Unreachable."""
        raise Unreachable(self._sentence)

    def code_hash(self, contract: str) -> str:  # noqa: ARG002
        """Raise Unreachable."""
        raise Unreachable(self._sentence)

    def standing(self, contract: str, case_key: bytes) -> int:  # noqa: ARG002
        """Raise Unreachable."""
        raise Unreachable(self._sentence)

    def took(self, contract: str, word: int) -> bool:  # noqa: ARG002
        """Raise Unreachable."""
        raise Unreachable(self._sentence)

    def seated(self, contract: str) -> frozenset[tuple[int, bytes]]:  # noqa: ARG002
        """Raise Unreachable."""
        raise Unreachable(self._sentence)
