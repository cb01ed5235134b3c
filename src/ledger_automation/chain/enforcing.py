"""A chain whose contracts enforce laws, in one piece: opened, deployed, with the actors whose keys lie in this home.

    >>> with open_enforcing("tester", Path("/tmp/home"), backdating=86_400) as chain:  # doctest: +SKIP
    ...     chain.actors.admit("subsidy", 7, "clerk-1", ("clerk",))

What this does not do: decide anything about a case; see `orchestrator.enforce`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from eth_utils.address import to_canonical_address

from ledger_automation.chain import deploy, keys
from ledger_automation.chain.anchoring import AnchoringChain
from ledger_automation.chain.case_ledger import CaseLedgers
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.fees import DEFAULT_CAP
from ledger_automation.chain.local import open_chain
from ledger_automation.chain.registry import Registry
from ledger_automation.chain.submitter import Submitter
from ledger_automation.errors import Misconfigured
from ledger_automation.values import ActorId
from ledger_automation.verify.sources import LedgerPin


class Actors(NamedTuple):
    """The actors whose keys lie under ``keys/actors`` of a home; implements `orchestrator.ledgers.ActorKeys`."""

    home: Path
    ledgers: CaseLedgers
    local: bool
    verifier: str
    """The address of what checks the assertions of passkeys."""

    def sign(self, actor_id: str, digest: bytes) -> tuple[bytes, bytes]:
        """Return the actor's address and signature; raises Misconfigured where the key is not here."""
        account = keys.actor(self.home, actor_id, create=False)
        return to_canonical_address(account.address), account.sign_typed(digest)

    def has(self, actor_id: str) -> bool:
        """Tell whether an actor's key lies here."""
        return keys.place(self.home, f"actors/{ActorId(actor_id)}").exists()

    def signer(self, key: bytes) -> bytes:
        """Return a passkey's signer."""
        return to_canonical_address(self.verifier) + key

    def admit(self, name: str, member: int, actor_id: str, roles: tuple[str, ...], signer: bytes = b"") -> bytes:
        """Seat an actor in a workflow's contract; without a signer by the key of this home, made on local chains.

        Whoever loses all roles keeps his signer, so that no key is made for somebody who signs elsewhere. Returns the
        signer. Raises Misconfigured where the admin's key is not here or the contract refuses.
        """
        admin = keys.admin(self.home, create=False)
        if admin is None:
            raise Misconfigured("Only the contracts' admin seats members, and its key is not in this home.")
        if not signer and not roles:
            _, signer = self.ledgers.seat(name, member)
        if not signer:
            signer = to_canonical_address(keys.actor(self.home, actor_id, create=self.local).address)
        self.ledgers.admit(name, admin, member, roles, signer)
        return signer


class EnforcingChain(NamedTuple):
    """A chain to anchor on whose ledgers enforce their laws."""

    anchor: AnchoringChain
    ledgers: CaseLedgers
    actors: Actors
    pins: dict[str, LedgerPin]


@contextmanager
def open_enforcing(
    spec: str, home: Path, *, backdating: int = deploy.BACKDATING, fee_cap: int = DEFAULT_CAP
) -> Iterator[EnforcingChain]:
    """Open a chain and make sure of all its contracts; ``backdating`` counts for those that are created now."""
    with open_chain(spec, home) as connection:
        account = keys.anchorer(home, create=connection.local)
        record = deploy.deploy(connection, home, account, wanted=deploy.shipped(backdating))
        registry, ledgers = Registry(connection, record.registry), ledgers_of(connection, record)
        interfaces = {registry.address: registry.interface, **ledgers.interfaces()}
        anchor = AnchoringChain(registry, Submitter(connection, account, interfaces, fee_cap=fee_cap))
        actors = Actors(home, ledgers, connection.local, record.verifiers[deploy.WEBAUTHN].address)
        yield EnforcingChain(anchor, ledgers, actors, record.pins())


def ledgers_of(connection: Connection, record: deploy.Deployment) -> CaseLedgers:
    """Return the ledgers of a deployment."""
    addresses = {name: each.address for name, each in record.ledgers.items()}
    return CaseLedgers(connection, addresses, record.block_number)
