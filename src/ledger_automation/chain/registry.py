"""The registry at work: read as every reader does, and called.

The call is made here and simulated, signed and sent elsewhere (`submitter`); what is read is `rpc.registry`'s.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from ledger_automation.chain import artifacts
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.deploy import CONTRACT
from ledger_automation.chain.exposed import Exposed, exposed
from ledger_automation.orchestrator.submission import Call
from ledger_automation.rpc.interface import Interface
from ledger_automation.rpc.registry import Reader
from ledger_automation.verify.sources import AnchoredCheckpoint

_FIRST: Final = 125_000
_LATER: Final = 65_000
_GAS_PER_NODE: Final = 3_000
"""Gas limits a quarter above what an origin's first anchor costs, a later one, and a node of a proof, as calldata under
the floor of EIP-7623 and in hashing; held by the gas snapshot. Where a chain counts otherwise its estimate decides."""


class Registry(Reader):
    """The registry at one address of an open chain; ``interface`` names what it refuses."""

    def __init__(self, connection: Connection, address: str) -> None:
        super().__init__(connection, address)
        self._connection = connection
        self.interface = Interface(artifacts.load(CONTRACT).abi)

    def call(self, origin: bytes, previous_size: int, checkpoint: AnchoredCheckpoint, proof: Sequence[bytes]) -> Call:
        """Return ``anchor(...)`` as a call; raises InvalidValue for what its types do not hold."""
        roots = (checkpoint.root_hash, checkpoint.case_map_root)
        data = self.interface.encode("anchor", (origin, previous_size, checkpoint.tree_size, *roots, list(proof)))
        gas = _LATER + _GAS_PER_NODE * len(proof) if previous_size else _FIRST
        return Call(self.address, data, gas)

    def exposed(self) -> Iterator[Exposed]:
        """Yield everything that the chain shows; for a local one only, as `chain.exposed` says."""
        return exposed(self._connection)
