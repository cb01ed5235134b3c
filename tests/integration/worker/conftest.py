"""A town's database on SQLite and on PostgreSQL, brokers, and the processes that work for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.store.engine import open_engine
from support import brokers, servers
from support.brokers import Broker
from support.towns import end_anvil, town
from support.works import Works


@pytest.fixture(scope="session")
def server() -> Iterator[Callable[[], servers.Server]]:
    """One PostgreSQL, started when it is first asked for, with a migrated database to copy."""
    with ExitStack() as stack:
        running: list[servers.Server] = []

        def started() -> servers.Server:
            if not running:
                running.append(stack.enter_context(servers.postgresql()))
                running[0].execute("CREATE DATABASE migrated")
                open_engine(running[0].url("migrated")).dispose()
            return running[0]

        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, server: Any) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        return
    database = server().fresh("migrated")
    yield database
    server().drop(database)


@pytest.fixture(scope="session")
def broker_of() -> Iterator[Callable[[str], Broker]]:
    """A broker by its kind, started when it is first asked for; whoever stops it starts it again."""
    with ExitStack() as stack:
        running: dict[str, Broker] = {}

        def started(kind: str) -> Broker:
            if kind not in running:
                running[kind] = stack.enter_context(brokers.broker(kind))
            return running[kind]

        yield started


@pytest.fixture(params=[kind for kind, there in brokers.installed().items() if there])
def broker(request: pytest.FixtureRequest, broker_of: Callable[[str], Broker]) -> Broker:
    found = broker_of(request.param)
    found.purge()
    return found


@pytest.fixture
def works(broker: Broker, tmp_path: Path) -> Iterator[Works]:
    """A town on SQLite whose work workers do."""
    with town(tmp_path / "home", broker_url=broker.url) as opened:
        made = Works(opened, broker)
        yield made
        made.end()
    end_anvil(tmp_path / "home")
