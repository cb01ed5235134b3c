"""Cosignatures as rows."""

from typing import Final

from sqlalchemy import Connection, Select, func, select

from ledger_automation.store.dialect import dialect
from ledger_automation.store.tables import CosignatureRow, table
from ledger_automation.verify.sources import CosignatureRecord

_COSIGNATURE = table(CosignatureRow)
_ALL = select(*(_COSIGNATURE.c[name] for name in CosignatureRecord._fields))

_LOOKED_AT: Final = 10_000
_NEWEST = select(_COSIGNATURE.c.tree_size).order_by(_COSIGNATURE.c.tree_size.desc()).limit(_LOOKED_AT).subquery()


class SqlCosignatures:
    """Satisfies `orchestrator.cosignatures.CosignatureStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, cosignature: CosignatureRecord) -> None:
        """Insert one, unless it is there."""
        wanted = dialect(self._connection).upsert(_COSIGNATURE).values(cosignature._asdict())
        self._connection.execute(wanted.on_conflict_do_nothing(index_elements=["tree_size", "witness"]))

    def of(self, tree_size: int) -> list[CosignatureRecord]:
        """Read those of one checkpoint."""
        return self._read(_ALL.where(_COSIGNATURE.c.tree_size == tree_size).order_by(_COSIGNATURE.c.witness))

    def last(self, witness: str) -> CosignatureRecord | None:
        """Read the last one of a witness."""
        wanted = _ALL.where(_COSIGNATURE.c.witness == witness).order_by(_COSIGNATURE.c.tree_size.desc())
        return next(iter(self._read(wanted.limit(1))), None)

    def largest(self, witnesses: int) -> int | None:
        """Count by size, from the largest down, and not for ever: anybody may ask."""
        size = _NEWEST.c.tree_size
        wanted = select(size).group_by(size).having(func.count() >= witnesses).order_by(size.desc()).limit(1)
        return self._connection.execute(wanted).scalar_one_or_none()

    def _read(self, wanted: "Select[tuple[int, str, str, str]]") -> list[CosignatureRecord]:
        return [CosignatureRecord._make(row) for row in self._connection.execute(wanted)]
