"""The audit event, ``ledger-automation/event/v1``: everything that is committed of one step (docs/spec/event.md).

An event is history: it is made once, encoded once, and never changed. Roles are written into it, so that a later
change of somebody's rights cannot make an illegal act look legal. Order is told by ``sequence`` and leaf index, never
by a clock.
"""

import uuid
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec

from ledger_automation.values import MAX_INTEGER, CaseId
from ledger_automation.workflows._table import Actor

SCHEMA: Final = "ledger-automation/event/v1"

Counter = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]


class Attachment(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A document that came with a step: its name, media type, size in bytes and SHA-256 in hex."""

    name: str
    media_type: str
    size: Counter
    sha256: str

    @classmethod
    def of(cls, name: str, media_type: str, content: bytes) -> "Attachment":
        """Describe a document."""
        return cls(name, media_type, len(content), sha256(content).hexdigest())


class AuditEvent(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One step of one case. ``previous`` is the hex commitment of the case's previous event, None at sequence 0.

    ``occurred_at`` and ``recorded_at`` are RFC 3339 in UTC with microseconds; ``signature`` is kept for enforced steps.
    """

    schema: str
    origin: str
    workflow: str
    workflow_version: Counter
    case_id: str
    sequence: Counter
    previous: str | None
    action: str
    from_state: str | None
    to_state: str
    actor: Actor
    occurred_at: str
    recorded_at: str
    payload: dict[str, Any]
    attachments: tuple[Attachment, ...]
    signature: dict[str, Any] | None


def log_case_id(origin: str) -> CaseId:
    """Return the id of the log's own case (heartbeats, keys, erasures): UUIDv5 of the origin in the URL namespace."""
    return CaseId(str(uuid.uuid5(uuid.NAMESPACE_URL, origin)))
