"""One snapshot for two processes: each reads through a connection of its own, and both see the same commits.

PostgreSQL exports a snapshot, which the other process takes over. SQLite has nothing of the kind; but a connection that
stands by can tell whether anybody has committed since it was last asked (PRAGMA data_version). So it is asked, both
begin to read, and it is asked again: if its answer is the same, there was one state of the database all the while, and
both see it. Nobody is held up by that; where others commit again and again in between, there is no common snapshot.
"""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import URL, Connection

ATTEMPTS: Final = 200

Begin = Callable[[str], None]
"""Has the other process begin to read: the snapshot of a name, or (where names mean nothing) whatever there is now."""


def elsewhere_on_sqlite(connection: Connection) -> URL | None:
    """Return where another process finds the file; None for a database in memory, and for one that is being read."""
    if connection.in_transaction():
        return None
    with connection.engine.connect() as other:
        driver: Any = other.connection.driver_connection
        files = [file for _, name, file in driver.execute("PRAGMA database_list") if name == "main"]
    return connection.engine.url.set(database=files[0]) if files[0] else None


def share_on_sqlite(connection: Connection, begin: Begin) -> bool:
    """Begin to read here and there; tell whether it is one snapshot. Requires that nothing was read yet."""
    with connection.engine.connect() as other:
        watch: Any = other.connection.driver_connection  # outside of a transaction, where answers do not change
        for _ in range(ATTEMPTS):
            before = _version(watch)
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
            begin("")
            if _version(watch) == before:
                return True
            connection.rollback()
    return False


def share_on_postgresql(connection: Connection, begin: Begin) -> bool:
    """Have the other process see what this transaction sees."""
    begin(str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()))
    return True


def take_on_sqlite(connection: Connection, _: str) -> None:
    """Begin to read, anew where that was begun already."""
    connection.rollback()
    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")


def take_on_postgresql(connection: Connection, name: str) -> None:
    """Begin to read what another transaction sees."""
    connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'")


def _version(watch: Any) -> int:
    return int(watch.execute("PRAGMA data_version").fetchone()[0])
