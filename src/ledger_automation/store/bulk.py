"""Inserting many rows at once: prebuilt SQL and tuples, straight to the driver.

SQLAlchemy's own executemany processes each parameter of each row, which costs more than SQLite's insert. Tuples in the
order of the columns need none of it; the statement is still built from the table, once for each dialect.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows whose values stand in the order of the table's columns."""
    if rows:
        connection.exec_driver_sql(_statement(table, connection.dialect), list(rows))


@cache
def _statement(table: Table, dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect))
