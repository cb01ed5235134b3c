"""One language of the report: its words, its numbers, its names of systems, stores and measures.

    Language("de").number(1234.5)          1 235 (with a narrow no-break space)
    Language("en").number(0.01234)         0.0123
    Language("de").say("answer.none", total="3")

A number has three significant digits, or all those before the decimal sign. A name that the words do not know is shown
as it stands in the report.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import floor, isfinite, log10
from statistics import median
from typing import Final

import msgspec

from ledger_automation.study.record import MEASURES, NAMES, SYSTEMS, Figure
from ledger_automation.study.report.words import LANGUAGES, WORDS
from ledger_automation.verify.verdict import Sentence

NOTHING: Final = "\N{EN DASH}"
"""What stands in a cell that has nothing to say."""
_DIGITS: Final = 3


class Language(msgspec.Struct, frozen=True):
    """A language of the report, by its code: ``de`` or ``en``."""

    code: str

    def __post_init__(self) -> None:
        """Refuse a language that the words do not have."""
        if self.code not in LANGUAGES:
            raise ValueError(f"The report speaks {' and '.join(LANGUAGES)}, not {self.code!r}.")

    @property
    def other(self) -> "Language":
        """Return the language of the other file."""
        return Language(next(each for each in LANGUAGES if each != self.code))

    def of(self, sentence: Sentence) -> str:
        """Return a sentence in this language."""
        return sentence.de if self.code == "de" else sentence.en

    def say(self, key: str, **values: str) -> str:
        """Return the words of a key, with the values in their places."""
        return self.of(WORDS[key]).format(**values)

    def counted(self, key: str, count: float, **values: str) -> str:
        """Return the words for one or for many, with the count as ``{n}``."""
        return self.say(f"{key}.{'one' if count == 1 else 'many'}", n=self.number(count), **values)

    def sentences(self, said: Iterable[str]) -> tuple[str, ...]:
        """Begin each sentence with a capital, whatever name it begins with."""
        return tuple(f"{each[:1].upper()}{each[1:]}" for each in said)

    def name(self, kind: str, key: str) -> str:
        """Return the name of a thing (``workflow``, ``store``, ``adversary``, ...), or its key if it has none here."""
        known = WORDS.get(f"{kind}.{key}")
        return self.of(known) if known else key.replace("_", " ")

    def system(self, system: str) -> str:
        """Return the name of a system under test."""
        return self.of(NAMES[system]) if system in NAMES else system

    def measure(self, measure: str) -> str:
        """Return the words of a measure."""
        return self.of(MEASURES[measure].words) if measure in MEASURES else self.name("measure", measure)

    def unit(self, measure: str) -> str:
        """Return the unit of a measure."""
        return self.name("unit", MEASURES[measure].unit if measure in MEASURES else measure)

    def number(self, value: float, digits: int = _DIGITS) -> str:
        """Write a number with so many significant digits, grouped and with the decimal sign of the language."""
        if not isfinite(value):
            return NOTHING
        places = 0
        if value != int(value):
            places = max(0, digits - 1 - floor(log10(abs(value))))
        return self._punctuated(f"{value:,.{places}f}")

    def _punctuated(self, written: str) -> str:
        if self.code == "de":
            written = written.translate({ord(","): "\N{NARROW NO-BREAK SPACE}", ord("."): ","})
        return written.replace("-", "\N{MINUS SIGN}")

    def slope(self, slope: float) -> str:
        """Write a slope with two decimals."""
        return self._punctuated(f"{round(slope, 2) + 0.0:.2f}")

    def percent(self, share: float) -> str:
        """Write a share of one in per cent; less than all is never rounded up to all, more than none never to none."""
        whole = round(100 * share)
        if whole in {0, 100} and share not in {0, 1}:
            return f"{self.number(100 * share) if whole == 0 else self.say('almost_all')}\N{NARROW NO-BREAK SPACE}%"
        return f"{self.number(whole)}\N{NARROW NO-BREAK SPACE}%"

    def change(self, moved: float) -> str:
        """Write a change as a share with its sign, in tenths of a per cent."""
        written = self.number(round(100 * abs(moved), 1))
        sign = "+" if moved > 0 else "\N{MINUS SIGN}" if moved < 0 else ""
        return f"{sign}{written}\N{NARROW NO-BREAK SPACE}%"

    def amount(self, value: float, measure: str) -> str:
        """Write a value with the unit of its measure."""
        return f"{self.number(value)}\N{NO-BREAK SPACE}{self.unit(measure)}"

    def middle(self, rounds: Sequence[float], measure: str) -> str:
        """Write the median of the rounds."""
        return self.amount(median(rounds), measure) if rounds else self.say("not_measured")

    def spread(self, rounds: Sequence[float]) -> str:
        """Write the least and the greatest of the rounds."""
        if not rounds:
            return NOTHING
        return self.say("from_to", low=self.number(min(rounds)), high=self.number(max(rounds)))

    def load(self, figure: Figure) -> Iterator[str]:
        """Write what a figure was measured under: clients, rate, size of the log, what ran beside."""
        for name in ("clients", "rate", "events"):
            if count := getattr(figure, name):
                yield self.counted(f"load.{name}", count)
        if figure.beside:
            yield self.say("load.beside", what=figure.beside)

    def listed(self, items: Iterable[str]) -> str:
        """Write a list with commas and, before its last, an "and"."""
        *first, last = list(items) or [""]
        return f"{', '.join(first)} {self.say('and')} {last}" if first else last


def place(system: str) -> int:
    """Return where a system stands in the order of the study; what is not in it comes last."""
    return SYSTEMS.index(system) if system in SYSTEMS else len(SYSTEMS)
