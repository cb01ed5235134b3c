"""An office: a ledger on every kind of database, with one member a role, asked over HTTP with real tokens."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from ledger_automation.api.dev_issuer import DevIssuer
from ledger_automation.asgi import application as service
from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.settings import Settings
from ledger_automation.store.engine import open_engine
from support import servers
from support.town import AUDIENCE, URL, NoChain, Town, enrol, open_town


class Office:
    """Asks as somebody."""

    def __init__(self, ledger: Ledger, issuer: DevIssuer, client: TestClient, app: Any) -> None:
        self.app = app
        self.ledger = ledger
        self.issuer = issuer
        self.client = client
        self._keys = count()

    def headers(self, persona: str, key: str = "") -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.issuer.token(persona)}",
            "Idempotency-Key": key or f"key-{next(self._keys)}",
        }

    def post(self, persona: str, path: str, payload: Any = None, key: str = "", **more: Any) -> Any:
        headers = self.headers(persona, key) | more.pop("headers", {})
        return self.client.post(path, json={"payload": payload or {}, **more}, headers=headers)

    def get(self, persona: str, path: str, **more: Any) -> Any:
        return self.client.get(path, headers=self.headers(persona) | more.pop("headers", {}), **more)

    def fine(self, **payload: Any) -> str:
        """Open a parking fine; return its path."""
        answer = self.post("clerk-1", "/workflows/parking_fine/cases", {"amount": 3_500, "offence": "kerb"} | payload)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"])

    def permit(self, persona: str = "applicant-1") -> str:
        """Apply for a permit; return its path."""
        answer = self.post(persona, "/workflows/permit/cases", {})
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"])


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    """Let the edge write no lines but where a test reads them: thousands cost more than what they tell of."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.fixture(scope="session")
def servers_of() -> Iterator[Callable[[str], servers.Server]]:
    """PostgreSQL by version, started when it is first asked for."""
    with ExitStack() as stack:
        running: dict[str, servers.Server] = {}

        def server(version: str) -> servers.Server:
            if version not in running:
                running[version] = stack.enter_context(servers.postgresql(version))
                running[version].execute("CREATE DATABASE migrated")
                open_engine(running[version].url("migrated")).dispose()
            return running[version]

        yield server


@pytest.fixture(params=["sqlite", "18"])
def url(request: pytest.FixtureRequest, tmp_path: Path, servers_of: Any) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        return
    server = servers_of(request.param)
    database = server.fresh("migrated")
    yield database
    server.drop(database)


@pytest.fixture
def office(url: str, tmp_path: Path) -> Iterator[Office]:
    settings = Settings(home=tmp_path, database_url=url, requests_a_second=100_000)
    issuer = DevIssuer(URL, AUDIENCE)
    with open_ledger(settings) as ledger:
        enrol(ledger, issuer)
        app = service(ledger, NoChain(), issuer)
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Office(ledger, issuer, client, app.app)


@pytest.fixture
def application(office: Office) -> Any:
    """The FastAPI application itself, behind everything that wraps it."""
    return office.app


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town on SQLite for all tests of a module."""
    with open_town(tmp_path_factory.mktemp("town")) as opened:
        yield opened
