"""Cases and events as rows.

A batch is four prebuilt statements with many rows each, the compare-and-swap of its cases among them; one step alone is
one statement where the database can (`at_once`). The ORM defines the tables and stays out of the way. Reading all
cases, one after another, is `trails`.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from zlib import crc32

from sqlalchemy import Connection, Dialect, and_, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.store import direct
from ledger_automation.store.at_once import fits, record_at_once
from ledger_automation.store.bulk import insert_rows
from ledger_automation.store.dialect import dialect
from ledger_automation.store.tables import AttachmentRow, CaseRow, ContentRow, EventRow, PartyRow, table
from ledger_automation.store.trails import CASE_COLUMNS, EVENTS, trails
from ledger_automation.verify.columns import columns
from ledger_automation.verify.sources import FORGOTTEN, CaseRecord, DocumentRecord, EventRecord, Trail

_CASE, _EVENT, _CONTENT, _DOCUMENT, _PARTY = (
    table(each) for each in (CaseRow, EventRow, ContentRow, AttachmentRow, PartyRow)
)
_ONE_CASE = f'SELECT {", ".join(CaseRecord._fields)} FROM "case" WHERE case_id = {{mark}} {{lock}}'  # noqa: S608
_SOME_CASES = select(*CASE_COLUMNS).where(_CASE.c.case_id.in_(bindparam("case_ids", expanding=True)))
_ONE_TRAIL = EVENTS.where(_EVENT.c.case_id == bindparam("case_id"))


class SqlCases:
    """Satisfies `orchestrator.ports.CaseStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ways = dialect(connection)
        reads = connection.get_execution_options().get("reading")
        self._one_case = _ONE_CASE.format(mark=self._ways.mark, lock="" if reads else self._ways.lock)

    def record(self, steps: Sequence[RecordedStep]) -> None:
        """Store steps; ids are drawn once their cases are locked: those of a case are in the order of its steps.

        A Conflict ends the transaction, so that nothing of it stays even for a caller that goes on.
        """
        try:
            if self._ways.direct and len(steps) == 1 and fits(steps):
                if record_at_once(self._connection, steps, ()):
                    raise _overtaken(steps[0].case.case_id, steps[0].event.sequence - 1)
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
        rows = [{"actor_id": person, "case_id": str(step.case.case_id)} for step in steps for person in step.parties]
        if rows:
            self._connection.execute(self._ways.upsert(_PARTY).on_conflict_do_nothing(), rows)

    def case(self, case_id: str) -> CaseRecord | None:
        """Return one case's row; whoever may go on to move it keeps others from it until then."""
        row = direct.execute(self._connection, self._one_case, (case_id,)).fetchone()
        return CaseRecord._make(row) if row else None

    def known(self, case_ids: Sequence[str]) -> dict[str, CaseRecord]:
        """Return the rows of those cases that there are."""
        rows = self._connection.execute(_SOME_CASES, {"case_ids": case_ids})
        return {row.case_id: CaseRecord._make(row) for row in rows}

    def page(self, workflow: str, party: str | None, after: str, limit: int) -> list[CaseRecord]:
        """Return some cases, by their key."""
        wanted = select(*CASE_COLUMNS).where(_CASE.c.workflow == workflow, _CASE.c.case_id > after)
        if party is not None:
            wanted = wanted.where(_CASE.c.case_id.in_(select(_PARTY.c.case_id).where(_PARTY.c.actor_id == party)))
        rows = self._connection.execute(wanted.order_by(_CASE.c.case_id).limit(limit))
        return [CaseRecord._make(row) for row in rows]

    def oldest(self, workflow: str, states: Collection[str], before: str, limit: int) -> list[CaseRecord]:
        """Return some cases that came to one of the states before a moment, the oldest first."""
        there = and_(_CASE.c.workflow == workflow, _CASE.c.state.in_(sorted(states)), _CASE.c.at < before)
        wanted = select(*CASE_COLUMNS).where(there).order_by(_CASE.c.at, _CASE.c.case_id).limit(limit)
        return [CaseRecord._make(row) for row in self._connection.execute(wanted)]

    def forget(self, case_ids: Collection[str]) -> None:
        """Destroy what the law remembers of some cases."""
        self._connection.execute(update(_CASE).where(_CASE.c.case_id.in_(sorted(case_ids))).values(data=FORGOTTEN))

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
            raise _overtaken(late.case_id, first[late.case_id] - 1)

    def _moved(self, cases: Sequence[CaseRecord], first: dict[str, int]) -> int:
        """Move cases that are where their first step expects them; return how many were."""
        if not cases:
            return 0
        rows = [(*case[1:], case.case_id, first[case.case_id] - 1) for case in cases]
        return self._connection.exec_driver_sql(_moving(self._connection.dialect), rows).rowcount


def _overtaken(case_id: str, expected: int) -> Conflict:
    """Say that a case was not where a step expected it."""
    sentence = "Somebody was faster: the case moved on meanwhile."
    return Conflict(sentence, case_id=case_id, expected_sequence=expected)


@cache
def _moving(dialect: Dialect) -> str:
    """Return the compare-and-swap of a case, its parameters in the order of the columns, then id and sequence."""
    names = CaseRecord._fields[1:]
    swap = update(_CASE).where(_CASE.c.case_id == bindparam("_case"), _CASE.c.sequence == bindparam("_expected"))
    return str(swap.values({name: bindparam(name) for name in names}).compile(dialect=dialect))
