"""The same program on PostgreSQL: run by who can change nothing of the history, and with the server away."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from e2e.conftest import Answer, Town
from support import servers

PAID = ("record_payment", "--actor", "cash-office", "--role", "finance", "--payload", '{"amount": 1000}')


class Office(NamedTuple):
    """A town whose database is a server's, and the logins of those who work there."""

    town: Town
    server: servers.Server
    database: str

    def __call__(self, *words: object, user: str = servers.OWNER) -> Answer:
        return self.town(
            *words, env={"LEDGER_DATABASE_URL": self.server.url(self.database, user), "LEDGER_CHAIN": "anvil"}
        )

    def ok(self, *words: object, user: str = servers.OWNER) -> Any:
        answer = self(*words, "--json", user=user)
        assert answer.code == 0, answer
        return answer.data


@pytest.fixture(scope="module")
def office(towns: Callable[[], Town]) -> Iterator[Office]:
    with servers.postgresql() as server:
        server.execute("CREATE DATABASE town")
        made = Office(towns(), server, "town")
        made.ok("database", "grant")
        for login in ("application", "auditor"):
            server.execute(f"CREATE ROLE {login} LOGIN IN ROLE ledger_{login}")
        yield made


def test_a_case_from_opening_to_receipt_by_who_may_only_add(office: Office) -> None:
    opened = ("--actor", "officer-1", "--role", "clerk", "--payload", '{"amount": 3500, "offence": "on the kerb"}')
    case = office.ok("case", "open", "parking_fine", *opened, user="application")["case_id"]
    office.ok("case", "do", case, *PAID, user="application")
    assert office.ok("seal", user="application")["anchored_size"] == 2
    receipt = office.town.home.parent / "receipt.json"
    office.ok("receipt", case, "--out", receipt, user="application")
    assert office.ok("verify", receipt, user="auditor")["verdict"] == "final"
    audited = office.ok("audit", user="auditor")
    assert (audited["verdict"], audited["events"], audited["findings"]) == ("final", 2, [])
    assert office.ok("case", "show", case, user="auditor")["state"] == "recorded"


def test_who_only_reads_writes_nothing(office: Office) -> None:
    answer = office("seal", "--level", "logged", user="auditor")
    assert (answer.code, answer.out) == (4, "")
    assert "permission denied" in answer.err


def test_only_the_owner_gives_roles_and_only_where_there_are_any(office: Office, town: Town) -> None:
    answer = office("database", "grant", user="application")
    assert (answer.code, answer.err) == (4, "Only the owner of the tables gives the roles what they need.\n")
    answer = town("database", "grant")
    assert answer.code == 4
    assert answer.err.startswith("Only PostgreSQL has roles")


def test_a_server_that_is_away_is_said_so_and_nothing_is_lost(office: Office) -> None:
    before = office.ok("audit", user="auditor")
    office.server.stop()
    answer = office("case", "show", "3f2504e0-4f89-41d3-9a0c-0305e82c3301")
    assert (answer.code, answer.out) == (20, "")
    assert len(answer.err.splitlines()) == 1
    office.server.start()
    after = office.ok("audit", user="auditor")
    assert (after["events"], after["verdict"]) == (before["events"], "final")
