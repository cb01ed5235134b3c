"""Pages of Markdown as data: sections by heading, tables by their first row, what stands in backticks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


class Page:
    """One page of `docs`."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / "docs" / name).read_text("utf-8")
        heading = re.compile(r"^#+ (.+)$", re.MULTILINE)
        found = [*heading.finditer(self.text)]
        ends = [*(each.start() for each in found[1:]), len(self.text)]
        self._sections = {each[1]: self.text[each.end() : end] for each, end in zip(found, ends, strict=True)}

    def section(self, title: str) -> str:
        """Return a section's text, up to the next heading of whatever depth."""
        return self._sections[title]

    def tables(self, title: str) -> list[list[dict[str, str]]]:
        """Return a section's tables, each row by its column's name."""
        return [*_tables(self.section(title))]


def _tables(text: str) -> Iterator[list[dict[str, str]]]:
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        yield [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def quoted(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)
