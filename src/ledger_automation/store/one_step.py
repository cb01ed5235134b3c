"""One step as one statement: the case's compare-and-swap, the event, its content and its documents, or nothing at all.

Most transactions of a service are one step. As one statement they cost one way to the server instead of four; there is
no outbox row and no lock that all writers share (measured in ADR 11). Each part takes from the one before it, so where
the case is not where the step expects it, nothing is inserted:

    moved   the case, by its sequence             none: somebody was faster
    placed  the event, its id drawn only now, so that ids of a case are in the order of its steps
    kept    content                               and documents, where there are any

Both this and the read before it go straight to the driver: SQLAlchemy's way there took three times what the driver and
the statements do, on every step. The transaction, the pool and what an error means stay SQLAlchemy's.

SQLite has no statement that does this; there `cases` writes a batch of one.
"""

from functools import cache
from typing import Any, Final
from zlib import crc32

import psycopg
from sqlalchemy import Connection, Dialect, bindparam, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.store.tables import CaseRow, table
from ledger_automation.verify.columns import columns
from ledger_automation.verify.sources import COLUMNS, CaseRecord

_CASE = table(CaseRow)
_TYPES: Final = {
    "sequence": "bigint",
    "amount": "bigint",
    "workflow_version": "bigint",
    "head": "bytea",
    "data": "bytea",
}
_READ: Final = f'SELECT {", ".join(CaseRecord._fields)} FROM "case" WHERE case_id = %s'  # noqa: S608
_READ_TO_MOVE: Final = f"{_READ} FOR NO KEY UPDATE"
_PLACED: Final = f"""
    placed AS (
        INSERT INTO event (case_id, {", ".join(COLUMNS[1:])}, commitment)
        SELECT case_id, {", ".join(f"%s::{_TYPES.get(name, 'varchar')}" for name in COLUMNS[1:])}, %s::bytea FROM moved
        RETURNING id
    ), kept AS (
        INSERT INTO content (event_id, salt, canonical, checksum)
        SELECT id, %s::bytea, %s::bytea, %s::bigint FROM placed
    )"""  # noqa: S608
_DOCUMENTED: Final = """, documented AS (
        INSERT INTO attachment (event_id, position, name, media_type, content)
        SELECT id, place - 1, name, media_type, content
        FROM placed, unnest(%s::varchar[], %s::varchar[], %s::bytea[])
            WITH ORDINALITY AS documents (name, media_type, content, place)
    )"""


def read_one(connection: Connection, case_id: str, *, to_move: bool) -> CaseRecord | None:
    """Return a case; where the transaction may go on ``to_move`` it, under its lock, so that others wait here."""
    row = _run(connection, _READ_TO_MOVE if to_move else _READ, (case_id,)).fetchone()
    return CaseRecord._make(row) if row else None


def record_one(connection: Connection, step: RecordedStep) -> None:
    """Store a step; raises Conflict where its case is not where the step expects it."""
    expected = step.event.sequence - 1
    case = step.case if expected < 0 else (*step.case[1:], step.case.case_id, expected)
    content = (step.salt, step.canonical, crc32(step.canonical))
    documents = tuple(map(list, zip(*step.documents, strict=True)))
    row = (*case, *columns(step.event)[1:], step.commitment, *content, *documents)
    sentence = _sentence(connection.dialect, expected < 0, bool(documents))
    try:
        placed = _run(connection, sentence, row).rowcount
    except IntegrityError as error:
        if expected >= 0:
            raise
        raise Conflict("The case was opened by somebody else.", cases=1) from error
    if placed != 1:
        raise overtaken(step.case.case_id, expected)


def overtaken(case_id: str, expected: int) -> Conflict:
    """Say that a case was not where a step expected it."""
    sentence = "Somebody was faster: the case moved on meanwhile."
    return Conflict(sentence, case_id=case_id, expected_sequence=expected)


def _run(connection: Connection, sentence: str, values: tuple[Any, ...]) -> Any:
    """Execute on the driver's own connection, in SQLAlchemy's transaction, with SQLAlchemy's errors."""
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.driver_connection
    try:
        return driver.execute(sentence, values, prepare=True)
    except psycopg.Error as error:
        if driver.closed:
            connection.exec_driver_sql("SELECT 1")  # so that the whole pool learns that the server has left
        raise DBAPIError.instance(
            None, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


@cache
def moving(dialect: Dialect) -> str:
    """Return the compare-and-swap of a case, its parameters in the order of the columns, then id and sequence."""
    names = CaseRecord._fields[1:]
    swap = update(_CASE).where(_CASE.c.case_id == bindparam("_case"), _CASE.c.sequence == bindparam("_expected"))
    return str(swap.values({name: bindparam(name) for name in names}).compile(dialect=dialect))


@cache
def _sentence(dialect: Dialect, opening: bool, documented: bool) -> str:
    values = ", ".join(f"%s::{_TYPES.get(name, 'varchar')}" for name in CaseRecord._fields)
    moved: Any = f'INSERT INTO "case" ({", ".join(CaseRecord._fields)}) VALUES ({values})'  # noqa: S608
    if not opening:
        moved = moving(dialect)
    kept = _PLACED + (_DOCUMENTED if documented else "")
    return f"WITH moved AS ({moved} RETURNING case_id), {kept} SELECT id FROM placed"  # noqa: S608
