"""What holds on PostgreSQL beyond the ports: many writers, roles, and servers that leave (P20, P21, P23)."""

import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError

from ledger_automation.errors import Conflict, LedgerError, Misconfigured, Unreachable
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.transition import Intent, Recorder, advance
from ledger_automation.store import grants, log
from ledger_automation.store.diagnosis import examine
from ledger_automation.store.dialect import DIALECTS, dialect
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.note import SignerKey
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import DocumentRecord
from ledger_automation.workflows import Actor, Command
from support import servers

WRITERS = 32
TRANSITIONS = int(os.environ.get("LEDGER_TRANSITIONS", "10000"))
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
ORIGIN = "test.example/ledger"
KEY = SignerKey(ORIGIN, sha256(b"the log key of many writers").digest())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        metafunc.parametrize("server", servers.installed(), indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest, server_of: Any) -> servers.Server:
    found: servers.Server = server_of(request.param)
    return found


@pytest.fixture
def url(server: servers.Server) -> Iterator[str]:
    fresh = server.fresh("migrated")
    yield fresh
    server.drop(fresh)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    opened = open_engine(url)
    yield opened
    opened.dispose()


@pytest.fixture
def begin(engine: Engine) -> Callable[[], Any]:
    return lambda: SqlUnitOfWork.open(engine)


def leaves(engine: Engine) -> list[tuple[int, str, int]]:
    """Return (event id, case, sequence) in the order of the log."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT event_id, case_id, sequence FROM leaf ORDER BY leaf_index"))
        return [tuple(row) for row in found]


def overtake(begin: Any, clerk: Any) -> set[str]:
    """Have one writer draw its id first and commit last, and the log go on in between; return both cases."""
    slow, fast = clerk.open()[0], clerk.open()[0]
    with begin() as overtaken:
        overtaken.cases.record([slow])
        with begin() as unit:
            unit.cases.record([fast])
            unit.commit()
        assert sequence(begin, clerk.recorder, clerk.key) is not None
        overtaken.commit()
    sequence(begin, clerk.recorder, clerk.key)
    return {slow.case.case_id, fast.case.case_id}


def test_an_overtaken_event_gets_its_leaf(begin: Any, engine: Engine, clerk: Any) -> None:
    both = overtake(begin, clerk)
    assert {case for _, case, _ in leaves(engine)} == both
    assert leaves(engine) != sorted(leaves(engine)), "the log is in the order of commits here, not of ids"


def test_a_bound_by_ids_would_have_lost_it(
    begin: Any, engine: Engine, clerk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_ids = DIALECTS["sqlite"].behind
    monkeypatch.setattr(log, "dialect", lambda connection: dialect(connection)._replace(behind=by_ids))
    both = overtake(begin, clerk)
    assert len({case for _, case, _ in leaves(engine)} & both) == 1


def test_a_look_that_was_cut_short_goes_on_where_it_was(begin: Any, engine: Engine, clerk: Any) -> None:
    steps = clerk.fill(begin, 7)
    while sequence(begin, clerk.recorder, clerk.key, limit=2):
        pass
    assert [case for _, case, _ in leaves(engine)] == [step.case.case_id for step in steps]


def test_a_horizon_of_another_server_hides_nothing(begin: Any, engine: Engine, clerk: Any) -> None:
    """A dump that is restored on a younger server brings transaction ids that are still to come there."""
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO checkpoint VALUES (1, :root, 'note', '', '9000000000'::xid8)"), {"root": b"\x11" * 32}
        )
    clerk.fill(begin, 3)
    with begin() as unit:
        assert len(unit.log.pending(10, sweep=False)) == 3


def write(url: str, number: int, hot: list[str], steps: int) -> None:
    """Be one of many writers: a fine of its own, and now and then a payment on one that all share."""
    engine, chance = open_engine(url), random.Random(number)
    recorder = Recorder(ORIGIN, lambda: START)
    pay = Intent(Command("record_payment", Actor("cash-office", "finance"), {"amount": 1}), START + timedelta(days=1))
    for _ in range(steps):
        case = hot[number] if chance.random() < 0.7 else chance.choice(hot)
        advance(lambda: SqlUnitOfWork.open(engine), recorder, CaseId(case), pay)
    engine.dispose()


def test_32_writers_and_every_event_gets_one_leaf_in_the_order_of_its_case(
    begin: Any, engine: Engine, url: str, clerk: Any
) -> None:
    hot = [step.case.case_id for step in clerk.fill(begin, max(WRITERS, TRANSITIONS // 1_000))]
    context, share = multiprocessing.get_context("fork"), TRANSITIONS // WRITERS
    engine.dispose()
    writers = [context.Process(target=write, args=(url, number, hot, share)) for number in range(WRITERS)]
    for each in writers:
        each.start()
    recorder = Recorder(ORIGIN, lambda: START)
    while any(each.is_alive() for each in writers):
        sequence(begin, recorder, KEY)
    for each in writers:
        each.join()
    assert [each.exitcode for each in writers] == [0] * WRITERS
    while sequence(begin, recorder, KEY):
        pass
    with begin() as unit:
        assert unit.log.pending(10, sweep=True) == [], "the bound alone found every event"
    found = leaves(engine)
    assert len(found) == len({each for each, _, _ in found}) == len(hot) + share * WRITERS
    places: dict[str, int] = {}
    for _, case, number in found:
        assert number == places.get(case, 0), f"case {case} is in order"
        places[case] = number + 1
    highest, overtaken = 0, 0
    for number, _, _ in found:
        overtaken += number < highest
        highest = max(highest, number)
    print(f"{len(found)} events, {overtaken} of them would be lost behind the last sequenced id")  # noqa: T201
    assert overtaken > 0, "these writers did overtake each other"


def test_one_step_is_one_statement(begin: Any, engine: Engine, clerk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    step, after = clerk.open()
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        execute = driver.execute
        monkeypatch.setattr(
            driver, "execute", lambda said, *given, **more: (heard.append(said), execute(said, *given, **more))[1]
        )
    event.listen(engine, "before_cursor_execute", lambda *given: heard.append(given[2]))
    for each in (step, clerk.go_on(after)[0]):
        with begin() as unit:
            unit.cases.record([each])
            unit.commit()
    assert len(heard) == 2
    assert all("INSERT INTO event" in said and "INSERT INTO content" in said for said in heard)


@pytest.fixture
def roles(engine: Engine, server: servers.Server, url: str) -> Iterator[Callable[[str], str]]:
    """Give each role a login; return the URL by which it comes."""
    grants.grant(engine)
    made = []

    def login(role: str) -> str:
        name = f"login_{len(made)}_{role}"
        server.execute(f"CREATE ROLE {name} LOGIN IN ROLE {role}")
        made.append(name)
        return url.replace(f"{servers.OWNER}@", f"{name}@")

    yield login
    for name in made:
        server.execute(f"DROP ROLE {name}")


FORBIDDEN = {
    grants.APPLICATION: [
        *(f"{verb} {name}" for name in grants.HISTORY for verb in ("UPDATE", "DELETE", "TRUNCATE")),
        *(f"{verb} {name}" for name in grants.ERASABLE for verb in ("UPDATE", "DELETE", "TRUNCATE")),
        "DELETE case",
        "DELETE submission",
        "UPDATE alembic_version",
        "DROP event",
        "TRIGGERS event",
        "CREATE new",
    ],
    grants.ERASURE: [
        *(f"{verb} {name}" for name in grants.HISTORY for verb in ("INSERT", "UPDATE", "DELETE", "TRUNCATE")),
        *(f"{verb} {name}" for name in grants.ERASABLE for verb in ("INSERT", "UPDATE", "TRUNCATE")),
        *(f"{verb} case" for verb in ("SELECT", "UPDATE", "DELETE")),
        "DROP content",
        "CREATE new",
    ],
    grants.AUDITOR: [
        *(
            f"{verb} {name}"
            for name in (*grants.HISTORY, *grants.ERASABLE, "case", "submission", "held_step", "alarm", "intake_run")
            for verb in ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
        ),
        "DROP leaf",
        "CREATE new",
    ],
}
SENTENCES = {
    "SELECT": 'SELECT * FROM "{0}"',
    "INSERT": 'INSERT INTO "{0}" SELECT * FROM "{0}" LIMIT 0',
    "UPDATE": 'UPDATE "{0}" SET "{1}" = "{1}"',
    "DELETE": 'DELETE FROM "{0}"',
    "TRUNCATE": 'TRUNCATE "{0}" CASCADE',
    "DROP": 'DROP TABLE "{0}" CASCADE',
    "TRIGGERS": 'ALTER TABLE "{0}" DISABLE TRIGGER ALL',
    "CREATE": 'CREATE TABLE "{0}" (id int)',
}


@pytest.mark.parametrize("role", FORBIDDEN)
def test_what_a_role_must_not_do_the_server_refuses(roles: Any, begin: Any, clerk: Any, role: str) -> None:
    clerk.fill(begin, 2)
    sequence(begin, clerk.recorder, clerk.key)
    columns = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1"
    with psycopg.connect(roles(role), autocommit=True) as connection:
        for each in FORBIDDEN[role]:
            verb, _, name = each.partition(" ")
            first = connection.execute(columns, (f'"{name}"',)).fetchone() if verb == "UPDATE" else ("",)
            assert first is not None
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(SENTENCES[verb].format(name, first[0]).encode())


def test_the_application_role_runs_the_ledger_and_the_auditor_reads_it(roles: Any, clerk: Any) -> None:
    ours = open_engine(roles(grants.APPLICATION))
    first, standing = clerk.open(Level.ANCHORED, DocumentRecord("photo.jpg", "image/jpeg", b"\xff\xd8\x00"))
    with SqlUnitOfWork.open(ours) as unit:
        unit.cases.record([first])
        unit.cases.record([clerk.go_on(standing)[0], clerk.open()[0]])
        unit.commit()
    clerk.fill(lambda: SqlUnitOfWork.open(ours), 3)
    assert sequence(lambda: SqlUnitOfWork.open(ours), clerk.recorder, clerk.key) is not None
    ours.dispose()
    auditor = open_engine(roles(grants.AUDITOR))
    with SqlUnitOfWork.open(auditor, "read") as unit:
        assert len(list(unit.cases.trails(0, 0))) == 5
        assert len(list(unit.log.leaves(0))) == 6
    with pytest.raises(Misconfigured, match="permission denied"), SqlUnitOfWork.open(auditor) as unit:
        unit.cases.record([clerk.open()[0]])
    auditor.dispose()


def test_an_erasure_takes_content_and_documents_and_leaves_the_history(roles: Any, begin: Any, clerk: Any) -> None:
    clerk.fill(begin, 2)
    with psycopg.connect(roles(grants.ERASURE)) as connection:
        assert connection.execute("DELETE FROM content WHERE event_id = 1").rowcount == 1
    with begin() as unit:
        erased = [row for _, _, rows in unit.cases.trails(0, 0) for row in rows]
    assert [row.canonical is None for row in erased] == [True, False]


def test_a_role_without_rights_on_the_schema_is_told_so(server: servers.Server) -> None:
    empty = server.fresh()
    server.execute("CREATE ROLE stranger LOGIN")
    with pytest.raises(Misconfigured, match="permission denied"):
        open_engine(empty.replace(f"{servers.OWNER}@", "stranger@"))
    server.execute("DROP ROLE stranger")


def refusal(url: str) -> LedgerError:
    with pytest.raises(LedgerError) as told:
        open_engine(url)
    return told.value


def test_a_server_that_is_away_is_unreachable_and_a_wrong_name_is_misconfigured(server: servers.Server) -> None:
    assert isinstance(refusal("postgresql://me:hidden@127.0.0.1:9/ledger"), Unreachable)
    assert "hidden" not in str(refusal("postgresql://me:hidden@127.0.0.1:9/ledger"))
    assert isinstance(refusal(server.url("nowhere")), Misconfigured)
    assert isinstance(refusal(server.url(user="nobody_known")), Misconfigured)


def test_a_restart_in_a_transaction_costs_that_transaction_only(clerk: Any) -> None:
    """P20, with a crash: what was acknowledged is there, what was not is not, and the next call just works."""
    with servers.postgresql() as crashing:
        engine = open_engine(crashing.url())
        kept = clerk.fill(lambda: SqlUnitOfWork.open(engine), 3)

        def interrupted() -> None:
            with SqlUnitOfWork.open(engine) as unit:
                unit.cases.record([clerk.open()[0]])
                crashing.stop(signal.SIGQUIT)
                unit.cases.record([clerk.open()[0]])

        with pytest.raises(Unreachable, match="does not answer"):
            interrupted()
        with pytest.raises(Unreachable):
            clerk.fill(lambda: SqlUnitOfWork.open(engine), 1)
        crashing.start()
        clerk.fill(lambda: SqlUnitOfWork.open(engine), 1)
        with SqlUnitOfWork.open(engine, "read") as unit:
            assert {step.case.case_id for step in kept} < {case for case, _, _ in unit.cases.trails(0, 0)}
            assert len(list(unit.cases.trails(0, 0))) == 4
        engine.dispose()


def test_a_connection_cut_during_the_commit_is_an_outcome_nobody_knows(begin: Any, engine: Engine, clerk: Any) -> None:
    """P21."""

    def cut() -> None:
        with begin() as unit:
            unit.cases.record([clerk.open()[0]])
            mine = unit._connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with engine.begin() as other:
                other.exec_driver_sql("SELECT pg_terminate_backend(%s)", (mine,))
            unit.commit()

    with pytest.raises(Unreachable, match="nobody knows") as told:
        cut()
    assert told.value.facts["outcome"] == "unknown"
    clerk.fill(begin, 1)


def test_who_waits_too_long_gets_a_conflict(begin: Any, clerk: Any) -> None:
    (step,) = clerk.fill(begin, 1)

    def impatient() -> None:
        with begin() as unit:
            unit._connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
            unit.cases.case(step.case.case_id)

    with begin() as unit:
        unit.cases.case(step.case.case_id)
        with pytest.raises(Conflict, match="held the database too long"):
            impatient()


def test_of_two_that_wait_for_each_other_one_gets_a_conflict(begin: Any, clerk: Any) -> None:
    """P23."""
    cases = [step.case.case_id for step in clerk.fill(begin, 2)]
    both, became = threading.Barrier(2), []

    def hold(first: str, second: str) -> None:
        try:
            with begin() as unit:
                unit.cases.case(first)
                both.wait(10)
                unit.cases.case(second)
                unit.commit()
        except Conflict:
            became.append("conflict")
        else:
            became.append("done")

    crowd = [threading.Thread(target=hold, args=each) for each in (cases, cases[::-1])]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join(60)
    assert sorted(became) == ["conflict", "done"]


def test_commits_are_durable_even_where_the_server_would_not_care(server: servers.Server, url: str) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    for said, meant in (("off", "on"), ("remote_write", "remote_write")):
        server.execute(f"ALTER DATABASE {name} SET synchronous_commit = {said}")
        engine = open_engine(url)
        with SqlUnitOfWork.open(engine) as unit:
            assert unit._connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == meant
        engine.dispose()


def test_a_reader_cannot_write(engine: Engine, clerk: Any) -> None:
    with pytest.raises(Misconfigured, match="read-only"), SqlUnitOfWork.open(engine, "read") as unit:
        unit.cases.record([clerk.open()[0]])


def test_truncating_history_is_refused_even_to_its_owner(engine: Engine) -> None:
    for name in grants.HISTORY:
        with pytest.raises(IntegrityError, match="never changed or deleted"), engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {name} CASCADE")


def test_the_doctor_looks_at_a_server_and_changes_nothing(
    server: servers.Server, url: str, engine: Engine, begin: Any, clerk: Any, roles: Any
) -> None:
    def told(where: str) -> dict[str, str]:
        return {each.what: each.health for each in examine(where).findings}

    clerk.fill(begin, 2)
    found = told(url)
    assert found["2 events wait for the log."] == "ok"
    assert found["History is kept by its triggers."] == "ok"
    assert found[f"{servers.OWNER} owns the tables, and could drop what keeps history as it was."] == "warning"
    assert found["The server runs without fsync, full_page_writes."] == "wrong", "as these test servers do"
    assert "owner" not in " ".join(told(roles(grants.APPLICATION)))
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE leaf DISABLE TRIGGER ALL")
    assert told(url)["Triggers that keep history as it was are missing: leaf_append_only."] == "wrong"
    assert set(told(server.fresh())) == {"It holds no ledger yet."}
    assert list(told("postgresql://127.0.0.1:9/ledger").values()) == ["wrong"]
