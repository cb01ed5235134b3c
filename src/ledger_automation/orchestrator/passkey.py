"""Passkeys that people registered on pages: a credential of WebAuthn, its key on P-256, and whose it is.

A passkey signs nothing by being registered. Which signer a contract believes is its seat's to say, and seats are given
by the contracts' admin (`ledger member seat`); here stands only what a page needs to ask for a signature, and to check
it before it is relayed.
"""

from typing import NamedTuple, Protocol


class Passkey(NamedTuple):
    """A registered passkey: ``key`` is the public one, x . y (64 bytes), ``registered_at`` RFC 3339."""

    credential: bytes
    key: bytes
    actor_id: str
    registered_at: str


class PasskeyStore(Protocol):
    """Whose passkeys there are."""

    def register(self, passkey: Passkey) -> None:
        """Keep a passkey. MUST raise Conflict where its credential is registered already, whoever's it is."""
        ...

    def find(self, credential: bytes) -> Passkey | None:
        """Return a passkey by its credential."""
        ...

    def all_of(self, actor_id: str) -> list[Passkey]:
        """Return somebody's passkeys, the newest first."""
        ...

    def remove(self, actor_id: str, credential: bytes) -> None:
        """Forget a passkey of somebody; MUST be silent where he has none such, and leave others' alone."""
        ...
