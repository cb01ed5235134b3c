"""What SQLite and PostgreSQL do differently, side by side; every other module of the store is written once.

    opening      a file with a journal                         a server that may be away
    writers      one at a time, from BEGIN on                  many, in READ COMMITTED; `take_turn` where one must wait
    readers      a snapshot                                    a snapshot (REPEATABLE READ, read only)
    event ids    in the order of the commits                   in the order of each case, overtaken by others
    the outbox   behind the last sequenced id                  from the last horizon on (see `log`)
    one for two  both begin while nobody commits               an exported snapshot (`snapshots`)
    refusals     an extended result code in words              SQLSTATE

On PostgreSQL every unit of work that goes on to write decides by what it read, as on SQLite, because what it reads to
decide by is locked: a case by its row, the log and the lane of submissions by a turn. This does not make reading safe
that nobody asked a lock for; the compare-and-swap of `cases` and the keys of `log` stand behind it. A brief unit asks
for none: each of its statements is a transaction there, and that compare-and-swap alone decides.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import URL, BigInteger, Connection, Engine, Integer, Table, TextClause, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from ledger_automation.errors import Conflict, LedgerError, Misconfigured, NotFound, Unreachable
from ledger_automation.store.grants import grant_to_known_roles
from ledger_automation.store.inspection import (
    Fault,
    Shape,
    faults_on_postgresql,
    faults_on_sqlite,
    follows_on_postgresql,
    shape_on_postgresql,
    shape_on_sqlite,
)
from ledger_automation.store.snapshots import (
    Begin,
    elsewhere_on_sqlite,
    share_on_postgresql,
    share_on_sqlite,
    take_on_postgresql,
    take_on_sqlite,
)

WHOLE: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A whole number of up to 64 bits; on SQLite in the very words that make a key the row's own number."""

BUSY_SECONDS: Final = 30
"""How long a writer waits for another one."""

_LONGEST_STATEMENT: Final = 600
_LONGEST_IDLE: Final = 300
"""Seconds after which the server ends a transaction that does nothing: whoever was stopped must not hold others up."""

_POOL: Final = {"pool_size": 16, "max_overflow": 16, "pool_timeout": BUSY_SECONDS, "pool_use_lifo": True}
_TURN: Final = 0x6C6564676572  # "ledger": our half of the server's space of advisory locks
_SETTINGS: Final = f"""
    SELECT set_config('lock_timeout', '{BUSY_SECONDS}s', false),
           set_config('statement_timeout', '{_LONGEST_STATEMENT}s', false),
           set_config('idle_in_transaction_session_timeout', '{_LONGEST_IDLE}s', false),
           set_config('default_transaction_isolation', 'read committed', false),
           CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END
"""  # stronger than on is left as it is
_BUSY: Final = frozenset({"55P03", "40P01", "40001", "57014", "53300"})
"""Lock not available, deadlock, serialisation, statement timeout, too many connections: the same call may succeed."""

_AWAY: Final = ("08", "57P")
"""Connection lost or refused; the server shuts down, crashed, or starts."""


_NOT_NOW: Final = ("starting up", "shutting down", "recovery", "not yet accepting", "too many", "connection slots")


Use = Literal["write", "read", "brief"]
"""What a transaction is for: to read in a snapshot; or each statement on its own, without locks, where it can."""


class Dialect(NamedTuple):
    """One database's own ways."""

    upsert: Callable[[Table], Any]
    mark: str
    """What stands for a value in a statement for the driver."""

    lock: str
    """What a SELECT of cases ends with, so that nobody else moves them until the transaction ends."""

    direct: bool
    """Whether steps go straight to the driver, as one statement (`direct`, `at_once`)."""

    options: Mapping[Use, Mapping[str, Any]]
    """Execution options of a transaction, by what it is for."""

    open: Callable[[URL, bool], Engine]
    """Make an engine; where the place must exist already, raises NotFound if a look without opening tells."""

    take_turn: Callable[[Connection, str], None]
    """Wait until no other transaction has the turn of that name; it ends with the transaction."""

    draw_event_ids: Callable[[Connection, int], Sequence[int]]
    """Draw that many ids, ascending. MUST be called after the cases of the events were locked."""

    behind: Callable[[Connection], TextClause]
    """Return the condition on events that leaves out what the log has for certain; it may leave in more."""

    horizon: TextClause
    """The column that says, with the outbox, from where on the next look must look."""

    sign_off: Callable[[Connection, tuple[Any, ...], str | None], None]
    """Store a checkpoint, and the horizon that its log has come to."""

    empty_journal: Callable[[Engine], None]
    """Let nothing that was destroyed stand in the journal; PostgreSQL's, and its VACUUM, are the server's."""

    grant: Callable[[Connection], None]
    """Give the roles that there are what they need of the tables that there are."""

    shape: Callable[[Connection, str], Shape | None]
    """Tell what a table's name leads to, None where it leads nowhere."""

    faults: Callable[[Connection, Sequence[str]], Iterator[Fault]]
    """Read tables and their indices whole; tell what cannot be relied on."""

    follows: Callable[[Connection], bool]
    """Tell whether this is a replica, which another database is ahead of."""

    elsewhere: Callable[[Connection], URL | None]
    """Tell where another process finds the database whose snapshot it is to share; None where it cannot."""

    share: Callable[[Connection, Begin], bool]
    """Have another process read the snapshot that this connection reads; tell whether it does."""

    take: Callable[[Connection, str], None]
    """Read, as that other process, the snapshot of a name."""

    cause: Callable[[DBAPIError], str]
    refusal: Callable[[str, DBAPIError], type[LedgerError]]


def dialect(connection: Connection | Engine) -> Dialect:
    """Return the ways of the database that a connection leads to."""
    return DIALECTS[connection.dialect.name]


def refused(ways: Dialect, error: DBAPIError) -> LedgerError:
    """Say in one sentence what a database's error means for the caller."""
    cause = ways.cause(error)
    kind = ways.refusal(cause, error)
    if kind is Conflict:
        return Conflict("Another writer held the database too long; nothing was changed.", cause=cause)
    if kind is Unreachable:
        return Unreachable(f"The database does not answer: {cause}.", cause=cause)
    return Misconfigured(f"The database cannot be used: {cause}.", cause=cause)


def refused_to_commit(ways: Dialect, error: DBAPIError) -> LedgerError:
    """Say the same of an error in what makes changes durable: where the database left, nobody knows whether it did."""
    found = refused(ways, error)
    if not isinstance(found, Unreachable):
        return found
    sentence = "The database left while it committed; nobody knows whether it did. Look before you repeat."
    return Unreachable(sentence, outcome="unknown", **found.facts)


def _open_sqlite(location: URL, existing: bool) -> Engine:
    path = Path(str(location.database))
    if existing and not path.exists() and not any(each.is_file() for each in path.parents):
        raise NotFound(f"There is no ledger at {location.render_as_string()}.", database=location.render_as_string())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"The database {path} cannot be made: {error.strerror}.", path=str(path)) from error
    engine = create_engine(location, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _next_of_sqlite(connection: Connection, wanted: int) -> Sequence[int]:
    last = connection.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'")
    first = int(last.scalar_one()) + 1
    return range(first, first + wanted)


def _behind_the_last_leaf(_: Connection) -> TextClause:
    """SQLite has one writer, so ids commit in order and this bound loses nothing."""
    return text("event.id > (SELECT coalesce(max(event_id), 0) FROM leaf)")


def _sign_off(connection: Connection, checkpoint: tuple[Any, ...], _: str | None) -> None:
    connection.exec_driver_sql("INSERT INTO checkpoint VALUES (?, ?, ?, ?)", checkpoint)


def _empty_journal_of_sqlite(engine: Engine) -> None:
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection  # outside of a transaction, which would hold the journal
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sqlite_refusal(cause: str, _: DBAPIError) -> type[LedgerError]:
    return Conflict if "locked" in cause or "busy" in cause else Misconfigured


def _open_postgresql(location: URL, _: bool) -> Engine:
    asked = {"connect_timeout": str(BUSY_SECONDS), "application_name": "ledger"} | dict(location.query)
    url = location.set(drivername="postgresql+psycopg", query=asked)
    engine = create_engine(url, isolation_level="READ COMMITTED", paramstyle="format", hide_parameters=True, **_POOL)
    event.listen(engine, "connect", _configure_postgresql)
    return engine


def _configure_postgresql(connection: Any, _: Any) -> None:
    connection.execute(_SETTINGS)
    connection.commit()


def _turn_on_postgresql(connection: Connection, name: str) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURN} # hashtext(%s))", (name,))


def _next_of_postgresql(connection: Connection, wanted: int) -> Sequence[int]:
    drawn = connection.exec_driver_sql("SELECT nextval('event_id_seq') FROM generate_series(1, %s)", (wanted,))
    return sorted(drawn.scalars())


def _behind_the_horizon(connection: Connection) -> TextClause:
    """Every event of a transaction before the horizon has its leaf; asked for first, so that the plan knows it.

    A horizon that is still to come is another server's, from which this database was restored: all is looked at.
    """
    horizon = connection.exec_driver_sql(_HORIZON).scalar_one_or_none()
    return text("event.xid >= CAST(:horizon AS xid8)").bindparams(horizon=horizon or "0")


def _sign_off_with_horizon(connection: Connection, checkpoint: tuple[Any, ...], horizon: str | None) -> None:
    connection.exec_driver_sql(_SIGN_OFF, (*checkpoint, horizon))


def _postgresql_cause(error: DBAPIError) -> str:
    return (str(error.orig).splitlines() or [type(error.orig).__name__])[0].rstrip(".")


def _postgresql_refusal(cause: str, error: DBAPIError) -> type[LedgerError]:
    code = getattr(error.orig, "sqlstate", None)
    if code in _BUSY:
        return Conflict
    if code is None and "FATAL" in cause:  # the server refuses to let us in, and libpq keeps its reason in words only
        return Unreachable if any(each in cause for each in _NOT_NOW) else Misconfigured
    if error.connection_invalidated or (code or "08").startswith(_AWAY):
        return Unreachable
    return Misconfigured


_HORIZON: Final = """
    SELECT CASE WHEN horizon <= pg_snapshot_xmin(pg_current_snapshot()) THEN horizon END FROM checkpoint
    WHERE horizon IS NOT NULL ORDER BY tree_size DESC LIMIT 1
"""
_SIGN_OFF: Final = """
    INSERT INTO checkpoint (tree_size, root_hash, note, created_at, horizon) VALUES (%s, %s, %s, %s, %s::xid8)
"""
_WRITE: Final = {"reading": False}
_SNAPSHOT: Final = {"reading": True, "isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_BRIEF: Final = {"reading": True, "brief": True, "isolation_level": "AUTOCOMMIT"}

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "sqlite": Dialect(
            upsert=sqlite.insert,
            mark="?",
            lock="",
            direct=False,
            options={"write": _WRITE, "brief": _WRITE, "read": {"reading": True}},
            open=_open_sqlite,
            take_turn=lambda _connection, _name: None,
            draw_event_ids=_next_of_sqlite,
            cause=lambda error: str(error.orig),
            refusal=_sqlite_refusal,
            behind=_behind_the_last_leaf,
            horizon=text("NULL"),
            shape=shape_on_sqlite,
            faults=faults_on_sqlite,
            follows=lambda _connection: False,
            elsewhere=elsewhere_on_sqlite,
            share=share_on_sqlite,
            take=take_on_sqlite,
            sign_off=_sign_off,
            empty_journal=_empty_journal_of_sqlite,
            grant=lambda _connection: None,
        ),
        "postgresql": Dialect(
            upsert=postgresql.insert,
            mark="%s",
            lock="FOR NO KEY UPDATE",
            direct=True,
            options={"write": _WRITE, "brief": _BRIEF, "read": _SNAPSHOT},
            open=_open_postgresql,
            take_turn=_turn_on_postgresql,
            draw_event_ids=_next_of_postgresql,
            cause=_postgresql_cause,
            refusal=_postgresql_refusal,
            behind=_behind_the_horizon,
            shape=shape_on_postgresql,
            faults=faults_on_postgresql,
            follows=follows_on_postgresql,
            elsewhere=lambda connection: connection.engine.url,
            share=share_on_postgresql,
            take=take_on_postgresql,
            horizon=text("CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)"),
            sign_off=_sign_off_with_horizon,
            empty_journal=lambda _engine: None,
            grant=grant_to_known_roles,
        ),
    }
)
