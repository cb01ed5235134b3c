"""Cases and events as rows.

A batch is four prebuilt statements with many rows each, the compare-and-swap of its cases among them; one step alone is
one statement where the database can (`one_step`). The ORM defines the tables and stays out of the way. Reading all
cases, one after another, is `trails`.
"""

from collections.abc import Iterator, Sequence
from zlib import crc32

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.exc import IntegrityError

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.store.bulk import insert_rows
from ledger_automation.store.dialect import dialect
from ledger_automation.store.one_step import moving, overtaken, read_one, record_one
from ledger_automation.store.tables import AttachmentRow, CaseRow, ContentRow, EventRow, table
from ledger_automation.store.trails import CASE_COLUMNS, EVENTS, Trail, trails
from ledger_automation.verify.columns import columns
from ledger_automation.verify.sources import CaseRecord, DocumentRecord, EventRecord

_CASE, _EVENT, _CONTENT, _DOCUMENT = (table(each) for each in (CaseRow, EventRow, ContentRow, AttachmentRow))
_ONE_CASE = select(*CASE_COLUMNS).where(_CASE.c.case_id == bindparam("case_id"))
_SOME_CASES = select(*CASE_COLUMNS).where(_CASE.c.case_id.in_(bindparam("case_ids", expanding=True)))
_ONE_TRAIL = EVENTS.where(_EVENT.c.case_id == bindparam("case_id"))


class SqlCases:
    """Satisfies `orchestrator.ports.CaseStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ways = dialect(connection)
        self._to_move = not connection.get_execution_options().get("reading")

    def record(self, steps: Sequence[RecordedStep]) -> None:
        """Store steps; ids are drawn once their cases are locked: those of a case are in the order of its steps.

        A Conflict ends the transaction, so that nothing of it stays even for a caller that goes on.
        """
        try:
            if self._ways.direct and len(steps) == 1:
                record_one(self._connection, steps[0])
            else:
                self._record(steps)
        except Conflict:
            self._connection.rollback()
            raise

    def _record(self, steps: Sequence[RecordedStep]) -> None:
        self._advance(steps)
        ids = self._ways.draw_event_ids(self._connection, len(steps))
        numbered = list(zip(ids, steps, strict=True))
        events = [(number, *columns(step.event), step.commitment) for number, step in numbered]
        contents = [(number, step.salt, step.canonical, crc32(step.canonical)) for number, step in numbered]
        documents = [(number, at, *each) for number, step in numbered for at, each in enumerate(step.documents)]
        insert_rows(self._connection, _EVENT, events)
        insert_rows(self._connection, _CONTENT, contents)
        insert_rows(self._connection, _DOCUMENT, documents)

    def case(self, case_id: str) -> CaseRecord | None:
        """Return one case's row; whoever may go on to move it keeps others from it until then."""
        if self._ways.direct:
            return read_one(self._connection, case_id, to_move=self._to_move)
        row = self._connection.execute(_ONE_CASE, {"case_id": case_id}).one_or_none()
        return CaseRecord._make(row) if row else None

    def known(self, case_ids: Sequence[str]) -> dict[str, CaseRecord]:
        """Return the rows of those cases that there are."""
        rows = self._connection.execute(_SOME_CASES, {"case_ids": case_ids})
        return {row.case_id: CaseRecord._make(row) for row in rows}

    def trail(self, case_id: str) -> list[EventRecord]:
        """Return one case's events."""
        return [EventRecord._make(event) for event in self._connection.execute(_ONE_TRAIL, {"case_id": case_id})]

    def trails(self, after_event: int, after_leaf: int) -> Iterator[Trail]:
        """Stream case by case, in the order of opening."""
        return trails(self._connection, after_event, after_leaf)

    def documents(self, event_id: int) -> list[DocumentRecord]:
        """Return the attachments of an event."""
        wanted = select(_DOCUMENT.c.name, _DOCUMENT.c.media_type, _DOCUMENT.c.content)
        rows = self._connection.execute(wanted.where(_DOCUMENT.c.event_id == event_id).order_by(_DOCUMENT.c.position))
        return [DocumentRecord._make(row) for row in rows]

    def _advance(self, steps: Sequence[RecordedStep]) -> None:
        first: dict[str, int] = {}
        last: dict[str, CaseRecord] = {}
        for step in steps:
            first.setdefault(step.case.case_id, step.event.sequence)
            last[step.case.case_id] = step.case
        opened = [case for case_id, case in sorted(last.items()) if first[case_id] == 0]
        moved = [case for case_id, case in sorted(last.items()) if first[case_id] > 0]  # sorted: two never deadlock
        try:
            insert_rows(self._connection, _CASE, opened)
        except IntegrityError as error:
            raise Conflict("The case was opened by somebody else.", cases=len(opened)) from error
        if self._moved(moved, first) != len(moved):
            known = self.known([case.case_id for case in moved])
            late = next(each for each in moved if known.get(each.case_id) != each)
            raise overtaken(late.case_id, first[late.case_id] - 1)

    def _moved(self, cases: Sequence[CaseRecord], first: dict[str, int]) -> int:
        """Move cases that are where their first step expects them; return how many were."""
        if not cases:
            return 0
        rows = [(*case[1:], case.case_id, first[case.case_id] - 1) for case in cases]
        return self._connection.exec_driver_sql(moving(self._connection.dialect), rows).rowcount
