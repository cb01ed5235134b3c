"""An event's one canonical form: the bytes that are stored, hashed, sent and verified as they are.

`decode` is strict: bytes that are not exactly what `encode` writes are refused, so that two readers can never see two
events in one commitment. Nothing is re-serialised before it is verified; the round trip here is the check itself.
"""

import msgspec

from ledger_automation.audit.event import SCHEMA, AuditEvent
from ledger_automation.canonical.jcs import conform
from ledger_automation.errors import CanonicalError, Misconfigured

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(AuditEvent).decode


def encode(event: AuditEvent) -> bytes:
    """Write an event as canonical JSON; raises CanonicalError (a float in a payload, a lone surrogate in a name)."""
    for free_text in (event.payload, event.signature, *((each.name, each.media_type) for each in event.attachments)):
        conform(free_text)
    return _encode(event)


def decode(canonical: bytes) -> AuditEvent:
    """Read an event from its canonical bytes.

    Raises CanonicalError when they are not canonical or not an event, Misconfigured when the schema is another one.
    """
    try:
        event = _decode(canonical)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CanonicalError(f"The bytes are not an event: {error}.") from error
    conform(event.payload)
    if event.signature is not None:
        conform(event.signature)
    if _encode(event) != canonical:
        raise CanonicalError("The bytes are not the canonical form of the event.")
    if event.schema != SCHEMA:
        raise Misconfigured(f"The event speaks {event.schema!r}, this program reads {SCHEMA}.", schema=event.schema)
    return event
