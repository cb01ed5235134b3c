"""What a verb prints: JSON or a few lines on stdout, progress and errors on stderr. NO_COLOR is honoured by rich.

Much of what is printed was written by strangers (a payload, a receipt, a forged row). It is shown as it is: no markup,
no emoji names, and no control characters, with which a forged receipt could paint "final" over its own verdict.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from ledger_automation.verify.verdict import shown


def emit(data: Any, lines: Iterable[str], *, json: bool) -> None:
    """Print a result: the whole of it as JSON, or what a person wants to read."""
    if json:
        sys.stdout.write(as_json(data) + "\n")
        return
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    for line in lines:
        console.print(_visible(line))


def complain(sentence: str) -> None:
    """Print one sentence on stderr."""
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
    console.print(_visible(sentence), style="bold red")


def as_json(data: Any) -> str:
    """Write a result as JSON; bytes in hexadecimal at every depth, as every digest is shown."""
    return msgspec.json.format(msgspec.json.encode(shown(data)), indent=2).decode()


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress bars on stderr, and none where nobody is looking."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        yield bars


def save(path: Path, octets: bytes) -> None:
    """Write a file, in a folder that is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)


class Bars:
    """One bar for each thing that a long verb tells of."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def tell(self, what: str, done: int, total: int) -> None:
        """Move a bar."""
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total)
        self._bars.update(self._tasks[what], completed=done, total=total)


def _visible(text: str) -> str:
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)
