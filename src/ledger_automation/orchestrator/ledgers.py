"""What enforced steps need of the outside beside a lane: contracts that decide them, and whoever signs for an actor.

The other ports stand in `ports`; who uses these two is `enforce`, and `settle` the contracts.
"""

from typing import Protocol

from ledger_automation.audit.enforced import Domain, EnforcedStep
from ledger_automation.orchestrator.submission import Call


class CaseLedgers(Protocol):
    """The contracts that enforce laws, by workflow. Every method raises Unreachable when no node answers.

    A workflow without a contract raises NotFound.
    """

    def domain(self, name: str) -> Domain:
        """Return where signatures for a workflow count."""
        ...

    def standing(self, name: str, case_key: bytes) -> int:
        """Return the contract's word of a case: head (216 bits) | steps taken (32) | state (8); 0 for none."""
        ...

    def taken(self, name: str, word: int) -> int | None:
        """Return the block in which a step led its case to a standing, whoever relayed it; None where none did."""
        ...

    def call(self, name: str, step: EnforcedStep, signature: bytes) -> Call:
        """Return the relay of a signed step as a call."""
        ...

    def seat(self, name: str, member: int) -> tuple[int, bytes]:
        """Return a member's roles as bits, and its signer; 0 and nothing where it has no seat."""
        ...


class ActorKeys(Protocol):
    """Whoever signs for an actor: a key at hand, a wallet, a passkey."""

    def sign(self, actor_id: str, digest: bytes) -> tuple[bytes, bytes]:
        """Return the actor's signer (ERC-7913 bytes) and its signature of 32 bytes.

        Raises Misconfigured where the actor cannot sign here.
        """
        ...

    def has(self, actor_id: str) -> bool:
        """Tell whether an actor can sign here."""
        ...

    def signer(self, key: bytes) -> bytes:
        """Return the signer that a passkey is: the address of its verifier, and its public key (ERC-7913)."""
        ...
