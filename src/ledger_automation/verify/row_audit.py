"""Auditing one event's row: whether it is sound, and if not, what was done to it.

`sound` is the hot path and says only yes or no. `diagnose` runs on rows that failed, and names the class of the
tampering catalogue by asking which of several independent copies of a fact still agree:

* the commitment in the row, and the leaf hash in the log,
* the canonical bytes, their checksum beside them, and the salt,
* the queryable columns that repeat the canonical bytes.
"""

import json
from hashlib import sha256
from typing import Any
from zlib import crc32

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.event import AuditEvent
from ledger_automation.errors import LedgerError
from ledger_automation.merkle import leaf_hash, node_hash
from ledger_automation.verify.columns import columns
from ledger_automation.verify.confusion import explain
from ledger_automation.verify.sources import COLUMNS, EventRecord
from ledger_automation.verify.verdict import Finding

_COLUMN_CLASSES = {
    "amount": "T01",
    "case_id": "T09",
    "sequence": "T08",
    "actor_role": "T20",
    "occurred_at": "T13",
    "recorded_at": "T13",
}
"""Changes to these columns have classes of their own; every other column is T02."""

_CHANGES = {
    "T08": "its place in the case is another",
    "T11": "a value was replaced by one that looks alike",
    "T12": "the same text was written in another form",
    "T13": "its moment was shifted",
    "T20": "its actor's role is another",
}
"""What a confirmed guess means (`confusion`)."""

_KINDS: dict[str, tuple[type, ...]] = {
    "event_id": (int,),
    "sequence": (int,),
    "amount": (int, type(None)),
    "commitment": (bytes,),
    "salt": (bytes, type(None)),
    "canonical": (bytes, type(None)),
    "leaf_index": (int, type(None)),
    "leaf_hash": (bytes, type(None)),
    "leaf_sequence": (int, type(None)),
}
_PLACES = {"event_id": "id", "salt": "content.salt", "canonical": "content.canonical", "leaf_hash": "leaf.leaf_hash"}


def sound(row: EventRecord, origin: str) -> AuditEvent | None:
    """Return the event when everything on its row agrees (leaf aside where there is none), None otherwise."""
    try:
        canonical, commitment = row.canonical, row.commitment
        event = decode(canonical)  # type: ignore[arg-type]
        holds = (
            sha256(row.salt + canonical).digest() == commitment  # type: ignore[operator]
            and row[1:11] == columns(event)
            and crc32(canonical) == row.checksum  # type: ignore[arg-type]
            and event.origin == origin
            and (row.leaf_index is None or _leaf_holds(row))
        )
    except (LedgerError, TypeError, ValueError):
        return None
    return event if holds else None


def _leaf_holds(row: EventRecord) -> bool:
    return (
        row.leaf_hash == sha256(b"\x00" + row.commitment).digest()
        and row.leaf_case_id == row.case_id
        and row.leaf_sequence == row.sequence
    )


def malformed(row: EventRecord) -> Finding | None:
    """Name the first field that does not even have the type by which rows are put in order and held together."""
    for name, kinds in _KINDS.items():
        value = getattr(row, name)
        if type(value) not in kinds:
            sentence = f"The field {name} holds {'nothing' if value is None else 'a ' + type(value).__name__}."
            return found(row, "T11", sentence, _PLACES.get(name, name), [each.__name__ for each in kinds], value)
    return None


def diagnose(row: EventRecord) -> Finding:
    """Name what was done to a well-formed row whose content is there and which is not sound."""
    salt, canonical = row.salt or b"", row.canonical or b""
    if not salt:
        sentence = "The salt is gone without a decision to erase the content."
        return found(row, "T18", sentence, "content.salt", "32 bytes", row.salt)
    opened = sha256(salt + canonical).digest()
    if opened == row.commitment:
        return _opened(row)
    if leaf_hash(opened) == row.leaf_hash:
        return found(row, "T02", "The commitment was changed.", "commitment", opened, row.commitment)
    return _unopened(row, salt, canonical)


def _unopened(row: EventRecord, salt: bytes, canonical: bytes) -> Finding:
    """The commitment does not open: bytes or salt were changed."""

    def opens(before: bytes) -> bool:
        opened = sha256(salt + before).digest()
        return opened == row.commitment or leaf_hash(opened) == row.leaf_hash

    guess = explain(canonical, opens, tuple(row[1:11]))
    if guess is not None:
        sentence = f"The content was changed: {_CHANGES[guess.tampering]}."
        return found(row, guess.tampering, sentence, guess.column, guess.canonical, canonical)
    if crc32(canonical) == row.checksum and not _differing(row, canonical):
        sentence = "The salt was replaced: content, columns and checksum agree, but the commitment does not open."
        return found(row, "T17", sentence, "content.salt", "the salt that opens the commitment", salt)
    return _edited(row, canonical)


def _differing(row: EventRecord, canonical: bytes) -> list[tuple[str, Any, Any]]:
    """List the columns that do not repeat the content: name, what the content says, what stands there."""
    try:
        said = columns(decode(canonical))
    except LedgerError:
        return [("canonical", None, None)]
    return [
        (column, there, stored)
        for column, there, stored in zip(COLUMNS, said, row[1:11], strict=True)
        if there != stored or type(there) is not type(stored)
    ]


def _edited(row: EventRecord, canonical: bytes) -> Finding:
    """The content itself was changed: the columns still say what stood there."""
    try:
        event = decode(canonical)
    except LedgerError as error:
        sentence = f"The content was changed: {error.sentence}"
        kind = "T11" if _json_shape(canonical) else "T12"
        return found(row, kind, sentence, "content.canonical", None, canonical)
    for column, said, stored in _differing(row, canonical):
        sentence = f"The content was changed: its {column} is not what was recorded."
        said = event.payload.get("amount") if column == "amount" else said  # noqa: PLW2901  a text is not an amount
        return found(row, _column_class(column, said, stored), sentence, column, stored, said)
    return found(row, "T02", "The payload was changed.", "payload", "what the commitment covers", event.payload)


def _opened(row: EventRecord) -> Finding:
    """The commitment opens: columns, digest or leaf were changed, or the content was never an event."""
    canonical = row.canonical or b""
    try:
        event = decode(canonical)
    except LedgerError as error:
        sentence = f"What was committed is not an event: {error.sentence}"
        return found(row, "T12", sentence, "content.canonical", None, canonical[:120])
    for column, said, stored in _differing(row, canonical):
        kind = _column_class(column, said, stored)
        return found(row, kind, f"The column {column} was changed.", column, said, stored)
    if crc32(canonical) != row.checksum:
        return found(row, "T02", "The checksum was changed.", "content.checksum", crc32(canonical), row.checksum)
    return _leaf(row, event)


def _column_class(column: str, said: Any, stored: Any) -> str:
    confused = _plain(said) == _plain(stored)
    return "T11" if confused else _COLUMN_CLASSES.get(column, "T02")


def _plain(value: Any) -> str:
    """Return what a careless reader takes a value for."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _leaf(row: EventRecord, event: AuditEvent) -> Finding:
    """The row agrees with itself: its leaf does not, or it is another log's event."""
    if (row.leaf_case_id, row.leaf_sequence) != (row.case_id, row.sequence):
        expected, actual = f"{row.leaf_case_id} {row.leaf_sequence}", f"{row.case_id} {row.sequence}"
        return found(
            row, "T29", "The event's id was reused: its leaf belongs to another event.", "id", expected, actual
        )
    expected_hash = leaf_hash(row.commitment)
    if row.leaf_hash != expected_hash:
        sentence = "The log's leaf is not the leaf of the event."
        kind = "T32" if _is_unprefixed(row) else "T31"
        return found(row, kind, sentence, "leaf.leaf_hash", expected_hash, row.leaf_hash)
    return found(row, "T41", "The event belongs to another log.", "origin", None, event.origin)


def _is_unprefixed(row: EventRecord) -> bool:
    """Tell whether the leaf hash is what one gets without RFC 9162's leaf prefix, or with a node's."""
    half = len(row.commitment) // 2
    commitment = row.commitment
    forms = (commitment, sha256(commitment).digest(), node_hash(commitment[:half], commitment[half:]))
    return row.leaf_hash in (*forms, node_hash(commitment, commitment), sha256(b"\x01" + commitment).digest())


def _json_shape(canonical: bytes) -> bool:
    """Tell whether bytes are JSON that any reader reads alike, so that only a value's type or presence is off."""
    doubled = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        doubled |= len(dict(pairs)) != len(pairs)
        return dict(pairs)

    def out_of_range(text: str) -> Any:
        raise ValueError(text)

    try:
        value = json.loads(canonical, object_pairs_hook=members, parse_constant=out_of_range)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    return not doubled and not _has_huge(value)


def _has_huge(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_huge(each) for each in value.values())
    if isinstance(value, list):
        return any(_has_huge(each) for each in value)
    return isinstance(value, int | float) and abs(value) >= 2**53


def found(  # noqa: PLR0913, PLR0917  a finding's facts
    row: EventRecord, kind: str, sentence: str, column: str, expected: Any = None, actual: Any = None
) -> Finding:
    """Make a finding about a row."""
    return Finding(
        tampering=kind,
        sentence=sentence,
        case_id=str(row.case_id),
        sequence=row.sequence if isinstance(row.sequence, int) else None,
        leaf_index=row.leaf_index if isinstance(row.leaf_index, int) else None,
        column=column,
        expected=expected,
        actual=actual,
    )
