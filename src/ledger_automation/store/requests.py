"""What is asked for and what it was answered, as rows: one look for a whole group, whichever database it is.

The group stands in the query as VALUES; each request is joined with its member, its answer, the step of that answer,
and its case. On PostgreSQL, where a unit of work decides under locks, the cases are locked first, by a statement of
their own: what it waited for, and what was answered meanwhile, is seen by the next one only. They are locked in the
order of their ids, so that two never wait for each other in a circle; on SQLite there is one writer anyway.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete
from sqlalchemy.exc import DBAPIError, IntegrityError

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.asked import Answer, Asked, Found, Taken
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.store.at_once import fits, record_at_once
from ledger_automation.store.bulk import insert_rows
from ledger_automation.store.cases import SqlCases
from ledger_automation.store.dialect import dialect, refused_to_commit
from ledger_automation.store.direct import execute
from ledger_automation.store.members import known
from ledger_automation.store.tables import AnswerRow, table
from ledger_automation.verify.sources import CaseRecord

_ANSWER = table(AnswerRow)
_OLD: Final = delete(_ANSWER).where(_ANSWER.c.answered_at < bindparam("before"))
_CASE: Final = ", ".join(CaseRecord._fields)
_HOLD: Final = 'SELECT 1 FROM "case" WHERE case_id IN ({ids}) ORDER BY case_id {lock}'
_LOOK: Final = """
    WITH given (place, issuer, subject, key, case_id) AS (VALUES {values}),
         standing AS (SELECT {case} FROM "case" WHERE case_id IN ({ids}))
    SELECT member.actor_id, member.roles,
           answer.key, answer.fingerprint, answer.case_id, answer.sequence, answer.refusal, answer.answered_at,
           event.action, event.to_state, event.commitment, asked.level, {columns}
    FROM given
         LEFT JOIN member ON member.issuer = given.issuer AND member.subject = given.subject
         LEFT JOIN answer ON answer.key = given.key
         LEFT JOIN event ON event.case_id = answer.case_id AND event.sequence = answer.sequence
         LEFT JOIN "case" AS asked ON asked.case_id = answer.case_id
         LEFT JOIN standing ON standing.case_id = given.case_id
    ORDER BY given.place
"""


class SqlRequests:
    """Satisfies `orchestrator.ports.RequestStore`."""

    def __init__(self, connection: Connection, cases: SqlCases) -> None:
        self._connection = connection
        self._cases = cases
        self._ways = ways = dialect(connection)
        options = connection.get_execution_options()
        self._brief = options.get("brief")
        self._lock = "" if options.get("reading") else ways.lock

    def look(self, group: Sequence[Asked]) -> list[Found]:
        """Ask for all at once."""
        cases = tuple(str(each.case_id) for each in group)
        if self._lock:
            execute(self._connection, _HOLD.format(ids=_marks(len(group), self._ways.mark), lock=self._lock), cases)
        rows = [(at, *each.identity, each.key, case) for at, (each, case) in enumerate(zip(group, cases, strict=True))]
        values = (*(value for row in rows for value in row), *cases)
        return [_found(row) for row in execute(self._connection, _look(len(group), self._ways.mark), values)]

    def record(self, steps: Sequence[RecordedStep], answers: Sequence[Answer]) -> frozenset[str]:
        """Store steps with their answers, in one statement where the database can; raises as a commit does.

        What is too large for one is a Conflict where each statement stands alone: it wants a transaction.
        """
        if not (self._ways.direct and fits(steps)):
            if self._brief:
                raise Conflict("What is to be recorded is too large to be recorded at once.")
            self._cases.record(steps)
            self.answer(answers)
            return frozenset()
        try:
            return record_at_once(self._connection, steps, answers)
        except Conflict:
            self._connection.rollback()
            raise
        except DBAPIError as error:
            raise refused_to_commit(self._ways, error) from error

    def answer(self, answers: Sequence[Answer]) -> None:
        """Insert answers; a Conflict ends the transaction, as in `cases`."""
        try:
            insert_rows(self._connection, _ANSWER, answers)
        except IntegrityError as error:
            self._connection.rollback()
            raise Conflict("Another request with this key was answered meanwhile.") from error

    def purge(self, before: str) -> int:
        """Delete old answers."""
        return self._connection.execute(_OLD, {"before": before}).rowcount


@cache
def _look(size: int, mark: str) -> str:
    return _LOOK.format(
        values=", ".join([f"({_marks(5, mark)})"] * size),
        ids=_marks(size, mark),
        case=_CASE,
        columns=", ".join(f"standing.{name}" for name in CaseRecord._fields),
    )


def _marks(count: int, mark: str) -> str:
    return ", ".join([mark] * count)


def _found(row: Any) -> Found:
    actor_id, roles, key, fingerprint, case_id, sequence, refusal, answered_at, *rest = row
    action, state, commitment, level, *case = rest
    return Found(
        known(actor_id, roles) if actor_id is not None else None,
        Answer(key, fingerprint, case_id, sequence, refusal, answered_at) if key is not None else None,
        Taken(case_id, sequence, action, state, level, commitment) if action is not None else None,
        CaseRecord(*case) if case[0] is not None else None,
    )
