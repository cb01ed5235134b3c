"""Reading the registry: which chain this is, what is anchored, what one transaction did.

Implements `verify.sources.ChainSource` for one pinned address. Nothing here signs, sends or believes: evidence is what
the node says, and counts only where the pinned contract itself emitted the event.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from web3.types import TxParams

from ledger_automation.chain import artifacts, creation
from ledger_automation.chain.case_ledger import seated, standing, taken
from ledger_automation.chain.connection import REVERTS, Connection
from ledger_automation.chain.deploy import CONTRACT, identify
from ledger_automation.chain.interface import Interface, checksummed
from ledger_automation.errors import InvalidValue, Misconfigured
from ledger_automation.orchestrator.ports import Call
from ledger_automation.values import Digest
from ledger_automation.verify.sources import AnchoredCheckpoint, AnchorEvidence, ChainIdentity

_TRANSACTION: Final = re.compile(r"0x[0-9a-f]{64}")
_WORD: Final = 32

_FIRST: Final = 125_000
_LATER: Final = 65_000
_GAS_PER_NODE: Final = 3_000
"""Gas limits a quarter above what an origin's first anchor costs, a later one, and a node of a proof, as calldata under
the floor of EIP-7623 and in hashing; held by the gas snapshot. Where a chain counts otherwise its estimate decides."""


class Registry:
    """The registry at one address, read through one node."""

    def __init__(self, connection: Connection, address: str) -> None:
        self.address = checksummed(address)
        self.interface = Interface(artifacts.load(CONTRACT).abi)
        self._connection = connection
        self._topic = self.interface.topic("CheckpointAnchored")

    def identity(self) -> ChainIdentity:
        """Return what is really there now: chain id, genesis block, contract and its code."""
        return identify(self._connection, self.address)

    def call(self, origin: bytes, previous_size: int, checkpoint: AnchoredCheckpoint, proof: Sequence[bytes]) -> Call:
        """Return ``anchor(...)`` as a call; raises InvalidValue for what its types do not hold."""
        roots = (checkpoint.root_hash, checkpoint.case_map_root)
        data = self.interface.encode("anchor", (origin, previous_size, checkpoint.tree_size, *roots, list(proof)))
        gas = _LATER + _GAS_PER_NODE * len(proof) if previous_size else _FIRST
        return Call(self.address, data, gas)

    def latest(self, origin: bytes) -> AnchoredCheckpoint | None:
        """Return an origin's newest checkpoint, None where nothing was anchored.

        One call rather than three reads of storage: those could straddle a block.
        """
        request: TxParams = {"to": self.address, "data": self.interface.encode("latest", [Digest(origin)])}
        with self._connection.asking():
            try:
                answer = self._connection.web3.eth.call(request)
            except REVERTS as error:
                raise Misconfigured(f"The contract at {self.address} is not the registry: it reverts.") from error
        ((tree_size, root_hash, case_map_root),) = self.interface.decode("latest", bytes(answer))
        return AnchoredCheckpoint(tree_size, root_hash, case_map_root) if tree_size else None

    def evidence(self, transaction: str, origin: bytes) -> AnchorEvidence | None:
        """Return what the chain knows of a transaction (0x hex), None where it was not mined."""
        if not _TRANSACTION.fullmatch(transaction):
            raise InvalidValue("A transaction", transaction, "a hash of 64 lower-case hex digits after 0x")
        receipt = self._connection.receipt(transaction)
        if receipt is None:
            return None
        with self._connection.asking():
            head = self._connection.web3.eth.block_number
        succeeded = receipt["status"] == 1
        return AnchorEvidence(
            transaction=transaction,
            block_number=receipt["blockNumber"],
            block_hash=receipt["blockHash"].to_0x_hex(),
            succeeded=succeeded,
            anchored=self._anchored(receipt["logs"], Digest(origin)) if succeeded else None,
            # A node behind a load balancer may know the receipt and not yet the block: never less than none.
            confirmations=max(0, head - receipt["blockNumber"] + 1),
        )

    def code_hash(self, contract: str) -> str:
        """Return what code is at an address."""
        return creation.code_hash(self._connection, checksummed(contract))

    def standing(self, contract: str, case_key: bytes) -> int:
        """Return a ledger's word of a case; raises Misconfigured for the answer of something else."""
        return standing(self._connection, contract, case_key)

    def took(self, contract: str, word: int) -> bool:
        """Tell whether a ledger ever took the step that led to a standing."""
        return taken(self._connection, contract, word) is not None

    def seated(self, contract: str) -> frozenset[tuple[int, bytes]]:
        """Return everybody who ever had a seat in a ledger."""
        return seated(self._connection, contract)

    def _anchored(self, logs: list[Any], origin: bytes) -> AnchoredCheckpoint | None:
        """Read the one event of this contract for this origin; two would leave open which of them is meant."""
        ours = [
            log
            for log in logs
            if log["address"] == self.address and [bytes(topic) for topic in log["topics"][:2]] == [self._topic, origin]
        ]
        if len(ours) != 1:
            return None
        tree_size = int.from_bytes(ours[0]["topics"][2], "big")
        data = bytes(ours[0]["data"])
        return AnchoredCheckpoint(tree_size, data[:_WORD], data[_WORD : 2 * _WORD])
