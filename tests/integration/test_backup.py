"""The restore drill (P22, P30): written on while it is backed up, restored elsewhere, held against the chain."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import SecretStr
from sqlalchemy import BigInteger, Boolean, LargeBinary, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from faults.conftest import Node
from ledger_automation import bootstrap
from ledger_automation.audit.event import log_case_id
from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.errors import (
    Contradiction,
    InvalidValue,
    LedgerError,
    Misconfigured,
    NotFound,
    Unreachable,
    UnreadableFile,
)
from ledger_automation.orchestrator import backup
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.duties import Duties
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.sequence import record_heartbeat
from ledger_automation.orchestrator.submission import AlarmKind
from ledger_automation.orchestrator.transition import Intent, Standing
from ledger_automation.reading import public_log_keys, read_policy, reading_chain
from ledger_automation.settings import Settings
from ledger_automation.store import backup as store_backup
from ledger_automation.store.engine import migrate, open_engine
from ledger_automation.tlog.receipt import write
from ledger_automation.verify.auditor import Auditor, AuditReport
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict
from ledger_automation.workflows import Actor, Command
from support import asking, servers

DEVELOPER = SecretStr("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
"""Anvil's first account, known to everybody."""

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    with servers.postgresql() as running:
        yield running


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    started = Node()
    yield started
    started.kill()


@pytest.fixture
def places(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], Settings]:
    """Hand out fresh homes with databases that have nothing in them, of either kind."""
    given = iter(range(100))

    def place(kind: str, chain: str = "tester") -> Settings:
        home = tmp_path / f"home{next(given)}"
        url = request.getfixturevalue("server").fresh() if kind == "postgresql" else ""
        return Settings(home=home, database_url=url, chain=chain, anchorer_key=DEVELOPER if "//" in chain else "")

    return place


class Town(NamedTuple):
    """A ledger, and what was acknowledged to its callers, by key."""

    ledger: Ledger
    acknowledged: dict[str, Any]

    def decide(self, key: str, asked: Any) -> None:
        self.acknowledged[key] = self.ledger.decider().decide([asked])[0].taken
        assert self.acknowledged[key] is not None

    def seal(self) -> int:
        with self.ledger.chain() as (chain, policy):
            anchorer = Anchorer(self.ledger.begin, chain, policy)
            sealed = seal(self.ledger.begin, self.ledger.recorder, self.ledger.key, anchorer)
        return sealed.tree_size


@contextmanager
def town(settings: Settings) -> Iterator[Town]:
    with open_ledger(settings) as ledger:
        asking.enrol(ledger.begin)
        yield Town(ledger, {})


def audit(settings: Settings, level: Level = Level.ANCHORED) -> AuditReport:
    with open_ledger(settings, existing=True) as ledger, ledger.read() as unit:
        if level is not Level.ANCHORED:
            return Auditor(ledger.policy(level)).audit(unit.cases, unit.log)
        policy = read_policy(settings.home / "policy.json")
        with reading_chain(settings, policy) as chain:
            return Auditor(policy, chain).audit(unit.cases, unit.log)


def rows(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a database holds, by table, in one order."""
    engine = open_engine(settings.database)
    with engine.connect() as connection:
        found = {
            table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)
            for table in SQLModel.metadata.sorted_tables
        }
    engine.dispose()
    return found


def receipts(settings: Settings) -> dict[str, bytes]:
    with open_ledger(settings, existing=True) as ledger, ledger.read() as unit:
        return {
            each.case_id: write(issue(unit, each.case_id)) for each in unit.cases.page("parking_fine", None, "", 999)
        }


def asked_for(key: str, first: Any) -> Any:
    """What a caller that lost its answer asks for once more."""
    return asking.opening(key) if key.startswith("open") else asking.paying(key, first.case_id)


@pytest.mark.parametrize("kind", DATABASES)
def test_the_drill(kind: str, places: Any, node: Node, tmp_path: Path) -> None:
    settings = places(kind, node.url)
    older, newest = tmp_path / "older", tmp_path / "newest"
    with town(settings) as made:
        made.ledger.deploy(node.web3.eth.accounts[1], 30)
        for number in range(5):
            made.decide(f"open {number}", asking.opening(f"open {number}"))
        made.seal()
        before = _backed_up_while_others_write(made, settings, older)
        anchored = made.seal()
        bootstrap.back_up(settings, newest, private=True)
        _late(places(kind, node.url), older, before, anchored)
        _up_to_date(places(kind, node.url), settings, newest, made.acknowledged)


def _backed_up_while_others_write(made: Town, settings: Settings, folder: Path) -> dict[str, Any]:
    """Back up in the middle of two writers' work; return what was acknowledged before it began."""
    enough, done = threading.Event(), threading.Event()

    def work(name: str) -> None:
        number = 0
        while not done.is_set():
            key = f"open {name} {number}"
            made.decide(key, asking.opening(key))
            made.decide(f"pay {name} {number}", asking.paying(f"pay {name} {number}", made.acknowledged[key].case_id))
            number += 1
            if number == 5:
                enough.set()

    writers = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for each in writers:
        each.start()
    assert enough.wait(60)
    before = dict(made.acknowledged)
    bootstrap.back_up(settings, folder, private=True)
    done.set()
    for each in writers:
        each.join()
    assert len(made.acknowledged) > len(before)
    return before


def _late(settings: Settings, folder: Path, before: dict[str, Any], anchored: int) -> None:
    """It holds whatever was acknowledged before, and is said to be behind; nothing is anchored over it."""
    manifest, erased = bootstrap.restore(settings, folder)
    assert erased == 0
    assert manifest.tree_size < anchored
    verdict, sentence = bootstrap.standing(settings)
    assert verdict is Verdict.CONTRADICTED
    assert str(anchored) in sentence
    assert str(manifest.tree_size) in sentence
    with town_again(settings) as made:
        for key, taken in before.items():
            asked = asked_for(key, taken)
            assert made.ledger.decider().decide([asked])[0].taken == taken, key
        refuses(made, Contradiction)
        while _size(made) <= anchored:  # by now it is longer than what the chain has, and still another log
            record_heartbeat(made.ledger.begin, made.ledger.recorder)
            seal(made.ledger.begin, made.ledger.recorder, made.ledger.key, None)
        refuses(made, Contradiction)
    assert audit(settings).verdict is Verdict.CONTRADICTED
    assert bootstrap.standing(settings)[0] is Verdict.CONTRADICTED


@contextmanager
def town_again(settings: Settings) -> Iterator[Town]:
    with open_ledger(settings, existing=True) as ledger:
        yield Town(ledger, {})


def _size(made: Town) -> int:
    with made.ledger.read() as unit:
        return unit.log.frontier().size


def refuses(made: Town, kind: type[LedgerError]) -> None:
    """The duty raises an alarm and anchors nothing."""
    ledger = made.ledger
    duties = Duties(ledger.begin, ledger.recorder, ledger.key, timedelta(hours=1), lambda _: None)
    with ledger.chain() as (chain, policy), pytest.raises(kind):
        duties.anchor(Anchorer(ledger.begin, chain, policy))
    with ledger.read() as unit:
        assert AlarmKind.FINAL_CONTRADICTED in {each.kind for each in unit.anchors.alarms()}


def _up_to_date(settings: Settings, source: Settings, folder: Path, acknowledged: dict[str, Any]) -> None:
    bootstrap.restore(settings, folder)
    assert rows(settings) == rows(source)
    verdict, _ = bootstrap.standing(settings)
    assert verdict is Verdict.FINAL
    report = audit(settings)
    assert (report.verdict, report.findings) == (Verdict.FINAL, ())
    assert receipts(settings) == receipts(source)
    with town_again(settings) as made:
        for key, taken in acknowledged.items():
            assert made.ledger.decider().decide([asked_for(key, taken)])[0].taken == taken
        made.decide("afterwards", asking.opening("afterwards"))
        made.seal()
    assert audit(settings).verdict is Verdict.FINAL


def filled(settings: Settings) -> None:
    """Put something into every table: texts and bytes that need care, truths, and nothing where that is allowed."""
    engine = open_engine(settings.database)
    with engine.begin() as connection:
        for table in SQLModel.metadata.sorted_tables:
            for number in (1, 2):
                values = {column.name: _value(column, number) for column in table.columns}
                connection.execute(table.insert().values(values))
    engine.dispose()


def _value(column: Any, number: int) -> Any:
    if column.nullable and number == 1:
        return None
    odd = f"{number} Wei\u00dfe Gr\u00fc\u00dfe\t\\N \\. \n\U0001f600"
    kinds = {LargeBinary: bytes(range(256)) * number, Boolean: number == 2, BigInteger: number}
    return next((value for kind, value in kinds.items() if isinstance(column.type, kind)), odd)


@pytest.mark.parametrize("target", DATABASES)
@pytest.mark.parametrize("source", DATABASES)
def test_either_database_goes_into_either(source: str, target: str, places: Any, tmp_path: Path) -> None:
    there, here = places(source), places(target)
    filled(there)
    assert all(len(found) == 2 for found in rows(there).values())
    manifest = bootstrap.back_up(there, tmp_path / "backup", private=False)
    assert set(manifest.rows.values()) == {2}
    bootstrap.restore(here, tmp_path / "backup")
    assert rows(here) == rows(there)
    engine = open_engine(here.database)
    with engine.begin() as connection:  # ids go on behind the restored ones
        for name in ("event", "alarm"):
            table = SQLModel.metadata.tables[name]
            values = {column.name: _value(column, 2) for column in table.columns if column.name != "id"}
            values |= {"case_id": "another"} if name == "event" else {"kind": "another"}
            connection.execute(table.insert().values(values))
            assert connection.execute(select(func.max(table.c.id))).scalar_one() == 3
        refused = connection.begin_nested()
        with pytest.raises(IntegrityError, match="never changed"):
            connection.execute(text("UPDATE event SET action = 'x'"))
        refused.rollback()
    engine.dispose()


@pytest.mark.parametrize("kind", DATABASES)
def test_an_older_schema_is_backed_up_as_it_is_and_brought_up_when_restored(
    kind: str, places: Any, tmp_path: Path
) -> None:
    there, here = places(kind), places(kind)
    filled(there)
    engine = open_engine(there.database)
    migrate(engine, "0003")
    engine.dispose()
    manifest = bootstrap.back_up(there, tmp_path / "backup", private=False)
    assert manifest.schema == "0003"
    assert "member" not in manifest.rows
    bootstrap.restore(here, tmp_path / "backup")
    assert rows(here) == rows(there)


@pytest.mark.parametrize("kind", DATABASES)
def test_what_the_log_says_was_erased_is_erased_again(kind: str, places: Any, tmp_path: Path) -> None:
    there, here = places(kind), places(kind)
    with town(there) as made:
        cases = [asking.opening(f"open {number}") for number in range(3)]
        for number, asked in enumerate(cases):
            made.decide(f"open {number}", asked)
            made.decide(f"pay {number}", asking.paying(f"pay {number}", asked.case_id))
        whole, partly, kept = (str(each.case_id) for each in cases)
        erase(made.ledger, case_id=whole)
        erase(made.ledger, case_id=partly, sequence=1)
        seal(made.ledger.begin, made.ledger.recorder, made.ledger.key, None)
        erase(made.ledger, case_id=kept)  # not in the log yet, so it does not count yet
    bootstrap.back_up(there, tmp_path / "backup", private=True)
    assert bootstrap.restore(here, tmp_path / "backup").erased == 3
    with open_ledger(here) as ledger, ledger.read() as unit:
        left = {case: [row.canonical is not None for row in unit.cases.trail(case)] for case in (whole, partly, kept)}
    assert left == {whole: [False, False], partly: [True, False], kept: [True, True]}
    report = audit(here, Level.LOGGED)
    assert (report.findings, report.erased) == ((), 3)
    if kind == "sqlite":  # not in pages that nobody uses either
        database = (here.home / "ledger.sqlite").read_bytes()
        assert not [each for each in contents(there, whole) if each in database]


def test_what_was_erased_before_is_not_in_pages_that_nobody_uses(places: Any, tmp_path: Path) -> None:
    settings = places("sqlite")
    with town(settings) as made:
        asked = asking.opening("open")
        made.decide("open", asked)
    (salt,) = contents(settings, str(asked.case_id))
    with closing(sqlite3.connect(settings.home / "ledger.sqlite")) as database:
        database.executescript("PRAGMA secure_delete = OFF; DELETE FROM content; PRAGMA wal_checkpoint(TRUNCATE)")
    assert salt in (settings.home / "ledger.sqlite").read_bytes()
    bootstrap.back_up(settings, tmp_path / "backup", private=False)
    assert salt not in (tmp_path / "backup" / "ledger.sqlite").read_bytes()


def contents(settings: Settings, case_id: str) -> list[bytes]:
    engine = open_engine(settings.database)
    query = text("SELECT salt FROM content JOIN event ON event.id = event_id WHERE case_id = :case")
    with engine.connect() as connection:
        found = [bytes(salt) for salt in connection.execute(query, {"case": case_id}).scalars()]
    engine.dispose()
    assert found
    return found


def erase(ledger: Ledger, **what: Any) -> None:
    """Record an erasure in the log's own case."""
    case_id = log_case_id(ledger.recorder.origin)
    with ledger.read() as unit:
        record = unit.cases.case(case_id)
    if record is None:
        record_heartbeat(ledger.begin, ledger.recorder)
    with ledger.begin() as unit:
        record = unit.cases.case(case_id)
        assert record is not None
        payload = {**what, "legal_basis": "Art. 17 GDPR"}
        intent = Intent(Command("record_erasure", Actor("officer-9", "system"), payload), ledger.recorder.clock())
        unit.cases.record([ledger.recorder.step(Standing.of(record), intent)[0]])
        unit.commit()


@pytest.fixture
def whole(places: Any, tmp_path: Path) -> Path:
    """A back-up of a small log."""
    settings = places("sqlite")
    with town(settings) as made:
        made.decide("open", asking.opening("open"))
        seal(made.ledger.begin, made.ledger.recorder, made.ledger.key, None)
    bootstrap.back_up(settings, tmp_path / "whole", private=True)
    return tmp_path / "whole"


def edited(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def signed_for(folder: Path) -> None:
    """Make the manifest agree with an altered database, as whoever altered it can."""
    content = (folder / "ledger.sqlite").read_bytes()
    facts = {"sha256": sha256(content).hexdigest(), "size": len(content)}
    edited(folder, lambda manifest: manifest["files"].update({"ledger.sqlite": facts}))


def altered(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    (folder / name).write_bytes(change((folder / name).read_bytes()))


def executed(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as database:
        database.executescript(statement)
    signed_for(folder)


def damaged(folder: Path) -> None:
    altered(folder, "ledger.sqlite", lambda content: content[:8192] + b"\x00" * 8192 + content[16384:])
    signed_for(folder)


def leading_out(folder: Path) -> None:
    """Name a file outside, which is just what the manifest says."""
    (folder.parent / "out").write_bytes((folder / "keys" / "log.pub").read_bytes())
    edited(folder, lambda manifest: moved(manifest, "keys/../../out"))


def newer(folder: Path) -> None:
    executed(folder, "UPDATE alembic_version SET version_num = '9999'")
    edited(folder, lambda each: each.update(schema="9999"))


BROKEN: dict[str, tuple[type[LedgerError], Callable[[Path], Any]]] = {
    "no manifest": (UnreadableFile, lambda folder: (folder / "manifest.json").unlink()),
    "half a manifest": (UnreadableFile, lambda folder: altered(folder, "manifest.json", lambda text: text[:99])),
    "an altered byte": (Contradiction, lambda folder: altered(folder, "ledger.sqlite", flipped)),
    "a database cut short": (Contradiction, lambda folder: altered(folder, "ledger.sqlite", lambda text: text[:-1])),
    "a database that grew": (Contradiction, lambda folder: altered(folder, "ledger.sqlite", lambda text: text + b"x")),
    "an altered key": (Contradiction, lambda folder: altered(folder, "keys/log.pub", flipped)),
    "a missing key": (UnreadableFile, lambda folder: (folder / "keys/log.pub").unlink()),
    "a link": (UnreadableFile, lambda folder: linked(folder / "keys" / "log.pub")),
    "another format": (UnreadableFile, lambda folder: edited(folder, lambda each: each.update(format="tar"))),
    "another version": (Misconfigured, lambda folder: edited(folder, lambda each: each.update(version=2))),
    "another log": (Misconfigured, lambda folder: edited(folder, lambda each: each.update(origin="x.example/l"))),
    "a way out": (UnreadableFile, leading_out),
    "a strange file": (UnreadableFile, lambda folder: edited(folder, lambda each: moved(each, "cron.d/job"))),
    "no database": (UnreadableFile, lambda folder: edited(folder, lambda each: each["files"].pop("ledger.sqlite"))),
    "another count": (Contradiction, lambda folder: edited(folder, lambda each: each["rows"].update(event=7))),
    "another size": (Contradiction, lambda folder: edited(folder, lambda each: each.update(tree_size=7))),
    "a row less": (Contradiction, lambda folder: executed(folder, "DELETE FROM answer")),
    "damaged pages": (Contradiction, damaged),
    "a newer schema": (Misconfigured, newer),
    "no ledger": (Misconfigured, lambda folder: executed(folder, "DROP TABLE alembic_version")),
}


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def moved(manifest: dict[str, Any], name: str) -> None:
    manifest["files"][name] = manifest["files"].pop("keys/log.pub")


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.parametrize("what", BROKEN)
def test_what_is_not_whole_is_refused_and_leaves_nothing(what: str, kind: str, whole: Path, places: Any) -> None:
    error, breaks = BROKEN[what]
    breaks(whole)
    here = places(kind)
    before = sorted(here.home.parent.iterdir())
    with pytest.raises(error):
        bootstrap.restore(here, whole)
    assert sorted(here.home.parent.iterdir()) == before
    store_backup.SqlPlace(here.database).require_vacant()


@pytest.mark.parametrize("kind", DATABASES)
def test_what_is_there_already_stays(kind: str, whole: Path, places: Any) -> None:
    full, there = places(kind), places(kind)
    with town(full) as made:
        made.decide("open", asking.opening("open"))
    before = rows(full)
    with pytest.raises(Misconfigured, match="something in it already"):
        bootstrap.restore(full, whole)
    with pytest.raises(Misconfigured, match="something in it already"):  # an empty home beside a full database
        bootstrap.restore(full.model_copy(update={"home": there.home, "database_url": full.database}), whole)
    assert not there.home.exists()
    there.home.mkdir()
    (there.home / "policy.json").write_text("{}")
    with pytest.raises(Misconfigured, match=r"something in it already \(policy\.json\)"):
        bootstrap.restore(there, whole)
    assert [each.name for each in there.home.iterdir()] == ["policy.json"]
    store_backup.SqlPlace(there.database).require_vacant()
    assert rows(full) == before


def test_a_restore_that_died_before_its_database_was_there_is_done_again(whole: Path, places: Any) -> None:
    here = places("postgresql")
    (here.home / "keys").mkdir(parents=True)
    for name in ("log.pub", "log.key", "members.key"):
        (here.home / "keys" / name).write_bytes((whole / "keys" / name).read_bytes())
    bootstrap.restore(here, whole)
    assert audit(here, Level.LOGGED).verdict is Verdict.FINAL


def test_a_server_that_refuses_the_rows_leaves_no_home(whole: Path, places: Any) -> None:
    executed(whole, "INSERT INTO content VALUES (99, x'00', x'00', 0)")
    edited(whole, lambda each: each["rows"].update(content=2))
    here = places("postgresql")
    with pytest.raises(Misconfigured):
        bootstrap.restore(here, whole)
    assert not here.home.exists()
    store_backup.SqlPlace(here.database).require_vacant()


def test_a_server_that_leaves_before_its_commit_leaves_no_home(
    whole: Path, places: Any, server: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, appear = places("postgresql"), backup._appear

    def appear_and_cut(draft: Path, home: Path) -> None:
        appear(draft, home)
        assert home.exists()
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'copy%'")

    monkeypatch.setattr(backup, "_appear", appear_and_cut)
    with pytest.raises(Unreachable):
        bootstrap.restore(here, whole)
    assert not here.home.exists()
    store_backup.SqlPlace(here.database).require_vacant()


def test_a_back_up_goes_into_an_empty_folder_and_holds_no_private_key(whole: Path, places: Any, tmp_path: Path) -> None:
    settings = places("sqlite")
    with pytest.raises(NotFound):
        bootstrap.back_up(settings, tmp_path / "nothing", private=False)
    assert not (tmp_path / "nothing").exists()
    with town(settings) as made:
        made.decide("open", asking.opening("open"))
    with pytest.raises(InvalidValue):
        bootstrap.back_up(settings, whole, private=False)
    bootstrap.back_up(settings, tmp_path / "public", private=False)
    assert [each.name for each in (tmp_path / "public" / "keys").iterdir()] == ["log.pub"]
    modes = {each.name: each.stat().st_mode & 0o777 for each in (whole / "keys").iterdir()}
    assert modes == {"log.pub": 0o644, "log.key": 0o600, "members.key": 0o600}
    here = places("sqlite")
    bootstrap.restore(here, tmp_path / "public")
    with open_ledger(here) as ledger:
        assert public_log_keys(here.home) == public_log_keys(settings.home)
        for signs in (lambda: ledger.key, ledger.decider):
            with pytest.raises(Misconfigured, match="bring it back"):
                signs()


def test_a_back_up_that_dies_is_recognised(places: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = places("sqlite")
    with town(settings) as made:
        made.decide("open", asking.opening("open"))

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backup, "_write", dies)
    with pytest.raises(KeyboardInterrupt):
        bootstrap.back_up(settings, tmp_path / "half", private=False)
    assert (tmp_path / "half" / "ledger.sqlite").exists()
    with pytest.raises(UnreadableFile, match="cut short"):
        bootstrap.restore(places("sqlite"), tmp_path / "half")
