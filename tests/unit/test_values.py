"""Values are checked once, where they are made."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_automation.errors import InvalidValue
from ledger_automation.values import (
    MAX_INTEGER,
    ActorId,
    CaseId,
    Digest,
    Money,
    Salt,
    parse_timestamp,
    timestamp,
)

UUID = "8f14e45f-ceea-467f-9a3c-1f0e2d3c4b5a"


def test_a_case_id_is_a_uuid_in_its_one_spelling() -> None:
    assert CaseId(UUID) == UUID
    assert CaseId.random() != CaseId.random()
    for wrong in (UUID.upper(), f"{{{UUID}}}", UUID.replace("-", ""), f" {UUID}", "BAU-2026-17", "", None, 7):
        with pytest.raises(InvalidValue):
            CaseId(wrong)  # type: ignore[arg-type]


def test_an_actor_is_a_pseudonym() -> None:
    for right in ("a", "officer-1", "0.x_y", "a" * 64):
        assert ActorId(right) == right
    for wrong in ("", "Olga", "olga meier", "-a", "ä", "a" * 65, "a\n", None):
        with pytest.raises(InvalidValue):
            ActorId(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Digest, Salt])
def test_digests_and_salts_have_32_bytes(kind: type[bytes]) -> None:
    assert kind(b"\x01" * 32) == b"\x01" * 32
    for length in (0, 31, 33, 64):
        with pytest.raises(InvalidValue):
            kind(b"\x01" * length)


def test_salts_are_drawn_afresh() -> None:
    assert len({Salt.random() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("text", "cents"),
    [("12.50", 1250), ("0", 0), ("-0.05", -5), ("35.0", 3500), ("1834169.98", 183416998), ("1e3", 100000)],
)
def test_money_is_read_to_the_cent(text: str, cents: int) -> None:
    assert Money.parse(text) == cents


@pytest.mark.parametrize(
    "text", ["0.001", "12,50", "", "NaN", "Infinity", "-Infinity", "12.5.0", "1e-3", "9" * 17, "€5"]
)
def test_a_fraction_of_a_cent_and_what_is_no_amount_are_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        Money.parse(text)


def test_money_is_whole_and_within_what_json_keeps() -> None:
    assert Money(MAX_INTEGER) == -Money(-MAX_INTEGER)
    for wrong in (MAX_INTEGER + 1, -MAX_INTEGER - 1, 1.0, True, "1", None):
        with pytest.raises(InvalidValue):
            Money(wrong)  # type: ignore[arg-type]


@given(st.integers(-MAX_INTEGER, MAX_INTEGER))
def test_money_is_read_as_it_was_written(cents: int) -> None:
    assert Money.parse(str(Money(cents))) == cents


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_is_read_as_it_was_written(moment: datetime) -> None:
    assert parse_timestamp(timestamp(moment)) == moment


def test_a_moment_has_a_zone_and_one_spelling() -> None:
    east = timezone(timedelta(hours=2))
    assert timestamp(datetime(2026, 7, 1, 1, tzinfo=east)) == "2026-06-30T23:00:00.000000Z"
    with pytest.raises(InvalidValue):
        timestamp(datetime(2026, 7, 1))  # noqa: DTZ001
    for wrong in (
        "2026-07-01T01:00:00Z",
        "2026-07-01 01:00:00.000000Z",
        "2026-07-01T01:00:00.000000+00:00",
        "2026-07-01T01:00:00.000000",
        "2026-02-30T01:00:00.000000Z",
        "2026-W27-3T01:00:00.0000000",
        "",
        None,
    ):
        with pytest.raises(InvalidValue):
            parse_timestamp(wrong)  # type: ignore[arg-type]
