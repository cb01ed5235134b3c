r"""What a paper shows of a text, and how it writes amounts, rates and days in German.

Letters that a German register may hold are shown as they are: Latin, Greek and Cyrillic with their marks (DIN 91379),
digits and punctuation. Everything else is shown by its code point, such as ``[U+202E]``: emoji, which no font here
has; characters that turn the direction of a line, or that nobody sees; more marks on a letter than two. So nothing
of a text is lost silently, nothing of it can dress up as something else, and a PDF/A never lacks a glyph.

    >>> shown("Müller \u202e*b*")
    'Müller [U+202E]*b*'
    >>> euro(183_416_998), percent(6_500), day("2019-06-27")
    ('1.834.169,98\\xa0€', '65\\xa0%', '27.06.2019')
"""

import re
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from ledger_automation.values import parse_timestamp

_TOWN: Final = ZoneInfo("Europe/Berlin")
_MARK: Final = "\u0300-\u036f"
_LETTERS: Final = re.compile(
    "[\u0020-\u007e\u00a0-\u00ac\u00ae-\u024f\u02b9-\u02dd\u1e00-\u1eff"  # Latin, without the soft hyphen
    "\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03ff\u0400-\u0482\u048a-\u04ff"  # Greek, Cyrillic
    "\u2010-\u2015\u2018-\u201e\u2020-\u2022\u2026\u2030\u2032\u2033\u2039\u203a\u20ac\u2116\u2122\u2190-\u2193\u2212]"
)
_SPACES: Final = re.compile("[\t\u2002-\u200a\u202f\u205f\u3000]")
_CLUSTER: Final = re.compile(f"([^{_MARK}])([{_MARK}]*)", re.DOTALL)
_MOST_MARKS: Final = 2
_UNBROKEN: Final = re.compile(r"[^\s-]{31,}")
_PART: Final = re.compile(rf"(?:\S[{_MARK}]*){{15}}(?=\S)")
_BREAK: Final = "\u200b"


def shown(text: str) -> str:
    """Return what a paper shows of a text: one line, each character visible; long words may be broken.

    A break is U+200B, which has no width and may be taken out again.
    """
    flat = _SPACES.sub(" ", text.replace("\r\n", " ").replace("\r", " ").replace("\n", " "))
    marks = re.match(f"[{_MARK}]*", flat)
    leading = "".join(_named(each) for each in marks[0]) if marks else ""
    told = leading + "".join(_cluster(*found.groups()) for found in _CLUSTER.finditer(flat))
    return _UNBROKEN.sub(lambda word: _PART.sub(lambda part: part[0] + _BREAK, word[0]), told)


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, as they were broken by empty lines or new lines; without empty ones."""
    return [line.strip() for line in text.replace("\r", "\n").split("\n") if line.strip()]


def euro(cents: int) -> str:
    """Write integer cents as euros."""
    whole, rest = divmod(abs(cents), 100)
    sign = "\u2212" if cents < 0 else ""
    return f"{sign}{whole:,}".replace(",", ".") + f",{rest:02d}\u00a0€"


def percent(basis_points: int) -> str:
    """Write basis points as per cent, without places that are nothing."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole},{rest:02d}".rstrip("0").rstrip(",") + "\u00a0%" if rest else f"{whole}\u00a0%"


ROLES: Final = {
    "applicant": "Antragsteller",
    "clerk": "Sachbearbeitung",
    "approver": "Bewilligung",
    "finance": "Kasse",
    "auditor": "Rechnungsprüfung",
    "system": "Verfahren",
    "administrator": "Verwaltung",
}
"""What roles are called."""

STAGES: Final = {
    "requested": "angefordert",
    "approved": "bewilligt",
    "returned": "zurückgegeben",
    "disbursed": "ausgezahlt",
    "proven": "nachgewiesen",
    "accepted": "anerkannt",
    "reclaimed": "teilweise zurückgefordert",
}
"""What the stages of a tranche are called."""


def day(written: str | date) -> str:
    """Write a day (ISO 8601) as DIN 5008 does; raises ValueError for what is none."""
    return (date.fromisoformat(written) if isinstance(written, str) else written).strftime("%d.%m.%Y")


def moment(written: str) -> str:
    """Write a moment (RFC 3339 in UTC) as the town's clock shows it; raises InvalidValue."""
    return parse_timestamp(written).astimezone(_TOWN).strftime("%d.%m.%Y, %H:%M")


def _cluster(letter: str, marks: str) -> str:
    if not _LETTERS.fullmatch(letter):
        return _named(letter) + "".join(_named(each) for each in marks)
    kept = marks[:_MOST_MARKS] if letter.isalpha() else ""
    return letter + kept + "".join(_named(each) for each in marks[len(kept) :])


def _named(character: str) -> str:
    return f"[U+{ord(character):04X}]"
