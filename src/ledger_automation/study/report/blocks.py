"""What a section of the report is made of: headings, paragraphs, tables and plots; the template draws each in one way.

`Commands` numbers the commands, so that a table names each by its number and the last section spells it out once.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import msgspec

from ledger_automation.study.report.language import Language


class Heading(msgspec.Struct, frozen=True):
    """A heading within a section."""

    kind: ClassVar[str] = "heading"
    text: str


class Paragraph(msgspec.Struct, frozen=True):
    """A sentence or several; ``tone`` is ``plain``, ``lead`` (the answer), ``alarm``, or ``quiet`` (a remark)."""

    kind: ClassVar[str] = "paragraph"
    text: str
    tone: str = "plain"
    link: str = ""


class Tally(msgspec.Struct, frozen=True):
    """A few large numbers, each with its words."""

    kind: ClassVar[str] = "tally"
    counts: tuple[tuple[str, str], ...]


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: its text, a symbol before it, lines below it, sentences to unfold, and numbers of commands."""

    text: str = ""
    symbol: str = ""
    lines: tuple[str, ...] = ()
    summary: str = ""
    folded: tuple[str, ...] = ()
    commands: tuple[int, ...] = ()
    code: bool = False
    rows: int = 1


class Column(msgspec.Struct, frozen=True):
    """The head of a column; ``shape`` is ``text``, ``number``, ``outcome`` or ``mark``."""

    text: str
    shape: str = "text"


def columns(language: Language, shapes: Mapping[str, str]) -> tuple[Column, ...]:
    """Return the heads of columns by their keys in the words, each with its shape."""
    return tuple(Column(language.say(f"column.{name}"), shape) for name, shape in shapes.items())


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table with caption; the first ``heads`` cells of a row are its headers.

    A row whose header spans from a row above begins with as many cells less: ``spanned`` has the numbers of such rows.
    A ``folded`` one is opened by whoever wants it, and by paper.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    heads: int = 1
    spanned: frozenset[int] = frozenset()
    folded: bool = False


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing, what it shows in sentences, and the same figures as a table."""

    kind: ClassVar[str] = "plot"
    title: str
    said: tuple[str, ...]
    svg: str
    table: Table


Block = Heading | Paragraph | Tally | Table | Plot


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A section: its anchor, its title, its blocks in order."""

    key: str
    title: str
    blocks: tuple[Block, ...]


class Commands:
    """The commands of the report, each with one number, in the order in which they are first named."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def cell(self, commands: Iterable[str]) -> Cell:
        """Return the cell that names these commands by number."""
        named = {self._numbers.setdefault(each, len(self._numbers) + 1) for each in commands if each}
        return Cell(commands=tuple(sorted(named)))

    def listed(self) -> tuple[tuple[int, str], ...]:
        """Return number and command."""
        return tuple((number, command) for command, number in self._numbers.items())
