"""The hot path of an audit: write down what must stand there, and compare bytes.

A sound event leaves no freedom: its columns, the case's history and the law together determine its canonical bytes,
but for the payload. So the payload alone is read from the stored bytes, the law is asked, the event is written anew,
and one comparison of bytes tells that the form is canonical, the columns repeat it, it continues the case, and the law
leads where it says. What is left are the commitment, the leaf, and in the end the case's own row.

This module only ever says yes or no, and no for whatever is not plain: events that are not logged yet, have attachments
or a signature, or were erased. Those are looked at closely by `case_audit`, which decodes, compares and names.
"""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from ledger_automation.audit.event import SCHEMA, AuditEvent
from ledger_automation.errors import LedgerError
from ledger_automation.values import parse_timestamp
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import CaseRecord
from ledger_automation.workflows import workflow
from ledger_automation.workflows._machine import Workflow
from ledger_automation.workflows._table import Actor, Case, Step, Transition

_FIELDS = tuple(sorted(AuditEvent.__struct_fields__))
_Written = msgspec.defstruct("_Written", [(name, Any) for name in _FIELDS], frozen=True, gc=False)
"""An audit event with its fields in canonical order, so that only payloads are sorted when they are written."""

_LOGGED = frozenset({Level.LOGGED, Level.ANCHORED})

LAW_GAVE_UP = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError)
"""How the law fails on committed content that no lawful case could hold: a zone or a day that does not exist."""

_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_encode = msgspec.json.Encoder().encode


class _Reader(NamedTuple):
    """What reading an action's payload takes."""

    table: Workflow[Any]
    transition: Transition
    decoder: "msgspec.json.Decoder[Any]"


@cache
def _reader(name: str, action: str) -> _Reader:
    table = workflow(name)
    transition = table.transition(action)
    carrier = msgspec.defstruct("_Carrier", [("payload", transition.payload)], frozen=True, gc=False)
    return _Reader(table, transition, msgspec.json.Decoder(carrier))


def plainly_holds(record: CaseRecord | None, rows: Sequence[tuple[Any, ...]], origin: str) -> bool:
    """Tell whether a plain case holds: every row, their order, the law, and where the case's row says it stands."""
    try:
        return record is not None and _holds(record, rows, origin)
    except (LedgerError, msgspec.MsgspecError, *LAW_GAVE_UP):
        return False


def _holds(record: CaseRecord, rows: Sequence[tuple[Any, ...]], origin: str) -> bool:
    case: Case | None = None
    head: bytes | None = None
    last_leaf, occurred_at = -1, ""
    for row in rows:
        # Unpacked at once: twenty look-ups by name would cost a tenth of the whole audit.
        (_, case_id, sequence, name, action, to_state, actor_id, role, occurred_at, recorded_at, amount, commitment,
         salt, canonical, checksum, documents, leaf_index, leaf_hash, leaf_case_id, leaf_sequence, *_,
        ) = row  # fmt: skip
        table, transition, decoder = _reader(name, action)
        payload = decoder.decode(canonical).payload
        actor, before = Actor(actor_id, role), None if case is None else case.state
        after = table.decide(case, transition, Step(before, actor, payload, parse_timestamp(occurred_at)))
        written = _Written(
            action, actor, (), case_id, before, occurred_at, origin, msgspec.Raw(_encode_sorted(payload)),
            None if head is None else head.hex(), recorded_at, SCHEMA, sequence, None, to_state, name, table.version,
        )  # fmt: skip
        stated = getattr(payload, "amount", None)
        stated = stated if type(stated) is int else None
        if (
            _encode(written) != canonical
            or sequence != after.sequence
            or to_state != after.state
            or amount != stated
            or type(amount) is not type(stated)
            or sha256(salt + canonical).digest() != commitment
            or crc32(canonical) != checksum
            or sha256(b"\x00" + commitment).digest() != leaf_hash
            or leaf_case_id != case_id
            or leaf_sequence != sequence
            or leaf_index <= last_leaf
            or documents
            or name != record.workflow
        ):
            return False
        case, head, last_leaf = after, commitment, leaf_index
    return case is not None and _is_projected(record, table, case, (head, occurred_at))


def _is_projected(record: CaseRecord, table: Workflow[Any], case: Case, last: tuple[bytes | None, str]) -> bool:
    return (
        record.state == case.state
        and record.sequence == case.sequence
        and (record.head, record.at) == last
        and record.workflow_version == table.version
        and record.level in _LOGGED
        and record.data == table.freeze(case.data)
    )
