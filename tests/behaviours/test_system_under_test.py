"""Six systems, one port: the same commands give the same counts, and each keeps what it says that it keeps."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger_automation.errors import Conflict, InvalidValue, TransitionNotAllowed
from ledger_automation.intake.commands import commands
from ledger_automation.intake.generator import follows, generate
from ledger_automation.intake.mapping import shipped
from ledger_automation.orchestrator.replay import Plan
from ledger_automation.orchestrator.transition import Intent
from ledger_automation.study.authority import Authority, serving
from ledger_automation.study.plan import FIRST_DAY
from ledger_automation.study.record import SYSTEMS
from ledger_automation.study.systems import Place, open_client, open_system
from ledger_automation.study.systems.ledger import Intervals
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import Actor, Command, workflow
from support.servers import Server, postgresql

STORES = ("sqlite", "postgresql")
STATES = {
    "table": {"recorded"}, "hash_chain": {"recorded"}, "merkle_log": {"logged"},
    "timestamped_log": {"logged", "stamped"}, "anchored": {"logged", "anchored", "final"},
    "enforced": {"logged", "anchored", "final"},
}  # fmt: skip
FINES = workflow("parking_fine")
ARRIVALS = list(
    commands(
        generate("traffic_fines", cases=4, seed=11, first_day=FIRST_DAY), shipped(follows("traffic_fines").mapping)
    )
)
EVERY = [(store, system) for store in STORES for system in SYSTEMS if (store, system) != ("postgresql", "enforced")]

Open = Callable[[str, str], Any]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serving(tmp_path_factory.mktemp("tsa") / "authority") as running:
        yield running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, authority: Authority, server: Server) -> Callable[[str, str], Place]:
    def made(store: str, system: str) -> Place:
        url = f"sqlite:///{tmp_path / 'study.sqlite'}" if store == "sqlite" else server.fresh()
        return Place(system, tmp_path, url, "tester", Intervals(0.1, 0.1, 0.1), tuple(authority))

    return made


def replayed(system: Any) -> Any:
    return system.replay(Plan("a" * 64, FINES, Level.LOGGED), ARRIVALS, lambda _: None)


@pytest.mark.parametrize(("store", "system"), EVERY)
def test_a_log_is_judged_alike_and_reaches_every_state(place: Any, store: str, system: str) -> None:
    with open_system(place(store, system)) as opened:
        done = replayed(opened)
        states = opened.work(now=True)
        audited, places = opened.audit(), opened.places()
        assert (done.position, done.accepted, done.cases, done.refusals) == (len(ARRIVALS), len(ARRIVALS), 4, {})
        assert states == dict.fromkeys(STATES[system], len(ARRIVALS))
        assert sorted(places.values()) == [*range(len(ARRIVALS))]
        assert (audited.events, audited.findings) == (len(ARRIVALS), ())
        assert opened.stored_bytes() > 100 * len(ARRIVALS)
        paid = opened.gas()
        assert (paid.checkpoint_gas > 40_000 * paid.checkpoints > 0) == ("anchored" in STATES[system])
        assert paid.steps == (len(ARRIVALS) if system == "enforced" else 0)
        assert paid.step_gas >= 35_000 * paid.steps
        assert (opened.proof_bytes() > 500) == (system not in {"table", "hash_chain"})
        assert opened.audit(again=True).findings == ()
        assert {"sqlite": "FULL", "postgresql": "fsync=off"}[store] in opened.durability


@pytest.mark.parametrize(("store", "system"), [each for each in EVERY if each[1] != "enforced"])
def test_steps_are_taken_one_by_one_and_refused_by_the_law(place: Any, store: str, system: str) -> None:
    with open_client(place(store, system)) as client:
        offers = [(each.case, Intent(each.command, each.at)) for each in ARRIVALS if each.command and each.at]
        found = [client.take(name, FINES, intent) for name, intent in offers]
        for name in {name for name, _ in offers}:
            assert [number for (_, number), (other, _) in zip(found, offers, strict=True) if other == name] == [
                *range(sum(1 for other, _ in offers if other == name))
            ]
        name, last = offers[-1]
        stranger = Intent(Command("record_payment", Actor("x", "auditor"), {"amount": 1}), last.at)
        with pytest.raises(TransitionNotAllowed):
            client.take(name, FINES, stranger)
        assert len(client.places()) == (len(offers) if system in {"table", "hash_chain"} else 0), "not in the log yet"


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("system", ["table", "hash_chain"])
def test_a_baseline_refuses_whatever_is_not_appended(place: Any, store: str, system: str) -> None:
    where = place(store, system)
    with open_system(where) as opened:
        replayed(opened)
    statements = ["UPDATE audit_event SET actor_id = 'x'", "DELETE FROM audit_event"]
    with ExitStack() as stack:
        if store == "sqlite":
            connection: Any = stack.enter_context(closing(sqlite3.connect(where.url.removeprefix("sqlite:///"))))
        else:
            connection = stack.enter_context(psycopg.connect(where.url, autocommit=True))
            statements.append("TRUNCATE audit_event")
        for statement in statements:
            with pytest.raises((sqlite3.DatabaseError, psycopg.errors.RaiseException), match="append-only"):
                connection.execute(statement)
        if store == "postgresql":
            connection.execute("SET ROLE audit_writer")
            for statement in (*statements, "DROP TABLE audit_event", "DELETE FROM audit_case"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
    with open_system(where) as opened:
        assert opened.audit().findings == ()


@pytest.mark.parametrize(("system", "found"), [("table", []), ("hash_chain", ["T02"])])
def test_only_a_chain_tells_of_a_row_that_was_changed_and_not_covered(
    place: Any, system: str, found: list[str]
) -> None:
    where = place("sqlite", system)
    with open_system(where) as opened:
        replayed(opened)
    with closing(sqlite3.connect(where.url.removeprefix("sqlite:///"))) as connection:
        connection.execute("DROP TRIGGER audit_event_kept")
        connection.execute("UPDATE audit_event SET actor_id = actor_id || '9' WHERE id = 1")
        connection.commit()
    with open_system(where) as opened:
        assert [each.tampering for each in opened.audit().findings] == found


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("system", [each for each in SYSTEMS if each != "enforced"])
def test_of_two_who_take_the_same_step_one_is_told(place: Any, store: str, system: str) -> None:
    where = place(store, system)
    first = next(each for each in ARRIVALS if each.command)
    pay = Intent(Command("record_payment", Actor("cash", "finance"), {"amount": 1}), first.at)
    told: list[str] = []
    with open_client(where) as client:
        case_id, _ = client.take("one", FINES, Intent(first.command, first.at))

    def act(start: threading.Barrier) -> None:
        with open_client(where) as other:
            other._cases["one"] = case_id
            start.wait()
            for _ in range(20):
                try:
                    told.append(f"step {other.take('one', FINES, pay)[1]}")
                except Conflict:
                    told.append("conflict")

    start = threading.Barrier(4)
    threads = [threading.Thread(target=act, args=(start,)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    steps = sorted(int(each.split()[1]) for each in told if each != "conflict")
    assert len(told) == 80
    assert steps == [*range(1, len(steps) + 1)], "none twice, none left out"
    with open_system(where) as opened:
        opened.work(now=True)
        assert opened.audit().findings == ()


def test_what_is_no_system_is_refused(place: Any) -> None:
    with pytest.raises(InvalidValue, match="one of the six"), open_system(place("sqlite", "spreadsheet")):
        pass
