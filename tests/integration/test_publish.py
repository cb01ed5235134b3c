"""The log as files: to the byte what the definition says, whole at any time, refused where it does not belong."""

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from msgspec.structs import replace

from behaviours.conftest import ORIGIN, Clerk, opened
from ledger_automation.errors import Conflict, Contradiction, InvalidInput, LedgerError, Misconfigured, NotFound
from ledger_automation.merkle import leaf_hash
from ledger_automation.orchestrator import publish as module
from ledger_automation.orchestrator.durable import alone
from ledger_automation.orchestrator.publish import publish
from ledger_automation.orchestrator.receipt import issue, issue_absence
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.published import open_log
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.tlog.cosignature import Cosigner
from ledger_automation.tlog.note import SignerKey
from ledger_automation.tlog.receipt_file import read, write
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.published import LogChecker, LogVerdict, PublishedLog
from ledger_automation.verify.refresh import refresh
from ledger_automation.verify.sources import CosignatureRecord
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier
from support.struck import striking
from support.tiled import TiledLog

ROOT = Path(__file__).resolve().parents[2]
OTHERS = ROOT / ".build" / "tlog"
KEY = Clerk().key
POLICY = VerificationPolicy(ORIGIN, (KEY.verifier.text,), Level.LOGGED)


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


class Town:
    """A log that grows, as a file that can be copied."""

    def __init__(self, path: Path, clerk: Clerk) -> None:
        self.path = path
        self.clerk = clerk

    def opened(self) -> Any:
        return opened(f"sqlite:///{self.path}")

    def grow(self, leaves: int) -> None:
        with self.opened() as store:
            self.clerk.fill(store.begin, leaves, Level.LOGGED)
            sequence(store.begin, self.clerk.recorder, self.clerk.key)

    def publish(self, folder: Path, policy: VerificationPolicy = POLICY) -> module.Published:
        with self.opened() as store:
            return publish(store.read, folder, policy)

    def files(self) -> dict[str, bytes]:
        """What must be shown, by the definition, of what the database holds."""
        with self.opened() as store, store.read() as unit:
            rows = [row for _, _, trail in unit.cases.trails(0, 0) for row in trail]
            newest = list(unit.log.checkpoints(0))[-1]
        made = TiledLog(0)
        made.entries = [row.commitment for row in sorted(rows, key=lambda row: row.leaf_index)]
        made.leaves = [leaf_hash(entry) for entry in made.entries]
        return {**made.files(len(made.entries)), "checkpoint": newest.note.encode()}


@pytest.fixture
def town(tmp_path: Path, clerk: Clerk) -> Town:
    return Town(tmp_path / "ledger.sqlite", clerk)


def shown(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def check(place: object, *held: str) -> LogVerdict:
    with open_log(str(place)) as fetch:
        return LogChecker(POLICY, None, held).check(fetch)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Any static file server: the one that Python brings."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_is_shown_is_the_definition_to_the_byte_however_the_log_grew(town: Town, tmp_path: Path) -> None:
    folder, partial_ones = tmp_path / "log", set()
    for leaves in (1, 254, 1, 1, 255, 88):
        town.grow(leaves)
        done = town.publish(folder)
        wanted, found = town.files(), shown(folder)
        assert wanted.items() <= found.items()
        partial_ones |= {path for path in wanted if ".p/" in path}
        gone = {path for path in partial_ones if path.partition(".p/")[0] in wanted}
        assert found.keys() == (wanted.keys() | partial_ones) - gone, "partial tiles stay until their full one is there"
        assert (check(folder).verdict, check(folder).tree_size) == (Verdict.FINAL, done.tree_size)
    assert (done.tree_size, done.previous_size) == (600, 512)


def test_a_file_that_is_there_is_not_written_again(town: Town, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    town.grow(300)
    assert town.publish(folder).files == 6
    before = {each: (each.stat().st_mtime_ns, each.stat().st_ino) for each in folder.rglob("*") if each.is_file()}
    assert town.publish(folder)[1:] == (town.publish(folder).root_hash, 300, 0)
    town.grow(1)
    assert town.publish(folder).files == 3, "a partial tile, its bundle, the checkpoint"
    for path, state in before.items():
        assert path.name == "checkpoint" or (path.stat().st_mtime_ns, path.stat().st_ino) == state


def test_cosignatures_that_come_later_are_shown_with_the_next_publication(town: Town, tmp_path: Path) -> None:
    folder, witness = tmp_path / "log", Cosigner("witness.example/1", b"\x02" * 32)
    town.grow(3)
    town.publish(folder)
    note = (folder / "checkpoint").read_text("utf-8")
    line = witness.cosign(note.split("\n\n")[0] + "\n", 1_700_000_000)
    with town.opened() as store, store.begin() as unit:
        unit.cosignatures.keep(CosignatureRecord(3, witness.verifier.text, line, "2026-03-02T08:00:00.000000Z"))
        unit.commit()
    assert town.publish(folder).files == 1
    assert (folder / "checkpoint").read_text("utf-8") == note + line
    asked = replace(POLICY, witnesses=(witness.verifier.text,), witnesses_required=1)
    with open_log(str(folder)) as fetch:
        assert LogChecker(asked).check(fetch).verdict is Verdict.FINAL


def test_a_log_without_a_checkpoint_is_not_found_and_leaves_no_checkpoint(town: Town, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        town.publish(tmp_path / "log")
    assert shown(tmp_path / "log") == {}


def struck(town: Town, folder: Path, at: int, fault: str) -> tuple[int, str]:
    """Publish in a child that is struck; return how it ended, and how many operations it came to or what it said."""
    out, said = os.pipe()
    child = os.fork()
    if not child:
        trace: list[tuple[str, str]] = []
        try:
            with town.opened() as store:
                striking(at, fault, folder, trace)
                publish(store.read, folder, POLICY)
            os.write(said, b"\n".join(f"{name} {what}".encode() for name, what in trace))
        except LedgerError as error:
            os.write(said, f"{type(error).__name__}: {error.sentence}".encode())
        finally:
            os._exit(0)  # nothing of a child may unwind into what its parent has open
    os.close(said)
    with os.fdopen(out) as heard:
        words = heard.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), words


@pytest.mark.parametrize(("before", "fault"), [(0, "kill"), (250, "kill"), (250, "ENOSPC")])
def test_struck_at_any_operation_it_shows_a_whole_log_and_goes_on(
    town: Town, tmp_path: Path, before: int, fault: str
) -> None:
    template, held = tmp_path / "template", []
    template.mkdir()
    if before:
        town.grow(before)
        town.publish(template)
        held = [(template / "checkpoint").read_text("utf-8")]
    town.grow(520 - before)
    wanted, clean = town.files(), Path(shutil.copytree(template, tmp_path / "clean"))
    code, trace = struck(town, clean, 0, fault)
    assert (code, shown(clean)) == (0, wanted)
    operations = trace.splitlines()
    assert len(operations) > 60
    with town.opened() as store:
        for at, operation in enumerate(operations, 1):
            folder = Path(shutil.copytree(template, tmp_path / str(at)))
            code, words = struck(town, folder, at, fault)
            if fault == "kill":
                assert code == -signal.SIGKILL, (operation, words)
            else:
                assert words.startswith("Misconfigured: ") or operation.startswith("mkdir"), (operation, words)
            if (folder / "checkpoint").exists():
                answer = check(folder, *held)
                assert (answer.verdict, answer.tree_size in {before, 520}) == (Verdict.FINAL, True), (operation, answer)
            else:
                assert not before, "a checkpoint that was shown is never gone"
            publish(store.read, folder, POLICY)
            assert shown(folder) == wanted, operation


def test_nothing_is_shown_before_it_is_durable(town: Town, tmp_path: Path) -> None:
    """Each file is flushed before it is renamed, and each folder before the checkpoint that needs it is shown."""
    town.grow(520)
    folder = tmp_path / "log"
    folder.mkdir()
    _, words = struck(town, folder, 0, "kill")
    trace = [tuple(line.split(" ", 1)) for line in words.splitlines()]
    draft = str(folder / ".ledger-draft")
    renames = [at for at, (name, _) in enumerate(trace) if name == "rename"]
    for at in renames:
        assert ("fsync", draft) in trace[max(0, at - 4) : at]
    assert trace[renames[-1]][1] == str(folder / "checkpoint")
    flushed = {what for name, what in trace[renames[-2] + 1 : renames[-1]] if name == "fsync"} - {draft}
    needed = {str(each.parent.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}
    assert {str(folder / each) for each in needed} <= flushed
    assert trace[-1] == ("fsync", str(folder))


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    before = shown(folder)
    yield
    assert shown(folder) == before


def test_the_folder_of_another_log_is_left_as_it_is(town: Town, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    town.grow(3)
    town.publish(folder)
    other = VerificationPolicy(ORIGIN, (SignerKey(ORIGIN, b"\x07" * 32).verifier.text,), Level.LOGGED)
    note = (folder / "checkpoint").read_text("utf-8")
    for foreign in (note.replace(ORIGIN, "other.example/log"), "", "<html>", "\udcff"):
        (folder / "checkpoint").write_bytes(foreign.encode(errors="surrogateescape"))
        with unchanged(folder), pytest.raises(Misconfigured, match="another log"):
            town.publish(folder)
    with pytest.raises(LedgerError):
        town.publish(tmp_path / "elsewhere", other)


def test_a_longer_or_a_forked_checkpoint_is_left_as_it_is(town: Town, tmp_path: Path) -> None:
    town.grow(300)
    older = Path(shutil.copy(town.path, tmp_path / "older.sqlite"))
    folder, forked = tmp_path / "log", tmp_path / "forked"
    rival = Town(older, town.clerk)
    town.grow(10)
    town.publish(folder)
    with unchanged(folder), pytest.raises(Contradiction, match="set back"):
        rival.publish(folder)
    rival.grow(10)  # as long, and another one
    with unchanged(folder), pytest.raises(Contradiction, match="another log"):
        rival.publish(folder)
    rival.grow(10)
    with unchanged(folder), pytest.raises(Contradiction, match="another log"):
        rival.publish(folder)
    rival.publish(forked)
    assert check(forked).verdict is Verdict.FINAL


def test_a_tile_that_is_there_and_not_ours_is_left_as_it_is(town: Town, tmp_path: Path) -> None:
    town.grow(300)
    (tmp_path / "log" / "tile" / "0").mkdir(parents=True)
    (tmp_path / "log" / "tile" / "0" / "000").write_bytes(b"somebody else's")
    with unchanged(tmp_path / "log"), pytest.raises(Contradiction, match="tile/0/000"):
        town.publish(tmp_path / "log")


def test_of_two_who_publish_to_one_folder_one_waits_for_another_time(town: Town, tmp_path: Path) -> None:
    town.grow(3)
    with alone(tmp_path / "log", "does this"), pytest.raises(Conflict):
        town.publish(tmp_path / "log")
    assert town.publish(tmp_path / "log").tree_size == 3


def test_a_place_that_cannot_be_written_is_said_in_one_sentence(town: Town, tmp_path: Path) -> None:
    town.grow(3)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Misconfigured, match="cannot be published to"):
        town.publish(tmp_path / "file")


TAMPERED = {
    "an entry": "UPDATE event SET commitment = zeroblob(32) WHERE id = 290",
    "a leaf": "UPDATE leaf SET leaf_hash = zeroblob(32) WHERE leaf_index = 5",
    "a leaf at the edge": "UPDATE leaf SET leaf_hash = zeroblob(32) WHERE leaf_index = 299",
    "a node": "UPDATE node SET hash = zeroblob(32)",
    "a leaf that is gone": "DELETE FROM leaf WHERE leaf_index = 7",
    "an event that is gone": "DELETE FROM event WHERE id = 7",
    "two entries swapped": "UPDATE event SET commitment = (SELECT commitment FROM event AS e WHERE e.id = 5 - event.id)"
    " WHERE id IN (2, 3)",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_database_that_was_tampered_with_publishes_no_checkpoint(town: Town, tmp_path: Path, what: str) -> None:
    town.grow(300)
    connection = sqlite3.connect(town.path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(TAMPERED[what])
    connection.commit()
    connection.close()
    with pytest.raises(LedgerError):
        town.publish(tmp_path / "log")
    assert not (tmp_path / "log" / "checkpoint").exists()


def test_a_static_file_server_carries_the_whole_read_side(town: Town, tmp_path: Path, clerk: Clerk) -> None:
    """Checked, and a receipt brought up to date, over HTTP; the office is not asked."""
    with town.opened() as store:
        cases = [CaseId(step.event.case_id) for step in clerk.fill(store.begin, 300, Level.LOGGED)]
        sequence(store.begin, clerk.recorder, clerk.key)
        with store.read() as unit:
            old = issue(unit, cases[42])
    town.grow(400)
    town.publish(tmp_path / "log")
    town.path.rename(tmp_path / "away")
    with served(tmp_path) as url:
        assert check(f"{url}/log", old.checkpoint).verdict is Verdict.FINAL
        with open_log(f"{url}/log") as fetch:
            fresh = refresh(old, PublishedLog.read(fetch, POLICY), POLICY)
            assert refresh(fresh, PublishedLog.read(fetch, POLICY), POLICY) == fresh
    (tmp_path / "receipt.json").write_bytes(write(fresh))
    again = read(tmp_path / "receipt.json")
    assert open_checkpoint(again.checkpoint, ORIGIN, [KEY.verifier]).tree_size == 700
    answer = Verifier(POLICY, held=old.checkpoint).verify(again)
    assert answer.verdict is Verdict.FINAL
    assert any(step.step.endswith(" extension") and step.holds for step in answer.steps)


def test_a_receipt_that_does_not_hold_is_not_brought_up_to_date(town: Town, tmp_path: Path, clerk: Clerk) -> None:
    with town.opened() as store:
        case = CaseId(clerk.fill(store.begin, 5, Level.LOGGED)[2].event.case_id)
        sequence(store.begin, clerk.recorder, clerk.key)
        with store.read() as unit:
            old = issue(unit, case)
    town.grow(400)
    town.publish(tmp_path / "log")
    (entry,) = old.entries
    changes: list[Callable[[], Any]] = [
        lambda: replace(old, entries=(replace(entry, salt="00" * 32),)),
        lambda: replace(old, entries=(replace(entry, leaf_index=3),)),
        lambda: replace(old, entries=(replace(entry, event=entry.event.replace("3500", "3501")),)),
        lambda: replace(old, checkpoint=old.checkpoint[:-9] + "AAAAAAA=\n"),
    ]
    with open_log(str(tmp_path / "log")) as fetch:
        log = PublishedLog.read(fetch, POLICY)
        assert refresh(old, log, POLICY) != old
        for change in changes:
            with pytest.raises(Contradiction):
                refresh(change(), log, POLICY)


def test_of_a_whole_case_one_step_is_brought_up_and_absence_is_for_the_office(
    town: Town, tmp_path: Path, clerk: Clerk
) -> None:
    first, standing = clerk.open(Level.LOGGED)
    second, _ = clerk.go_on(standing)
    with town.opened() as store:
        with store.begin() as unit:
            unit.cases.record([first, second])
            unit.commit()
        sequence(store.begin, clerk.recorder, clerk.key)
        with store.read() as unit:
            whole = issue(unit, CaseId(first.event.case_id))
            absent = issue_absence(unit, CaseId.random())
    town.grow(300)
    town.publish(tmp_path / "log")
    with open_log(str(tmp_path / "log")) as fetch:
        log = PublishedLog.read(fetch, POLICY)
        for number in (0, 1):
            fresh = refresh(whole, log, POLICY, number)
            assert fresh.entries[0].event == whole.entries[number].event
            assert Verifier(POLICY, held=whole.checkpoint).verify(fresh).verdict is Verdict.FINAL
        with pytest.raises(InvalidInput, match="--sequence"):
            refresh(whole, log, POLICY)
        with pytest.raises(NotFound, match="no step 2"):
            refresh(whole, log, POLICY, 2)
        with pytest.raises(InvalidInput, match="office"):
            refresh(absent, log, POLICY)
    assert check(tmp_path / "log", whole.checkpoint).verdict is Verdict.FINAL, "the log extends the case's receipt"


@pytest.fixture
def others() -> Any:
    """Another program's client (PyPI: aics-tlog), which `make test` lays beside us; it knows nothing of ours."""
    if not (OTHERS / ".ready").exists():
        pytest.skip("the other client is not at .build/tlog (make .build/tlog/.ready)")
    sys.path.insert(0, str(OTHERS))
    try:
        import aics_tlog  # type: ignore[import-not-found]  # noqa: PLC0415

        yield aics_tlog
    finally:
        sys.path.remove(str(OTHERS))


@pytest.mark.parametrize("leaves", [(1,), (256,), (300, 400)])
def test_another_program_verifies_our_files(town: Town, tmp_path: Path, others: Any, leaves: tuple[int, ...]) -> None:
    folder = tmp_path / "log"
    for each in leaves:
        town.grow(each)
        town.publish(folder)
    with served(folder) as url:
        reader = others.HttpTileReader(url, proxies={})
        note = others.parse_note(reader.read_checkpoint())
        verdict = others.verify_checkpoint(note, others.parse_vkey(KEY.verifier.text), expected_origin=ORIGIN)
        seen = others.parse_checkpoint(note.text)
        assert (verdict.ok, seen.size, seen.extension_lines[0][:9]) == (True, sum(leaves), "case-map ")
        place = others.FileSystemTileReader(folder)
        report = others.audit_tiles(place, seen.size, seen.root)
        assert report.tiles + report.bundles + 1 == len(town.files())
        verified = others.VerifiedTileReader(reader, seen.size, seen.root)
        for index in {0, seen.size // 2, seen.size - 1}:
            proof = others.inclusion_proof_from_tiles(verified, index, seen.size)
            assert others.verify_leaf_inclusion(verified.entry(index), index, seen.size, proof, seen.root)
    path = min(each for each in (folder / "tile" / "0").rglob("*") if each.is_file())
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(others.TileVerificationError):
        others.audit_tiles(place, seen.size, seen.root)


def test_another_program_lays_out_the_same_files(others: Any) -> None:
    for size in (1, 255, 256, 257, 70_000):
        log = TiledLog(size)
        made = others.TileWriter(log.entries).materialise()
        assert made == {path: octets for path, octets in log.files(size).items() if path != "checkpoint"}
