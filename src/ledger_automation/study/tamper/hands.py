"""How a change gets into a database, by those who have it in their hands, and what they do to cover it.

    administrator   has the database: writes rows past every trigger, and computes anew whatever needs no key
                    (hashes, commitments, the projection of the case)
    operator        has the log's key too: makes leaves, tree, map and checkpoints anew by the program's own sequencer,
                    and has fresh timestamps made

Databases are SQLite files here; what the same attacks come to on PostgreSQL, and thirty other classes, shows
`make tampering`.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec

from ledger_automation.audit.encoding import decode, encode
from ledger_automation.audit.event import AuditEvent, log_case_id
from ledger_automation.audit.trail import Trail
from ledger_automation.canonical import commit
from ledger_automation.merkle import Frontier, leaf_hash
from ledger_automation.study.systems.baseline import digest, event_of, row_of
from ledger_automation.study.systems.rows import EVENT, Rows
from ledger_automation.study.tamper.changes import Book, Changed
from ledger_automation.study.tampering import disarm
from ledger_automation.values import Salt
from ledger_automation.verify.columns import columns
from ledger_automation.verify.sources import COLUMNS

_EVENTS: Final = f"SELECT {', '.join(EVENT)} FROM audit_event ORDER BY case_id, sequence"  # noqa: S608


def book_of_rows(rows: Rows, origin: str) -> Book:
    """Read what a baseline keeps."""
    book: Book = {}
    for row in rows.query(_EVENTS).fetchall():
        book.setdefault(row[0], []).append(event_of(row, origin, []))
    return book


def write_rows(rows: Rows, changed: Changed, *, chained: bool) -> None:
    """Put a change into a baseline's tables."""
    rows.open_to_attack()
    rows.query("DELETE FROM audit_event WHERE case_id = ?", (changed.case_id,))
    trail, head = Trail(), None
    for event in changed.events:
        written = msgspec.structs.replace(event, previous=head.hex() if head else None)
        found = digest(written) if chained else None
        trail.follow(written, found or b"")
        trail.head = found
        rows.steps([], [], [row_of(written, msgspec.json.encode(written.payload), found)], [])
        head = found
    if not changed.events:
        rows.query("DELETE FROM audit_case WHERE case_id = ?", (changed.case_id,))
        return
    last = changed.events[-1]
    rows.query(
        "UPDATE audit_case SET state = ?, sequence = ?, at = ?, head = ? WHERE case_id = ?",
        (last.to_state, last.sequence, last.occurred_at, head or b"", changed.case_id),
    )


def book_of_ledger(path: Path, origin: str) -> Book:
    """Read what a ledger keeps, without the log's own case."""
    book: Book = {}
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT canonical FROM content JOIN event ON id = event_id ORDER BY case_id, sequence"
        for (canonical,) in db.execute(query):
            event = decode(canonical)
            book.setdefault(event.case_id, []).append(event)
    book.pop(str(log_case_id(origin)), None)
    return book


def write_ledger(path: Path, changed: Changed) -> None:
    """Put a change into a ledger's tables, with everything that needs no key; the tree's nodes follow the leaves."""
    with closing(sqlite3.connect(path)) as db:
        disarm(db)
        known = {
            sequence: (event_id, salt)
            for event_id, sequence, salt in db.execute(
                "SELECT id, sequence, salt FROM event JOIN content ON event_id = id WHERE case_id = ?",
                (changed.case_id,),
            )
        }
        for sequence in known.keys() - {event.sequence for event in changed.events}:
            _remove(db, known[sequence][0])
        trail, head = Trail(), None
        for event in changed.events:
            written = msgspec.structs.replace(event, previous=head.hex() if head else None)
            event_id, salt = known.get(event.sequence) or (None, bytes(Salt.random()))
            head = commit(salt, canonical := encode(written))
            trail.follow(written, head)
            _write(db, event_id, written, (head, salt, canonical))
        _project(db, changed, trail, head)
        _regrow(db)
        db.commit()


def unseal(path: Path) -> list[int]:
    """Throw a log away, and leave its events; returns the sizes at which it had been signed."""
    with closing(sqlite3.connect(path)) as db:
        disarm(db)
        sizes = [size for (size,) in db.execute("SELECT tree_size FROM checkpoint ORDER BY tree_size")]
        for name in ("leaf", "node", "checkpoint", "map_tile", "cosignature"):
            db.execute(f"DELETE FROM {name}")  # noqa: S608  names of our own
        db.commit()
    return sizes


def _remove(db: sqlite3.Connection, event_id: int) -> None:
    """Take an event away, and leave its leaf, without which the tree would not even grow together."""
    for name, key in (("content", "event_id"), ("attachment", "event_id"), ("event", "id")):
        db.execute(f"DELETE FROM {name} WHERE {key} = ?", (event_id,))  # noqa: S608  names of our own


def _write(db: sqlite3.Connection, event_id: int | None, event: AuditEvent, opened: tuple[bytes, bytes, bytes]) -> None:
    commitment, salt, canonical = opened
    values = (*columns(event), commitment)
    names = (*COLUMNS, "commitment")
    if event_id is None:
        marks = ", ".join("?" * len(names))
        cursor = db.execute(f"INSERT INTO event ({', '.join(names)}) VALUES ({marks})", values)  # noqa: S608
        content = (cursor.lastrowid, salt, canonical, crc32(canonical))
        db.execute("INSERT INTO content (event_id, salt, canonical, checksum) VALUES (?, ?, ?, ?)", content)
        return
    assigned = ", ".join(f"{name} = ?" for name in names)
    db.execute(f"UPDATE event SET {assigned} WHERE id = ?", (*values, event_id))  # noqa: S608
    row = (canonical, crc32(canonical), event_id)
    db.execute("UPDATE content SET canonical = ?, checksum = ? WHERE event_id = ?", row)
    db.execute("UPDATE leaf SET leaf_hash = ? WHERE event_id = ?", (leaf_hash(commitment), event_id))


def _project(db: sqlite3.Connection, changed: Changed, trail: Trail, head: bytes | None) -> None:
    """Let the case's row follow."""
    if not changed.events:
        db.execute('DELETE FROM "case" WHERE case_id = ?', (changed.case_id,))
        return
    last = changed.events[-1]
    row = (last.to_state, last.sequence, last.occurred_at, head, changed.case_id)
    db.execute('UPDATE "case" SET state = ?, sequence = ?, at = ?, head = ? WHERE case_id = ?', row)
    if trail.table is not None and trail.case is not None:
        data = trail.table.freeze(trail.case.data)
        db.execute('UPDATE "case" SET data = ? WHERE case_id = ?', (data, changed.case_id))


def _regrow(db: sqlite3.Connection) -> None:
    """Compute the tree's nodes anew from the leaves that are there."""
    frontier = Frontier()
    for node in frontier.extend([row[0] for row in db.execute("SELECT leaf_hash FROM leaf ORDER BY leaf_index")]):
        db.execute("UPDATE node SET hash = ? WHERE level = ? AND number = ?", (node.hash, node.level, node.number))
