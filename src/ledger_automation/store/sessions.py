"""Who is signed in, as rows."""

from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ledger_automation.orchestrator.asked import Identity
from ledger_automation.orchestrator.session import Session
from ledger_automation.store.tables import SessionRow, table

_SESSION = table(SessionRow)
_ONE: Final = select(_SESSION).where(_SESSION.c.key == bindparam("key"))
_USED: Final = update(_SESSION).where(_SESSION.c.key == bindparam("_key")).values(used_at=bindparam("at"))
_END: Final = delete(_SESSION).where(_SESSION.c.key == bindparam("key"))
_HIS = (_SESSION.c.issuer == bindparam("issuer")) & (_SESSION.c.subject == bindparam("subject"))
_ALL: Final = select(_SESSION).where(_HIS).order_by(_SESSION.c.begun_at.desc())
_END_ALL: Final = delete(_SESSION).where(_HIS)
_OLD: Final = delete(_SESSION).where(_SESSION.c.begun_at < bindparam("before"))


class SqlSessions:
    """Satisfies `orchestrator.session.SessionStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, key: bytes, session: Session) -> None:
        """Insert a session."""
        identity, begun_at, used_at = session
        row = {"key": key, **identity._asdict(), "begun_at": begun_at, "used_at": used_at}
        self._connection.execute(insert(_SESSION), row)

    def of(self, key: bytes) -> Session | None:
        """Read a session."""
        row = self._connection.execute(_ONE, {"key": key}).one_or_none()
        return Session(Identity(row.issuer, row.subject), row.begun_at, row.used_at) if row else None

    def used(self, key: bytes, at: str) -> None:
        """Update the moment of its last use."""
        self._connection.execute(_USED, {"_key": key, "at": at})

    def end(self, key: bytes) -> None:
        """Delete a session."""
        self._connection.execute(_END, {"key": key})

    def all_of(self, identity: Identity) -> list[Session]:
        """Read somebody's sessions."""
        rows = self._connection.execute(_ALL, identity._asdict())
        return [Session(identity, row.begun_at, row.used_at) for row in rows]

    def end_all(self, identity: Identity) -> int:
        """Delete somebody's sessions."""
        return self._connection.execute(_END_ALL, identity._asdict()).rowcount

    def purge(self, begun_before: str) -> int:
        """Delete old ones."""
        return self._connection.execute(_OLD, {"before": begun_before}).rowcount
