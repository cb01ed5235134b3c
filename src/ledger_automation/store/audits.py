"""What audits found, as rows."""

from sqlalchemy import Connection, insert, select

from ledger_automation.orchestrator.audits import AuditRun
from ledger_automation.store.tables import AuditRunRow, table

_RUN = table(AuditRunRow)


class SqlAudits:
    """Satisfies `orchestrator.audits.AuditRunStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, run: AuditRun) -> None:
        """Insert an audit."""
        self._connection.execute(insert(_RUN).values(at=run.at, verdict=run.verdict, report=run.report))

    def runs(self, before: int | None, limit: int) -> list[AuditRun]:
        """Read audits."""
        wanted = select(_RUN).order_by(_RUN.c.id.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(_RUN.c.id < before)
        return [AuditRun._make(row) for row in self._connection.execute(wanted)]
