from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_automation.workflows import deadlines as term


@pytest.mark.parametrize(
    ("event", "days", "last"),
    [
        (date(2026, 4, 20), 14, date(2026, 5, 4)),  # Monday to Monday
        (date(2026, 4, 17), 14, date(2026, 5, 4)),  # 1 May is a holiday, the weekend follows
        (date(2026, 2, 22), 14, date(2026, 3, 9)),  # 8 March is a Sunday and, in M-V, a holiday
        (date(2025, 12, 11), 14, date(2025, 12, 29)),  # 25 and 26 December, then a weekend
        (date(2025, 10, 17), 14, date(2025, 11, 3)),  # 31 October is Reformation Day in M-V
        (date(2026, 3, 20), 14, date(2026, 4, 7)),  # Good Friday to Easter Monday
    ],
)
def test_a_term_that_ends_on_a_day_off_ends_on_the_next_working_day(event: date, days: int, last: date) -> None:
    assert term.term_end(event, days=days, land="MV") == last


def test_womens_day_is_a_holiday_in_mecklenburg_vorpommern_since_2023() -> None:
    assert not term.is_working_day(date(2027, 3, 8), "MV")
    assert term.is_working_day(date(2027, 3, 8), "BY")


def test_a_months_term_ends_on_the_last_day_of_a_shorter_month() -> None:
    assert term.term_end(date(2026, 1, 31), months=1) == date(2026, 2, 28)
    assert term.term_end(date(2024, 1, 31), months=1) == date(2024, 2, 29)
    assert term.add_months(date(2026, 11, 30), 3) == date(2027, 2, 28)


def test_the_planned_term_is_eight_weeks() -> None:
    assert term.term_end(date(2026, 4, 20), days=term.PLANNED_TERM_DAYS) == date(2026, 6, 15)
    assert term.term_end(date(2026, 4, 20), weeks=8) == date(2026, 6, 15)


def test_the_end_of_a_day_is_the_first_moment_too_late_also_when_the_clock_changes() -> None:
    assert term.end_of_day(date(2026, 3, 29), "Europe/Berlin") == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert term.end_of_day(date(2026, 3, 28), "Europe/Berlin") == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert term.local_day(datetime(2026, 3, 28, 23, tzinfo=UTC), "Europe/Berlin") == date(2026, 3, 29)


def test_working_days_skip_weekends_and_holidays() -> None:
    assert term.add_working_days(date(2026, 4, 2), 1, "MV") == date(2026, 4, 7)


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(0, 400))
def test_a_moved_term_ends_on_a_working_day_and_never_earlier(event: date, days: int) -> None:
    last = term.term_end(event, days=days, land="MV")
    assert term.is_working_day(last, "MV")
    assert timedelta() <= last - (event + timedelta(days=days)) <= timedelta(days=5)
