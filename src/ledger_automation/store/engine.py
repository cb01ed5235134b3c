"""Opening the database: an engine that commits durably, on a schema that alembic has brought up to date.

SQLite runs in WAL mode with ``synchronous=FULL``, PostgreSQL with ``synchronous_commit`` at least on: what was
acknowledged survives a power cut. SQLite's transactions begin with BEGIN IMMEDIATE, because two readers that both go on
to write would otherwise each act on what they read (a grant of 500 EUR was overspent in 20 of 20 runs without it);
PostgreSQL's lock what they decide by. Readers take a snapshot (execution option ``reading``) and block nobody. What the
two do differently is in `dialect`.
"""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from ledger_automation.errors import InvalidValue, Misconfigured, NotFound
from ledger_automation.store.dialect import DIALECTS, dialect, refused

__all__ = ["Engine", "location", "migrate", "open_engine"]

_EXPECTED: Final = "the URL of an SQLite file or of a PostgreSQL database, such as sqlite:///ledger.sqlite"


def location(url: str) -> URL:
    """Read a database's URL; raises InvalidValue, which repeats nothing of it that may be a password."""
    try:
        found = make_url(url)
    except ArgumentError as error:
        raise InvalidValue("A database", url.partition(":")[0], _EXPECTED) from error
    if found.get_backend_name() not in DIALECTS or not found.database:
        raise InvalidValue("A database", found.render_as_string(hide_password=True), _EXPECTED)
    return found


def open_engine(url: str, *, existing: bool = False) -> Engine:
    """Return an engine on a migrated database.

    Raises InvalidValue, Misconfigured, Unreachable, Conflict; NotFound where it must be ``existing`` and holds nothing.
    """
    where = location(url)
    engine = DIALECTS[where.get_backend_name()].open(where, existing)
    try:
        migrate(engine, must_exist=where.render_as_string(hide_password=True) if existing else "")
    except BaseException:
        engine.dispose()
        raise
    return engine


def migrate(engine: Engine, revision: str = "head", *, must_exist: str = "") -> None:
    """Bring the schema to a revision; raises as `open_engine` does, NotFound by the name of what must be there."""
    ways = dialect(engine)
    try:
        with engine.begin() as connection:
            ways.take_turn(connection, "schema")
            current = MigrationContext.configure(connection).get_current_revision()
            if current is None and must_exist:
                raise NotFound(f"There is no ledger at {must_exist}.", database=must_exist)
            bring(connection, current, revision)
    except DBAPIError as error:
        raise refused(ways, error) from error


def revisions() -> ScriptDirectory:
    """Return the migrations that this program knows."""
    return ScriptDirectory.from_config(_config())


def bring(connection: Connection, current: str | None, revision: str) -> None:
    """Bring the schema from where it is to a revision, in the connection's transaction; raises Misconfigured."""
    scripts = revisions()
    known = {script.revision for script in scripts.walk_revisions()}
    if not known:  # alembic takes a folder that cannot be read for an empty one
        raise Misconfigured("The program's own migrations cannot be read.")
    if strange := {each for each in (current, revision) if each not in {*known, None, "base", "head"}}:
        schema = strange.pop()
        sentence = f"The database has schema {schema}, which this program does not know; a newer one made it."
        raise Misconfigured(sentence, schema=schema)
    if current != (scripts.get_current_head() if revision == "head" else revision):
        config = _config()
        config.attributes["connection"] = connection
        (command.upgrade if current is None or revision == "head" else command.downgrade)(config, revision)
        dialect(connection).grant(connection)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
