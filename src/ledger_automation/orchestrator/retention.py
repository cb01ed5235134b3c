"""How long cases are kept: which ones have ended so long ago that their content is to be destroyed.

Each workflow's law says how many calendar years an ended case is kept, and on which basis; an office may set another
number. The clock begins at the end of the year (UTC) in which the case ended, as § 147 (4) AO counts. What is due is
destroyed as everything is: decided in the log first, then carried out (`erase`).

What this does not do: decide by itself. That a case is due is told; a person says that it goes.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from ledger_automation.errors import InvalidValue
from ledger_automation.orchestrator.erase import decisions
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.values import CaseId, parse_timestamp, timestamp
from ledger_automation.workflows import Workflow

_LONGEST: Final = 1_000
"""Years; who keeps a case for ever names no number."""


class Due(NamedTuple):
    """A case whose time is over: when it ended, the last day on which it was to be kept, and by which rule."""

    case_id: str
    workflow: str
    ended_at: str
    kept_until: date
    basis: str


def clocks(tables: Iterable[Workflow[Any]], years: Mapping[str, int]) -> dict[str, tuple[Workflow[Any], int]]:
    """Return the workflows whose cases are not kept for ever, with their years; raises InvalidValue."""
    found = {each.name: (each, each.retention.years) for each in tables if each.retention is not None}
    for name, number in years.items():
        if name not in found or not 0 <= number <= _LONGEST:
            raise InvalidValue(
                "A retention", f"{name}: {number}", f"years from 0 to {_LONGEST} of one of {sorted(found)}"
            )
        found[name] = (found[name][0], number)
    return found


def due(
    unit: UnitOfWork, origin: str, kept: Mapping[str, tuple[Workflow[Any], int]], now: datetime, limit: int
) -> Iterator[Due]:
    """Yield cases whose time is over and whose content is still there, the oldest of each workflow first."""
    gone = {case_id for case_id, sequence in decisions(unit, origin) if sequence is None}
    for name, (table, years) in kept.items():
        last_year = now.astimezone(UTC).year - years - 1
        if last_year < 1 or table.retention is None:
            continue
        before = timestamp(datetime(last_year + 1, 1, 1, tzinfo=UTC))
        for case in unit.cases.oldest(name, table.final, before, limit + len(gone)):
            if case.case_id not in gone:
                until = date(parse_timestamp(case.at).year + years, 12, 31)
                yield Due(CaseId(case.case_id), name, case.at, until, table.retention.basis)
