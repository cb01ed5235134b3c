"""How the two databases tell what a table is, and whether its rows can all be read: by each in its own words.

shape       SQLite's schema table and PRAGMA table_xinfo    PostgreSQL's catalogue, as the search path leads to it
indices     PRAGMA integrity_check                           each unique index read whole, and the table beside it
pages       the same; a file that is no database             checksums of pages, when the table is read whole
hidden      -                                                row security, partitions
replica     -                                                pg_is_in_recovery
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

PAGES, INDEX = "T28", "T26"
"""Classes of the tampering catalogue."""

_ANSWERS: Final = 20
"""So many lines of SQLite's integrity check are read."""

_STORED_AS: Final = {"INTEGER": int, "BIGINT": int, "VARCHAR": str, "TEXT": str, "BLOB": bytes, "BOOLEAN": bool}
_TYPES: Final = {
    "bigint": int, "integer": int, "character varying": str, "text": str, "bytea": bytes, "boolean": bool,
}  # fmt: skip

_KEPT_BY_POSTGRESQL: Final = {"event": {"xid"}, "checkpoint": {"horizon"}}
"""What the outbox needs where events overtake each other (`log`); the tables of SQLite have no such columns."""

_COLUMNS: Final = text("""
    SELECT a.attname, format_type(a.atttypid, NULL), a.attgenerated <> ''
    FROM pg_attribute a WHERE a.attrelid = to_regclass(:name) AND a.attnum > 0 AND NOT a.attisdropped
""")
_RELATION: Final = text("""
    SELECT n.nspname, c.relkind = 'r' AND NOT c.relispartition, c.relrowsecurity, c.relhassubclass
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(:name)
""")
_UNIQUE: Final = text("""
    SELECT i.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY k.place)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY k (number, place)
    JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number
    WHERE x.indrelid = to_regclass(:name) AND x.indisunique AND x.indpred IS NULL GROUP BY i.relname
""")
_BY_TABLE: Final = {"enable_seqscan": "on", "enable_indexscan": "off", "enable_indexonlyscan": "off"}
_BY_INDEX: Final = {"enable_seqscan": "off", "enable_indexscan": "on", "enable_indexonlyscan": "on"}


class Shape(NamedTuple):
    """What a name leads to. ``columns`` tells each one's Python type (None: unknown), and whether it is computed."""

    schema: str
    is_table: bool
    hides_rows: bool
    columns: dict[str, tuple[type | None, bool]]


class Fault(NamedTuple):
    """What cannot be relied on, by its class; ``place`` is a table, an index, or empty."""

    kind: str
    place: str
    words: str


def shape_on_sqlite(connection: Connection, name: str) -> Shape | None:
    """Return what a name leads to, None where it leads nowhere."""
    kinds = connection.execute(text("SELECT type FROM sqlite_master WHERE name = :name"), {"name": name}).scalars()
    kind = next((each for each in kinds if each in {"table", "view"}), None)
    if kind is None:
        return None
    rows = connection.exec_driver_sql(f'PRAGMA table_xinfo("{name}")')
    columns = {row.name: (_STORED_AS.get(row.type.partition("(")[0].upper()), bool(row.hidden)) for row in rows}
    return Shape("main", kind == "table", hides_rows=False, columns=columns)


def shape_on_postgresql(connection: Connection, name: str) -> Shape | None:
    """Return what a name leads to by the search path, None where it leads nowhere."""
    quoted = {"name": f'"{name}"'}
    found = connection.execute(_RELATION, quoted).one_or_none()
    if found is None:
        return None
    rows = connection.execute(_COLUMNS, quoted)
    own = _KEPT_BY_POSTGRESQL.get(name, set())
    columns = {each: (_TYPES.get(kind), bool(computed)) for each, kind, computed in rows if each not in own}
    schema, is_table, secured, has_children = found
    return Shape(schema, bool(is_table), bool(secured or has_children), columns)


def faults_on_sqlite(connection: Connection, names: Sequence[str]) -> Iterator[Fault]:
    """Let SQLite look at every page and every index."""
    del names
    try:
        said = [str(each) for (each,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_ANSWERS})")]
    except DBAPIError as error:
        yield Fault(PAGES, "", str(error.orig))
        return
    for line in said:
        if (index := re.search(r"(?:missing from|in|wrong # of entries in) index (\w+)", line)) is not None:
            yield Fault(INDEX, index[1], line)
        elif "constraint" not in line and "NULL value" not in line and line != "ok":
            yield Fault(PAGES, "", line)  # what a row says, and whether it may, the audit itself finds out


def faults_on_postgresql(connection: Connection, names: Sequence[str]) -> Iterator[Fault]:
    """Read every unique index whole, and its table beside it."""
    for name in names:
        for index, columns in connection.execute(_UNIQUE, {"name": f'"{name}"'}).all():
            try:
                seen = [_digest(connection, name, columns, ways) for ways in (_BY_TABLE, _BY_INDEX)]
            except DBAPIError as error:
                yield Fault(PAGES, name, str(error.orig).partition("\n")[0])
                return
            if seen[0] != seen[1]:
                yield Fault(INDEX, index, f"the table has {seen[0][0]} rows, the index {index} leads to {seen[1][0]}")


def follows_on_postgresql(connection: Connection) -> bool:
    """Tell whether the server replays what another one wrote: a standby, or a backup that is being recovered."""
    return bool(connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one())


def _digest(connection: Connection, name: str, columns: str, ways: dict[str, str]) -> tuple[int, int]:
    """Return how many rows a table has, and a sum over some columns of all of them, read in one way and no other.

    The way ends with its savepoint: whoever reads on in the transaction is as free as before.
    """
    savepoint = connection.begin_nested()
    try:
        for setting, value in {**ways, "enable_bitmapscan": "off"}.items():
            connection.exec_driver_sql(f"SET LOCAL {setting} = {value}")
        rows = f'SELECT {columns} FROM "{name}" ORDER BY {columns} OFFSET 0'  # noqa: S608  ours, quoted by the server
        total = "SELECT count(*), coalesce(sum(hashtext(each::text)), 0)"
        count, total = connection.exec_driver_sql(f"{total} FROM ({rows}) each").one()
    finally:
        savepoint.rollback()
    return int(count), int(total)
