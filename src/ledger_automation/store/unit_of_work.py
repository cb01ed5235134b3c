"""One transaction over the tables: opened for writing (BEGIN IMMEDIATE) or for reading (a snapshot).

Nothing here decides anything. Cases, log and the rest are written by `cases`, `log` and `anchors` of this package on
one connection, and become durable together in `SqlUnitOfWork.commit`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger_automation.errors import Conflict, Misconfigured
from ledger_automation.store.anchors import SqlAnchors, SqlIntake
from ledger_automation.store.cases import SqlCases
from ledger_automation.store.held import SqlHeldSteps
from ledger_automation.store.log import SqlLog


class SqlUnitOfWork:
    """The stores of one transaction; satisfies `orchestrator.ports.UnitOfWork`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.cases = SqlCases(connection)
        self.log = SqlLog(connection)
        self.anchors = SqlAnchors(connection)
        self.intake = SqlIntake(connection)
        self.steps = SqlHeldSteps(connection)

    def commit(self) -> None:
        """Make everything durable."""
        self._connection.commit()

    @classmethod
    @contextmanager
    def open(cls, engine: Engine, *, reading: bool = False) -> Iterator[Self]:
        """Open a transaction that is rolled back unless committed.

        Raises Conflict when another writer held the database too long, Misconfigured when it cannot be used.
        """
        try:
            with engine.connect().execution_options(reading=reading) as connection:
                yield cls(connection)
        except IntegrityError:
            raise  # a row that breaks the tables' own rules is a mistake of this program, not of the database
        except PoolTimeout as error:
            raise Conflict("Too many transactions are open at once; nothing was changed.") from error
        except DatabaseError as error:
            cause = str(error.orig)
            if "locked" in cause or "busy" in cause:
                raise Conflict(
                    "Another writer held the database too long; nothing was changed.", cause=cause
                ) from error
            raise Misconfigured(f"The database cannot be used: {cause}.", cause=cause) from error
