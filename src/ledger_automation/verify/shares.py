"""Cases read by several processes: each takes shares of one snapshot, and says only which cases plainly hold.

    span      a range of event ids: the cases that an event within it opened
    share     what one process saw of a span: counts, and the openings of the cases that need a closer look
    readers   whoever can have a snapshot read by more than one process; handed to the auditor from above
    reading   that snapshot, being read

A share can only spare the auditor a look: whatever is not plain is read again by the auditor, who alone knows the
log's leaves, the tombstones and the chain, and in the order in which one process would have come to it. So the findings
of an audit do not depend on how many processes read.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

from ledger_automation.verify.reconstruction import plainly_holds
from ledger_automation.verify.sources import CaseRecord, Trail

Span = tuple[int | None, int | None]
"""Above the first event id, up to the second; None: without a bound."""

Opened = tuple[int, CaseRecord | None, list[tuple[Any, ...]]]
"""A case by the id of the event that opened it: its row, and its events.

These are the fields of `EventRecord` in order, unnamed, and maybe more: naming twenty fields costs as much as hashing
them, and a case that plainly holds is never asked for one by name.
"""


class Share(msgspec.Struct, frozen=True, array_like=True):
    """What one process saw of the span of a number: all ``events`` and cases' rows (``records``), and how they stand.

    ``doubtful`` are the openings of cases that do not plainly hold, in order; they are not among the plain ones. It is
    ``sound`` where every opening has a number: what has none cannot be cut into spans, nor be read again by it.
    """

    number: int
    events: int
    records: int
    plain_cases: int
    plain_events: int
    doubtful: list[int]
    sound: bool


class Reading(Protocol):
    """One snapshot, read by several processes."""

    def shares(self) -> list[Share]:
        """Take part until every share is taken; return all of them in order.

        Raises what reading raises here or in another process, and Unreachable where another process is gone.
        """
        ...

    def again(self, openings: Sequence[int]) -> Iterator[Trail]:
        """Yield the cases that some events opened, in the order of `CaseSource.trails`."""
        ...

    def left_out(self, events: int, records: int) -> Iterator[Trail]:
        """Yield what no event opened, where so many events and cases' rows are not all that there are."""
        ...


class Readers(Protocol):
    """Who can have a snapshot read by more than one process."""

    def begin(self, origin: str) -> AbstractContextManager[Reading | None]:
        """Begin to read the snapshot of a log, in shares; None where there is too little to read.

        SHOULD be asked before anything else is read, or one process may have to read it all. All processes MUST read
        one snapshot, and none MUST outlive the context.
        """
        ...


def look(number: int, opened: Iterable[Opened], origin: str) -> Share:
    """Look at the cases of one span."""
    events = records = plain_cases = plain_events = 0
    doubtful: list[int] = []
    sound = True
    for opening, record, rows in opened:
        events += len(rows)
        records += record is not None
        if plainly_holds(record, rows, origin):
            plain_cases += 1
            plain_events += len(rows)
        elif type(opening) is int:
            doubtful.append(opening)
        sound = sound and type(opening) is int
    return Share(number, events, records, plain_cases, plain_events, doubtful, sound)
