"""The schema: migrations with data, models that agree, newer programs, and rows that are never changed (P29)."""

import multiprocessing
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, column, func, insert, inspect, select, table, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from ledger_automation import store as package
from ledger_automation.errors import InvalidValue, Misconfigured, NotFound
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.submission import Alarm, AlarmKind, SignedSubmission, State, Subject, Submission
from ledger_automation.store import tables
from ledger_automation.store.engine import migrate, open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from support import servers

pytestmark = pytest.mark.filterwarnings("ignore:Did not recognize type .xid8.")
APPEND_ONLY = ("event", "leaf", "node", "checkpoint")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    opened = open_engine(url)
    yield opened
    opened.dispose()


@pytest.fixture
def filled(engine: Engine, clerk: Any) -> Engine:
    return fill(engine, clerk)


@pytest.fixture
def file(path: Path, clerk: Any) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{path}")
    yield fill(opened, clerk)
    opened.dispose()


def fill(engine: Engine, clerk: Any) -> Engine:
    """A database with 300 events in the log: every append-only table has rows."""

    def begin() -> Any:
        return SqlUnitOfWork.open(engine)

    clerk.fill(begin, 300)
    sequence(begin, clerk.recorder, clerk.key)
    return engine


def differences(engine: Engine) -> list[Any]:
    """What models and database disagree on, but for what only PostgreSQL has and no model needs."""

    def ours(_: Any, name: str | None, kind: str, *__: Any) -> bool:
        return (kind, name) not in {("column", "xid"), ("column", "horizon"), ("index", "ix_event_xid")}

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        return list(compare_metadata(context, SQLModel.metadata))


def revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(Path(str(package.__file__)).parent / "migrations"))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def rows(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        return {name: connection.execute(select(func.count()).select_from(table(name))).scalar_one() for name in names}


def test_the_migrations_make_what_the_models_say(engine: Engine) -> None:
    assert tables.EventRow.metadata is SQLModel.metadata
    assert differences(engine) == []


def test_migrations_go_down_with_data_and_up_again(filled: Engine, clerk: Any) -> None:
    assert rows(filled)["event"] == rows(filled)["leaf"] == 300
    down = [*revisions()[:-1][::-1], "base"]
    for revision in down:
        migrate(filled, revision)
        with filled.connect() as connection:
            assert MigrationContext.configure(connection).get_current_revision() == (
                None if revision == "base" else revision
            )
    assert set(rows(filled)) <= {"alembic_version", "sqlite_sequence"}
    migrate(filled)
    assert differences(filled) == []
    assert len(clerk.fill(lambda: SqlUnitOfWork.open(filled), 2)) == 2


def test_what_was_sent_survives_the_way_up_and_down(filled: Engine) -> None:
    """0002: checkpoints keep bytes and state; what the older program cannot read, steps and alarms, is gone there."""
    migrate(filled, "0001")
    old = {"transaction": "0x01", "tree_size": 300, "chain_id": 7, "contract": "0xab", "sender": "0xcd", "nonce": 3}
    old |= {"raw": b"\x02bytes", "state": "final", "block_number": 9, "block_hash": "0x09"}
    with filled.begin() as connection:
        connection.execute(insert(table("submission", *map(column, old))).values(old))
    migrate(filled)
    with SqlUnitOfWork.open(filled) as unit:
        (row,) = unit.anchors.of(Subject(tree_size=300))
        assert (row.signed, row.state) == (SignedSubmission("0x01", b"\x02bytes", "0xcd", 3), State.FINAL)
        assert (row.attempt, row.sent_block, row.block_number, row.block_hash) == (1, 9, 9, "0x09")
        assert unit.anchors.last_final(7) == row
        step = SignedSubmission("0x02", b"\x02", "0xcd", 4)
        unit.anchors.add(Submission(step, Subject(case_id="c", sequence=1), 7, "0xab", 1, 9))
        assert unit.anchors.ring(Alarm(AlarmKind.STUCK, "step/c/1", "Stuck."), "2026-03-02T08:00:00Z")
        unit.commit()
    migrate(filled, "0001")
    with filled.connect() as connection:
        kept = connection.execute(text("SELECT * FROM submission")).mappings().all()
    assert [dict(each) for each in kept] == [old]


def test_opening_again_keeps_the_data_and_migrates_nothing(file: Engine, path: Path) -> None:
    before = rows(file)
    file.dispose()
    digest = sha256(path.read_bytes()).digest()
    open_engine(f"sqlite:///{path}").dispose()
    assert sha256(path.read_bytes()).digest() == digest
    assert rows(file) == before


def test_a_newer_schema_is_refused_and_left_as_it_is(filled: Engine, url: str) -> None:
    with filled.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = rows(filled)
    with pytest.raises(Misconfigured, match="9999") as refusal:
        open_engine(url)
    assert refusal.value.facts["schema"] == "9999"
    assert rows(filled) == before


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to look at" * 40, b"\x00" * 8192])
def test_what_is_no_database_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(Misconfigured):
        open_engine(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_a_damaged_page_is_one_sentence(file: Engine, path: Path) -> None:
    file.dispose()  # the last to close moves the journal into the file
    octets = bytearray(path.read_bytes())
    for start in range(len(octets) // 8192 * 4096, len(octets), 4096):
        octets[start : start + 16] = b"\xff" * 16
    path.write_bytes(octets)
    engine = open_engine(f"sqlite:///{path}")  # opening touches few pages; reading touches all
    with pytest.raises(Misconfigured, match="malformed"), SqlUnitOfWork.open(engine, "read") as unit:
        list(unit.cases.trails(0, 0))
    engine.dispose()


@pytest.mark.parametrize("url", ["postgresql://localhost", "sqlite://", "nonsense", "mysql:x", "mysql://me:secret@h/d"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        open_engine(url)
    assert "secret" not in str(refusal.value)


def test_a_database_that_must_be_there_is_not_made(path: Path) -> None:
    with pytest.raises(NotFound):
        open_engine(f"sqlite:///{path}", existing=True)
    assert not path.exists()


def test_a_database_in_an_impossible_place_is_misconfigured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured):
        open_engine(f"sqlite:///{tmp_path / 'file' / 'ledger.sqlite'}")


@pytest.mark.parametrize("name", APPEND_ONLY)
@pytest.mark.parametrize("change", ['UPDATE "{0}" SET {1} = {1}', 'DELETE FROM "{0}"'])
def test_history_is_neither_changed_nor_deleted(filled: Engine, name: str, change: str) -> None:
    column = inspect(filled).get_columns(name)[0]["name"]
    before = rows(filled)
    with pytest.raises(IntegrityError, match=f"rows of {name} are never changed or deleted"), filled.begin() as found:
        found.exec_driver_sql(change.format(name, column))
    assert rows(filled) == before


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "version" in metafunc.fixturenames:
        metafunc.parametrize("version", ["sqlite", *servers.installed()])


def _open(url: str) -> None:
    open_engine(url).dispose()


def test_eight_processes_may_meet_at_a_new_database(tmp_path: Path, server_of: Any, version: str) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}" if version == "sqlite" else server_of(version).fresh()
    context = multiprocessing.get_context("fork")
    users = [context.Process(target=_open, args=(url,)) for _ in range(8)]
    for user in users:
        user.start()
    for user in users:
        user.join(60)
    assert [user.exitcode for user in users] == [0] * 8
