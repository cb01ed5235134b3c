"""What a verb prints: JSON or a few lines on stdout, progress and errors on stderr. NO_COLOR is honoured by rich."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ledger_automation.verify.verdict import shown


def emit(data: Any, lines: Iterable[str], *, json: bool) -> None:
    """Print a result: the whole of it as JSON, or what a person wants to read."""
    if json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(data, enc_hook=shown), indent=2).decode() + "\n")
        return
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(line)


def complain(sentence: str) -> None:
    """Print one sentence on stderr."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(sentence, style="bold red", markup=False)


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
