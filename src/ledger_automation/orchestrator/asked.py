"""What somebody asks for through the service, who asks, and what it was answered.

A caller is known by a token's issuer and subject. Inside, everybody is a pseudonym: a member's own, or, for whoever is
not one, a number derived under a secret, which tells nothing about the person. Pseudonyms stand in events; issuers and
subjects never do.
"""

import hmac
from base64 import b32encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from ledger_automation.values import ActorId, CaseId
from ledger_automation.verify.sources import CaseRecord, DocumentRecord
from ledger_automation.workflows import Workflow


class Identity(NamedTuple):
    """Who calls, by the word of an issuer (``iss`` and ``sub``, RFC 7519 section 4.1)."""

    issuer: str
    subject: str


class Member(NamedTuple):
    """Somebody who may act: a pseudonym, and the roles it may act in; without any, a member may do nothing."""

    actor_id: str
    roles: tuple[str, ...]


class MemberStore(Protocol):
    """Who may act for the office, by the word of an issuer."""

    def member(self, identity: Identity) -> Member | None:
        """Return the member that somebody is."""
        ...

    def members(self) -> list[tuple[Identity, Member]]:
        """Return all members, by pseudonym."""
        ...

    def enrol(self, identity: Identity, member: Member) -> None:
        """Give a member exactly these roles, from its next request on.

        MUST raise Conflict where the pseudonym is another caller's, or the caller has another pseudonym.
        """
        ...


def citizen(identity: Identity, secret: bytes) -> Member:
    """Return who somebody is that the office has not made a member: an applicant, under a pseudonym of its own."""
    number = hmac.new(secret, b"\0".join(part.encode() for part in identity), sha256).hexdigest()
    return Member(ActorId(f"person-{number[:32]}"), ("applicant",))


def access_code(case_id: str, secret: bytes) -> str:
    """Return what the office's letter tells whom a case concerns: 128 bits in base32 (RFC 4648), in groups of four.

    A case that opens without its person becomes his who steps in first. Its id, in addresses and notices of many, is
    no secret and has 122 random bits; this is one.
    """
    octets = hmac.new(secret, b"access\0" + case_id.encode(), sha256).digest()[:16]
    text = b32encode(octets).decode().rstrip("=")
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def is_code(given: str, code: str) -> bool:
    """Tell whether a code was given, in whatever case and grouping, in the same time for a near miss as for a far."""
    plain = given.upper().replace("-", "").replace(" ", "")
    return hmac.compare_digest(plain.encode(), code.replace("-", "").encode())


class Asked(NamedTuple):
    """One step, as a caller asks for it.

    ``key`` is SHA-256 of the caller and its Idempotency-Key, ``fingerprint`` SHA-256 of everything else that it sent.
    ``case_id`` is a fresh one where a case is to be opened; ``expected`` the head that it must have (If-Match), and
    ``code`` the letter's, with which somebody steps into a case that names nobody yet.
    """

    identity: Identity
    key: bytes
    fingerprint: bytes
    case_id: CaseId
    table: Workflow[Any]
    action: str
    payload: Mapping[str, Any]
    role: str = ""
    occurred_at: datetime | None = None
    expected: bytes | None = None
    documents: tuple[DocumentRecord, ...] = ()
    code: str = ""

    @property
    def opens(self) -> bool:
        """Say whether it opens a case."""
        return not self.table.transition(self.action).sources


class Answer(NamedTuple):
    """What a request was answered: the step that it led to, or (``sequence`` None) why the law refused it, as JSON."""

    key: bytes
    fingerprint: bytes
    case_id: str
    sequence: int | None
    refusal: str
    answered_at: str


class Taken(NamedTuple):
    """A step that was taken: where it led. ``level`` says how much evidence it gets."""

    case_id: str
    sequence: int
    action: str
    state: str
    level: str
    commitment: bytes


class Waiting(NamedTuple):
    """A step that is signed and waits for its contract."""

    case_id: str
    sequence: int


class Found(NamedTuple):
    """What the store knows that a request is about: who asks, the answer it got before, and its case."""

    member: Member | None
    answer: Answer | None
    taken: Taken | None
    case: CaseRecord | None
