"""Straight to the driver, in SQLAlchemy's transaction and with SQLAlchemy's errors.

For what every step does: SQLAlchemy's way there took three times what PostgreSQL's driver and the statements do. The
pool, the transaction and what an error means stay SQLAlchemy's. SQLite's driver is reached by SQLAlchemy's own way.
"""

from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ledger_automation.store.dialect import dialect


def execute(connection: Connection, sentence: str, values: tuple[Any, ...]) -> Any:
    """Execute a prepared statement; returns a cursor. Raises SQLAlchemy's errors."""
    if not dialect(connection).direct:
        return connection.exec_driver_sql(sentence, values)
    driver: Any = connection.connection.driver_connection
    if not (driver.autocommit or connection.in_transaction()):
        connection.begin()
    try:
        return driver.execute(sentence, values, prepare=True)
    except psycopg.Error as error:
        if driver.closed:
            connection.exec_driver_sql("SELECT 1")  # so that the whole pool learns that the server has left
        raise DBAPIError.instance(
            None, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
