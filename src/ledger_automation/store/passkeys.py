"""Registered passkeys as rows."""

from typing import Final

from sqlalchemy import Connection, bindparam, delete, select

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.passkey import Passkey
from ledger_automation.store.dialect import dialect
from ledger_automation.store.tables import PasskeyRow, table

_PASSKEY = table(PasskeyRow)
_ONE: Final = select(_PASSKEY).where(_PASSKEY.c.credential == bindparam("credential"))
_ALL: Final = (
    select(_PASSKEY)
    .where(_PASSKEY.c.actor_id == bindparam("actor_id"))
    .order_by(_PASSKEY.c.registered_at.desc(), _PASSKEY.c.credential)
)
_REMOVE: Final = delete(_PASSKEY).where(
    _PASSKEY.c.credential == bindparam("credential"), _PASSKEY.c.actor_id == bindparam("actor_id")
)


class SqlPasskeys:
    """Satisfies `orchestrator.passkey.PasskeyStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def register(self, passkey: Passkey) -> None:
        """Insert a passkey, unless its credential is there."""
        wanted = dialect(self._connection).upsert(_PASSKEY).values(passkey._asdict()).on_conflict_do_nothing()
        if not self._connection.execute(wanted.returning(_PASSKEY.c.credential)).all():
            raise Conflict("This passkey is registered already.")

    def find(self, credential: bytes) -> Passkey | None:
        """Read one."""
        row = self._connection.execute(_ONE, {"credential": credential}).one_or_none()
        return Passkey(*row) if row else None

    def all_of(self, actor_id: str) -> list[Passkey]:
        """Read somebody's."""
        return [Passkey(*row) for row in self._connection.execute(_ALL, {"actor_id": actor_id})]

    def remove(self, actor_id: str, credential: bytes) -> None:
        """Delete one."""
        self._connection.execute(_REMOVE, {"actor_id": actor_id, "credential": credential})
