"""A look at the database that changes nothing: not a row, not a page, not even a lock file beside it.

SQLite's is opened by its own means rather than by `engine`, which would make what is missing, migrate what is old, and
turn on the journal; PostgreSQL's in a transaction that may only read. Whatever is no ledger's database is a finding,
never an exception.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from ledger_automation.errors import LedgerError, Unreachable
from ledger_automation.orchestrator.diagnosis import Finding, ok, warning, wrong
from ledger_automation.store.dialect import DIALECTS, refused
from ledger_automation.store.engine import location, revisions

Ask = Callable[[str], Sequence[Any]]
"""Asks the database something in SQL that both dialects know."""

_PART: Final = "database"
_APPEND_ONLY: Final = ("event", "leaf", "node", "checkpoint")
_RESTORE: Final = "Restore the newest backup, then audit it against the chain."
_PENDING: Final = """
    SELECT count(*) FROM event JOIN "case" ON "case".case_id = event.case_id
    LEFT JOIN leaf ON leaf.event_id = event.id WHERE leaf.event_id IS NULL AND "case".level != 'recorded'
"""
_SAFETY: Final = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes')"
_TRIGGERS: Final = "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"
_OPEN: Final = "SELECT count(*) FROM submission WHERE state IN ('pending', 'anchored', 'confirmed_missing_receipt')"


class Looked(NamedTuple):
    """The findings, and two facts for others: each chain's highest final block, and the newest event's time."""

    findings: list[Finding]
    last_final: dict[int, int]
    newest: str


def examine(url: str) -> Looked:
    """Look at the database that a URL names."""
    try:
        where = location(url)
    except LedgerError as error:
        return _only(wrong(_PART, error.sentence, "Give sqlite:///PATH or postgresql://HOST/NAME."))
    return _examine_file(Path(str(where.database))) if where.drivername == "sqlite" else _examine_server(where)


def _examine_file(path: Path) -> Looked:
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

            def ask(query: str) -> Sequence[Any]:
                return database.execute(query).fetchall()

            wanted = {f"{table}_no_{verb}" for table in _APPEND_ONLY for verb in ("update", "delete")}
            there = ask("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            own = [*_soundness(ask, path), _history(wanted, there)]
            alarms = bool(ask("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alarm'"))
            return Looked([*_schema(ask), *own, *_work(ask, alarms=alarms)], _last_final(ask), _newest(ask))
    except sqlite3.Error as error:
        return _only(wrong(_PART, f"The database {path} cannot be read: {error}.", _RESTORE))


def _examine_server(where: URL) -> Looked:
    ways = DIALECTS["postgresql"]
    engine = ways.open(where, True)
    try:
        with engine.connect().execution_options(**ways.options["read"]) as connection:

            def ask(query: str) -> Sequence[Any]:
                return connection.exec_driver_sql(query).fetchall()

            if not ask("SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"):
                return _only(warning(_PART, "It holds no ledger yet.", "The first verb that records makes it."))
            wanted = {f"{table}_append_only" for table in _APPEND_ONLY}
            own = [*_durability(ask), _history(wanted, ask(_TRIGGERS)), _role(ask)]
            return Looked([*_schema(ask), *own, *_work(ask, alarms=True)], _last_final(ask), _newest(ask))
    except DBAPIError as error:
        found = refused(ways, error)
        advice = "Start the server." if isinstance(found, Unreachable) else "See that URL, role and grants are right."
        return _only(wrong(_PART, found.sentence, advice))
    finally:
        engine.dispose()


def _only(finding: Finding) -> Looked:
    return Looked([finding], {}, "")


def _schema(ask: Ask) -> Iterator[Finding]:
    scripts = revisions()
    known, head = {each.revision for each in scripts.walk_revisions()}, scripts.get_current_head()
    ((found,),) = ask("SELECT version_num FROM alembic_version") or [("",)]
    if found == head:
        yield ok(_PART, f"Its schema is {found}, this program's own.")
    elif found in known:
        yield warning(_PART, f"Its schema is {found}, this program's is {head}.", "The next verb brings it up to date.")
    else:
        yield wrong(_PART, f"Its schema is {found!r}, which this program does not know.", "Use the newer program.")


def _soundness(ask: Ask, path: Path) -> Iterator[Finding]:
    ((told,),) = ask("PRAGMA integrity_check(1)")
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


def _durability(ask: Ask) -> Iterator[Finding]:
    """What PostgreSQL must be told to do for what was acknowledged to survive a power cut."""
    off = [name for name, setting in ask(_SAFETY) if setting == "off"]
    if off:
        advice = "Without it a power cut may lose or tear what was acknowledged; switch it on."
        yield wrong(_PART, f"The server runs without {', '.join(off)}.", advice)
    else:
        yield ok(_PART, "The server writes what was committed, whole, before it says so.")


def _role(ask: Ask) -> Finding:
    ((who, owner),) = ask("SELECT current_user, pg_has_role(tableowner, 'MEMBER') FROM pg_tables "
                          "WHERE tablename = 'event' AND schemaname = current_schema()")  # fmt: skip
    if owner:
        advice = "Let it log in as a member of ledger_application, which can only add to history."
        return warning(_PART, f"{who} owns the tables, and could drop what keeps history as it was.", advice)
    return ok(_PART, f"{who} owns no table.")


def _history(wanted: set[str], there: Sequence[Any]) -> Finding:
    if gone := sorted(wanted - {name for (name,) in there}):
        advice = "Somebody dropped them: audit the whole log, and ask who."
        return wrong(_PART, f"Triggers that keep history as it was are missing: {', '.join(gone)}.", advice)
    return ok(_PART, "History is kept by its triggers.")


def _work(ask: Ask, *, alarms: bool) -> Iterator[Finding]:
    """What is still to be done, and what is standing."""
    ((pending,),) = ask(_PENDING)
    yield ok(_PART, f"{pending} events wait for the log.")
    ((submitted,),) = ask(_OPEN)
    if submitted:
        yield warning(
            _PART, f"{submitted} submissions to a chain are not final yet.", "`ledger seal` goes on with them."
        )
    else:
        yield ok(_PART, "Nothing that was sent to a chain is open.")
    if alarms:
        standing = ask("SELECT kind, sentence, since FROM alarm WHERE standing ORDER BY id")
        for kind, sentence, since in standing:
            yield wrong("alarm", f"{kind} since {since}: {sentence}", "An alarm stands until its cause is gone.")
        if not standing:
            yield ok("alarm", "No alarm stands.")


def _last_final(ask: Ask) -> dict[int, int]:
    query = "SELECT chain_id, max(block_number) FROM submission WHERE state = 'final' GROUP BY chain_id"
    return {chain: block for chain, block in ask(query) if block is not None}


def _newest(ask: Ask) -> str:
    ((newest,),) = ask("SELECT recorded_at FROM event ORDER BY id DESC LIMIT 1") or [("",)]
    return str(newest)
