"""One transaction over the tables: opened for writing, or for reading (a snapshot); how, says `dialect`.

Nothing here decides anything. Cases, log and the rest are written by `cases`, `log` and `anchors` of this package on
one connection, and become durable together in `SqlUnitOfWork.commit`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger_automation.errors import Conflict, Unreachable
from ledger_automation.store.anchors import SqlAnchors, SqlIntake
from ledger_automation.store.cases import SqlCases
from ledger_automation.store.dialect import dialect, refused
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
        """Make everything durable; raises Unreachable where the database left without saying whether it did."""
        try:
            self._connection.commit()
        except DBAPIError as error:
            found = refused(dialect(self._connection), error)
            if isinstance(found, Unreachable):
                sentence = "The database left while it committed; nobody knows whether it did. Look before you repeat."
                raise Unreachable(sentence, outcome="unknown", **found.facts) from error
            raise found from error

    @classmethod
    @contextmanager
    def open(cls, engine: Engine, *, reading: bool = False) -> Iterator[Self]:
        """Open a transaction that is rolled back unless committed.

        Raises Conflict when another writer held the database too long, Misconfigured when it cannot be used,
        Unreachable when it does not answer.
        """
        ways = dialect(engine)
        try:
            with engine.connect().execution_options(**ways.options(reading)) as connection:
                yield cls(connection)
        except IntegrityError:
            raise  # a row that breaks the tables' own rules is a mistake of this program, not of the database
        except PoolTimeout as error:
            raise Conflict("Too many transactions are open at once; nothing was changed.") from error
        except DBAPIError as error:
            raise refused(ways, error) from error
