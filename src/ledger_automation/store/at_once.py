"""Steps as one statement: of each its case, its event, its content, its parties, its answer, or nothing of it at all.

As one statement, steps cost one way to the server instead of five; it is its own transaction where it stands alone, and
there is no outbox row and no lock that all writers share (measured in ADR 11). Each part takes from the one before it,
so of a step whose case is not where it expects it, nothing is inserted; the others are none the worse for it:

    given     the steps, no two of one case, as one JSON text: so the statement is the same for any number of them
    opened    the cases that begin
    locked    the others, but for those that somebody else holds: nobody waits here
    moved     those of them that are at the sequence that their step expects (compare-and-swap)
    placed    the events, their ids drawn only now, so that those of a case are in the order of its steps
    kept      content; parties where there are any
    answered  what the requests were answered: a step's answer with its step

What is large goes another way (`fits`): the driver takes ever longer for one long message, and a server takes none of a
gibibyte. SQLite has no statement that does this. In both, `cases` writes a batch.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final
from zlib import crc32

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.asked import Answer
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.store import direct
from ledger_automation.verify.columns import columns
from ledger_automation.verify.sources import COLUMNS, CaseRecord

_TYPES: Final = {
    "sequence": "bigint", "amount": "bigint", "workflow_version": "bigint", "expected": "bigint", "checksum": "bigint",
    "head": "bytea", "data": "bytea", "commitment": "bytea", "salt": "bytea", "canonical": "bytea",
    "key": "bytea", "fingerprint": "bytea", "parties": "json",
}  # fmt: skip
_OF_CASE: Final = CaseRecord._fields
_OF_EVENT: Final = COLUMNS[1:]
_GIVEN: Final = (
    *_OF_CASE, *(f"event_{name}" for name in _OF_EVENT), "expected", "commitment", "salt", "canonical", "checksum",
    "parties",
)  # fmt: skip
_NAMED: Final = """, named AS (
        INSERT INTO party (actor_id, case_id)
        SELECT person, case_id FROM placed JOIN given USING (case_id), json_array_elements_text(parties) AS person
        ON CONFLICT DO NOTHING
    )"""
_ANSWERED: Final = """, answered AS (
        INSERT INTO answer ({names})
        SELECT {names} FROM json_to_recordset(%s) AS answers ({typed})
        WHERE sequence IS NULL OR case_id IN (SELECT case_id FROM placed)
    )"""


_TAKEN: Final = "23505"
"""Unique violation; any other rule of a table that is broken is a mistake of this program."""

_LARGE: Final = 256 * 1024
"""Octets of content from which a batch is faster."""


def fits(steps: Sequence[RecordedStep]) -> bool:
    """Say whether steps may be recorded at once: no documents, and not too much content."""
    octets = sum(len(step.canonical) + len(step.case.data) for step in steps)
    return octets < _LARGE and not any(step.documents for step in steps)


def record_at_once(connection: Connection, steps: Sequence[RecordedStep], answers: Sequence[Answer]) -> frozenset[str]:
    """Store steps of as many cases, and answers; return the cases that were not where their steps expect them.

    Raises Conflict, and stores nothing, where a case was opened or a key answered by somebody else.
    """
    named = any(step.parties for step in steps)
    sentence = _sentence(named=named, answered=bool(answers))
    values = [_json(_GIVEN, map(_given, steps))]
    if answers:
        values.append(_json(Answer._fields, answers))
    try:
        placed = direct.execute(connection, sentence, tuple(values)).fetchall()
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", "") != _TAKEN:
            raise
        raise Conflict("Somebody else opened the case, or answered the request, meanwhile.") from error
    return frozenset(str(step.case.case_id) for step in steps).difference(case_id for (case_id,) in placed)


def _given(step: RecordedStep) -> tuple[Any, ...]:
    event = step.event
    content = (step.commitment, step.salt, step.canonical, crc32(step.canonical))
    return (*step.case, *columns(event)[1:], event.sequence - 1, *content, step.parties)


def _json(names: Sequence[str], rows: Any) -> str:
    """Write rows as objects; octets as PostgreSQL reads them."""
    return msgspec.json.encode(
        [
            {
                name: f"\\x{value.hex()}" if isinstance(value, bytes) else value
                for name, value in zip(names, row, strict=True)
            }
            for row in rows
        ],
        enc_hook=str,
    ).decode()


def _typed(names: Sequence[str]) -> str:
    return ", ".join(f"{name} {_TYPES.get(name.removeprefix('event_'), 'varchar')}" for name in names)


@cache
def _sentence(*, named: bool, answered: bool) -> str:
    of_case, of_event = ", ".join(_OF_CASE), ", ".join(f"event_{name}" for name in _OF_EVENT)
    moves = ", ".join(f"{name} = given.{name}" for name in _OF_CASE[1:])
    answers = _ANSWERED.format(names=", ".join(Answer._fields), typed=_typed(Answer._fields))
    more = (_NAMED if named else "") + (answers if answered else "")
    return f"""
    WITH given AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s) AS steps ({_typed(_GIVEN)})
    ), opened AS (
        INSERT INTO "case" ({of_case}) SELECT {of_case} FROM given WHERE expected < 0 RETURNING case_id
    ), locked AS MATERIALIZED (
        SELECT case_id FROM "case" WHERE case_id = ANY (ARRAY (SELECT case_id FROM given WHERE expected >= 0))
        ORDER BY case_id FOR NO KEY UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE "case" SET {moves} FROM given JOIN locked USING (case_id)
        WHERE "case".case_id = ANY (ARRAY (SELECT case_id FROM locked))
            AND "case".case_id = given.case_id AND "case".sequence = given.expected
        RETURNING given.case_id
    ), placed AS (
        INSERT INTO event (case_id, {", ".join(_OF_EVENT)}, commitment)
        SELECT case_id, {of_event}, commitment FROM given
        WHERE case_id IN (SELECT case_id FROM opened UNION ALL SELECT case_id FROM moved)
        RETURNING id, case_id
    ), kept AS (
        INSERT INTO content (event_id, salt, canonical, checksum)
        SELECT id, salt, canonical, checksum FROM placed JOIN given USING (case_id)
    ){more}
    SELECT case_id FROM placed"""  # noqa: S608  names of columns
