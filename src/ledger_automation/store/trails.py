"""Streaming everything case by case, in the order in which the cases were opened.

Cases that were opened one after another lie near each other in the file, so a database far larger than memory is read
forward and not at random: a million events cost what a thousand do, each. Whatever has no opening any more (its first
event was deleted or renumbered) comes last; it is looked for only when the counts say that something was left out.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, exists, func, select, union

from ledger_automation.store.tables import IS_ENFORCED, AttachmentRow, CaseRow, ContentRow, EventRow, LeafRow, table
from ledger_automation.verify.sources import COLUMNS, CaseRecord, EventRecord

Trail = tuple[str, CaseRecord | None, list[EventRecord]]

_BATCH = 2_000
_CASE, _EVENT, _CONTENT, _DOCUMENT, _LEAF = (
    table(each) for each in (CaseRow, EventRow, ContentRow, AttachmentRow, LeafRow)
)
_OPENING = _EVENT.alias("opening")
_DOCUMENTS = select(func.count()).where(_DOCUMENT.c.event_id == _EVENT.c.id).scalar_subquery()
_WHOLE = (
    _EVENT.c.id, *(_EVENT.c[name] for name in COLUMNS), _EVENT.c.commitment,
    _CONTENT.c.salt, _CONTENT.c.canonical, _CONTENT.c.checksum, _DOCUMENTS,
    _LEAF.c.leaf_index, _LEAF.c.leaf_hash, _LEAF.c.case_id, _LEAF.c.sequence,
)  # fmt: skip
CASE_COLUMNS = [_CASE.c[name] for name in CaseRecord._fields]


def _with_all(event: Any) -> Any:
    return event.outerjoin(_CONTENT, _CONTENT.c.event_id == _EVENT.c.id).outerjoin(
        _LEAF, _LEAF.c.event_id == _EVENT.c.id
    )


EVENTS = select(*_WHOLE).select_from(_with_all(_EVENT)).order_by(_EVENT.c.case_id, _EVENT.c.sequence)
"""Events with what hangs on them, by case id."""

_IN_ORDER = (
    select(*_WHOLE, _OPENING.c.id)
    .select_from(_with_all(_OPENING.join(_EVENT, _EVENT.c.case_id == _OPENING.c.case_id)))
    .where(_OPENING.c.sequence == 0)
    .order_by(_OPENING.c.id, _EVENT.c.sequence)
)
_OPENED = (
    select(_OPENING.c.id, _OPENING.c.case_id, *CASE_COLUMNS)
    .select_from(_OPENING.outerjoin(_CASE, _CASE.c.case_id == _OPENING.c.case_id))
    .where(_OPENING.c.sequence == 0)
    .order_by(_OPENING.c.id)
)


def trails(connection: Connection, after_event: int, after_leaf: int) -> Iterator[Trail]:
    """Yield every case, or every case that has something new; see `verify.sources.CaseSource.trails`."""
    touched = None if not (after_event or after_leaf) else _touched(after_event, after_leaf)
    events = groupby(_stream(connection, _among(_IN_ORDER, _OPENING, touched)), key=itemgetter(-1))
    event_count = case_count = 0
    opening_id, rows = next(events, (None, iter(())))
    for opened_by, case_id, *case in _stream(connection, _among(_OPENED, _OPENING, touched)):
        if opened_by != opening_id:
            continue  # no event joins itself: its case id is no value at all, and it is a stray
        trail = [EventRecord._make(row[:-1]) for row in rows]
        record = CaseRecord._make(case) if case[0] is not None else None
        event_count += len(trail)
        case_count += record is not None
        yield str(case_id), record, trail
        opening_id, rows = next(events, (None, iter(())))
    if _count(connection, _EVENT, touched) > event_count or _count(connection, _CASE, touched) > case_count:
        yield from _strays(connection, touched)


def _touched(after_event: int, after_leaf: int) -> Any:
    """Choose cases by keys alone, so that it costs what is new and not what is there.

    Enforced cases are always among them: their contracts may have moved on without us.
    """
    return union(
        select(_CASE.c.case_id).where(IS_ENFORCED),
        select(_EVENT.c.case_id).where(_EVENT.c.id > after_event),
        select(_LEAF.c.case_id).where(_LEAF.c.leaf_index >= after_leaf),
    )


def _among(statement: Select[Any], rows: Any, touched: Any) -> Select[Any]:
    return statement if touched is None else statement.where(rows.c.case_id.in_(touched))


def _count(connection: Connection, rows: Any, touched: Any) -> int:
    return int(connection.execute(_among(select(func.count()).select_from(rows), rows, touched)).scalar_one())


def _strays(connection: Connection, touched: Any) -> Iterator[Trail]:
    """Yield what has no opening: events and case rows, brought together by case id."""

    def stray(statement: Select[Any], rows: Any) -> Select[Any]:
        opening = exists().where(_OPENING.c.case_id == rows.c.case_id, _OPENING.c.sequence == 0)
        return _among(statement.where(~opening), rows, touched)

    trails: dict[str, tuple[CaseRecord | None, list[EventRecord]]] = {}
    for row in _stream(connection, stray(select(*CASE_COLUMNS).order_by(_CASE.c.case_id), _CASE)):
        trails[str(row.case_id)] = (CaseRecord._make(row), [])
    for row in _stream(connection, stray(EVENTS, _EVENT)):
        trails.setdefault(str(row.case_id), (None, []))[1].append(EventRecord._make(row))
    for case_id, (record, rows) in trails.items():
        yield case_id, record, rows


def _stream(connection: Connection, statement: Select[Any]) -> Iterator[Any]:
    for block in connection.execute(statement, execution_options={"yield_per": _BATCH}).partitions():
        yield from block
