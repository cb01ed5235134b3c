"""Somebody who signed in by a browser: who it is, for how long, and what a form of his carries.

    begin     whoever an issuer vouched for gets a token of 256 random bits, which only his browser has
    holder    a token leads back to who holds it, while it was used within half an hour, and begun within ten hours
    end       whoever signs out is forgotten at once

The store has a digest of the token, so that whoever reads the database can be nobody. What a holder may do is not kept
here: roles are asked anew at each request, as of every other caller (`decide`).
"""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple, Protocol

from ledger_automation.orchestrator.asked import Identity
from ledger_automation.values import parse_timestamp, timestamp

IDLE: Final = timedelta(minutes=30)
"""A session that nobody used for so long is over (ASVS 5.0, 7.3.1)."""

LONGEST: Final = timedelta(hours=10)
"""So long after it began every session is over: a working day (ASVS 5.0, 7.3.2)."""

_NOTED: Final = timedelta(minutes=1)
"""Use is written down no more often than this: looking at pages must not be a row's worth of writing each."""


class Session(NamedTuple):
    """Who signed in, when, and when that was last used (RFC 3339)."""

    identity: Identity
    begun_at: str
    used_at: str


class SessionStore(Protocol):
    """Who is signed in, by the digest of a token."""

    def begin(self, key: bytes, session: Session) -> None:
        """Keep a session under a fresh key."""
        ...

    def of(self, key: bytes) -> Session | None:
        """Return a session, whether over or not."""
        ...

    def used(self, key: bytes, at: str) -> None:
        """Note that a session was used."""
        ...

    def end(self, key: bytes) -> None:
        """Forget a session; MUST be silent where there is none."""
        ...

    def all_of(self, identity: Identity) -> list[Session]:
        """Return somebody's sessions, the newest first."""
        ...

    def end_all(self, identity: Identity) -> int:
        """Forget all sessions of somebody; return how many there were."""
        ...

    def purge(self, begun_before: str) -> int:
        """Forget sessions that began before a moment; return how many."""
        ...


class Holding(NamedTuple):
    """Who holds a token, and whether its use is to be noted."""

    identity: Identity
    stale: bool


def begin(store: SessionStore, identity: Identity, now: datetime) -> str:
    """Begin a session and forget those that are over; return the token, 43 characters of base64url."""
    token, at = secrets.token_urlsafe(32), timestamp(now)
    store.purge(timestamp(now - LONGEST))
    store.begin(key_of(token), Session(identity, at, at))
    return token


def holder(store: SessionStore, token: str, now: datetime) -> Holding | None:
    """Return who holds a token; None where nobody does, or does no longer."""
    session = store.of(key_of(token)) if token else None
    if session is None:
        return None
    idle = now - parse_timestamp(session.used_at)
    if idle > IDLE or now - parse_timestamp(session.begun_at) > LONGEST:
        return None
    return Holding(session.identity, idle > _NOTED)


def key_of(token: str) -> bytes:
    """Return what the store knows a token by: SHA-256."""
    return sha256(token.encode("utf-8", "replace")).digest()


def form_token(token: str) -> str:
    """Return what every form of a session carries, so that no other site can send one (ASVS 5.0, 3.5.1)."""
    return sha256(b"form\0" + token.encode("utf-8", "replace")).hexdigest()
