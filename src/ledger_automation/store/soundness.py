"""Whether a database can be relied on for reading at all: shape (T25), indices (T26), hidden rows (T27), pages (T28).

Looked at before an audit reads anything, since what is read through a lie is one.

What this does not do: look at triggers and grants, which guard writing.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, TypeDecorator
from sqlmodel import SQLModel

from ledger_automation.store import tables as _tables  # noqa: F401  fills the metadata
from ledger_automation.store.dialect import dialect
from ledger_automation.store.inspection import INDEX, Shape
from ledger_automation.verify.sources import Soundness
from ledger_automation.verify.verdict import Finding

EVIDENCE: Final = (
    "case", "event", "content", "attachment", "leaf", "node", "checkpoint", "map_tile", "cosignature", "submission",
)  # fmt: skip
"""The tables that an audit reads."""

_SHAPE, _HIDDEN = "T25", "T27"
_PLACE_OF_ALL: Final = "alembic_version"


class SqlSoundness:
    """Looks at the database through one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ways = dialect(connection)

    def look(self, *, whole: bool) -> Soundness:
        """Look at the shape, and if ``whole`` at every page and unique index, which takes as long as reading all."""
        here = self._ways.shape(self._connection, _PLACE_OF_ALL)
        findings, readable = [], True
        for name in EVIDENCE:
            found = self._ways.shape(self._connection, name)
            table = SQLModel.metadata.tables[name]
            if found is None:
                findings.append(_shaped(name, "The table is gone.", "a table", None))
                readable = False
                continue
            readable = readable and found.is_table and set(found.columns) >= {each.name for each in table.columns}
            findings += _deviations(table, found, here.schema if here else "")
        if whole and readable:
            for fault in self._ways.faults(self._connection, EVIDENCE):
                findings.append(_unsound(fault.kind, fault.place, fault.words))
                readable = readable and fault.kind == INDEX
        return Soundness(tuple(findings), readable, self._ways.follows(self._connection))


def _deviations(table: Table, found: Shape, schema: str) -> Iterator[Finding]:
    """Yield how a table differs from the one that the migrations made."""
    name = table.name
    if not found.is_table:
        yield _shaped(name, "Something else has the table's name, and answers in its place.", "a table", "a view")
    if found.schema != schema:
        yield _shaped(name, "The name leads to a table in another schema.", schema, found.schema)
    if found.hides_rows:
        yield _unsound(_HIDDEN, name, "row security is on, or rows lie in partitions")
    for column in table.columns:
        kind, computed = found.columns.get(column.name, (None, False))
        place, expected = f"{name}.{column.name}", _python_type(column)
        if column.name not in found.columns:
            yield _shaped(place, "The column is gone.", expected.__name__, None)
        elif computed:
            yield _shaped(place, "The column is computed, not stored.", expected.__name__, "computed")
        elif kind is not expected:
            actual = kind.__name__ if kind else "another"
            yield _shaped(place, "The column has another type.", expected.__name__, actual)
    for strange in sorted(set(found.columns) - {each.name for each in table.columns}):
        yield _shaped(f"{name}.{strange}", "The table has a column more.", None, strange)


def _python_type(column: Column[Any]) -> type:
    kind = column.type
    return (kind.impl_instance if isinstance(kind, TypeDecorator) else kind).python_type


def _shaped(place: str, sentence: str, expected: object, actual: object) -> Finding:
    return Finding(tampering=_SHAPE, sentence=sentence, column=place, expected=expected, actual=actual)


def _unsound(kind: str, place: str, words: str) -> Finding:
    sentences = {
        INDEX: "An index leads to other rows than the table has",
        _HIDDEN: "The database may hide rows from whoever asks",
    }
    sentence = f"{sentences.get(kind, 'The database cannot be read whole')}: {words}."
    return Finding(tampering=kind, sentence=sentence, column=place or None)
