"""Opening a place by its name: ``http://`` and ``https://`` are URLs, everything else is a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ledger_automation.errors import NotFound, Unreachable
from ledger_automation.published.web import opened
from ledger_automation.tlog.tiles import Fetch

LARGEST: Final = 64 * 1024
"""Octets. A tile has 8,192, a bundle of entries 8,704; a checkpoint with a hundred signatures less than this."""


@contextmanager
def open_log(place: str) -> Iterator[Fetch]:
    """Open a folder or a URL for reading; raises NotFound where there is no such folder."""
    if urlsplit(place).scheme in {"http", "https"}:
        with opened(place, LARGEST) as fetch:
            yield fetch
        return
    folder = Path(place)
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.", folder=place)
    yield lambda path: _read(folder, path)


def _read(folder: Path, path: str) -> bytes:
    try:
        with (folder / path).open("rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise NotFound(f"{folder} has no {path}.", path=path) from error
    except OSError as error:
        raise Unreachable(f"{folder / path} cannot be read: {error.strerror}.", path=path) from error
