"""Destroying content: rows of ``content`` and ``attachment``, and what the database would keep of them elsewhere.

On SQLite the freed pages are overwritten (``secure_delete``) and the journal is emptied into the file. On PostgreSQL
the connection needs the role `grants.ERASURE`; a row's old bytes go with the next VACUUM, which is the server's.
"""

from typing import Final

from sqlalchemy import Engine, bindparam, delete, select
from sqlalchemy.exc import DBAPIError

from ledger_automation.store.dialect import dialect, refused
from ledger_automation.store.tables import AttachmentRow, ContentRow, EventRow, table

_EVENT, _CONTENT, _DOCUMENT = table(EventRow), table(ContentRow), table(AttachmentRow)
_CASE: Final = select(_EVENT.c.id).where(_EVENT.c.case_id == bindparam("of_case"))
_STEP: Final = _CASE.where(_EVENT.c.sequence == bindparam("of_step"))


class SqlEraser:
    """Satisfies `orchestrator.erase.Eraser`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ways = dialect(engine)

    def destroy(self, case_id: str, sequence: int | None) -> int:
        """Delete, in a transaction of its own; raises what a transaction raises."""
        events, values = (_CASE, {"of_case": case_id}) if sequence is None else (
            _STEP, {"of_case": case_id, "of_step": sequence},
        )  # fmt: skip
        try:
            with self._engine.connect().execution_options(**self._ways.options["write"]) as connection:
                connection.execute(delete(_DOCUMENT).where(_DOCUMENT.c.event_id.in_(events)), values)
                gone = connection.execute(delete(_CONTENT).where(_CONTENT.c.event_id.in_(events)), values).rowcount
                connection.commit()
            if gone:
                self._ways.empty_journal(self._engine)
        except DBAPIError as error:
            found = refused(self._ways, error)
            raise found from error
        return gone
