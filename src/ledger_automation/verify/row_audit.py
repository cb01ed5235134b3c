"""Auditing one event's row: whether it is sound, and if not, what was done to it.

`sound` is the hot path and says only yes or no. `diagnose` runs on rows that failed, and names the class of the
tampering catalogue by asking which of several independent copies of a fact still agree:

* the commitment in the row, and the leaf hash in the log,
* the canonical bytes, their checksum beside them, and the salt,
* the queryable columns that repeat the canonical bytes.
"""

import json
import unicodedata
from hashlib import sha256
from typing import Any
from zlib import crc32

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.event import AuditEvent
from ledger_automation.canonical import canonicalize, commit, parse
from ledger_automation.errors import LedgerError
from ledger_automation.merkle import leaf_hash, node_hash
from ledger_automation.verify.columns import columns
from ledger_automation.verify.sources import COLUMNS, DocumentRecord, EventRecord
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


def diagnose(row: EventRecord) -> Finding:
    """Name what was done to a row whose content is there and which is not sound."""
    if not isinstance(row.canonical, bytes) or not isinstance(row.salt, bytes):
        column = "canonical" if not isinstance(row.canonical, bytes) else "salt"
        return found(row, "T11", f"The column {column} does not hold bytes.", f"content.{column}")
    if _opens(row.salt, row.canonical, row.commitment):
        return _opened(row)
    return _unopened(row, row.salt, row.canonical)


def _opens(salt: bytes, canonical: bytes, commitment: object) -> bool:
    return sha256(salt + canonical).digest() == commitment


def _unopened(row: EventRecord, salt: bytes, canonical: bytes) -> Finding:
    """The commitment does not open: bytes, salt or the commitment itself were changed."""
    if leaf_hash(sha256(salt + canonical).digest()) == row.leaf_hash:
        expected = sha256(salt + canonical).digest()
        return found(row, "T02", "The commitment was changed.", "commitment", expected, row.commitment)
    if crc32(canonical) == row.checksum and _repeats(row, canonical):
        sentence = "The salt was replaced (or content and checksum together): the commitment does not open."
        return found(row, "T17", sentence, "content.salt", "the salt that opens the commitment", salt)
    if _same_in_another_form(row, salt, canonical):
        sentence = "The content was rewritten in another form of the same text."
        return found(row, "T12", sentence, "content.canonical", "the canonical form", canonical[:120])
    return _edited(row, canonical)


def _repeats(row: EventRecord, canonical: bytes) -> bool:
    """Tell whether the content is an event that says what the columns say."""
    try:
        return columns(decode(canonical)) == row[1:11]
    except LedgerError:
        return False


def _edited(row: EventRecord, canonical: bytes) -> Finding:
    """The content itself was changed: the columns still say what stood there."""
    try:
        event = decode(canonical)
    except LedgerError as error:
        confused = _json_shape(canonical)
        sentence = f"The content was changed: {error.sentence}"
        return found(row, "T11" if confused else "T12", sentence, "content.canonical", None, canonical[:120])
    for column, said, stored in zip(COLUMNS, columns(event), row[1:11], strict=True):
        if said != stored:
            sentence = f"The content was changed: its {column} is not what was recorded."
            kind = _COLUMN_CLASSES.get(column, "T02")
            return found(row, "T02" if kind == "T08" else kind, sentence, column, stored, said)
    return found(row, "T02", "The payload was changed.", "payload", "what the commitment covers", event.payload)


def _opened(row: EventRecord) -> Finding:
    """The commitment opens: columns, digest or leaf were changed, or the content was never an event."""
    canonical = row.canonical or b""
    try:
        event = decode(canonical)
    except LedgerError as error:
        sentence = f"What was committed is not an event: {error.sentence}"
        return found(row, "T12", sentence, "content.canonical", None, canonical[:120])
    for column, said, stored in zip(COLUMNS, columns(event), row[1:11], strict=True):
        if said != stored or type(said) is not type(stored):
            return found(
                row, _column_class(column, said, stored), f"The column {column} was changed.", column, said, stored
            )
    if crc32(canonical) != row.checksum:
        return found(row, "T02", "The checksum was changed.", "content.checksum", crc32(canonical), row.checksum)
    return _leaf(row, event)


def _column_class(column: str, said: Any, stored: Any) -> str:
    confused = str(said) == str(stored) or (said in (None, "") and stored in (None, ""))
    return "T11" if confused else _COLUMN_CLASSES.get(column, "T02")


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


def _same_in_another_form(row: EventRecord, salt: bytes, canonical: bytes) -> bool:
    """Tell whether the content, brought back to canonical form or to a Unicode normal form, opens the commitment."""
    forms = []
    try:
        text = canonical.decode()
        forms = [unicodedata.normalize(form, text).encode() for form in ("NFC", "NFD")]
        forms.append(canonicalize(parse(canonical)))
    except (UnicodeDecodeError, LedgerError):
        pass
    return any(commit(salt, form) == row.commitment for form in forms)


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


def diagnose_documents(row: EventRecord, event: AuditEvent, stored: list[DocumentRecord]) -> list[Finding]:
    """Compare the stored attachments of an event with what was committed of them."""
    findings = []
    if len(stored) != len(event.attachments):
        counts = (len(event.attachments), len(stored))
        sentence = "The event's attachments are not complete."
        findings.append(found(row, "T14", sentence, "attachment", *counts))
    for committed, document in zip(event.attachments, stored, strict=False):
        said, there = (committed.name, committed.media_type), (document.name, document.media_type)
        if said != there:
            findings.append(found(row, "T16", "An attachment's name or type was changed.", "attachment", said, there))
        elif not isinstance(document.content, bytes) or sha256(document.content).hexdigest() != committed.sha256:
            size = len(document.content)
            kind, what = ("T15", "truncated") if size < committed.size else ("T14", "replaced")
            sentence = f"The attachment {committed.name} was {what}."
            findings.append(
                found(row, kind, sentence, "attachment", committed.sha256, sha256(bytes(document.content)).hexdigest())
            )
    return findings


def found(  # noqa: PLR0913, PLR0917  a finding's facts
    row: EventRecord, kind: str, sentence: str, column: str, expected: Any = None, actual: Any = None
) -> Finding:
    """Make a finding about a row."""
    return Finding(
        tampering=kind,
        sentence=sentence,
        case_id=str(row.case_id),
        sequence=row.sequence if isinstance(row.sequence, int) else None,
        leaf_index=row.leaf_index,
        column=column,
        expected=expected,
        actual=actual,
    )
