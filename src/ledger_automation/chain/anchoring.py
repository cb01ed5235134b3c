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
from ledger_automation.chain.local import open_chain
from ledger_automation.chain.registry import Registry
from ledger_automation.chain.submitter import Submitter
from ledger_automation.orchestrator.ports import SignedSubmission
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

    def evidence(self, transaction: str, origin: bytes) -> AnchorEvidence | None:
        """Return what the chain knows of a transaction, None where it was not mined."""
        return self.registry.evidence(transaction, origin)

    def sign(
        self, origin: bytes, previous_size: int, checkpoint: AnchoredCheckpoint, proof: Sequence[bytes]
    ) -> SignedSubmission:
        """Simulate and sign; sends nothing."""
        return self.submitter.sign(origin, previous_size, checkpoint, proof)

    def broadcast(self, submission: SignedSubmission) -> None:
        """Send the stored bytes; safe to repeat."""
        self.submitter.broadcast(submission)


def anchoring(connection: Connection, home: Path) -> AnchoringChain:
    """Make sure of key and registry on an open chain; a key is created on local chains only."""
    account = keys.anchorer(home, create=connection.local)
    registry = Registry(connection, deploy(connection, home, account).registry)
    return AnchoringChain(registry, Submitter(connection, registry, account))


@contextmanager
def open_anchoring(spec: str, home: Path) -> Iterator[AnchoringChain]:
    """Open ``tester``, ``anvil`` or a URL, deploy if that never happened, and close afterwards."""
    with open_chain(spec, home) as connection:
        yield anchoring(connection, home)


@contextmanager
def open_registry(spec: str, home: Path, address: str) -> Iterator[Registry]:
    """Open a chain for reading one registry: nothing is deployed, no key is needed."""
    with open_chain(spec, home) as connection:
        yield Registry(connection, address)
