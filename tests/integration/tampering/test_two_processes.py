"""An audit by two processes: the report of one process, word for word; and no process, and no verdict, left over.

That shares find what one pass finds is held against every injected log (`Copy.audit`); here a second process reads.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.errors import LedgerError, Misconfigured, Unreachable
from ledger_automation.orchestrator.sequence import record_heartbeat, sequence
from ledger_automation.store import readers, snapshots
from ledger_automation.store.engine import open_engine
from ledger_automation.store.readers import SqlReaders, SqlReading
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.verify.auditor import Auditor, AuditReport, Mark
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict

TESTS = Path(__file__).resolve().parents[2]


class Watched(SqlReaders):
    """Readers of whom a test knows whether there were two."""

    def __init__(self, connection: Any, **more: Any) -> None:
        super().__init__(connection, **{"least": 0, "width": 7, "cores": 2, **more})
        self.processes: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def begin(self, origin: str) -> Iterator[SqlReading | None]:
        with super().begin(origin) as reading:
            if reading is not None and reading._process is not None:
                self.processes.append(reading._process)
            yield reading


Audit = Callable[[bool], AuditReport]


@contextmanager
def auditing(copy: Any, folder: Path, mark: Mark | None = None) -> Iterator[Audit]:
    """Audit a copy, on SQLite in a file, by one process or by two."""
    engine = (
        open_engine(filed(copy.raw, folder)) if isinstance(getattr(copy, "raw", None), sqlite3.Connection) else None
    )
    auditor = Auditor(copy.town.policy, copy.town.chain)

    def audit(two: bool) -> AuditReport:
        with SqlUnitOfWork.open(engine or copy.engine(), "read") as unit:
            watched = Watched(unit._connection)
            report = auditor.audit(unit.cases, unit.log, mark, unit.soundness, watched if two else None)
        assert [each.poll() is not None for each in watched.processes] == [True] * (two and mark is None)
        return report

    try:
        yield audit
    finally:
        if engine is not None:
            engine.dispose()


def filed(raw: sqlite3.Connection, folder: Path) -> str:
    """Put a database in memory into a file, triggers and all; returns its URL."""
    path = folder / f"{time.monotonic_ns()}.sqlite"
    with closing(sqlite3.connect(path)) as file:
        raw.backup(file)
    return f"sqlite:///{path}"


def one_process_finds_it_final(town: Any, folder: Path) -> None:
    engine = open_engine(filed(town.raw, folder))
    with SqlUnitOfWork.open(engine, "read") as unit:
        watched = Watched(unit._connection)
        report = Auditor(town.policy, town.chain).audit(unit.cases, unit.log, None, unit.soundness, watched)
    engine.dispose()
    assert (report.verdict, watched.processes) == (Verdict.FINAL, [])


def change_an_amount(copy: Any) -> None:
    copy.sql("UPDATE event SET amount = 7 WHERE id = (SELECT max(id) FROM event WHERE amount > 7)")


def lose_an_event(copy: Any) -> None:
    ((event_id,),) = copy.sql("SELECT max(id) FROM event WHERE sequence = 2")
    copy.sql("DELETE FROM content WHERE event_id = ?", event_id)
    copy.sql("DELETE FROM attachment WHERE event_id = ?", event_id)
    copy.sql("DELETE FROM event WHERE id = ?", event_id)


def lose_openings(copy: Any) -> None:
    copy.sql(
        "UPDATE event SET sequence = 900 WHERE sequence = 0 AND id IN (SELECT event_id FROM leaf WHERE leaf_index > 9)"
    )


def lose_content(copy: Any) -> None:
    copy.sql("DELETE FROM content WHERE event_id - event_id / 3 * 3 = 0")


def invent_cases(copy: Any) -> None:
    more = "workflow, workflow_version, level, state, sequence, at, head, data"
    copy.sql(f"""INSERT INTO "case" (case_id, {more}) SELECT 'x' || case_id, {more} FROM "case" """)  # noqa: S608


def number_below_nothing(copy: Any) -> None:
    for table, column in (("event", "id"), ("content", "event_id"), ("attachment", "event_id"), ("leaf", "event_id")):
        copy.sql(f"UPDATE {table} SET {column} = -{column} WHERE {column} < 9")  # noqa: S608


def cut_the_checkpoints(copy: Any) -> None:
    copy.sql("DELETE FROM submission")
    copy.sql("DELETE FROM checkpoint WHERE tree_size > (SELECT min(tree_size) FROM checkpoint)")


SPOILT = [
    change_an_amount, lose_an_event, lose_openings, lose_content, invent_cases, number_below_nothing,
    cut_the_checkpoints,
]  # fmt: skip


@pytest.mark.parametrize("town", ["small_copies", "tall_copies"])
def test_an_honest_log_is_final_to_two(request: Any, town: str, store: str, tmp_path: Path) -> None:
    with closing(request.getfixturevalue(town)[store].fresh()) as copy, auditing(copy, tmp_path) as audit:
        report = audit(True)
        assert report.verdict is Verdict.FINAL
        assert report == audit(False)
        with auditing(copy, tmp_path, report.mark) as audit_on:
            assert audit_on(True) == audit_on(False), "what is new since a mark is read by one process"


@pytest.mark.parametrize("spoil", SPOILT)
def test_two_find_what_one_finds(small_town: Any, spoil: Any, tmp_path: Path) -> None:
    with closing(small_town.fresh()) as copy:
        spoil(copy)
        with auditing(copy, tmp_path) as audit:
            report = audit(True)
            renumbered = spoil is number_below_nothing  # all that hangs on it says the same, and no id is committed
            assert report.verdict is (Verdict.FINAL if renumbered else Verdict.CONTRADICTED)
            assert report == audit(False)


def test_two_see_one_state_while_others_write(found_town: Any, tmp_path: Path) -> None:
    """Each audit of two sees whole commits, in both of its processes the same."""
    town = found_town("two")
    town.replay("traffic_fines", 40, 1)
    town.sequence()
    engine, over = open_engine(filed(town.raw, tmp_path)), threading.Event()

    def write() -> None:
        while not over.is_set():
            record_heartbeat(lambda: SqlUnitOfWork.open(engine), town.recorder)
            sequence(lambda: SqlUnitOfWork.open(engine), town.recorder, town.key)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        twice, sizes = 0, set()
        for _ in range(6):
            with SqlUnitOfWork.open(engine, "read") as unit:
                watched = Watched(unit._connection)
                report = Auditor(town.policy.at(Level.LOGGED)).audit(
                    unit.cases, unit.log, None, unit.soundness, watched
                )
                assert report == Auditor(town.policy.at(Level.LOGGED)).audit(unit.cases, unit.log, None, unit.soundness)
            assert report.verdict in {Verdict.FINAL, Verdict.PENDING}
            twice += len(watched.processes)
            sizes.add(report.tree_size)
    finally:
        over.set()
        writer.join()
        engine.dispose()
    assert len(sizes) > 1
    assert twice, "of six attempts at a common snapshot none came about"


def test_where_somebody_always_commits_one_process_reads(klein: Any, tmp_path: Path, monkeypatch: Any) -> None:
    answers = iter(range(10_000))
    monkeypatch.setattr(snapshots, "_version", lambda _: next(answers))
    monkeypatch.setattr(snapshots, "ATTEMPTS", 3)
    one_process_finds_it_final(klein, tmp_path)


def test_a_snapshot_that_is_being_read_already_is_read_by_one_process(klein: Any, tmp_path: Path) -> None:
    """On SQLite, whose snapshots cannot be handed on."""
    engine = open_engine(filed(klein.raw, tmp_path))
    with SqlUnitOfWork.open(engine, "read") as unit:
        assert unit.log.edge().last_event
        watched = Watched(unit._connection)
        report = Auditor(klein.policy, klein.chain).audit(unit.cases, unit.log, None, unit.soundness, watched)
    engine.dispose()
    assert (report.verdict, watched.processes) == (Verdict.FINAL, [])


def test_a_small_log_is_read_by_one_process(klein: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    engine = open_engine(filed(klein.raw, tmp_path))
    with SqlUnitOfWork.open(engine, "read") as unit:
        report = Auditor(klein.policy, klein.chain).audit(unit.cases, unit.log, None, unit.soundness, unit.readers)
    engine.dispose()
    assert report.verdict is Verdict.FINAL


@pytest.mark.parametrize("how", ["silent", "torn", "short", "killed"])
def test_a_process_that_ends_too_early_is_an_error_and_no_verdict(
    small_town: Any, how: str, tmp_path: Path, monkeypatch: Any
) -> None:
    """It has taken a share out, and says nothing, half of something, or nothing about that share."""
    monkeypatch.setattr(readers, "PROGRAM", "support.ended_early")
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("ENDED_EARLY", how)
    with closing(small_town.fresh()) as copy, auditing(copy, tmp_path) as audit:
        with pytest.raises(Unreachable, match="second process ended"):
            audit(True)
        assert audit(False).verdict is Verdict.FINAL


def test_a_process_that_cannot_begin_is_done_without(klein: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(readers, "PROGRAM", "support.there_is_no_such_program")
    one_process_finds_it_final(klein, tmp_path)


def test_what_one_process_cannot_read_is_the_same_error_from_two(klein: Any, tmp_path: Path) -> None:
    """Octets that are no text, in the very first case: only the other process takes that share."""
    copy = klein.copy()
    copy.sql("UPDATE event SET actor_id = CAST(x'ff' AS TEXT) WHERE id = 1")
    told: list[LedgerError] = []
    with closing(copy), auditing(copy, tmp_path) as audit:
        for two in (False, True):
            with pytest.raises(LedgerError) as caught:
                audit(two)
            told.append(caught.value)
    assert [type(each) for each in told] == [Misconfigured, Misconfigured]
    assert told[0].sentence == told[1].sentence


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_audit(klein: Any, tmp_path: Path, ended_by: signal.Signals) -> None:
    """However the first one ends, the second one ends with it, though nobody asks it for its shares."""
    words = [sys.executable, "-m", "support.left_alone", filed(klein.raw, tmp_path), klein.origin]
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env) as first:
        assert first.stdout is not None
        second = int(first.stdout.readline())
        first.send_signal(ended_by)
    give_up = time.monotonic() + 20
    while Path(f"/proc/{second}").exists() and b"\nState:\tZ" not in Path(f"/proc/{second}/status").read_bytes():
        assert time.monotonic() < give_up, "the second process is still there"
        time.sleep(0.02)
