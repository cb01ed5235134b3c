"""The adapters behind each port, and steps to put into them. A new adapter is one line in a table here."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger_automation.chain import AnchoringChain, anvil, open_anchoring
from ledger_automation.merkle import consistency_proof, leaf_hash
from ledger_automation.merkle.tree import Frontier, fold
from ledger_automation.orchestrator.ports import Begin, NewLeaf, RecordedStep, UnitOfWork
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT
from ledger_automation.tlog.note import SignerKey
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import AnchoredCheckpoint, CheckpointRecord, DocumentRecord
from ledger_automation.workflows import Actor, Command, workflow
from support import servers

ORIGIN = "test.example/ledger"
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
MIGRATED = "migrated"


class Store(NamedTuple):
    """One store: opened for writing, for reading, and for one look and one write."""

    begin: Begin
    read: Begin
    brief: Begin


@contextmanager
def opened(url: str) -> Iterator[Store]:
    engine = open_engine(url)
    yield Store(
        lambda: SqlUnitOfWork.open(engine),
        lambda: SqlUnitOfWork.open(engine, "read"),
        lambda: SqlUnitOfWork.open(engine, "brief"),
    )
    engine.dispose()


SERVERS = tuple(servers.installed())
STORES = ("sqlite", *SERVERS)
CHAINS = ("tester", "anvil")


@pytest.fixture(scope="session")
def server_of() -> Iterator[Callable[[str], servers.Server]]:
    """PostgreSQL by version, started when it is first asked for, each with a migrated database to copy."""
    with ExitStack() as stack:
        running: dict[str, servers.Server] = {}

        def server(version: str) -> servers.Server:
            if version not in running:
                running[version] = stack.enter_context(servers.postgresql(version))
                running[version].execute(f"CREATE DATABASE {MIGRATED}")
                open_engine(running[version].url(MIGRATED)).dispose()
            return running[version]

        yield server


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path, server_of: Any) -> Iterator[str]:
    """A database of its own for each test, on every kind of database that there is."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        return
    server = server_of(request.param)
    database = server.fresh(MIGRATED)
    yield database
    server.drop(database)


@pytest.fixture
def reopen(url: str) -> Callable[[], AbstractContextManager[Store]]:
    """Open the same store once more, as another process would."""
    return lambda: opened(url)


@pytest.fixture
def store(reopen: Callable[[], AbstractContextManager[Store]]) -> Iterator[Store]:
    with reopen() as found:
        yield found


@pytest.fixture(scope="session", params=CHAINS)
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnchoringChain]:
    home = tmp_path_factory.mktemp(request.param)
    try:
        with open_anchoring(request.param, home) as found:
            yield found
    finally:
        with contextlib.suppress(OSError, ValueError):
            if anvil._is_alive(home / "anvil"):
                os.kill(anvil._pid(home / "anvil"), signal.SIGKILL)


class Clerk:
    """Makes lawful steps of parking fines, without storing any of them."""

    def __init__(self) -> None:
        ticks = count()
        self.recorder = Recorder(ORIGIN, lambda: START + timedelta(seconds=next(ticks)))
        self.key = SignerKey(ORIGIN, sha256(b"the log key of the behaviour suites").digest())

    def open(self, level: Level = Level.ANCHORED, *documents: DocumentRecord) -> tuple[RecordedStep, Standing]:
        standing = Standing(CaseId.random(), workflow("parking_fine"), level)
        payload = {"amount": 3_500, "offence": "parked on the kerb", "rules": {"hearing_required": False}}
        command = Command("record_fine", Actor("officer-1", "clerk"), payload)
        return self.recorder.step(standing, Intent(command, START, documents))

    def go_on(self, standing: Standing, cents: int = 100) -> tuple[RecordedStep, Standing]:
        command = Command("record_payment", Actor("cash-office", "finance"), {"amount": cents})
        return self.recorder.step(standing, Intent(command, START + timedelta(days=1)))

    def fill(self, begin: Begin, cases: int, level: Level = Level.ANCHORED) -> list[RecordedStep]:
        """Open cases and store them in one transaction."""
        steps = [self.open(level)[0] for _ in range(cases)]
        with begin() as unit:
            unit.cases.record(steps)
            unit.commit()
        return steps


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


class Tree:
    """A tree in memory, to hold a store's or a chain's answers against."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves

    def subtree(self, level: int, number: int) -> bytes:
        return fold(self.leaves[number << level : (number + 1) << level])

    def root(self, size: int) -> bytes:
        return fold(self.leaves[:size])

    def checkpoint(self, size: int) -> AnchoredCheckpoint:
        return AnchoredCheckpoint(size, self.root(size), EMPTY_MAP_ROOT)

    def proof(self, first: int, second: int) -> list[bytes]:
        return consistency_proof(self.subtree, first, second) if first else []


@pytest.fixture
def tree() -> Callable[..., Tree]:
    return lambda size, seed=b"leaf": Tree([leaf_hash(b"%s %d" % (seed, index)) for index in range(size)])


@pytest.fixture
def grow() -> Callable[[UnitOfWork, list[bytes]], Frontier]:
    """Append made-up leaves, as the sequencer would; nothing is committed."""

    def appended(unit: UnitOfWork, hashes: list[bytes]) -> Frontier:
        frontier = unit.log.frontier()
        start = frontier.size
        case = str(CaseId.random())
        leaves = [NewLeaf(start + at, start + at + 1, case, at, digest) for at, digest in enumerate(hashes)]
        unit.log.append(leaves, frontier.extend(hashes))
        return frontier

    return appended


@pytest.fixture
def signed() -> Callable[..., CheckpointRecord]:
    return lambda size, root=b"\x11" * 32: CheckpointRecord(size, root, f"note over {size}\n", "2026-03-02T08:00:00Z")


def contents(store: Store) -> Any:
    """Everything a store says of itself, for comparing before and after."""
    with store.read() as unit:
        return (
            list(unit.cases.trails(0, 0)),
            list(unit.log.leaves(0)),
            list(unit.log.nodes(8, 0)),
            list(unit.log.checkpoints(0)),
            list(unit.log.submissions(0)),
            unit.anchors.unsettled(31337),
            unit.anchors.alarms(),
        )


@pytest.fixture
def all_of() -> Callable[[Store], Any]:
    return contents
