"""Reading the registry: which chain this is, what is anchored, what one transaction did.

Implements `verify.sources.ChainSource` for one pinned address, through one node. Nothing here signs, sends or believes:
evidence is what the node says, and counts only where the pinned contract itself emitted the event.
"""

import re
from typing import Final

from eth_utils.crypto import keccak

from ledger_automation.errors import InvalidValue, Misconfigured, Unreachable
from ledger_automation.rpc import ledgers
from ledger_automation.rpc.interface import Interface, checksummed
from ledger_automation.rpc.node import Log, Node
from ledger_automation.values import Digest
from ledger_automation.verify.sources import AnchoredCheckpoint, AnchorEvidence, ChainIdentity

_TRANSACTION: Final = re.compile(r"0x[0-9a-f]{64}")
_TOPICS: Final = 3
_REGISTRY: Final = Interface(
    [
        {
            "type": "function",
            "name": "latest",
            "inputs": [{"name": "origin", "type": "bytes32"}],
            "outputs": [
                {"name": "treeSize", "type": "uint64"},
                {"name": "rootHash", "type": "bytes32"},
                {"name": "caseMapRoot", "type": "bytes32"},
            ],
        },
        {
            "type": "event",
            "name": "CheckpointAnchored",
            "inputs": [
                {"name": "origin", "type": "bytes32", "indexed": True},
                {"name": "treeSize", "type": "uint64", "indexed": True},
                {"name": "rootHash", "type": "bytes32", "indexed": False},
                {"name": "caseMapRoot", "type": "bytes32", "indexed": False},
                {"name": "previousSize", "type": "uint64", "indexed": False},
            ],
        },
    ]
)
"""What a reader asks of ``ICheckpointRegistry``; the struct of three static words is encoded as the words are."""


class Reader:
    """The registry at one address, read through one node."""

    def __init__(self, node: Node, address: str) -> None:
        self.address = checksummed(address)
        self._node = node

    def identity(self) -> ChainIdentity:
        """Return what is really there now; an address without code has the hash of nothing."""
        genesis = self._node.block_hash(0)
        if genesis is None:
            raise Unreachable(f"The chain at {self._node.endpoint} did not answer: it has no first block.")
        return ChainIdentity(self._node.chain_id(), genesis, self.address, self.code_hash(self.address))

    def latest(self, origin: bytes) -> AnchoredCheckpoint | None:
        """Return an origin's newest checkpoint, None where nothing was anchored."""
        return self._latest(origin, None)

    def settled(self, origin: bytes, confirmations: int) -> AnchoredCheckpoint | None:
        """Return what was an origin's newest checkpoint when the block of so many confirmations was the newest."""
        block = self._node.head() - confirmations + 1
        return self._latest(origin, block) if block >= 0 else None

    def _latest(self, origin: bytes, block: int | None) -> AnchoredCheckpoint | None:
        """Ask the contract in one call rather than by three reads of storage, which could straddle a block."""
        answer = self._node.call(self.address, _REGISTRY.encode("latest", [Digest(origin)]), block)
        if answer is None:
            raise Misconfigured(f"The contract at {self.address} is not the registry: it reverts.")
        if not answer and block is not None:
            return None  # in that block there was no contract yet
        tree_size, root_hash, case_map_root = _REGISTRY.decode("latest", answer)
        return AnchoredCheckpoint(tree_size, root_hash, case_map_root) if tree_size else None

    def evidence(self, transaction: str, origin: bytes) -> AnchorEvidence | None:
        """Return what the chain knows of a transaction (0x hex), None where it was not mined."""
        if not _TRANSACTION.fullmatch(transaction):
            raise InvalidValue("A transaction", transaction, "a hash of 64 lower-case hex digits after 0x")
        found = self._node.outcome(transaction)
        if found is None:
            return None
        return AnchorEvidence(
            transaction=transaction,
            block_number=found.block_number,
            block_hash=found.block_hash,
            succeeded=found.succeeded,
            anchored=self._anchored(found.logs, Digest(origin)) if found.succeeded else None,
            # A node behind a load balancer may know the receipt and not yet the block: never less than none.
            confirmations=max(0, self._node.head() - found.block_number + 1),
        )

    def block_hash(self, number: int) -> str | None:
        """Return the hash of the block of a number."""
        return self._node.block_hash(number)

    def code_hash(self, contract: str) -> str:
        """Return what code is at an address."""
        return f"0x{keccak(self._node.code(checksummed(contract))).hex()}"

    def standing(self, contract: str, case_key: bytes) -> int:
        """Return a ledger's word of a case; raises Misconfigured for the answer of something else."""
        return ledgers.standing(self._node, contract, case_key)

    def took(self, contract: str, word: int) -> bool:
        """Tell whether a ledger ever took the step that led to a standing."""
        return ledgers.taken(self._node, contract, word) is not None

    def seated(self, contract: str) -> frozenset[tuple[int, bytes]]:
        """Return everybody who ever had a seat in a ledger."""
        return ledgers.seated(self._node, contract)

    def _anchored(self, logs: tuple[Log, ...], origin: bytes) -> AnchoredCheckpoint | None:
        """Read the one event of this contract for this origin; two would leave open which of them is meant."""
        topics = (_REGISTRY.topic("CheckpointAnchored"), origin)
        emitted = [each for each in logs if each.contract == self.address.lower() and len(each.topics) == _TOPICS]
        ours = [each for each in emitted if each.topics[:2] == topics]
        if len(ours) != 1:
            return None
        root_hash, case_map_root, _ = _REGISTRY.data("CheckpointAnchored", ours[0].data)
        return AnchoredCheckpoint(int.from_bytes(ours[0].topics[2], "big"), root_hash, case_map_root)
