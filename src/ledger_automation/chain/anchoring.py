"""A chain to anchor on, in one piece: connection, key, registry, reading and signing.

`AnchoringChain` is what the orchestrator's port `CheckpointAnchor` asks for. `open_anchoring` is for whoever wants a
chain and nothing else: it opens, makes sure of key and registry, and closes.

    >>> with open_anchoring("tester", Path("/tmp/home")) as chain:  # doctest: +SKIP
    ...     chain.latest(sha256(b"wismar.example/ledger").digest())
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger_automation.chain import keys
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.deploy import deploy
from ledger_automation.chain.fees import DEFAULT_CAP
from ledger_automation.chain.local import open_chain
from ledger_automation.chain.registry import Registry
from ledger_automation.chain.submitter import Submitter
from ledger_automation.orchestrator.observed import Look, Reception, Trace
from ledger_automation.orchestrator.submission import Call, SignedSubmission
from ledger_automation.verify.sources import AnchoredCheckpoint, AnchorEvidence, ChainIdentity


@dataclass(frozen=True)
class AnchoringChain:
    """Implements `orchestrator.ports.CheckpointAnchor`: the registry reads, the submitter writes."""

    registry: Registry
    submitter: Submitter

    def identity(self) -> ChainIdentity:
        """Return what is really there now."""
        return self.registry.identity()

    def latest(self, origin: bytes) -> AnchoredCheckpoint | None:
        """Return the newest checkpoint of an origin, or None."""
        return self.registry.latest(origin)

    def settled(self, origin: bytes, confirmations: int) -> AnchoredCheckpoint | None:
        """Return the newest checkpoint of an origin that has so many confirmations, or None."""
        return self.registry.settled(origin, confirmations)

    def evidence(self, transaction: str, origin: bytes) -> AnchorEvidence | None:
        """Return what the chain knows of a transaction, None where it was not mined."""
        return self.registry.evidence(transaction, origin)

    def block_hash(self, number: int) -> str | None:
        """Return the hash of the block of a number."""
        return self.registry.block_hash(number)

    def code_hash(self, contract: str) -> str:
        """Return what code is at an address."""
        return self.registry.code_hash(contract)

    def standing(self, contract: str, case_key: bytes) -> int:
        """Return a ledger's word of a case."""
        return self.registry.standing(contract, case_key)

    def took(self, contract: str, word: int) -> bool:
        """Tell whether a ledger ever took the step that led to a standing."""
        return self.registry.took(contract, word)

    def seated(self, contract: str) -> frozenset[tuple[int, bytes]]:
        """Return everybody who ever had a seat in a ledger."""
        return self.registry.seated(contract)

    def call(self, origin: bytes, previous_size: int, checkpoint: AnchoredCheckpoint, proof: Sequence[bytes]) -> Call:
        """Return ``anchor(...)`` as a call."""
        return self.registry.call(origin, previous_size, checkpoint, proof)

    def look(self, known_block: int | None) -> Look:
        """Return what the node says now."""
        return self.submitter.look(self.registry.identity(), known_block)

    def sign(self, call: Call, nonce: int) -> SignedSubmission:
        """Simulate and sign; sends nothing."""
        return self.submitter.sign(call, nonce)

    def bump(self, submission: SignedSubmission) -> SignedSubmission | None:
        """Sign the same for more; sends nothing."""
        return self.submitter.bump(submission)

    def broadcast(self, submission: SignedSubmission) -> Reception:
        """Send the stored bytes; safe to repeat."""
        return self.submitter.broadcast(submission)

    def trace(self, submission: SignedSubmission) -> Trace:
        """Return what became of a transaction."""
        return self.submitter.trace(submission)

    def gas_used(self, transaction: str) -> int:
        """Return the gas that a transaction cost, 0 while it is not mined."""
        return self.submitter.gas_used(transaction)


def anchoring(connection: Connection, home: Path, *, fee_cap: int = DEFAULT_CAP) -> AnchoringChain:
    """Make sure of key and registry on an open chain; a key is created on local chains only."""
    account = keys.anchorer(home, create=connection.local)
    registry = Registry(connection, deploy(connection, home, account).registry)
    return AnchoringChain(
        registry, Submitter(connection, account, {registry.address: registry.interface}, fee_cap=fee_cap)
    )


@contextmanager
def open_anchoring(spec: str, home: Path, *, fee_cap: int = DEFAULT_CAP) -> Iterator[AnchoringChain]:
    """Open ``tester``, ``anvil`` or a URL, deploy if that never happened, and close afterwards."""
    with open_chain(spec, home) as connection:
        yield anchoring(connection, home, fee_cap=fee_cap)


@contextmanager
def open_registry(spec: str, home: Path, address: str) -> Iterator[Registry]:
    """Open a chain for reading one registry: nothing is deployed, no key is needed."""
    with open_chain(spec, home) as connection:
        yield Registry(connection, address)
