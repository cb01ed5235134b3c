"""The doctor finds each ailment, says it in one line with what to do, and leaves every file as it was."""

import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.chain import anvil, keys, open_chain
from ledger_automation.chain.deploy import find
from ledger_automation.chain.diagnosis import examine
from ledger_automation.chain.roles import Roles
from ledger_automation.orchestrator.diagnosis import Health
from ledger_automation.store.diagnosis import examine as examine_database

TESTER = ("--chain", "tester")
ANVIL = ("--chain", "anvil")


def whole(home: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file byte for byte, with mode and time of writing; but for the state of a running Anvil and its copy."""
    alive = (home / "anvil" / "alive.lock").exists() and anvil._is_alive(home / "anvil")
    return {
        str(path.relative_to(home)): (
            path.read_bytes() if path.is_file() else b"", path.lstat().st_mode, path.lstat().st_mtime_ns,
        )
        for path in sorted(home.rglob("*"))
        if not (alive and (path.name.startswith("state.") or path == home / "anvil"))
    }  # fmt: skip


@pytest.fixture(scope="module")
def well(towns: Callable[[], Any]) -> Any:
    """A town with an anchored case, whose Anvil has stopped."""
    town = towns()
    town.open()
    town.ok("deploy", *ANVIL)
    town.ok("seal", *ANVIL)
    return town


@pytest.fixture
def ill(well: Any, towns: Callable[[], Any]) -> Any:
    """A copy of the town that is well, to be made ill."""
    town = towns()
    shutil.copytree(well.home, town.home)
    return town


def ailments(town: Any, *words: object, env: dict[str, str] | None = None) -> dict[str, str]:
    """Call the doctor; insist on his manners; return what he finds wrong, by part."""
    before = whole(town.home) if town.home.exists() else {}
    answer = town("doctor", *words, "--json", env=env)
    assert (whole(town.home) if town.home.exists() else {}) == before, "a look changes nothing"
    findings = answer.data["findings"]
    assert answer.err == ""
    assert answer.data["health"] in {"ok", "warning", "wrong"}
    assert all(each["what"].endswith(".") and "\n" not in each["what"] for each in findings)
    assert all(bool(each["advice"]) != (each["health"] == "ok") for each in findings)
    found: dict[str, str] = {}
    for each in findings:
        if each["health"] == "wrong":
            found[each["part"]] = f"{found.get(each['part'], '')} {each['what']}".strip()
    assert answer.code == (4 if found else 0)
    town.warnings = [each["what"] for each in findings if each["health"] == "warning"]
    town.well = [each["what"] for each in findings if each["health"] == "ok"]
    return found


def test_a_town_that_is_well(well: Any) -> None:
    assert ailments(well, *ANVIL) == {}
    assert not well.warnings
    said = " ".join(well.well)
    for words in (
        "own", "sound", "written to", "triggers", "No alarm", "clock", "signs as", "is pinned", "head is block",
        "final", "on the chain", "admin", "may anchor", "anchors at today's price",
    ):  # fmt: skip
        assert words in said, words
    shown = well("doctor", *ANVIL)
    assert shown.code == 0
    assert all(line.startswith("ok ") for line in shown.out.splitlines())


def test_it_looks_at_anvil_where_it_runs(well: Any) -> None:
    with open_chain("anvil", well.home):
        assert ailments(well, *ANVIL) == {}
        assert anvil._is_alive(well.home / "anvil")


def test_an_empty_home_stays_empty(towns: Callable[[], Any]) -> None:
    for words in (TESTER, ANVIL):
        town = towns()
        assert ailments(town, *words) == {}
        assert len(town.warnings) == 5
        assert not town.home.exists()
    assert "nothing listens there" in ailments(town, "--chain", "http://127.0.0.1:9")["chain"]


def test_no_chain_and_no_name_of_one(ill: Any) -> None:
    assert "nothing listens there" in ailments(ill, "--chain", "http://127.0.0.1:9/with/a/secret")["chain"]
    assert "must be tester, anvil or" in ailments(ill, "--chain", "ganache")["chain"]


class Page(BaseHTTPRequestHandler):
    """A web server that is no node."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>welcome</html>")

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


def test_something_that_is_no_node(ill: Any) -> None:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        assert "did not answer" in ailments(ill, "--chain", f"http://127.0.0.1:{server.server_port}")["chain"]
        server.shutdown()
        thread.join()


@contextmanager
def other_chain(town: Any) -> Iterator[str]:
    """A chain that was never this home's: same id, another beginning."""
    with open_chain("anvil", town.home.parent / "elsewhere"):
        yield f"http://127.0.0.1:{anvil._read(town.home.parent / 'elsewhere' / 'anvil').port}"


def test_a_wrong_chain(ill: Any) -> None:
    with other_chain(ill) as url:
        assert "genesis block" in ailments(ill, "--chain", url)["contract"]
        with closing(sqlite3.connect(ill.home / "ledger.sqlite")) as database:
            database.execute("UPDATE submission SET block_number = 1000000")
            database.commit()
        assert "was final in block 1000000: it was set back" in ailments(ill, "--chain", url)["chain"]
        record = ill.home / "deployments" / "31337.json"
        record.rename(record.with_name("5.json"))
        assert "No registry is deployed on chain 31337" in ailments(ill, "--chain", url)["contract"]


def test_no_contract_another_contract_and_no_record(ill: Any) -> None:
    path = ill.home / "deployments" / "31337.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "registry": record["admin"]}))
    assert "code hash of CheckpointRegistry" in ailments(ill, *ANVIL)["contract"]
    path.write_text("{")
    assert "cannot be read" in ailments(ill, *ANVIL)["contract"]
    path.unlink()
    assert ailments(ill, *ANVIL) == {}
    assert any("No registry is deployed" in each for each in ill.warnings)
    (path.with_suffix(".pending")).write_text("{}")
    path.write_text(json.dumps(record))
    assert ailments(ill, *ANVIL) == {}
    assert any("was interrupted" in each for each in ill.warnings)


def test_an_anchorer_without_role_or_funds(ill: Any) -> None:
    path = keys.place(ill.home, "anchorer")
    path.write_text("0x" + "11" * 32)
    found = ailments(ill, *ANVIL)
    assert "may not anchor" in found["contract"]
    assert "holds 0 wei" in found["funds"]
    with open_chain("anvil", ill.home) as connection:
        account, eth = keys.account(path), connection.web3.eth
        fee = eth.gas_price * 100_000 * 5
        connection.mined(
            eth.send_transaction({"from": eth.accounts[0], "to": account.address, "value": fee}).to_0x_hex()
        )
        admin = keys.admin(ill.home, create=False)
        assert admin is not None
        Roles(connection, find(connection, ill.home).registry).grant(admin, account.address)
        assert ailments(ill, *ANVIL) == {}
        assert any("anchors at today's price" in each for each in ill.warnings)


def test_an_admin_whose_key_is_elsewhere_is_named(ill: Any) -> None:
    keys.place(ill.home, "admin").unlink()
    assert ailments(ill, *ANVIL) == {}
    assert any("whose key is elsewhere and who must act" in each for each in ill.well)


def test_keys_that_cannot_be_used(ill: Any) -> None:
    path, log = keys.place(ill.home, "anchorer"), ill.home / "keys" / "log.key"
    path.chmod(0o644)
    assert "readable by others" in ailments(ill, *TESTER)["keys"]
    path.chmod(0o600)
    secret = path.read_text()
    path.write_text("0x1234")
    assert "holds no" in ailments(ill, *TESTER)["keys"]
    path.write_text(json.dumps({"version": 3, "crypto": "nothing"}))
    assert "no password" in ailments(ill, *TESTER)["keys"]
    assert "cannot be opened with the password" in ailments(ill, *TESTER, env={"LEDGER_KEY_PASSWORD": "wrong"})["keys"]
    assert "cannot be read" in ailments(ill, *TESTER, env={"LEDGER_KEY_PASSWORD_FILE": "/nowhere"})["keys"]
    path.write_text(secret)
    os.utime(path, (time.time() - 400 * 86_400,) * 2)
    shutil.copy(path, keys.place(ill.home, "anchorer.next"))
    assert ailments(ill, *TESTER) == {}
    assert any("400 days old" in each for each in ill.warnings)
    assert any("rotation of the anchorer is not finished" in each for each in ill.warnings)
    log.chmod(0o640)
    assert "readable by others" in ailments(ill, *TESTER)["keys"]
    log.chmod(0o600)
    log.write_text("no key")
    assert "holds no log key" in ailments(ill, *TESTER)["keys"]


def test_a_signer_that_does_not_answer(ill: Any) -> None:
    env = {"LEDGER_ANCHORER_SIGNER": "http://127.0.0.1:9/", "LEDGER_ANCHORER_ADDRESS": "0x" + "11" * 20}
    assert "did not answer" in ailments(ill, *ANVIL, env=env)["keys"]
    assert "must be an https address" in ailments(ill, *ANVIL, env={**env, "LEDGER_ANCHORER_SIGNER": "ftp://x"})["keys"]


def test_databases_that_cannot_be_used(ill: Any) -> None:
    path = ill.home / "ledger.sqlite"
    good = path.read_bytes()

    def found() -> str:
        return ailments(ill, *TESTER)["database"]

    def changed(*statements: str) -> str:
        path.write_bytes(good)
        with closing(sqlite3.connect(path)) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()
        return found()

    path.write_bytes(b"not a database at all, but long enough to look at" * 100)
    assert "not a database" in found()
    path.write_bytes(b"\x00" * 8192)
    assert "cannot be read" in found()
    path.write_bytes(good[: len(good) // 4096 // 2 * 4096])
    assert "malformed" in found()
    path.unlink()
    path.mkdir()
    assert "cannot be read" in found()
    path.rmdir()
    assert "schema is '9999'" in changed("UPDATE alembic_version SET version_num = '9999'")
    assert "no such table: alembic_version" in changed("DROP TABLE alembic_version")
    assert "missing: event_no_update, leaf_no_delete" in changed(
        "DROP TRIGGER event_no_update", "DROP TRIGGER leaf_no_delete"
    )
    alarm = "INSERT INTO alarm VALUES (1, 'low_funds', 'x', 'It runs dry.', '{}', '2026-01-01T00:00:00Z', 1, true)"
    changed_alarm = changed(alarm, "DROP TRIGGER leaf_no_delete")
    assert "leaf_no_delete" in changed_alarm
    assert ailments(ill, *TESTER)["alarm"] == "low_funds since 2026-01-01T00:00:00Z: It runs dry."
    assert ailments(ill, *TESTER, "--db", "mysql://localhost/x")["database"].startswith(
        "A database must be the URL of an SQLite file or of a PostgreSQL database"
    )


def test_work_that_is_left_is_counted(ill: Any) -> None:
    ill.open()
    with closing(sqlite3.connect(ill.home / "ledger.sqlite")) as database:
        database.execute("UPDATE submission SET state = 'pending'")
        database.execute("UPDATE alembic_version SET version_num = '0001'")
        database.commit()
    assert ailments(ill, *TESTER) == {}
    assert "1 events wait for the log." in ill.well
    assert any("1 submissions" in each for each in ill.warnings)
    assert any("schema is 0001" in each for each in ill.warnings)


def test_a_database_in_use_is_looked_at_beside_its_users(ill: Any) -> None:
    path = ill.home / "ledger.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as user:
        user.execute("PRAGMA wal_autocheckpoint=0")
        user.execute("UPDATE submission SET state = 'pending'")
        index = path.with_name("ledger.sqlite-shm")
        before = {name: kept for name, kept in whole(ill.home).items() if name != index.name}
        looked = examine_database(f"sqlite:///{path}")
        assert {name: kept for name, kept in whole(ill.home).items() if name != index.name} == before
        assert any("1 submissions" in each.what for each in looked.findings), "what lies in the journal counts"
        index.unlink()
        (finding,) = examine_database(f"sqlite:///{path}").findings
        assert "was not closed" in finding.what


def test_a_database_that_cannot_be_written_to(tmp_path_factory: Any, well: Any) -> None:
    """Looked at by nobody in particular, since root may write everywhere."""
    folder = tmp_path_factory.mktemp("readonly")
    path = Path(shutil.copy(well.home / "ledger.sqlite", folder))
    path.chmod(0o444)
    folder.chmod(0o555)
    for parent in list(folder.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o055)
    child = os.fork()
    if not child:
        if os.geteuid() == 0:
            os.setuid(65_534)
        told = [each.what for each in examine_database(f"sqlite:///{path}").findings if each.health is Health.WRONG]
        os._exit(0 if len(told) == 1 and "cannot be written to" in told[0] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_clocks_that_disagree_and_a_chain_that_stands_still(well: Any) -> None:
    """The clock is an argument: nobody waits, and nobody sets this machine's."""

    def told(ahead: float, **options: Any) -> dict[str, str]:
        findings = examine("anvil", well.home, {}, now=lambda: time.time() + ahead, **options)
        return {each.part: each.what for each in findings if each.health is Health.WRONG}

    with open_chain("anvil", well.home) as connection:
        assert told(0) == {}
        assert "s behind the chain's" in told(-600)["clock"]
        assert "s before this machine's clock" in told(600)["clock"]
        connection.web3.provider.make_request("evm_setIntervalMining", [0])  # type: ignore[arg-type]
        connection.web3.provider.make_request("evm_setAutomine", [False])  # type: ignore[arg-type]
        assert "No block came for 6" in told(600, patience=0.2)["chain"]


def test_a_chain_that_stood_still_while_it_was_stopped_has_our_time_again(tmp_path: Path) -> None:
    (tmp_path / "anvil").mkdir()
    (tmp_path / "anvil" / "genesis-time").write_text(str(int(time.time()) - 7 * 86_400))
    with open_chain("anvil", tmp_path):
        findings = list(examine("anvil", tmp_path, {}))
    assert [each.health for each in findings if each.part == "clock"] == [Health.OK]


def test_events_from_the_future(ill: Any) -> None:
    with closing(sqlite3.connect(ill.home / "ledger.sqlite")) as database:
        database.execute("DROP TRIGGER event_no_update")
        database.execute("UPDATE event SET recorded_at = '2199-01-01T00:00:00.000000Z'")
        database.commit()
    assert "still to come" in ailments(ill, *TESTER)["clock"]


def test_a_policy_that_cannot_be_read(ill: Any) -> None:
    (ill.home / "policy.json").write_text("{")
    assert "cannot be read" in ailments(ill, *TESTER)["policy"]


def test_each_line_says_what_to_do(ill: Any) -> None:
    keys.place(ill.home, "anchorer").chmod(0o644)
    shown = ill("doctor", *TESTER)
    assert shown.code == 4
    (line,) = [each for each in shown.out.splitlines() if each.startswith("wrong") and "chmod" in each and "->" in each]
    assert "Run `chmod 600" in line
