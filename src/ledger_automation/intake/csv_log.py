"""Read a CSV event log as traces: one row an event, three columns named by the mapping, the others as attributes.

Rows of different cases may interleave; a trace holds its rows in the order of the file, and traces come in the order of
their first rows. Because a case may go on in the last row, the file is held in memory, bounded by `MAX_ROWS`. Strict:
UTF-8 (a byte order mark is allowed), a header with every named column, every row as wide as the header.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

from ledger_automation.errors import UnreadableFile
from ledger_automation.intake.trace import ACTIVITY, TIMESTAMP, LoggedEvent, Trace

MAX_ROWS: Final = 5_000_000
_GZIP: Final = b"\x1f\x8b"


class Columns(NamedTuple):
    """Which columns hold the case, the activity and the moment."""

    case: str = "case"
    activity: str = "activity"
    timestamp: str = "timestamp"
    delimiter: str = ","


def traces(path: Path, columns: Columns) -> Iterator[Trace]:
    """Yield the cases of a CSV log; raises UnreadableFile."""
    try:
        with _opened(path) as stream:
            cases = _grouped(path, stream, columns)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(path, f"it is no CSV in UTF-8 ({error})") from error
    except (EOFError, zlib.error) as error:
        raise UnreadableFile(path, "its gzip data are damaged or end in the middle") from error
    except OSError as error:
        raise UnreadableFile(path, error.strerror or str(error)) from error
    for case, events in cases.items():
        yield Trace({ACTIVITY: case}, events)


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as plain:
        packed = plain.read(2) == _GZIP
    if packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _grouped(path: Path, stream: IO[str], columns: Columns) -> dict[str, list[LoggedEvent]]:
    rows = csv.reader(stream, delimiter=columns.delimiter, strict=True)
    header = next(rows, [])
    _check_header(path, header, columns)
    cases: dict[str, list[LoggedEvent]] = {}
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise UnreadableFile(path, f"line {rows.line_num} has {len(row)} fields, its header {len(header)}")
        if number > MAX_ROWS:
            raise UnreadableFile(path, f"it has more than {MAX_ROWS} rows")
        attributes = dict(zip(header, row, strict=True))
        attributes[ACTIVITY] = attributes[columns.activity]
        attributes[TIMESTAMP] = attributes[columns.timestamp]
        cases.setdefault(attributes[columns.case], []).append(LoggedEvent(number, attributes))
    return cases


def _check_header(path: Path, header: list[str], columns: Columns) -> None:
    needed = (columns.case, columns.activity, columns.timestamp)
    missing = [each for each in needed if each not in header]
    if missing:
        raise UnreadableFile(path, f"its header lacks the column {' and '.join(missing)}")
    if len(set(header)) != len(header):
        raise UnreadableFile(path, "its header names a column twice")
