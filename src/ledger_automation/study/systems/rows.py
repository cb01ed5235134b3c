"""The baselines' tables and statements, on SQLite and on PostgreSQL: what a good engineer would build without evidence.

    audit_case       one row a case: where it stands
    audit_event      one row a step, append-only: triggers refuse UPDATE, DELETE and TRUNCATE, and on PostgreSQL the
                     role that writes may only INSERT and SELECT
    audit_document   what came with a step
    audit_run        how far the replay of a file has come

A step is one statement on PostgreSQL (prepared, committed by itself: `case`, then `step`) and one immediate transaction
on SQLite. Commits are durable on both, with the settings of our own store.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg

from ledger_automation.errors import Conflict

CASE: Final = ("case_id", "workflow", "workflow_version", "level", "state", "sequence", "at", "head", "data")
EVENT: Final = (
    "case_id", "sequence", "workflow", "workflow_version", "action", "from_state", "to_state", "actor_id",
    "actor_role", "occurred_at", "recorded_at", "payload", "previous", "hash",
)  # fmt: skip

_TABLES: Final = """
CREATE TABLE audit_case (case_id {text} PRIMARY KEY, workflow {text} NOT NULL, workflow_version {whole} NOT NULL,
    level {text} NOT NULL, state {text} NOT NULL, sequence {whole} NOT NULL, at {text} NOT NULL, head {octets},
    data {octets} NOT NULL);
CREATE TABLE audit_event (id {key}, case_id {text} NOT NULL, sequence {whole} NOT NULL, workflow {text} NOT NULL,
    workflow_version {whole} NOT NULL, action {text} NOT NULL, from_state {text}, to_state {text} NOT NULL,
    actor_id {text} NOT NULL, actor_role {text} NOT NULL, occurred_at {text} NOT NULL, recorded_at {text} NOT NULL,
    payload {octets} NOT NULL, previous {octets}, hash {octets}, UNIQUE (case_id, sequence));
CREATE TABLE audit_document (case_id {text}, sequence {whole}, position {whole}, name {text} NOT NULL,
    media_type {text} NOT NULL, content {octets} NOT NULL, PRIMARY KEY (case_id, sequence, position));
CREATE TABLE audit_run (source {text} PRIMARY KEY, run {octets} NOT NULL)
"""
_ON_SQLITE: Final = {"text": "TEXT", "whole": "INTEGER", "octets": "BLOB", "key": "INTEGER PRIMARY KEY"}
_ON_POSTGRESQL: Final = {
    "text": "text", "whole": "bigint", "octets": "bytea", "key": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
}  # fmt: skip
_REFUSING: Final = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'audit rows are append-only'; END $$;
CREATE TRIGGER audit_event_kept BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_event_whole BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_writer') THEN CREATE ROLE audit_writer NOLOGIN; END IF;
END $$;
GRANT SELECT, INSERT ON audit_event, audit_document TO audit_writer;
GRANT SELECT, INSERT, UPDATE ON audit_case, audit_run TO audit_writer
"""
TRIGGERS: Final = ("audit_event_kept", "audit_event_whole", "audit_event_undeleted")
_EVENTS: Final = f"INSERT INTO audit_event ({', '.join(EVENT)}) VALUES ({', '.join(['?'] * len(EVENT))})"  # noqa: S608
_OPEN: Final = f"INSERT INTO audit_case ({', '.join(CASE)}) VALUES ({', '.join(['?'] * len(CASE))})"  # noqa: S608
_MOVE: Final = "UPDATE audit_case SET state = ?, sequence = ?, at = ?, head = ?, data = ? WHERE case_id = ?"
_MOVED: Final = f"{_MOVE} AND sequence = ?"
_STEP: Final = f"""
    WITH moved AS ({{moving}} RETURNING 1) INSERT INTO audit_event ({", ".join(EVENT)})
    SELECT {", ".join(["%s"] * len(EVENT))} FROM moved
"""  # noqa: S608
_DOCUMENT: Final = "INSERT INTO audit_document VALUES (?, ?, ?, ?, ?, ?)"
_RUN: Final = "INSERT INTO audit_run VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET run = excluded.run"

Row = Sequence[Any]


class Step(Protocol):
    """The rows of one step: the case's, the event's, those of its documents."""

    case: tuple[Any, ...]
    event: tuple[Any, ...]
    documents: list[tuple[Any, ...]]


class Rows:
    """A connection to one of the two databases; ``?`` marks a value on both."""

    def __init__(self, connection: Any, *, server: bool) -> None:
        self._connection = connection
        self._server = server

    def query(self, sentence: str, values: Row = ()) -> Any:
        """Run one statement; returns the cursor."""
        return self._connection.execute(sentence.replace("?", "%s") if self._server else sentence, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done in the block at once, or nothing of it."""
        if self._server:
            with self._connection.transaction():
                yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def step(self, case: Row, event: Row) -> None:
        """Write one step without documents; on PostgreSQL one statement that is a transaction by itself."""
        opens = event[1] == 0
        moving = (_OPEN if opens else _MOVED).replace("?", "%s")
        values = tuple(case) if opens else (*case[4:], case[0], event[1] - 1)
        if self._connection.execute(_STEP.format(moving=moving), (*values, *event)).rowcount != 1:
            raise Conflict(f"Case {case[0]} moved on meanwhile; look at it again.", case_id=case[0])

    @property
    def one_statement(self) -> bool:
        """Whether `step` is to be used for a single step."""
        return self._server

    def steps(self, opened: list[Row], moved: list[tuple[Row, int]], events: list[Row], documents: list[Row]) -> None:
        """Write the rows of many steps; ``moved`` are cases with the sequence at which each is expected."""
        self._many(_OPEN, opened)
        for case, expected in moved:
            if self.query(_MOVED, (*case[4:], case[0], expected)).rowcount != 1:
                raise Conflict(f"Case {case[0]} moved on meanwhile; look at it again.", case_id=case[0])
        self._many(_EVENTS, events)
        self._many(_DOCUMENT, documents)

    def _many(self, sentence: str, rows: list[Row]) -> None:
        if not rows:
            return
        if self._server:
            with self._connection.cursor() as cursor:
                cursor.executemany(sentence.replace("?", "%s"), rows)
        else:
            self._connection.executemany(sentence, rows)

    def save_run(self, source: str, run: bytes) -> None:
        """Write down how far a replay has come."""
        self.query(_RUN, (source, run))

    def stored_bytes(self) -> int:
        """Return what tables and indices take on the disk."""
        if self._server:
            return int(self.query(_SIZES).fetchone()[0])
        pages, free, size = (self.query(f"PRAGMA {each}").fetchone()[0] for each in _PAGES)
        return int((pages - free) * size)

    def open_to_attack(self) -> None:
        """Take the append-only triggers away, as an administrator would."""
        for name in TRIGGERS:
            self.query(f"DROP TRIGGER IF EXISTS {name}" + (" ON audit_event" if self._server else ""))


_SIZES: Final = (
    "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE starts_with(relname, 'audit') AND relkind = 'r'"
)
_PAGES: Final = ("page_count", "freelist_count", "page_size")


@contextmanager
def open_rows(url: str, *, writer: bool = True) -> Iterator[Rows]:
    """Open a database by its URL, as whoever may only append, or as its owner; the tables are made first.

    Raises what the driver raises.
    """
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as lite:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
                lite.execute(f"PRAGMA {pragma}")
            _make_on_sqlite(lite)
            yield Rows(lite, server=False)
        return
    with psycopg.connect(url, autocommit=True, prepare_threshold=1) as connection:
        _make_on_postgresql(connection)
        if writer:
            connection.execute("SET ROLE audit_writer")
        yield Rows(connection, server=True)


def _make_on_sqlite(connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit_run'").fetchone():
        return
    connection.executescript(_TABLES.format(**_ON_SQLITE))
    refuse = "BEGIN SELECT RAISE(ABORT, 'audit rows are append-only'); END"
    connection.execute(f"CREATE TRIGGER audit_event_kept BEFORE UPDATE ON audit_event {refuse}")
    connection.execute(f"CREATE TRIGGER audit_event_undeleted BEFORE DELETE ON audit_event {refuse}")


def _make_on_postgresql(connection: Any) -> None:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(20191)")
        if connection.execute("SELECT to_regclass('audit_run')").fetchone()[0] is None:
            connection.execute(_TABLES.format(**_ON_POSTGRESQL))
            connection.execute(_REFUSING)
