"""What a paper shows of a text: every letter of a register, and nothing that is not what it looks like."""

import re
import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger_automation.errors import InvalidValue
from ledger_automation.papers import script
from ledger_automation.papers.script import day, euro, moment, paragraphs, percent, shown

EVERY = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def test_what_is_shown_is_assigned_visible_and_reads_from_left_to_right() -> None:
    plain = [each for each in EVERY if script._LETTERS.fullmatch(each)]
    assert len(plain) > 1_200
    for each in plain:
        assert unicodedata.category(each)[0] not in "CM", hex(ord(each))
        assert unicodedata.category(each) not in {"Zl", "Zp"}
        assert unicodedata.bidirectional(each) not in {"R", "AL", "RLE", "RLO", "RLI", "AN"}


@pytest.mark.parametrize(
    "name", ["Đặng Thị Ánh", "Ǆamonja Ľubomír", "Σωκράτης", "Крылов", "Łódź, ﬂ".replace("ﬂ", "fl")]
)
def test_names_of_a_register_are_shown_as_they_are(name: str) -> None:
    assert shown(name) == name


def test_marks_of_din_91379_stand_on_their_letter_and_a_tower_of_them_is_told() -> None:
    assert shown("C̆ a̋") == "C̆ a̋"
    assert shown("a" + "\u0301" * 5) == "a\u0301\u0301" + "[U+0301]" * 3
    assert shown("\u0301a") == "[U+0301]a"
    assert shown("1\u0301") == "1[U+0301]", "a figure has no accent"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("5\u202e00", "5[U+202E]00"),
        ("a\u200bb", "a[U+200B]b"),
        ("\u05d0 \u0627", "[U+05D0] [U+0627]"),
        ("x\u00ady", "x[U+00AD]y"),
        ("ok 👍", "ok [U+1F44D]"),
        ("a\x1b[31m", "a[U+001B][31m"),
        ("a\nb\tc\r\nd\re", "a b c d e"),
        ("a\u2028b", "a[U+2028]b"),
        ("\ue000", "[U+E000]"),
    ],
)
def test_what_could_pretend_or_is_not_there_is_told_by_its_code_point(text: str, told: str) -> None:
    assert shown(text) == told


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_nothing_is_lost_silently_and_what_is_shown_may_be_shown_again(text: str) -> None:
    told = shown(text).replace("\u200b", "")
    back = re.sub(r"\[U\+([0-9A-F]{4,6})\]", lambda code: chr(int(code[1], 16)), told)
    flat = script._SPACES.sub(" ", re.sub("\r\n|\r|\n", " ", text))
    if "[U+" not in text:
        assert back == flat
    assert shown(told).replace("\u200b", "") == told


@given(st.text("ab\u0301", max_size=200) | st.text("ab-\u0301 ", max_size=200))
@example("x" * 31)
def test_no_line_is_longer_than_a_narrow_column(text: str) -> None:
    for word in re.split(r"[\s\u200b-]", shown(text)):
        assert len(re.sub("[\u0300-\u036f]", "", word)) <= 30


def test_a_paragraph_ends_with_its_line() -> None:
    assert paragraphs(" a\n\n b \r\nc\r") == ["a", "b", "c"]
    assert paragraphs(" \n") == []


@pytest.mark.parametrize(
    ("cents", "told"),
    [(0, "0,00"), (1, "0,01"), (-1, "\u22120,01"), (100_000, "1.000,00"), (-123_456_789, "\u22121.234.567,89"),
     (2**53 - 1, "90.071.992.547.409,91")],
)  # fmt: skip
def test_amounts_are_exact(cents: int, told: str) -> None:
    assert euro(cents) == f"{told}\u00a0€"


@pytest.mark.parametrize(
    ("rate", "told"), [(0, "0"), (6_500, "65"), (6_550, "65,5"), (1, "0,01"), (10_000, "100"), (3_333, "33,33")]
)
def test_rates_have_the_places_that_they_need(rate: int, told: str) -> None:
    assert percent(rate) == f"{told}\u00a0%"


def test_days_and_moments_are_the_towns() -> None:
    assert day("2019-06-27") == day(date(2019, 6, 27)) == "27.06.2019"
    assert moment("2026-03-28T23:30:00.000000Z") == "29.03.2026, 00:30"
    assert moment("2026-03-29T01:30:00.000000Z") == "29.03.2026, 03:30", "summer time has begun"
    with pytest.raises(InvalidValue):
        moment("2026-03-28")
    with pytest.raises(ValueError, match="Invalid isoformat"):
        day("28.03.2026")
