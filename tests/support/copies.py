"""Copies of a town's database in an attacker's hands, on SQLite and on PostgreSQL: what an administrator has.

Triggers, foreign keys and row counts stop nobody here. Statements are written once, for both: ``?`` stands for a value,
``IS ?`` for one that may be nothing.
"""

# ruff: noqa: S608  table and column names come from the schema, never from outside

import json
import sqlite3
from collections.abc import Callable, Sequence
from random import Random
from typing import Any
from zlib import crc32

import psycopg
from sqlalchemy import Engine, create_engine, delete, insert, select
from sqlalchemy.pool import NullPool, StaticPool
from sqlmodel import SQLModel

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.trail import Trail
from ledger_automation.canonical import commit
from ledger_automation.merkle import Frontier, leaf_hash
from ledger_automation.store.engine import migrate, open_engine
from ledger_automation.store.readers import SqlReaders
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.case_map import Head, MapLeaf
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.cosignature import Cosigner
from ledger_automation.tlog.map_trie import MapTrie
from ledger_automation.tlog.note import SignerKey
from ledger_automation.verify.auditor import Auditor, AuditReport, Mark
from ledger_automation.verify.policy import Level
from support import case_maps
from support.servers import Server


class Impossible(Exception):
    """What cannot be done to this database, and why."""


class Copy:
    """A database in an attacker's hands; each database has its own ways (below)."""

    town: Any
    place: str
    """A statement's words for where a row lies."""

    is_place: str
    """The test for one row by where it lies."""

    loosened = False
    """Whether a column holds what it was not made for, which is seen of itself (T25)."""

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement; rows can be asked by name and by number, and unpacked."""
        raise NotImplementedError

    def changed(self, statement: str, *values: Any) -> int:
        """Run a statement; return how many rows it touched."""
        raise NotImplementedError

    def loosen(self, table: str, column: str, value: Any) -> None:
        """Let a column hold a value, whatever its type and constraints say."""
        raise NotImplementedError

    def restore(self, size: int) -> None:
        """Put the back-up of a size in place of everything."""
        raise NotImplementedError

    def engine(self) -> Engine:
        """Return what an auditor reads through."""
        raise NotImplementedError

    def close(self) -> None:
        """Throw the copy away."""
        raise NotImplementedError

    def set(self, table: str, column: str, value: Any, **where: Any) -> None:
        tests = " AND ".join(f'"{name}" IS ?' for name in where)
        count = self.changed(f'UPDATE "{table}" SET "{column}" = ? WHERE {tests}', value, *where.values())
        assert count == 1, f"{table}.{column} of {where}: {count} rows"

    def events(self, having: str = "TRUE") -> list[Any]:
        """Events with content and leaf, in the order of the log; those of the log's own case only when asked."""
        return self.sql(
            "SELECT e.*, c.salt, c.canonical, c.checksum, l.leaf_index, l.leaf_hash, k.sequence AS last, d.documents"
            ' FROM event e JOIN content c ON c.event_id = e.id JOIN "case" k ON k.case_id = e.case_id'
            " JOIN leaf l ON l.event_id = e.id LEFT JOIN"
            " (SELECT event_id, count(*) AS documents FROM attachment GROUP BY event_id) d ON d.event_id = e.id"
            f" WHERE {having} ORDER BY l.leaf_index"
        )

    def event(self, random: Random, having: str = "e.workflow <> 'log'") -> Any:
        """Draw one event."""
        return random.choice(self.events(having))

    def audit(
        self, level: Level = Level.ANCHORED, *, held: tuple[str, ...] = (), mark: Mark | None = None
    ) -> AuditReport:
        chain = self.town.chain if level is Level.ANCHORED else None
        auditor = Auditor(self.town.policy.at(level), chain, held)
        with SqlUnitOfWork.open(self.engine(), "read") as unit:
            report = auditor.audit(unit.cases, unit.log, mark, unit.soundness)
        with SqlUnitOfWork.open(self.engine(), "read") as unit:
            shared = SqlReaders(unit._connection, least=0, width=7, cores=1)
            assert auditor.audit(unit.cases, unit.log, mark, unit.soundness, shared) == report, "shares find otherwise"
        return report

    def rewrite(self, event_id: int, change: Callable[[Any], Any], *, checksum: bool = True) -> bytes:
        """Change an event's canonical content, leaving salt, commitment and leaf as they are."""
        (row,) = self.sql("SELECT canonical FROM content WHERE event_id = ?", event_id)
        value = json.loads(row["canonical"])
        change(value)
        canonical = compact(value)
        self.replace(event_id, canonical, checksum=checksum)
        return canonical

    def replace(self, event_id: int, canonical: bytes, *, checksum: bool = True) -> None:
        self.set("content", "canonical", canonical, event_id=event_id)
        if checksum:
            self.set("content", "checksum", crc32(canonical), event_id=event_id)

    def recommit(self, event_id: int) -> bytes:
        """Make commitment and leaf fit the content again."""
        (row,) = self.sql("SELECT salt, canonical FROM content WHERE event_id = ?", event_id)
        commitment = commit(row["salt"], row["canonical"])
        self.set("event", "commitment", bytes(commitment), id=event_id)
        self.sql("UPDATE leaf SET leaf_hash = ? WHERE event_id = ?", leaf_hash(commitment), event_id)
        return bytes(commitment)

    def resign(self, case_id: str, since: int = 0) -> None:
        """Rewrite history as the operator could: chain of the case, leaves, nodes, and every note with the real key."""
        previous: bytes | None = None
        for row in self.sql("SELECT id, sequence, commitment FROM event WHERE case_id = ? ORDER BY sequence", case_id):
            if row["sequence"] > since:
                head = None if previous is None else previous.hex()
                self.rewrite(row["id"], lambda value, head=head: value.update(previous=head))  # type: ignore[misc]
            previous = self.recommit(row["id"]) if row["sequence"] >= since else row["commitment"]
        self.project(case_id)
        self.sign_again()

    def project(self, case_id: str) -> None:
        """Let a case's row say what its events now lead to, as far as the law goes with them."""
        trail, last = Trail(), None
        for last in self.sql(
            "SELECT * FROM event JOIN content ON event_id = id WHERE case_id = ? ORDER BY sequence", case_id
        ):
            if trail.follow(decode(last["canonical"]), last["commitment"]) is not None:
                return
        if last is None or trail.case is None or trail.table is None:
            self.sql('DELETE FROM "case" WHERE case_id = ?', case_id)
            return
        self.sql(
            'UPDATE "case" SET sequence = ?, state = ?, head = ?, at = ?, data = ? WHERE case_id = ?',
            last["sequence"], last["to_state"], last["commitment"], last["occurred_at"],
            trail.table.freeze(trail.case.data), case_id,
        )  # fmt: skip

    def sign_again(self) -> None:
        """Recompute nodes and checkpoints over the leaves as they now are."""
        frontier = Frontier()
        leaves = [row["leaf_hash"] for row in self.sql("SELECT leaf_hash FROM leaf ORDER BY leaf_index")]
        self.sql("DELETE FROM node")
        for (size,) in self.sql("SELECT tree_size FROM checkpoint WHERE tree_size <= ? ORDER BY 1", len(leaves)):
            for node in frontier.extend(leaves[frontier.size : size]):
                self.sql("INSERT INTO node VALUES (?, ?, ?)", *node)
            self.note(size, frontier.root_hash())
        self.map_again()

    def cosign(self) -> None:
        """Put a witness's cosignatures on every checkpoint."""
        witness = Cosigner("witness.example/one", bytes(32))
        for size, note in self.sql("SELECT tree_size, note FROM checkpoint"):
            line = witness.cosign(note.rpartition("\n\n")[0] + "\n", 1_700_000_000)
            self.sql("INSERT INTO cosignature VALUES (?, ?, ?, '')", size, witness.verifier.text, line)

    def map_again(self) -> None:
        """Write the case map's tiles anew, at every size."""
        self.sql("DELETE FROM map_tile")
        for size in self.sizes():
            self.store_map(size, self.heads(size))

    def store_map(self, size: int, heads: dict[str, Head]) -> None:
        trie = MapTrie()
        for case_id, head in heads.items():
            trie.put(MapLeaf.of(case_id, head))
        for path, tile in trie.tiles():
            self.sql("INSERT INTO map_tile VALUES (?, ?, ?)", path, size, tile)

    def note(self, size: int, root: bytes, key: SignerKey | None = None, map_root: bytes | None = None) -> None:
        """Put a signed note for a size and root in place of the one of that size."""
        over = case_maps.root(self.heads(size)) if map_root is None else map_root
        note = Checkpoint(self.town.origin, size, root, over).sign(key or self.town.key)
        self.sql("UPDATE checkpoint SET root_hash = ?, note = ? WHERE tree_size = ?", root, note, size)

    def heads(self, size: int) -> dict[str, Head]:
        """Return the last events of all cases among the first leaves, as they now are."""
        rows = self.sql("SELECT case_id, sequence, leaf_hash FROM leaf WHERE leaf_index < ? ORDER BY leaf_index", size)
        return {case_id: Head(sequence, leaf_hash) for case_id, sequence, leaf_hash in rows}

    def sizes(self) -> list[int]:
        return [size for (size,) in self.sql("SELECT tree_size FROM checkpoint ORDER BY 1")]

    def anchored(self) -> list[int]:
        return [size for (size,) in self.sql("SELECT tree_size FROM submission ORDER BY 1")]

    def end(self) -> int:
        return int(self.sql("SELECT max(leaf_index) + 1 FROM leaf")[0][0])


class SqliteCopy(Copy):
    """In memory."""

    place, is_place = "rowid", "rowid = ?"

    def __init__(self, town: Any, of: sqlite3.Connection) -> None:
        self.town = town
        self.raw = memory()
        of.backup(self.raw)
        self.raw.isolation_level = None
        self.sql("PRAGMA foreign_keys=OFF")
        for (name,) in self.sql("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            self.sql(f'DROP TRIGGER "{name}"')

    def sql(self, statement: str, *values: Any) -> list[Any]:
        return self.raw.execute(statement, values).fetchall()

    def changed(self, statement: str, *values: Any) -> int:
        return self.raw.execute(statement, values).rowcount

    def loosen(self, table: str, column: str, value: Any) -> None:
        """Rebuild the table without types and constraints."""
        del column, value
        self.loosened = True
        columns = ", ".join(f'"{row["name"]}"' for row in self.sql(f'PRAGMA table_info("{table}")'))
        self.sql("PRAGMA legacy_alter_table=ON")
        self.sql(f'ALTER TABLE "{table}" RENAME TO strict_{table}')
        self.sql(f'CREATE TABLE "{table}" ({columns})')
        self.sql(f'INSERT INTO "{table}" SELECT * FROM strict_{table}')
        self.sql(f"DROP TABLE strict_{table}")

    def restore(self, size: int) -> None:
        self.raw.close()
        self.__init__(self.town, (self.town.backups | self.town.between)[size])  # type: ignore[misc]

    def engine(self) -> Engine:
        return engine_on(self.raw)

    def close(self) -> None:
        self.raw.close()


class Row(tuple[Any, ...]):
    """A row of PostgreSQL that can be asked as one of SQLite."""

    __slots__ = ()
    names: tuple[str, ...] = ()

    def keys(self) -> tuple[str, ...]:
        return self.names

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)


def _rows(cursor: Any) -> Callable[[Sequence[Any]], Row]:
    """Make rows (psycopg's row factory)."""
    return type("Row", (Row,), {"names": tuple(each.name for each in cursor.description or ())})


class PostgresCopy(Copy):
    """A database of its own, copied from a template; its owner is a superuser, and no trigger runs for him."""

    place, is_place = "ctid", "ctid = ?::tid"

    def __init__(self, town: Any, server: Server, templates: dict[int | None, str], size: int | None = None) -> None:
        self.town, self._server, self._templates = town, server, templates
        self._url = server.fresh(templates[size])
        self._raw = psycopg.connect(self._url, autocommit=True, row_factory=_rows)
        self._engine: Engine | None = None
        self.sql("SET session_replication_role = replica")

    def sql(self, statement: str, *values: Any) -> list[Any]:
        cursor = self._raw.execute(_translated(statement), values)
        return cursor.fetchall() if cursor.description else []

    def changed(self, statement: str, *values: Any) -> int:
        return self._raw.execute(_translated(statement), values).rowcount

    def loosen(self, table: str, column: str, value: Any) -> None:
        """Change the column's type, or let it be null: one column has one type here."""
        self.loosened = True
        self.sql(f'ALTER TABLE "{table}" ALTER "{column}" DROP NOT NULL')
        kinds = {str: "text", float: "double precision", bytes: "bytea"}
        if type(value) in kinds:
            kind = kinds[type(value)]
            using = f"convert_to(\"{column}\", 'UTF8')" if kind == "bytea" else f'"{column}"::{kind}'
            self.sql(f'ALTER TABLE "{table}" ALTER "{column}" TYPE {kind} USING {using}')

    def restore(self, size: int) -> None:
        self.close()
        self.__init__(self.town, self._server, self._templates, size)  # type: ignore[misc]

    def engine(self) -> Engine:
        if self._engine is None:
            self._engine = open_engine(self._url)
        return self._engine

    def close(self) -> None:
        self._raw.close()
        if self._engine is not None:
            self._engine.dispose()
        self._server.drop(self._url)


def _translated(statement: str) -> bytes:
    return statement.replace("IS ?", "IS NOT DISTINCT FROM ?").replace("?", "%s").encode()


def memory() -> sqlite3.Connection:
    raw = sqlite3.connect(":memory:", check_same_thread=False)
    raw.row_factory = sqlite3.Row
    return raw


def engine_on(raw: sqlite3.Connection) -> Engine:
    return create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)


def template(server: Server, raw: sqlite3.Connection, name: str) -> str:
    """Make a database of PostgreSQL with the rows of one of SQLite; return its name, for copies."""
    server.execute(f"CREATE DATABASE {name}")
    migrate(_unpooled(server.url(name)))
    fill(server.url(name), raw)
    return name


def fill(url: str, raw: sqlite3.Connection) -> None:
    """Put the rows of a database of SQLite in place of those of one of PostgreSQL, in one transaction."""
    with engine_on(raw).connect() as source, _unpooled(url).begin() as target:
        target.exec_driver_sql("SET session_replication_role = replica")
        for table in SQLModel.metadata.sorted_tables:
            target.execute(delete(table))
            rows = [dict(each) for each in source.execute(select(table)).mappings()]
            if rows:
                target.execute(insert(table), rows)
            for column in table.primary_key:
                if column.autoincrement is True:
                    drawn = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
                    target.exec_driver_sql(f'SELECT setval({drawn}, max({column.name})) FROM "{table.name}"')


def _unpooled(url: str) -> Engine:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)


def compact(value: Any) -> bytes:
    """Write JSON as the canonical form does, but of anything."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
