"""The hot path of an audit: write down what must stand there, and compare bytes.

A sound event leaves no freedom: its columns, the case's history and the law together determine its canonical bytes,
but for the payload. So the payload alone is read from the stored bytes, the law is asked, the event is written anew,
and one comparison of bytes tells that the form is canonical, the columns repeat it, it continues the case, and the law
leads where it says. What is left are the commitment and the leaf. Whoever fails here is looked at closely by
`case_audit`, which decodes, compares and names; this module only ever says yes or no.
"""

from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from ledger_automation.audit.event import SCHEMA, AuditEvent
from ledger_automation.audit.trail import Trail
from ledger_automation.errors import LedgerError
from ledger_automation.values import parse_timestamp
from ledger_automation.verify.sources import EventRecord
from ledger_automation.workflows import workflow
from ledger_automation.workflows._machine import Workflow
from ledger_automation.workflows._table import Actor, Step, Transition

_encode = msgspec.json.Encoder(order="sorted").encode


class _Reader(NamedTuple):
    """What reading an action's payload takes."""

    table: Workflow[Any]
    transition: Transition
    decoder: "msgspec.json.Decoder[Any]"


@cache
def _reader(name: str, action: str) -> _Reader:
    table = workflow(name)
    transition = table.transition(action)
    carrier = msgspec.defstruct("Carrier", [("payload", transition.payload)], frozen=True)
    return _Reader(table, transition, msgspec.json.Decoder(carrier))


def continues(trail: Trail, row: EventRecord, origin: str) -> bool:
    """Take the trail one sound, logged row on; False, and the trail unfit for use, when anything does not hold."""
    try:
        return _continues(trail, row, origin)
    except (LedgerError, msgspec.MsgspecError, TypeError, ValueError):
        return False


def _continues(trail: Trail, row: EventRecord, origin: str) -> bool:
    # Unpacked at once: twenty look-ups by name would cost a tenth of the whole audit.
    (_, case_id, sequence, name, action, to_state, actor_id, role, occurred_at, recorded_at, amount, commitment, salt,
     canonical, checksum, _, _, leaf, leaf_case_id, leaf_sequence) = row  # fmt: skip
    table, transition, decoder = _reader(name, action)
    payload = decoder.decode(canonical).payload  # type: ignore[arg-type]
    actor, case = Actor(actor_id, role), trail.case
    before = None if case is None else case.state
    after = table.decide(case, transition, Step(before, actor, payload, parse_timestamp(occurred_at)))
    previous = None if trail.head is None else trail.head.hex()
    written = AuditEvent(
        SCHEMA, origin, name, table.version, case_id, sequence, previous, action, before, to_state, actor, occurred_at,
        recorded_at, payload, (), None,
    )  # fmt: skip
    stated = getattr(payload, "amount", None)
    holds = (
        _encode(written) == canonical
        and sequence == after.sequence
        and to_state == after.state
        and amount == (stated if type(stated) is int else None)
        and sha256(salt + canonical).digest() == commitment  # type: ignore[operator]
        and crc32(canonical) == checksum
        and sha256(b"\x00" + commitment).digest() == leaf
        and leaf_case_id == case_id
        and leaf_sequence == sequence
        and (trail.table is table or trail.table is None)
    )
    trail.table, trail.case, trail.head = table, after, commitment
    return holds
