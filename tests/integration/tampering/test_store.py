"""T25 to T28, T30: the database itself is bent or behind, so that what is read through it is not what is there."""

# ruff: noqa: S608  table and column names come from the schema, never from outside

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from integration.tampering.conftest import FULL, POSTGRESQL
from ledger_automation.store.engine import open_engine
from ledger_automation.store.readers import SqlReaders
from ledger_automation.store.soundness import EVIDENCE
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.verdict import Verdict
from support.copies import Impossible, SqliteCopy, fill, template
from support.servers import Server, postgresql

COLUMNS = ("event.amount", "event.actor_id", "content.canonical", "leaf.leaf_hash", "checkpoint.note", "case.state")
WHATEVER = tuple(f"T{number:02}" for number in range(1, 51))
"""What is read through an index or a view that lies may seem to have suffered anything."""


def on_sqlite(copy: Any) -> bool:
    return isinstance(copy, SqliteCopy)


# T25


def rename_a_column(copy: Any, random: Random) -> Any:
    table, column = random.choice(COLUMNS).split(".")
    copy.sql(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "{column}_before"')
    return {"column": f"{table}.{column}"}


def drop_a_column(copy: Any, random: Random) -> Any:
    table, column = random.choice(COLUMNS).split(".")
    copy.sql(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
    return {"column": f"{table}.{column}"}


def add_a_column(copy: Any, random: Random) -> Any:
    table = random.choice(EVIDENCE)
    copy.sql(f'ALTER TABLE "{table}" ADD COLUMN hidden integer')
    return {"column": f"{table}.hidden"}


def change_a_type(copy: Any, random: Random) -> Any:
    """All values stay what they are, but for how they are kept."""
    table, column = random.choice(("event.amount", "case.sequence", "leaf.sequence")).split(".")
    if on_sqlite(copy):
        copy.loosen(table, column, "")
    else:
        copy.sql(f'ALTER TABLE "{table}" ALTER "{column}" TYPE numeric')
    return {"column": f"{table}.{column}", "also": ("T11", "T02", "T29")}


def a_view_in_its_place(copy: Any, random: Random) -> Any:
    """The table has another name, and a view shows all of it but one row."""
    table = random.choice(("event", "content", "leaf", "checkpoint"))
    key = {"event": "id", "content": "event_id", "leaf": "leaf_index", "checkpoint": "tree_size"}[table]
    copy.sql(f"ALTER TABLE {table} RENAME TO real_{table}")
    ((hidden,),) = copy.sql(f"SELECT max({key}) FROM real_{table}")
    copy.sql(f"CREATE VIEW {table} AS SELECT * FROM real_{table} WHERE {key} <> {hidden}")
    return {"column": table}


def a_computed_column(copy: Any, random: Random) -> Any:
    """What was paid is always a little more than what was stored."""
    extra = random.randrange(1, 1_000)
    copy.sql("ALTER TABLE event RENAME COLUMN amount TO stored_amount")
    copy.sql(
        f"ALTER TABLE event ADD COLUMN amount bigint GENERATED ALWAYS AS (stored_amount + {extra}) "
        f"{'VIRTUAL' if on_sqlite(copy) else 'STORED'}"
    )
    return {"column": "event.amount", "also": WHATEVER}


def a_table_before_it(copy: Any, random: Random) -> Any:
    """Another schema stands first in the search path, with a table of the same name and nearly the same rows."""
    if on_sqlite(copy):
        raise Impossible("SQLite keeps no search path: a table of a connection's own is seen by that connection alone")
    table = random.choice(("event", "leaf"))
    copy.sql("CREATE SCHEMA elsewhere")
    copy.sql(f"CREATE TABLE elsewhere.{table} (LIKE public.{table} INCLUDING ALL)")
    copy.sql(f"INSERT INTO elsewhere.{table} SELECT * FROM public.{table}")
    copy.sql(f"DELETE FROM elsewhere.{table} WHERE ctid = (SELECT max(ctid) FROM elsewhere.{table})")
    ((name,),) = copy.sql("SELECT current_database()")
    copy.sql(f"ALTER DATABASE {name} SET search_path = elsewhere, public")
    return {"column": table, "also": WHATEVER}


# T26


INDICES = (
    ("event", "sequence", "sqlite_autoindex_event_1", ["case_id", "sequence"]),
    ("leaf", "event_id", "ix_leaf_event", ["event_id"]),
)


def a_row_beside_its_index(copy: Any, random: Random) -> Any:
    """A row is changed while its index is not looked after: table and index tell two stories."""
    table, column, index, columns = random.choice(INDICES)
    row = random.choice(copy.sql(f"SELECT {copy.place} AS place FROM {table}"))
    change = f"UPDATE {table} SET {column} = 1000000 WHERE {copy.is_place}"
    if on_sqlite(copy):
        ((text,),) = copy.sql("SELECT sql FROM sqlite_master WHERE name = ? AND type = 'table'", table)
        (kept,) = copy.sql("SELECT * FROM sqlite_master WHERE name = ?", index)
        with schema_of(copy):
            copy.sql("DELETE FROM sqlite_master WHERE name = ?", index)
            define(copy, table, text.replace(", \n\tUNIQUE (case_id, sequence)", ""))
        copy.sql(change, row["place"])
        with schema_of(copy):
            copy.sql("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", *kept)
            define(copy, table, text)
        return {"column": index, "also": WHATEVER}
    ((index,),) = copy.sql(
        "SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = ?::regclass "
        "AND x.indisunique AND (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a WHERE "
        "a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)) = ?",
        table, columns,
    )  # fmt: skip
    for ready, then in ((False, change), (True, "")):
        copy.sql("UPDATE pg_index SET indisready = ? WHERE indexrelid = ?::regclass", ready, index)
        if then:
            copy.sql(then, row["place"])
    return {"column": index, "also": WHATEVER}


@contextmanager
def schema_of(copy: Any) -> Iterator[None]:
    """Let SQLite's own schema table be written, and read anew afterwards."""
    copy.sql("PRAGMA writable_schema = ON")
    yield
    copy.sql("PRAGMA writable_schema = OFF")
    ((version,),) = copy.sql("PRAGMA schema_version")
    copy.sql(f"PRAGMA schema_version = {version + 1}")


def define(copy: Any, table: str, text: str) -> None:
    copy.sql("UPDATE sqlite_master SET sql = ? WHERE name = ? AND type = 'table'", text, table)


# T27


def row_security(copy: Any, random: Random) -> Any:
    if on_sqlite(copy):
        raise Impossible("SQLite has no row security")
    table = random.choice(EVIDENCE)
    copy.sql(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    copy.sql(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    copy.sql(f"CREATE POLICY most ON \"{table}\" USING (ctid <> '(0,1)')")
    return {"column": table}


def a_partition(copy: Any, random: Random) -> Any:
    """Rows lie in a table below, which can be taken off and put on again while nobody looks."""
    if on_sqlite(copy):
        raise Impossible("SQLite has no partitions")
    table = random.choice(("event", "leaf", "content", "node"))
    copy.sql(f"CREATE TABLE part () INHERITS ({table})")
    return {"column": table}


# T28


def flip_a_bit_of_a_page(copy: Any, random: Random) -> Any:
    """In the head of a page, or in its list of cells: what a disk does, or somebody with an editor."""
    if not on_sqlite(copy):
        raise Impossible("pages of PostgreSQL are flipped in test_a_page_of_postgresql_that_rots_is_found")
    ((size,),) = copy.sql("PRAGMA page_size")
    octets = bytearray(copy.raw.serialize())
    tables = copy.sql("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'")
    roots = [row["rootpage"] for row in tables if row["name"] in {"event", "content", "leaf", "checkpoint"}]
    at = (random.choice(roots) - 1) * size + random.choice((0, 3, 4, 5, 6, 8, 9, 10, 11))
    octets[at] ^= 1 << random.randrange(8)
    copy.raw.deserialize(bytes(octets))
    return {"also": ("T26",)}


ATTACKS = {
    "T25": [
        rename_a_column, drop_a_column, add_a_column, change_a_type, a_view_in_its_place, a_computed_column,
        a_table_before_it,
    ],
    "T26": [a_row_beside_its_index],
    "T27": [row_security, a_partition],
    "T28": [flip_a_bit_of_a_page],
}  # fmt: skip


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_bent_database_is_found_named_and_located(lab: Any, small_town: Any, kind: str) -> None:
    lab.run(kind, ATTACKS[kind], small_town)


def test_an_honest_database_is_sound(small_town: Any, tall_town: Any) -> None:
    for copies in (small_town, tall_town):
        copy = copies.fresh()
        assert copy.audit().verdict is Verdict.FINAL
        copy.close()


def test_a_look_leaves_the_planner_as_free_as_before(small_copies: Any) -> None:
    """Indices are read in ways of their own; what the audit reads next must not be."""
    copy = small_copies[POSTGRESQL].fresh()
    with SqlUnitOfWork.open(copy.engine(), "read") as unit:
        assert unit.soundness.look(whole=True) == ((), True, False)
        for name in ("seqscan", "indexscan", "indexonlyscan", "bitmapscan", "sort"):
            assert unit._connection.exec_driver_sql(f"SHOW enable_{name}").scalar_one() == "on"
    copy.close()


def test_a_page_of_postgresql_that_rots_is_found(lab: Any, klein: Any) -> None:
    """One bit of a page is flipped while the server is down: the server's own checksum of the page tells."""
    random = Random(28)
    with postgresql() as server:
        name = template(server, klein.raw, "rotten")
        for _ in range(20 if FULL else 4):
            table = random.choice(EVIDENCE[:5])
            with psycopg.connect(server.url(name), autocommit=True) as connection:
                connection.execute("CHECKPOINT")
                ((path,),) = connection.execute("SELECT pg_relation_filepath(%s)", (f'"{table}"',)).fetchall()
            server.stop()
            flipped = flip(server.folder / "data" / path, random)
            server.start()
            assert lab.judge("T28", {"column": table}, audited(klein, server.url(name)), POSTGRESQL) == ""
            server.stop()
            flip(server.folder / "data" / path, random, flipped)
            server.start()


def flip(file: Path, random: Random, at: tuple[int, int] | None = None) -> tuple[int, int]:
    """Flip one bit of a file, where it was flipped before or anywhere; return which."""
    octets = bytearray(file.read_bytes())
    place, bit = at or (random.randrange(len(octets)), random.randrange(8))
    octets[place] ^= 1 << bit
    file.write_bytes(octets)
    return place, bit


# T30


def test_a_replica_that_is_behind_is_told_from_a_log_that_was_cut_off(lab: Any, klein: Any) -> None:
    """What the database that it follows has sealed since, the replica has not replayed; then it has."""
    lab.left_out.setdefault("T30", {})["sqlite: a replica"] = "SQLite has no replicas"
    random = Random(30)
    sizes = sorted(klein.backups | klein.between)[:-1]
    with postgresql() as primary, postgresql(following=primary) as replica:
        for number in range(20 if FULL else 4):
            size = random.choice(sizes)
            older = (klein.backups | klein.between)[size]
            name = template(primary, older, f"followed_{number}")
            replayed(primary, replica)
            replica.execute("SELECT pg_wal_replay_pause()")
            fill(primary.url(name), klein.raw)
            place = {"leaf_index": size, "expected": max(klein.backups)}
            assert lab.judge("T30", place, audited(klein, replica.url(name)), POSTGRESQL) == ""
            assert audited(klein, primary.url(name)).verdict is Verdict.FINAL
            replica.execute("SELECT pg_wal_replay_resume()")
            replayed(primary, replica)
            assert audited(klein, replica.url(name)).verdict is Verdict.FINAL, "it may be read, once it has come so far"


def audited(town: Any, url: str) -> Any:
    engine = open_engine(url)
    with SqlUnitOfWork.open(engine, "read") as unit:
        readers = SqlReaders(unit._connection, least=0, width=7, cores=2)
        report = Auditor(town.policy, town.chain).audit(unit.cases, unit.log, None, unit.soundness, readers)
    engine.dispose()
    return report


def replayed(primary: Server, replica: Server) -> None:
    """Wait until a replica has come as far as what it follows."""
    with psycopg.connect(primary.url()) as ahead, psycopg.connect(replica.url(), autocommit=True) as behind:
        ((there,),) = ahead.execute("SELECT pg_current_wal_lsn()").fetchall()
        give_up = time.monotonic() + 60
        while behind.execute("SELECT pg_last_wal_replay_lsn() >= %s", (there,)).fetchone() != (True,):
            assert time.monotonic() < give_up, "the replica does not come on"
            time.sleep(0.02)
