"""A look at the database that changes nothing: not a row, not a page, not even a lock file beside it.

It is opened by SQLite's own means rather than by `engine`, which would make what is missing, migrate what is old, and
turn on the journal. Whatever is no ledger's database is a finding, never an exception.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from alembic.config import Config
from alembic.script import ScriptDirectory

from ledger_automation.orchestrator.diagnosis import Finding, ok, warning, wrong

_PART: Final = "database"
_APPEND_ONLY: Final = ("event", "leaf", "node", "checkpoint")
_RESTORE: Final = "Restore the newest backup, then audit it against the chain."
_PENDING: Final = """
    SELECT count(*) FROM event JOIN "case" ON "case".case_id = event.case_id
    LEFT JOIN leaf ON leaf.event_id = event.id WHERE leaf.event_id IS NULL AND "case".level != 'recorded'
"""
_OPEN: Final = "SELECT count(*) FROM submission WHERE state IN ('pending', 'anchored', 'confirmed_missing_receipt')"


class Looked(NamedTuple):
    """The findings, and two facts for others: each chain's highest final block, and the newest event's time."""

    findings: list[Finding]
    last_final: dict[int, int]
    newest: str


def examine(url: str) -> Looked:
    """Look at the database that a URL names."""
    path = Path(url.removeprefix("sqlite:///"))
    if not url.startswith("sqlite:///"):
        return _only(wrong(_PART, f"{url} is not the URL of an SQLite file.", "Give sqlite:///PATH."))
    if not path.exists():
        return _only(warning(_PART, f"There is no database {path} yet.", "The first verb that records makes it."))
    journal, index = (path.with_name(f"{path.name}-{end}") for end in ("wal", "shm"))
    busy = journal.exists() and journal.stat().st_size > 0
    if busy and not index.exists():
        sentence = f"The database {path} was not closed, and lies here without its journal's index."
        return _only(warning(_PART, sentence, "Call any other verb, which recovers it, and look again."))
    # Without a journal nobody has it open; declared immutable, SQLite makes not even a lock beside it.
    mode = "mode=ro" if busy else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)) as database:
            findings = [*_schema(database), *_soundness(database, path), *_history(database), *_work(database)]
            return Looked(findings, _last_final(database), _newest(database))
    except sqlite3.Error as error:
        return _only(wrong(_PART, f"The database {path} cannot be read: {error}.", _RESTORE))


def _only(finding: Finding) -> Looked:
    return Looked([finding], {}, "")


def _schema(database: sqlite3.Connection) -> Iterator[Finding]:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    known, head = {each.revision for each in scripts.walk_revisions()}, scripts.get_current_head()
    (found,) = database.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    if found == head:
        yield ok(_PART, f"Its schema is {found}, this program's own.")
    elif found in known:
        yield warning(_PART, f"Its schema is {found}, this program's is {head}.", "The next verb brings it up to date.")
    else:
        yield wrong(_PART, f"Its schema is {found!r}, which this program does not know.", "Use the newer program.")


def _soundness(database: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    (told,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if told == "ok":
        yield ok(_PART, "SQLite finds it sound.")
    else:
        yield wrong(_PART, f"SQLite finds it damaged: {told.splitlines()[-1]}.", _RESTORE)
    if all(os.access(each, os.W_OK) for each in (path, path.parent)):
        yield ok(_PART, "It can be written to.")
    else:
        yield wrong(
            _PART, f"{path} or its folder cannot be written to.", "Give it to the account that runs the ledger."
        )


def _history(database: sqlite3.Connection) -> Iterator[Finding]:
    there = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    wanted = {f"{table}_no_{verb}" for table in _APPEND_ONLY for verb in ("update", "delete")}
    if gone := sorted(wanted - there):
        advice = "Somebody dropped them: audit the whole log, and ask who."
        yield wrong(_PART, f"Triggers that keep history as it was are missing: {', '.join(gone)}.", advice)
    else:
        yield ok(_PART, "History is kept by its triggers.")


def _work(database: sqlite3.Connection) -> Iterator[Finding]:
    """What is still to be done, and what is standing."""
    (pending,) = database.execute(_PENDING).fetchone()
    yield ok(_PART, f"{pending} events wait for the log.")
    (submitted,) = database.execute(_OPEN).fetchone()
    if submitted:
        yield warning(
            _PART, f"{submitted} submissions to a chain are not final yet.", "`ledger seal` goes on with them."
        )
    else:
        yield ok(_PART, "Nothing that was sent to a chain is open.")
    if database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alarm'").fetchone():
        standing = database.execute("SELECT kind, sentence, since FROM alarm WHERE standing ORDER BY id").fetchall()
        for kind, sentence, since in standing:
            yield wrong("alarm", f"{kind} since {since}: {sentence}", "An alarm stands until its cause is gone.")
        if not standing:
            yield ok("alarm", "No alarm stands.")


def _last_final(database: sqlite3.Connection) -> dict[int, int]:
    query = "SELECT chain_id, max(block_number) FROM submission WHERE state = 'final' GROUP BY chain_id"
    return {chain: block for chain, block in database.execute(query) if block is not None}


def _newest(database: sqlite3.Connection) -> str:
    (newest,) = database.execute("SELECT recorded_at FROM event ORDER BY id DESC LIMIT 1").fetchone() or ("",)
    return str(newest)
