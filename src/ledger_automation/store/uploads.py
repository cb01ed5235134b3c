"""Documents that wait for their step, as rows."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select

from ledger_automation.orchestrator.uploads import Upload
from ledger_automation.store.dialect import dialect
from ledger_automation.store.tables import UploadRow, table

_UPLOAD = table(UploadRow)
_SOME: Final = select(_UPLOAD).where(
    _UPLOAD.c.actor_id == bindparam("actor_id"), _UPLOAD.c.sha256.in_(bindparam("digests", expanding=True))
)
_OLD: Final = delete(_UPLOAD).where(_UPLOAD.c.at < bindparam("before"))


class SqlUploads:
    """Satisfies `orchestrator.uploads.UploadStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, upload: Upload) -> None:
        """Insert a document, or let it wait anew."""
        wanted = dialect(self._connection).upsert(_UPLOAD).values(upload._asdict())
        kept = wanted.on_conflict_do_update(index_elements=["actor_id", "sha256"], set_={"at": upload.at})
        self._connection.execute(kept)

    def find(self, actor_id: str, digests: Sequence[bytes]) -> dict[bytes, Upload]:
        """Read an actor's documents."""
        rows = self._connection.execute(_SOME, {"actor_id": actor_id, "digests": list(map(bytes, digests))})
        return {row.sha256: Upload._make(row) for row in rows}

    def purge(self, before: str) -> int:
        """Delete old ones."""
        return self._connection.execute(_OLD, {"before": before}).rowcount
