"""Streaming everything case by case, in the order in which the cases were opened.

Cases that were opened one after another lie near each other in the file, so a database far larger than memory is read
forward and not at random: a million events cost what a thousand do, each. Whatever has no opening any more (its first
event was deleted or renumbered) comes last; it is looked for only when the counts say that something was left out.

Rows come as the driver hands them out: what SQLAlchemy makes of each would cost a tenth of an audit.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Select, exists, func, or_, select, union

from ledger_automation.store.tables import IS_ENFORCED, AttachmentRow, CaseRow, ContentRow, EventRow, LeafRow, table
from ledger_automation.verify.shares import Opened, Span
from ledger_automation.verify.sources import COLUMNS, CaseRecord, EventRecord, Trail

_BATCH: Final = 200
_CHOSEN: Final = 1_000
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
_ALL: Final[tuple[Any, ...]] = ()

_Opened = tuple[int, Any, CaseRecord | None, list[tuple[Any, ...]]]


def trails(connection: Connection, after_event: int, after_leaf: int) -> Iterator[Trail]:
    """Yield every case, or every case that has something new; see `verify.sources.CaseSource.trails`."""
    touched = None if not (after_event or after_leaf) else _touched(after_event, after_leaf)
    events = records = 0
    among = _ALL if touched is None else (_OPENING.c.case_id.in_(touched),)
    for case_id, record, rows in _named(_opened(connection, among)):
        events += len(rows)
        records += record is not None
        yield case_id, record, rows
    yield from _left_out(connection, events, records, touched)


def share(connection: Connection, span: Span) -> Iterator[Opened]:
    """Yield the cases that were opened by an event of a span, with that event's id."""
    found = _opened(connection, _within(*span))
    return ((opening, record, rows) for opening, _, record, rows in found)


def again(connection: Connection, openings: Sequence[int]) -> Iterator[Trail]:
    """Yield the cases that some events opened, in their order."""
    for at in range(0, len(openings), _CHOSEN):
        some = openings[at : at + _CHOSEN]
        yield from _named(_opened(connection, (_OPENING.c.id.in_(some),)))


def left_out(connection: Connection, events: int, records: int) -> Iterator[Trail]:
    """Yield what has no opening, where so many events and cases' rows are not all that there are."""
    return _left_out(connection, events, records, None)


def last_event(connection: Connection) -> int:
    """Return the highest event id; 0 where there is none, or what stands there is no number."""
    found = connection.execute(select(func.max(_EVENT.c.id))).scalar_one()
    return found if type(found) is int else 0


def _within(after: int | None, up_to: int | None) -> tuple[Any, ...]:
    """Bound the openings; the first span has those too whose number somebody took away."""
    if after is None:
        return () if up_to is None else (or_(_OPENING.c.id <= up_to, _OPENING.c.id.is_(None)),)
    return (_OPENING.c.id > after,) if up_to is None else (_OPENING.c.id > after, _OPENING.c.id <= up_to)


def _named(opened: Iterator[_Opened]) -> Iterator[Trail]:
    """Name the fields of events, whose rows end in the opening's id."""
    for _, case_id, record, rows in opened:
        yield str(case_id), record, [EventRecord._make(row[:-1]) for row in rows]


def _opened(connection: Connection, among: tuple[Any, ...]) -> Iterator[_Opened]:
    """Yield cases by the order of their openings: opening, case id, row and events."""
    events = groupby(_stream(connection, _IN_ORDER.where(*among)), key=itemgetter(-1))
    opening_id, rows = next(events, (None, iter(())))
    for opened_by, case_id, *case in _stream(connection, _OPENED.where(*among)):
        if opened_by != opening_id:
            continue  # no event joins itself: its case id is no value at all, and it is a stray
        yield opened_by, case_id, CaseRecord._make(case) if case[0] is not None else None, list(rows)
        opening_id, rows = next(events, (None, iter(())))


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


def _left_out(connection: Connection, events: int, records: int, touched: Any) -> Iterator[Trail]:
    if _count(connection, _EVENT, touched) > events or _count(connection, _CASE, touched) > records:
        yield from _strays(connection, touched)


def _strays(connection: Connection, touched: Any) -> Iterator[Trail]:
    """Yield what has no opening: events and case rows, brought together by case id."""

    def stray(statement: Select[Any], rows: Any) -> Select[Any]:
        opening = exists().where(_OPENING.c.case_id == rows.c.case_id, _OPENING.c.sequence == 0)
        return _among(statement.where(~opening), rows, touched)

    found: dict[str, tuple[CaseRecord | None, list[EventRecord]]] = {}
    for row in _stream(connection, stray(select(*CASE_COLUMNS).order_by(_CASE.c.case_id), _CASE)):
        found[str(row[0])] = (CaseRecord._make(row), [])
    for row in _stream(connection, stray(EVENTS, _EVENT)):
        found.setdefault(str(row[1]), (None, []))[1].append(EventRecord._make(row))
    for case_id, (record, rows) in found.items():
        yield case_id, record, rows


def _stream(connection: Connection, statement: Select[Any]) -> Iterator[Any]:
    result: Any = connection.execute(statement, execution_options={"stream_results": True})
    with result:
        while rows := result.cursor_strategy.fetchmany(result, result.cursor, _BATCH):
            yield from rows
