"""The database as one SQLite file, and back: what a back-up holds of it (`orchestrator.backup`, ADR 15).

    out of SQLite       pages, by its online back-up: a snapshot, while others write
    out of PostgreSQL   rows, by COPY in one snapshot (REPEATABLE READ, read only), into a schema of the same revision
    into SQLite         the file itself
    into PostgreSQL     rows, by COPY into our own migrations' schema, in one transaction

So a back-up of either goes into either. A copy is brought to this program's schema as a file, before it goes anywhere;
one that is newer is refused. Left behind is what only the former server knew: which transaction an event was of, and
horizons. All of it is the restoring transaction's then, and the first look for what is pending has no bound (ADR 11).

What this does not do: judge the content. Rows that break a server's own rules, as a tampered SQLite file may hold them,
go into another SQLite file and are refused by the server.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import psycopg
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from ledger_automation.audit.event import log_case_id
from ledger_automation.errors import Contradiction, Misconfigured, NotFound
from ledger_automation.orchestrator.backup import Copied
from ledger_automation.orchestrator.durable import sync
from ledger_automation.store.dialect import DIALECTS, dialect, refused
from ledger_automation.store.engine import bring, location, migrate, open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.verify.case_evidence import Tombstones
from ledger_automation.verify.sources import FORGOTTEN

_VERSIONS: Final = "alembic_version"
_PATIENCE: Final = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
_NAMES: Final = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
_NEWEST: Final = "SELECT tree_size, hex(root_hash) FROM checkpoint ORDER BY tree_size DESC LIMIT 1"
_RELATIONS: Final = text("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace LIMIT 1")
_ERASABLE: Final = ("content", "attachment")


class SqlPlace:
    """Where a database is or is to be, by its URL; satisfies `orchestrator.backup.DatabasePlace`."""

    def __init__(self, url: str) -> None:
        self._url = location(url)
        self._ways = DIALECTS[self._url.get_backend_name()]

    def copy_to(self, path: Path) -> Copied:
        """Copy a snapshot; raises NotFound where there is no ledger, Unreachable, Conflict, Misconfigured."""
        engine = self._ways.open(self._url, True)
        try:
            with engine.connect().execution_options(**self._ways.options["read"]) as connection:
                schema = MigrationContext.configure(connection).get_current_revision()
                if schema is None:
                    raise NotFound(f"There is no ledger at {self._url.render_as_string()}.")
                _OUT[engine.dialect.name](connection, path, schema)
        except DBAPIError as error:
            raise refused(self._ways, error) from error
        except psycopg.Error as error:
            raise Misconfigured(f"The database cannot be read: {_first_line(error)}.") from error
        finally:
            engine.dispose()
        path.chmod(0o600)
        return _described(path, schema)

    def inside(self, home: Path) -> Path | None:
        """Return an SQLite file's place in a home."""
        path, root = Path(str(self._url.database)).absolute(), home.absolute()
        return path.relative_to(root) if self._is_file and path.is_relative_to(root) else None

    def require_vacant(self) -> None:
        """Raise Misconfigured where there is a file, or a relation in the schema that is ours."""
        if self._is_file:
            if Path(str(self._url.database)).exists():
                raise self._occupied(str(self._url.database))
            return
        engine = self._ways.open(self._url, False)
        try:
            with engine.connect() as connection:
                self._require_vacant(connection)
        except DBAPIError as error:
            raise refused(self._ways, error) from error
        finally:
            engine.dispose()

    @contextmanager
    def placing(self, copy: Path) -> Iterator[None]:
        """Link the file, or fill the server in one transaction; both when the block has ended well."""
        if self._is_file:
            target = Path(str(self._url.database))
            with _beside(copy, target) as draft:
                yield
                try:
                    target.hardlink_to(draft)  # unlike a rename, this refuses where somebody was faster
                except FileExistsError as error:
                    raise self._occupied(str(target)) from error
            return
        engine = self._ways.open(self._url, False)
        try:
            with engine.begin() as connection:
                self._ways.take_turn(connection, "schema")
                self._require_vacant(connection)
                bring(connection, None, "head")
                _load(connection, copy)
                yield
        except DBAPIError as error:
            raise refused(self._ways, error) from error
        except psycopg.Error as error:
            raise Misconfigured(f"The database does not take the back-up's rows: {_first_line(error)}.") from error
        finally:
            engine.dispose()

    @property
    def _is_file(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    def _require_vacant(self, connection: Connection) -> None:
        there = connection.execute(_RELATIONS).scalar_one_or_none()
        if there is not None:
            raise self._occupied(f"its relation {there}")

    def _occupied(self, what: str) -> Misconfigured:
        where = self._url.render_as_string(hide_password=True)
        return Misconfigured(f"The database {where} has something in it already ({what}).", database=where)


def prepare(copy: Path, claimed: Copied, origin: str) -> int:
    """Bring a copy to this program's schema, and erase again what its log says was erased; returns how many events.

    An erasure counts once it is in the log, as for the audit. Raises Contradiction for a copy that is not what was
    claimed, Misconfigured for a newer schema or no database.
    """
    _require(copy, claimed)
    engine = open_engine(f"sqlite:///{copy}", existing=True)
    try:
        with engine.begin() as connection:
            erased = _erase_again(connection, origin)
    except DBAPIError as error:
        raise refused(dialect(engine), error) from error
    finally:
        engine.dispose()
    with closing(sqlite3.connect(copy)) as alone:
        alone.execute("PRAGMA journal_mode=DELETE")  # one file, to be renamed or linked
        if erased:
            alone.execute("VACUUM")  # what was erased is not left in pages that nobody uses
    sync(copy)
    return erased


def _require(copy: Path, claimed: Copied) -> None:
    try:
        with closing(sqlite3.connect(copy)) as source:
            ((sound,),) = source.execute("PRAGMA integrity_check(1)").fetchall()
            ((schema,),) = source.execute(f"SELECT version_num FROM {_VERSIONS}").fetchall()  # noqa: S608
        found = _described(copy, schema)
    except (sqlite3.Error, ValueError) as error:
        raise Misconfigured(f"The back-up's database is none of a ledger: {_first_line(error)}.") from error
    if sound != "ok":
        raise Contradiction(f"The back-up's database is damaged: {sound}.", expected="ok", actual=sound)
    if found != claimed:
        sentence = "The back-up's database is not what its manifest says."
        raise Contradiction(sentence, expected=claimed._asdict(), actual=found._asdict())


def _erase_again(connection: Connection, origin: str) -> int:
    rows = list(SqlUnitOfWork(connection).cases.trail(log_case_id(origin)))
    events: set[int] = set()
    for case_id, sequence in Tombstones.read(rows, origin).valid:
        if sequence is None:
            connection.exec_driver_sql('UPDATE "case" SET data = ? WHERE case_id = ?', (FORGOTTEN, case_id))
        wanted = "SELECT id FROM event WHERE case_id = ? AND (sequence = ? OR ? IS NULL)"
        events |= set(connection.exec_driver_sql(wanted, (case_id, sequence, sequence)).scalars())
    erased: set[int] = set()
    for name in _ERASABLE:
        for event in sorted(events):
            done = connection.exec_driver_sql(f"DELETE FROM {name} WHERE event_id = ?", (event,))  # noqa: S608
            erased |= {event} if done.rowcount else set()
    return len(erased)


def _pages(connection: Connection, path: Path, _: str) -> None:
    """All in one step: a copy in several begins anew whenever somebody writes, and may never end."""
    source = connection.connection.driver_connection
    with closing(sqlite3.connect(path)) as target:
        source.backup(target)  # type: ignore[union-attr]
        target.execute("PRAGMA journal_mode=DELETE")
        target.execute("VACUUM")  # free pages would keep what an erasure has destroyed
    sync(path)


def _rows(connection: Connection, path: Path, schema: str) -> None:
    """Every table that the migrations know, column by column; a file is a table of the same revision."""
    engine = DIALECTS["sqlite"].open(location(f"sqlite:///{path}"), False)
    migrate(engine, schema)
    engine.dispose()
    cursor = _cursor(connection)
    with closing(sqlite3.connect(path)) as target:
        for (name,) in target.execute(_NAMES).fetchall():
            if name != _VERSIONS:
                columns = [column for _, column, *_ in target.execute(f'PRAGMA table_info("{name}")')]
                into = f'INSERT INTO "{name}" ({_listed(columns)}) VALUES ({", ".join("?" * len(columns))})'  # noqa: S608
                target.executemany(into, _out(cursor, name, columns))
        target.commit()
        target.execute("PRAGMA journal_mode=DELETE")
    sync(path)


def _out(cursor: Any, name: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    selected = f'SELECT {_listed(columns)} FROM "{name}"'  # noqa: S608
    kinds = [each.type_code for each in cursor.execute(f"{selected} LIMIT 0").description]
    with cursor.copy(f"COPY ({selected}) TO STDOUT (FORMAT BINARY)") as copying:
        copying.set_types(kinds)
        yield from copying.rows()


def _load(connection: Connection, copy: Path) -> None:
    cursor = _cursor(connection)
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as source:
        for table in SQLModel.metadata.sorted_tables:  # a row after those that it refers to
            _in(cursor, table, source)
    for table in SQLModel.metadata.sorted_tables:
        if drawn := [column.name for column in table.columns if column.autoincrement is True]:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{drawn[0]}'), max({drawn[0]})) "  # noqa: S608
                f'FROM "{table.name}" HAVING max({drawn[0]}) IS NOT NULL'
            )


def _in(cursor: Any, table: Table, source: sqlite3.Connection) -> None:
    columns = [column.name for column in table.columns]
    found = source.execute(f'SELECT {_listed(columns)} FROM "{table.name}"')  # noqa: S608
    with cursor.copy(f'COPY "{table.name}" ({_listed(columns)}) FROM STDIN') as copying:
        for row in found:  # truths are 1 and 0 here, which the server reads as such
            copying.write_row(row)


def _described(path: Path, schema: str) -> Copied:
    with closing(sqlite3.connect(path)) as copy:
        names = [name for (name,) in copy.execute(_NAMES) if name != _VERSIONS]
        rows = {name: int(copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in names}  # noqa: S608
        size, root = copy.execute(_NEWEST).fetchone() or (0, "")
    return Copied(schema, rows, size, root.lower())


def _cursor(connection: Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    connection.exec_driver_sql(_PATIENCE)
    return driver.cursor()


@contextmanager
def _beside(copy: Path, target: Path) -> Iterator[Path]:
    """Have a copy on the file system of its target."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(copy, draft)
        draft.chmod(copy.stat().st_mode & 0o777)
        sync(draft)
        yield draft
        sync(target.parent)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


_OUT: Final[Mapping[str, Callable[[Connection, Path, str], None]]] = MappingProxyType(
    {"sqlite": _pages, "postgresql": _rows}
)
