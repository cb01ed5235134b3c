"""Tamperings as they would be done: raw SQL on a copy of the database, by those who have it in their hands.

Each attack is a function on an SQLite connection; the append-only triggers and foreign keys are switched off first, as
an administrator would. `rewrite` is the strongest: an operator who holds the log's private key makes a whole new
history that is consistent with itself. Classes are those of the tampering catalogue (docs/threat-model.md).
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from ledger_automation.audit.encoding import decode, encode
from ledger_automation.audit.trail import Trail
from ledger_automation.canonical import commit
from ledger_automation.merkle import Frontier, leaf_hash
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.note import SignerKey

Attack = Callable[[sqlite3.Connection, SignerKey], None]


class Tampering(NamedTuple):
    """An attack on a copy: who, what in words, and the class that a verifier must name."""

    tampering: str
    who: str
    what: str
    attack: Attack


def copy(source: Path, target: Path) -> None:
    """Copy a database as it stands, its write-ahead log included."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


def inject(database: Path, attack: Attack, key: SignerKey) -> None:
    """Run an attack on a database file; the log's key is there for the attacks of an operator."""
    with closing(sqlite3.connect(database)) as connection:
        disarm(connection)
        attack(connection, key)
        connection.commit()


def disarm(connection: sqlite3.Connection) -> None:
    """Take the append-only triggers and the foreign keys away, as an administrator would."""
    connection.execute("PRAGMA foreign_keys=OFF")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")


def _raise_amount(db: sqlite3.Connection, _: SignerKey) -> None:
    query = "SELECT id, amount FROM event JOIN content ON event_id = id WHERE action = 'request_tranche'"
    event_id, amount = db.execute(query).fetchone()
    _edit_content(db, event_id, f'"amount":{amount}'.encode(), f'"amount":{amount + 5_000_000}'.encode())


def _edit_content(db: sqlite3.Connection, event_id: int, before: bytes, after: bytes) -> None:
    (canonical,) = db.execute("SELECT canonical FROM content WHERE event_id = ?", (event_id,)).fetchone()
    edited = canonical.replace(before, after)
    db.execute("UPDATE content SET canonical = ?, checksum = ? WHERE event_id = ?", (edited, crc32(edited), event_id))


def _change_role(db: sqlite3.Connection, _: SignerKey) -> None:
    db.execute("UPDATE event SET actor_role = 'finance' WHERE action = 'approve_tranche'")


def _delete_last(db: sqlite3.Connection, _: SignerKey) -> None:
    query = "SELECT case_id, max(sequence), max(id) FROM event WHERE workflow = 'parking_fine' GROUP BY case_id"
    case_id, sequence, event_id = max(db.execute(query).fetchall(), key=lambda row: row[1])
    (state,) = db.execute(
        "SELECT to_state FROM event WHERE case_id = ? AND sequence = ?", (case_id, sequence - 1)
    ).fetchone()
    db.execute("DELETE FROM content WHERE event_id = ?", (event_id,))
    db.execute("DELETE FROM event WHERE id = ?", (event_id,))
    db.execute('UPDATE "case" SET sequence = ?, state = ? WHERE case_id = ?', (sequence - 1, state, case_id))


def _back_date(db: sqlite3.Connection, _: SignerKey) -> None:
    query = "SELECT e.*, c.* FROM event e JOIN content c ON event_id = id WHERE action = 'record_payment' LIMIT 1"
    cursor = db.execute(query)
    row = dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))
    event = decode(row["canonical"])
    (last,) = db.execute("SELECT max(sequence) FROM event WHERE case_id = ?", (event.case_id,)).fetchone()
    forged = msgspec.structs.replace(
        event, sequence=last + 1, occurred_at="2019-01-02T09:00:00.000000Z", recorded_at="2019-01-02T09:00:00.000000Z"
    )
    canonical, salt = encode(forged), bytes(32)
    db.execute(
        "INSERT INTO event (case_id, sequence, workflow, action, to_state, actor_id, actor_role, occurred_at,"
        " recorded_at, amount, commitment) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (forged.case_id, forged.sequence, forged.workflow, forged.action, forged.to_state, forged.actor.id,
         forged.actor.role, forged.occurred_at, forged.recorded_at, row["amount"], commit(salt, canonical)),
    )  # fmt: skip
    (event_id,) = db.execute("SELECT last_insert_rowid()").fetchone()
    db.execute("INSERT INTO content VALUES (?, ?, ?, ?)", (event_id, salt, canonical, crc32(canonical)))


def _replace_document(db: sqlite3.Connection, _: SignerKey) -> None:
    paper = b"Council paper VO/2019/3113, in a version with another own share than the council saw.\n"
    db.execute("UPDATE attachment SET content = ?", (paper,))


def _swap_key(db: sqlite3.Connection, key: SignerKey) -> None:
    size, note = db.execute("SELECT tree_size, note FROM checkpoint ORDER BY tree_size LIMIT 1").fetchone()
    stranger = SignerKey(key.verifier.name, sha256(b"a stranger's key").digest())
    signed = stranger.sign(note.rpartition("\n\n")[0] + "\n")
    db.execute("UPDATE checkpoint SET note = ? WHERE tree_size = ?", (signed, size))


def rewrite(db: sqlite3.Connection, key: SignerKey) -> None:
    """Make another history: one payment is halved, and everything that depends on it is computed and signed anew."""
    query = "SELECT event_id, amount FROM event JOIN leaf ON event_id = id WHERE action = 'request_tranche'"
    event_id, amount = db.execute(query).fetchone()
    _edit_content(db, event_id, f'"amount":{amount}'.encode(), f'"amount":{amount // 2}'.encode())
    db.execute("UPDATE event SET amount = ? WHERE id = ?", (amount // 2, event_id))
    (case_id,) = db.execute("SELECT case_id FROM event WHERE id = ?", (event_id,)).fetchone()
    _recommit(db, case_id)
    _resign(db, key)


def _recommit(db: sqlite3.Connection, case_id: str) -> None:
    previous, trail = None, Trail()
    query = "SELECT id, salt, canonical FROM event JOIN content ON event_id = id WHERE case_id = ? ORDER BY sequence"
    for event_id, salt, canonical in db.execute(query, (case_id,)).fetchall():
        event = msgspec.structs.replace(decode(canonical), previous=previous.hex() if previous else None)
        written = encode(event)
        previous = commit(salt, written)
        trail.follow(event, previous)
        db.execute("UPDATE event SET commitment = ? WHERE id = ?", (previous, event_id))
        row = (written, crc32(written), event_id)
        db.execute("UPDATE content SET canonical = ?, checksum = ? WHERE event_id = ?", row)
        db.execute("UPDATE leaf SET leaf_hash = ? WHERE event_id = ?", (leaf_hash(previous), event_id))
    if trail.table is not None and trail.case is not None:
        data = trail.table.freeze(trail.case.data)
        db.execute('UPDATE "case" SET head = ?, data = ? WHERE case_id = ?', (previous, data, case_id))


def _resign(db: sqlite3.Connection, key: SignerKey) -> None:
    leaves = [row[0] for row in db.execute("SELECT leaf_hash FROM leaf ORDER BY leaf_index")]
    frontier = Frontier()
    for size, note in db.execute("SELECT tree_size, note FROM checkpoint ORDER BY tree_size").fetchall():
        for node in frontier.extend(leaves[frontier.size : size]):
            db.execute("UPDATE node SET hash = ? WHERE level = ? AND number = ?", (node.hash, node.level, node.number))
        lines = note.split("\n")
        checkpoint = Checkpoint(lines[0], size, frontier.root_hash(), sha256(b"").digest())
        row = (checkpoint.root_hash, checkpoint.sign(key), size)
        db.execute("UPDATE checkpoint SET root_hash = ?, note = ? WHERE tree_size = ?", row)


TAMPERINGS: Final = (
    Tampering("T01", "a database administrator", "raises a tranche by 50,000 EUR in its content", _raise_amount),
    Tampering("T20", "a clerk with database access", "makes the approver of a tranche a cashier", _change_role),
    Tampering("T03", "a database administrator", "deletes the last step of a fine and adjusts its case", _delete_last),
    Tampering("T07", "a clerk with database access", "slips in a payment and dates it back to 2019", _back_date),
    Tampering("T14", "a database administrator", "replaces the council paper under the same name", _replace_document),
    Tampering("T40", "a database administrator", "signs a checkpoint with a key of his own", _swap_key),
    Tampering("T36", "the operator, with the log's private key", "rewrites history and signs all of it anew", rewrite),
)
