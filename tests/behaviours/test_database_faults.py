"""Databases that answer nothing, too late, or nothing more; and two releases at one database (P21, P23 to P26, P29)."""

import multiprocessing
import resource
import shutil
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from ledger_automation.errors import Conflict, Misconfigured, Unreachable
from ledger_automation.orchestrator.asked import Asked, Identity, Member
from ledger_automation.orchestrator.decide import Decider
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.transition import Recorder
from ledger_automation.store import dialect, engine
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.values import CaseId
from ledger_automation.workflows import workflow
from support import servers
from support.cut import Cut, cut

OLGA = Identity("https://issuer.example", "olga")
FINE = {"amount": 3_500, "offence": "kerb", "rules": {"hearing_required": False}}


@pytest.fixture
def server(server_of: Any) -> servers.Server:
    found: servers.Server = server_of("18")
    return found


@pytest.fixture
def way(server: servers.Server) -> Iterator[tuple[Cut, str]]:
    """A proxy before the server, and the URL of a fresh database through it."""
    with cut(server) as proxy:
        database = server.fresh("migrated")
        yield proxy, proxy.url(database)
        server.drop(database)


def decider(opened: Engine) -> Decider:
    begin, recorder = (lambda: SqlUnitOfWork.open(opened)), Recorder("test.example/ledger", lambda: datetime.now(UTC))
    with begin() as unit:
        unit.members.enrol(OLGA, Member("olga", ("clerk", "finance")))
        unit.commit()
    brief = lambda: SqlUnitOfWork.open(opened, "brief")  # noqa: E731
    return Decider((begin, brief), recorder, b"s" * 32, levels={}, backdating=timedelta(days=30))


def asked(key: str, case: str, action: str = "record_fine", payload: Any = None) -> Asked:
    digest = sha256(f"{case}{action}{payload}".encode()).digest()
    role = "clerk" if action == "record_fine" else "finance"
    table = workflow("parking_fine")
    return Asked(OLGA, sha256(key.encode()).digest(), digest, CaseId(case), table, action, payload or FINE, role)


def steps(opened: Engine) -> int:
    with SqlUnitOfWork.open(opened, "read") as unit:
        return sum(len(rows) for _, _, rows in unit.cases.trails(0, 0))


@pytest.mark.parametrize(("where", "kept"), [("before", 0), ("after", 1)])
def test_p21_cut_during_the_commit_nobody_knows_and_the_same_key_tells(
    way: tuple[Cut, str], where: str, kept: int
) -> None:
    """The commit never arrived, or its answer never did: who asked cannot tell one from the other, and need not."""
    proxy, url = way
    opened = open_engine(url)
    deciding, case = decider(opened), str(CaseId.random())
    proxy.at = where
    with pytest.raises(Unreachable, match="nobody knows") as told:
        deciding.decide([asked("torn", case)])
    assert (told.value.facts["outcome"], proxy.cuts) == ("unknown", 1)
    assert steps(opened) == kept
    for _ in range(2):
        (outcome,) = deciding.decide([asked("torn", case)])
        assert outcome.taken is not None
        assert (outcome.taken.case_id, outcome.taken.sequence) == (case, 0)
    assert steps(opened) == 1
    opened.dispose()


@pytest.mark.parametrize("where", ["before", "after"])
def test_p21_cut_during_the_sequencers_commit_each_event_has_one_leaf(
    way: tuple[Cut, str], where: str, clerk: Any
) -> None:
    proxy, url = way
    opened = open_engine(url)

    def begin() -> Any:
        return SqlUnitOfWork.open(opened)

    clerk.fill(begin, 5)
    proxy.at = where
    with pytest.raises(Unreachable, match="nobody knows"):
        sequence(begin, clerk.recorder, clerk.key)
    again = sequence(begin, clerk.recorder, clerk.key)
    assert (again is None) == (where == "after")
    with begin() as unit:
        assert (unit.log.frontier().size, len(unit.log.pending(10, sweep=True))) == (5, 0)
    opened.dispose()


def test_p23_who_waits_for_a_case_holds_no_other(server: servers.Server) -> None:
    """Somebody holds one case of a group and then wants the other one: nobody waits for him who waits himself."""
    database = server.fresh("migrated")
    opened = open_engine(database)
    deciding, cases = decider(opened), [str(CaseId.random()) for _ in range(2)]
    for number, case in enumerate(cases):
        assert deciding.decide([asked(f"open{number}", case)])[0].taken
    group = [asked(f"pay{case}", case, "record_payment", {"amount": 1}) for case in cases]
    first, second = sorted(cases)
    lock = 'SELECT 1 FROM "case" WHERE case_id = %s FOR UPDATE'
    with psycopg.connect(database) as rival:
        rival.execute("SET deadlock_timeout = '50ms'")
        rival.execute(lock, (second,))
        outcomes: list[Any] = []
        deciding_thread = threading.Thread(target=lambda: outcomes.extend(deciding.decide(group)))
        deciding_thread.start()
        deciding_thread.join(0.5)
        assert deciding_thread.is_alive(), "it waits for the second"
        rival.execute(lock, (first,))
        rival.rollback()
        deciding_thread.join(60)
    assert [each.taken.sequence for each in outcomes] == [1, 1]
    server.drop(database)


def test_p23_who_loses_every_time_is_told_and_nothing_was_changed(server: servers.Server, monkeypatch: Any) -> None:
    """A serialisation failure that does not go away: tried three times, then a Conflict, which is answered with 409."""
    database = server.fresh("migrated")
    opened = open_engine(database)
    deciding, looks = decider(opened), []
    look = type(SqlUnitOfWork(opened.connect()).requests).look

    def failing(requests: Any, group: Any) -> Any:
        looks.append(len(group))
        requests._connection.exec_driver_sql(
            "DO $$ BEGIN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END $$"
        )
        return look(requests, group)

    monkeypatch.setattr("ledger_automation.store.requests.SqlRequests.look", failing)
    (outcome,) = deciding.decide([asked("k", str(CaseId.random()))])
    assert isinstance(outcome.error, Conflict)
    assert looks == [1, 1, 1]
    assert steps(opened) == 0
    opened.dispose()
    server.drop(database)


def test_p24_who_finds_no_connection_left_is_told_so_and_the_next_one_gets_one(
    server: servers.Server, monkeypatch: pytest.MonkeyPatch, clerk: Any
) -> None:
    for name, value in {"pool_size": 1, "max_overflow": 1, "pool_timeout": 0.1}.items():
        monkeypatch.setitem(dialect._POOL, name, value)  # type: ignore[index]
    database = server.fresh("migrated")
    opened = open_engine(database)

    def begin() -> Any:
        return SqlUnitOfWork.open(opened)

    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(begin())
        with pytest.raises(Conflict, match="Too many transactions"), begin():
            pass
    assert len(clerk.fill(begin, 1)) == 1
    opened.dispose()
    server.drop(database)


def test_p24_a_server_without_room_is_told_apart_from_a_wrong_one(clerk: Any) -> None:
    few = {"fsync": "off", "max_connections": "4", "superuser_reserved_connections": "0", "max_wal_senders": "0"}
    with servers.postgresql("18", few) as small:
        opened = open_engine(small.url())
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(psycopg.connect(small.url()))
            stack.enter_context(SqlUnitOfWork.open(opened)).cases.case("")
            with pytest.raises(Unreachable, match="too many clients"), SqlUnitOfWork.open(opened) as unit:
                unit.cases.case("")
        assert len(clerk.fill(lambda: SqlUnitOfWork.open(opened), 1)) == 1
        opened.dispose()


FULL = 3
"""What a writer ends with to whom the disk was said to be full."""


def write(clerk: Any, url: str, number: int, octets: int = 0) -> None:
    """Be a process that writes; with ``octets``, one whose files the kernel does not let grow beyond that (EFBIG)."""
    if octets:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))
    opened = open_engine(url)
    try:
        for _ in range(number):
            clerk.fill(lambda: SqlUnitOfWork.open(opened), 1)
    except Misconfigured as error:
        sys.exit(FULL if "disk" in error.sentence else str(error))


def writer(*given: Any) -> Any:
    started = multiprocessing.get_context("fork").Process(target=write, args=given)
    started.start()
    return started


def test_p25_two_processes_that_write_at_once_wait_for_each_other(tmp_path: Path, clerk: Any) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    opened = open_engine(url)
    opened.dispose()
    writers = [writer(clerk, url, 50) for _ in range(2)]
    for each in writers:
        each.join(60)
    assert [each.exitcode for each in writers] == [0, 0]
    assert steps(opened) == 100
    opened.dispose()


def test_p25_who_waits_too_long_for_a_writer_gets_a_conflict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clerk: Any
) -> None:
    monkeypatch.setattr(dialect, "BUSY_SECONDS", 0.1)
    opened = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")

    def begin() -> Any:
        return SqlUnitOfWork.open(opened)

    with begin() as unit:
        unit.cases.case("")
        with pytest.raises(Conflict, match="held the database too long"):
            clerk.fill(begin, 1)
    assert len(clerk.fill(begin, 1)) == 1
    opened.dispose()


def test_p26_a_disk_that_is_full_for_one_process_costs_its_transaction_only(tmp_path: Path, clerk: Any) -> None:
    """The kernel refuses in the midst of writing SQLite's log."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    opened = open_engine(url)
    kept = clerk.fill(lambda: SqlUnitOfWork.open(opened), 3)
    opened.dispose()

    full = writer(clerk, url, 10_000, 500_000)
    full.join(60)
    assert full.exitcode == FULL
    with sqlite3.connect(tmp_path / "ledger.sqlite") as looked:
        assert looked.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    before = steps(opened)
    assert before > len(kept), "what was acknowledged before the disk was full is there"
    clerk.fill(lambda: SqlUnitOfWork.open(opened), 2)
    assert steps(opened) == before + 2
    opened.dispose()


NEXT = '''"""A later release adds a column and a table."""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9000", "{head}"
def upgrade():
    op.add_column("case", sa.Column("urgency", sa.Integer, nullable=True))
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))
def downgrade():
    op.drop_table("later")
    op.drop_column("case", "urgency")
'''


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Engine]:
    """Open a database as the next release does."""
    scripts = tmp_path / "scripts"
    shutil.copytree(Path(engine.__file__).parent / "migrations", scripts)
    head = engine.revisions().get_current_head()
    (scripts / "versions" / "9000_a_later_release.py").write_text(NEXT.format(head=head))
    ours = engine._config

    def theirs() -> Any:
        config = ours()
        config.set_main_option("script_location", str(scripts))
        return config

    def opened(url: str) -> Engine:
        with monkeypatch.context() as patched:
            patched.setattr(engine, "_config", theirs)
            return open_engine(url)

    return opened


def test_p29_while_the_next_release_rolls_in_the_running_one_goes_on(
    url: str, later: Callable[[str], Engine], clerk: Any
) -> None:
    """Whoever runs keeps on writing and sequencing; whoever of the old release starts now is refused in a sentence."""
    old = open_engine(url)

    def in_old() -> Any:
        return SqlUnitOfWork.open(old)

    clerk.fill(in_old, 2)
    new = later(url)

    def in_new() -> Any:
        return SqlUnitOfWork.open(new)

    for begin in (in_old, in_new, in_old):
        step, standing = clerk.open()
        with begin() as unit:
            unit.cases.record([step])
            unit.commit()
        with (in_new if begin is in_old else in_old)() as unit:
            unit.cases.record([clerk.go_on(standing)[0]])
            unit.commit()
        assert sequence(begin, clerk.recorder, clerk.key) is not None
    with pytest.raises(Misconfigured, match="9000"):
        open_engine(url)
    assert steps(old) == steps(new) == 8
    with in_new() as unit:
        assert (unit.log.frontier().size, unit.log.pending(10, sweep=True)) == (8, [])
    old.dispose()
    new.dispose()
