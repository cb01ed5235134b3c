"""Terms and deadlines: pure functions over dates, with the calendar of Mecklenburg-Vorpommern.

A term counts calendar days of the administration's own time zone, starts on the day after the event (§ 187 (1) BGB)
and lasts to the end of its last day (§ 188 BGB). If that day is a Saturday, a Sunday or a public holiday, the term
ends with the next working day instead (§ 31 (3) VwVfG; § 43 (2) StPO, which § 46 (1) OWiG applies to fines).

A deadline is handed around as the first moment that is too late, so that the last second still counts and the next
one does not, whatever the clock's resolution:

    >>> ends = end_of_day(term_end(date(2026, 4, 20), days=14, land="MV"), "Europe/Berlin")
    >>> ends.isoformat()                           # Monday 4 May 2026; the last second is 21:59:59 UTC
    '2026-05-04T22:00:00+00:00'
    >>> term_end(date(2026, 4, 17), days=14, land="MV")    # Friday 1 May is a holiday, the weekend follows
    datetime.date(2026, 5, 4)

Nothing here knows a clock. Holidays come from the library `holidays`; they are computed, not fetched.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import holidays
from holidays import HolidayBase

from ledger_automation.workflows._table import Guard

PLANNED_TERM_DAYS: Final = 56
"""The planned term of a permit: eight weeks (WABO receipt log; § 3.9 Wabo)."""

NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""The end of what has none."""

_SATURDAY: Final = 5
_ONE_DAY: Final = timedelta(days=1)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@cache
def _calendar(land: str) -> HolidayBase:
    return holidays.country_holidays("DE", subdiv=land)


def _is_known(rules: Any) -> bool:
    try:
        _zone(rules.zone)
        _calendar(getattr(rules, "holidays_of", "") or "MV")
    except (ArithmeticError, LookupError, NotImplementedError, OSError, ValueError):
        return False
    return True


CALENDAR_KNOWN: Final = Guard(
    "calendar_unknown",
    "The rules name a time zone of the IANA database and a German Land (or none) whose holidays count.",
    lambda _, step: _is_known(step.payload.rules),
)
"""For every step that fixes rules: a term that cannot be computed later must not be promised now."""


def local_day(at: datetime, zone: str) -> date:
    """Return the calendar day on which a moment fell in the administration's zone."""
    return at.astimezone(_zone(zone)).date()


@lru_cache(maxsize=16_384)
def start_of_day(day: date, zone: str) -> datetime:
    """Return the first moment of a day in the zone, in UTC."""
    return datetime.combine(day, time.min, _zone(zone)).astimezone(UTC)


@lru_cache(maxsize=16_384)
def end_of_day(day: date, zone: str) -> datetime:
    """Return the first moment after a day in the zone, in UTC: what happens then is one second too late."""
    return start_of_day(day + _ONE_DAY, zone)


def is_working_day(day: date, land: str) -> bool:
    """Say whether a day is neither a Saturday, a Sunday nor a public holiday of the Land."""
    return day.weekday() < _SATURDAY and day not in _calendar(land)


def next_working_day(day: date, land: str) -> date:
    """Return the day itself if it is a working day, else the next one (§ 31 (3) VwVfG)."""
    while not is_working_day(day, land):
        day += _ONE_DAY
    return day


def add_working_days(day: date, count: int, land: str) -> date:
    """Return the working day that is ``count`` working days after a day."""
    for _ in range(count):
        day = next_working_day(day + _ONE_DAY, land)
    return day


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day when it lacks it (§ 188 (2) and (3) BGB)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def term_end(event: date, *, days: int = 0, weeks: int = 0, months: int = 0, land: str = "") -> date:
    """Return the last day of a term that an event started; a ``land`` moves it off weekends and holidays."""
    last = (add_months(event, months) if months else event) + timedelta(days=days, weeks=weeks)
    return next_working_day(last, land) if land else last
