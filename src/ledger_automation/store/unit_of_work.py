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

from ledger_automation.errors import Conflict
from ledger_automation.store.anchors import SqlAnchors, SqlIntake
from ledger_automation.store.audits import SqlAudits
from ledger_automation.store.case_map import SqlCaseMap
from ledger_automation.store.cases import SqlCases
from ledger_automation.store.cosignatures import SqlCosignatures
from ledger_automation.store.dialect import Use, dialect, refused, refused_to_commit
from ledger_automation.store.held import SqlHeldSteps
from ledger_automation.store.log import SqlLog
from ledger_automation.store.members import SqlMembers
from ledger_automation.store.passkeys import SqlPasskeys
from ledger_automation.store.readers import SqlReaders
from ledger_automation.store.requests import SqlRequests
from ledger_automation.store.sessions import SqlSessions
from ledger_automation.store.soundness import SqlSoundness
from ledger_automation.store.uploads import SqlUploads
from ledger_automation.store.webhooks import SqlWebhooks


class SqlUnitOfWork:
    """The stores of one transaction; satisfies `orchestrator.ports.UnitOfWork`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.cases = SqlCases(connection)
        self.log = SqlLog(connection)
        self.case_map = SqlCaseMap(connection)
        self.anchors = SqlAnchors(connection)
        self.intake = SqlIntake(connection)
        self.steps = SqlHeldSteps(connection)
        self.members = SqlMembers(connection)
        self.requests = SqlRequests(connection, self.cases)
        self.uploads = SqlUploads(connection)
        self.webhooks = SqlWebhooks(connection)
        self.audits = SqlAudits(connection)
        self.sessions = SqlSessions(connection)
        self.passkeys = SqlPasskeys(connection)
        self.cosignatures = SqlCosignatures(connection)
        self.soundness = SqlSoundness(connection)
        self.readers = SqlReaders(connection)

    def commit(self) -> None:
        """Make everything durable; raises Unreachable where the database left without saying whether it did."""
        try:
            self._connection.commit()
        except DBAPIError as error:
            raise refused_to_commit(dialect(self._connection), error) from error

    @classmethod
    @contextmanager
    def open(cls, engine: Engine, use: Use = "write") -> Iterator[Self]:
        """Open a transaction that is rolled back unless committed.

        Raises Conflict when another writer held the database too long, Misconfigured when it cannot be used,
        Unreachable when it does not answer.
        """
        ways = dialect(engine)
        try:
            with engine.connect().execution_options(**ways.options[use]) as connection:
                yield cls(connection)
        except IntegrityError:
            raise  # a row that breaks the tables' own rules is a mistake of this program, not of the database
        except PoolTimeout as error:
            raise Conflict("Too many transactions are open at once; nothing was changed.") from error
        except DBAPIError as error:
            raise refused(ways, error) from error
