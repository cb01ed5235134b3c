"""Opening the database: an engine that commits durably and begins writes at once, and its schema by alembic.

SQLite runs in WAL mode with ``synchronous=FULL``: what was acknowledged survives a power cut. Transactions begin with
BEGIN IMMEDIATE, because two readers that both go on to write would otherwise each act on what they read (a grant of
500 EUR was overspent in 20 of 20 runs without it). Readers take a snapshot (execution option ``reading``) and block
nobody.
"""

import sqlite3
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ledger_automation.errors import InvalidValue, Misconfigured

__all__ = ["Engine", "migrate", "open_engine"]

_BUSY_SECONDS: Final = 30


def open_engine(url: str) -> Engine:
    """Return an engine on a migrated database; raises InvalidValue or Misconfigured."""
    try:
        location = make_url(url)
    except ArgumentError as error:
        raise InvalidValue("A database", url, "a URL such as sqlite:///ledger.sqlite") from error
    if location.get_backend_name() != "sqlite" or not location.database:
        raise InvalidValue("A database", url, "the URL of an SQLite file, such as sqlite:///ledger.sqlite")
    try:
        Path(location.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sentence = f"The database {location.database} cannot be made: {error.strerror}."
        raise Misconfigured(sentence, path=location.database) from error
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    try:
        migrate(engine)
    except SQLAlchemyError as error:
        raise Misconfigured(f"The database {location.database} cannot be opened: {_cause(error)}.") from error
    return engine


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to a revision; raises Misconfigured when the database is of a newer program."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        scripts = ScriptDirectory.from_config(config)
        if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
            sentence = f"The database has schema {current}, which this program does not know; a newer one made it."
            raise Misconfigured(sentence, schema=current)
        if current != (scripts.get_current_head() if revision == "head" else revision):
            config.attributes["connection"] = connection
            (command.upgrade if revision == "head" else command.downgrade)(config, revision)


def _configure(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _cause(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error)
