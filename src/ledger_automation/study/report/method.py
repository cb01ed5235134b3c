"""How it was measured: machine, commit and seed, durability, what ran beside, prices and declared facts.

Prices and facts are what a person wrote down. Each value is one row, named by the way to it; beside it stand the source
and the date of a price, or the reason of a fact.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ledger_automation.study.facts import ADVERSARIES
from ledger_automation.study.record import StudyReport
from ledger_automation.study.report.blocks import Block, Cell, Heading, Paragraph, Section, Table, columns
from ledger_automation.study.report.language import NOTHING, Language

_COLUMNS: Final = {
    "about": ("what", "value"),
    "durability": ("store", "durability"),
    "beside": ("what", "value"),
    "prices": ("what", "value", "source", "date"),
    "facts": ("what", "value", "why"),
}
_LONG: Final = ("prices", "facts")
_IMPLIED: Final = ("workflow", "step")
"""Keys of the facts that only tell what kind of name follows."""


def method(report: StudyReport, language: Language) -> Section:
    """Return all that places the figures."""
    blocks: list[Block] = []
    for part in ("about", "durability", "beside", "prices", "facts"):
        blocks.append(Heading(language.say(f"method.{part}")))
        rows = tuple(_ROWS[part](report, language))
        if rows:
            blocks.append(_table(part, rows, language))
        else:
            blocks.append(Paragraph(language.say("method.beside.none" if part == "beside" else "not_stated"), "quiet"))
    return Section(key="method", title=language.say("section.method"), blocks=tuple(blocks))


def _table(part: str, rows: tuple[tuple[Cell, ...], ...], language: Language) -> Table:
    return Table(
        caption=language.say(f"method.{part}"),
        columns=columns(language, dict.fromkeys(_COLUMNS[part], "text")),
        rows=rows,
        folded=part in _LONG,
    )


def _about(report: StudyReport, language: Language) -> Iterator[tuple[Cell, ...]]:
    for path, value in _entries(report.about):
        yield Cell(text=_path(path, language)), Cell(text=_written(value, language, exact=True))


def _durability(report: StudyReport, language: Language) -> Iterator[tuple[Cell, ...]]:
    for store in sorted(report.durability):
        yield Cell(text=language.name("store", store)), Cell(text=report.durability[store])


def _beside(report: StudyReport, language: Language) -> Iterator[tuple[Cell, ...]]:
    for what, count in Counter(each.beside for each in report.figures if each.beside).items():
        yield Cell(text=what), Cell(text=language.counted("method.beside.figures", count))


def _prices(report: StudyReport, language: Language) -> Iterator[tuple[Cell, ...]]:
    for path, value in _entries(report.prices):
        cited = [
            str(value.get(name, NOTHING)) if isinstance(value, Mapping) else NOTHING for name in ("source", "date")
        ]
        yield Cell(text=_path(path, language)), _value(value, language), *(Cell(text=each) for each in cited)


def _facts(report: StudyReport, language: Language) -> Iterator[tuple[Cell, ...]]:
    for path, value in _entries(report.facts):
        reason = value.get(language.code, NOTHING) if isinstance(value, Mapping) else NOTHING
        yield Cell(text=_path(path, language)), _value(value, language), Cell(text=str(reason))


_ROWS: Final = {"about": _about, "durability": _durability, "beside": _beside, "prices": _prices, "facts": _facts}


def _entries(declared: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each plain value, or ``value`` with what belongs to it, and the way there."""
    for key, value in declared.items():
        if isinstance(value, Mapping) and "value" not in value:
            yield from _entries(value, (*path, key))
        else:
            yield (*path, key), value


def _path(path: Iterable[str], language: Language) -> str:
    return " · ".join(language.name("declared", each) for each in path if each not in _IMPLIED)


def _value(value: Any, language: Language) -> Cell:
    plain = value["value"] if isinstance(value, Mapping) else value
    return Cell(text=_written(plain, language))


def _written(value: Any, language: Language, *, exact: bool = False) -> str:
    """Write a declared value; ``exact`` leaves whole numbers as they are, as a seed must be."""
    if isinstance(value, bool):
        return language.say("yes" if value else "no")
    if isinstance(value, float) or (isinstance(value, int) and not exact):
        return language.number(value)
    if isinstance(value, list | tuple):
        return "; ".join(_written(each, language, exact=exact) for each in value)
    return language.name("adversary", value) if value in ADVERSARIES else str(value)
