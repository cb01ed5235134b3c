"""Cases and events as rows.

Writing is two prebuilt inserts a batch and one compare-and-swap a case; the ORM defines the tables and stays out of the
way. Reading all cases, one after another, is `trails`.
"""

from collections.abc import Iterator, Sequence
from zlib import crc32

from sqlalchemy import Connection, bindparam, select, text, update
from sqlalchemy.exc import IntegrityError

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.store.bulk import insert_rows
from ledger_automation.store.tables import AttachmentRow, CaseRow, ContentRow, EventRow, table
from ledger_automation.store.trails import CASE_COLUMNS, EVENTS, Trail, trails
from ledger_automation.verify.columns import columns
from ledger_automation.verify.sources import CaseRecord, DocumentRecord, EventRecord

_CASE, _EVENT, _CONTENT, _DOCUMENT = (table(each) for each in (CaseRow, EventRow, ContentRow, AttachmentRow))
_ADVANCE = (
    update(_CASE)
    .where(_CASE.c.case_id == bindparam("_case"), _CASE.c.sequence == bindparam("_expected"))
    .values({name: bindparam(name) for name in CaseRecord._fields[1:]})
)
_ONE_CASE = select(*CASE_COLUMNS).where(_CASE.c.case_id == bindparam("case_id"))
_SOME_CASES = select(*CASE_COLUMNS).where(_CASE.c.case_id.in_(bindparam("case_ids", expanding=True)))
_ONE_TRAIL = EVENTS.where(_EVENT.c.case_id == bindparam("case_id"))


class SqlCases:
    """Satisfies `orchestrator.ports.CaseStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, steps: Sequence[RecordedStep]) -> None:
        """Store steps; ids are drawn under the write lock, so their order is that of the commits.

        A Conflict ends the transaction, so that nothing of it stays even for a caller that goes on.
        """
        try:
            self._record(steps)
        except Conflict:
            self._connection.rollback()
            raise

    def _record(self, steps: Sequence[RecordedStep]) -> None:
        self._advance(steps)
        last = self._connection.execute(text("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name='event'"))
        first = int(last.scalar_one()) + 1
        numbered = list(enumerate(steps, first))
        events = [(number, *columns(step.event), step.commitment) for number, step in numbered]
        contents = [(number, step.salt, step.canonical, crc32(step.canonical)) for number, step in numbered]
        documents = [(number, at, *each) for number, step in numbered for at, each in enumerate(step.documents)]
        insert_rows(self._connection, _EVENT, events)
        insert_rows(self._connection, _CONTENT, contents)
        insert_rows(self._connection, _DOCUMENT, documents)

    def case(self, case_id: str) -> CaseRecord | None:
        """Return one case's row."""
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
        opened = [case for case_id, case in last.items() if first[case_id] == 0]
        moved = [
            {**case._asdict(), "_case": case_id, "_expected": first[case_id] - 1}
            for case_id, case in last.items()
            if first[case_id] > 0
        ]
        try:
            insert_rows(self._connection, _CASE, opened)
        except IntegrityError as error:
            raise Conflict("The case was opened by somebody else.", cases=len(opened)) from error
        for row in moved:
            if self._connection.execute(_ADVANCE, row).rowcount != 1:
                sentence = "Somebody was faster: the case moved on meanwhile."
                raise Conflict(sentence, case_id=row["_case"], expected_sequence=row["_expected"])
