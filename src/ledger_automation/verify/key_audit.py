"""Which of the log's keys signed when: each after the log announced it, and none after its successor signed (T41).

A key that the log never announced is its first one. What a policy pins beside the present key are those that signed
before it, so that old receipts stay valid; a note that one of them signs today was signed by whoever kept it.

    first key   signs until its successor does
    a later one from the checkpoint on that has its announcement below it, until its successor does

What this does not do: tell when between two checkpoints a key changed hands.
"""

from collections.abc import Iterable, Mapping, Sequence

from ledger_automation.tlog.note import VerifierKey, read_note
from ledger_automation.verify.row_audit import sound
from ledger_automation.verify.sources import EventRecord
from ledger_automation.verify.verdict import Finding
from ledger_automation.workflows.log import ANNOUNCEMENT


def signed_by(note: str, keys: Sequence[VerifierKey]) -> tuple[str, ...]:
    """Return which pinned keys signed a note that was opened: every line of a known key in it holds (`open_note`)."""
    known = {(key.name, key.key_id): key.text for key in keys}
    _, lines = read_note(note)
    return tuple(known[line.name, line.key_id] for line in lines if (line.name, line.key_id) in known)


def announced(rows: Iterable[EventRecord], origin: str) -> dict[str, int]:
    """Return the leaf of each key's announcement in the log's own case, by key as C2SP writes it."""
    found: dict[str, int] = {}
    for row in rows:
        event = sound(row, origin)
        if event is not None and event.action == ANNOUNCEMENT and row.leaf_index is not None:
            found.setdefault(str(event.payload.get("public_key")), row.leaf_index)
    return found


def examine(
    signed: Mapping[int, tuple[str, ...]], announcements: Mapping[str, int], present: str, start: int
) -> tuple[list[Finding], str]:
    """Return what is wrong with who signed which size, and the key that signs at the end.

    ``present`` is the key that signed ``start``, the last size before the first; empty where nothing was signed before.
    A key may follow once a checkpoint of its predecessor's covers its announcement.
    """
    findings, seen, covered = [], {present}, start
    for size, keys in sorted(signed.items()):
        since = announcements.get(present, -1)
        coming = [each for each in keys if since < announcements.get(each, -1) < covered]
        if not present:
            coming += [each for each in keys if each not in announcements]
        if coming:
            present = max(coming, key=lambda each: announcements.get(each, -1))
        elif present not in keys:
            findings.append(_found(size, present, keys[0], announcements, retired=keys[0] in seen))
            continue
        seen.add(present)
        covered = size
    return findings, present


def _found(size: int, present: str, key: str, announcements: Mapping[str, int], *, retired: bool) -> Finding:
    leaf = announcements.get(key, size)
    what = "had retired" if retired or leaf < size else "had not announced"
    return Finding(
        tampering="T41",
        sentence=f"A checkpoint is signed by a key that the log {what}.",
        leaf_index=size,
        column="checkpoint.note",
        expected=present or None,
        actual=key,
    )
