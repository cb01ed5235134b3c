"""What a witness remembers: of each log the newest checkpoint that it may cosign, in an SQLite file of its own.

The file is all that stands between a witness and two histories, so

    it is made once, with the key      a witness whose file is gone refuses to start; it never begins anew
    a look and its answer are one      BEGIN IMMEDIATE: of two requests, in whichever processes, the second one sees
                                       what the first one stored
    it is durable before it is told    synchronous=EXTRA: file and folder are on the disk when the commit returns
    a log never gets shorter in it     triggers refuse what this program would never write

What it cannot know is that somebody put an older copy of the file in its place: then it would cosign from there once
more. Nothing on the same disk could tell. A log that remembers what was cosigned notices it (`orchestrator.cosign`), so
does whoever kept a cosigned checkpoint.

Of a log that showed two texts of one size both notes are kept, the first time: each carries the log's signature, so
together they are a proof of it that anybody can check.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from ledger_automation.errors import Misconfigured, Unreachable

T = TypeVar("T")

BUSY_SECONDS: Final = 5.0
_VERSION: Final = 1
_SCHEMA: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS newest (
    origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, root_hash BLOB NOT NULL, text TEXT NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS split_view (origin TEXT PRIMARY KEY, held TEXT NOT NULL, shown TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS never_shorter BEFORE UPDATE ON newest
    WHEN NEW.tree_size < OLD.tree_size OR (NEW.tree_size = OLD.tree_size AND NEW.text <> OLD.text)
    BEGIN SELECT RAISE(ABORT, 'a log never gets shorter'); END;
CREATE TRIGGER IF NOT EXISTS never_forgotten BEFORE DELETE ON newest
    BEGIN SELECT RAISE(ABORT, 'a log is never forgotten'); END;
PRAGMA user_version = 1;
COMMIT;
"""
_SELECT: Final = "SELECT tree_size, root_hash, text, note FROM newest"
_STORE: Final = """
INSERT INTO newest (origin, tree_size, root_hash, text, note) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (origin) DO UPDATE SET tree_size = excluded.tree_size, root_hash = excluded.root_hash,
    text = excluded.text, note = excluded.note
"""


class Remembered(NamedTuple):
    """The newest checkpoint of a log: its two facts, the text that was cosigned, and the note that came with it."""

    tree_size: int
    root_hash: bytes
    text: str
    note: str


class Memory:
    """One file. It is opened for each look anew, so that threads and processes need no lock but its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def make(self) -> None:
        """Make an empty memory where there is none; one that a crash left half made is none."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._opened("rwc") as connection:
            if not _version(connection):
                connection.executescript(_SCHEMA)
        self._path.chmod(0o600)

    def insist(self) -> None:
        """Raise Misconfigured where there is no memory, or not one of this program."""
        with self._opened("rw") as connection:
            if _version(connection) != _VERSION:
                raise Misconfigured(f"The file {self._path} is no memory of a witness.", path=str(self._path))

    def advance(self, origin: str, judge: Callable[[Remembered | None], tuple[Remembered, T]]) -> T:
        """Replace what is known of a log by what ``judge`` makes of it, and return the rest of its answer.

        It is on the disk when this returns. What ``judge`` raises leaves everything as it was.
        """
        with self._opened("rw") as connection:
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute(f"{_SELECT} WHERE origin = ?", (origin,)).fetchone()
            held = Remembered(*row) if row else None
            coming, answer = judge(held)
            if coming != held:
                connection.execute(_STORE, (origin, *coming))
            connection.execute("COMMIT")
        return answer

    def keep_split(self, origin: str, held: str, shown: str) -> None:
        """Keep two notes that contradict each other, unless there are two of this log already."""
        with self._opened("rw") as connection:
            connection.execute("INSERT OR IGNORE INTO split_view VALUES (?, ?, ?)", (origin, held, shown))

    def logs(self) -> dict[str, Remembered]:
        """Return what is known, by log."""
        with self._opened("rw") as connection:
            rows = connection.execute(_SELECT.replace("SELECT", "SELECT origin,")).fetchall()
        return {origin: Remembered(*rest) for origin, *rest in rows}

    def splits(self) -> dict[str, tuple[str, str]]:
        """Return the two notes of each log that contradicted itself."""
        with self._opened("rw") as connection:
            rows = connection.execute("SELECT origin, held, shown FROM split_view").fetchall()
        return {origin: (held, shown) for origin, held, shown in rows}

    @contextmanager
    def _opened(self, mode: str) -> Iterator[sqlite3.Connection]:
        """Open the file, in which nothing is written but by a whole statement or transaction."""
        if mode != "rwc" and not self._path.exists():
            sentence = (
                f"The witness's memory {self._path} is not here. Bring it back as it was last: without it, the witness "
                "might cosign a second history. If it is lost, make another witness with another key."
            )
            raise Misconfigured(sentence, path=str(self._path))
        uri = f"{self._path.absolute().as_uri()}?mode={mode}"
        try:
            with closing(sqlite3.connect(uri, BUSY_SECONDS, isolation_level=None, uri=True)) as connection:
                connection.execute("PRAGMA synchronous = EXTRA")
                yield connection
        except sqlite3.OperationalError as error:
            raise Unreachable("The witness's memory does not take it now.") from error
        except sqlite3.DatabaseError as error:
            raise Misconfigured(f"The file {self._path} is no memory of a witness.", path=str(self._path)) from error


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
