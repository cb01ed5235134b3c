"""A monitor: every trouble of its table is rung for and nothing else, and what it believes it remembers first."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from ledger_automation.errors import Contradiction, Misconfigured, NotFound, UnreadableFile
from ledger_automation.orchestrator import durable
from ledger_automation.orchestrator import monitor as module
from ledger_automation.orchestrator.monitor import Look, Memory, Monitor, Patience, Trouble, recall
from ledger_automation.verify.verdict import Verdict
from support.tiled import ANCHORED, LOGGED, THIEF, Chain, Silent, TiledLog, fetching

LOG = TiledLog(1_000)
FORGED = TiledLog(1_000, changed=[0])
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
PATIENCE = Patience(timedelta(hours=1), timedelta(hours=24))
NOTHING: tuple[Trouble, ...] = ()


class Watcher:
    """A monitor with its file, and a clock that is put forward."""

    def __init__(self, path: Path, policy: Any = LOGGED) -> None:
        self.path = path
        self.now = START
        self.monitor = Monitor(policy, path, PATIENCE)

    def look(self, files: dict[str, bytes], chain: Any = None, *held: str, later: float = 0) -> Look:
        self.now += timedelta(hours=later)
        return self.monitor.look(fetching(files), self.now, chain, held)

    def rung(self, files: dict[str, bytes], chain: Any = None, *held: str, later: float = 0) -> tuple[Trouble, ...]:
        return tuple(each.trouble for each in self.look(files, chain, *held, later=later).alarms)

    def size(self) -> int:
        memory = recall(self.path, LOGGED)
        return int(memory.checkpoint.split("\n")[1]) if memory else 0


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    return Watcher(tmp_path / "monitor.json")


@pytest.fixture
def on_chain(tmp_path: Path) -> Watcher:
    return Watcher(tmp_path / "monitor.json", ANCHORED)


def test_a_log_that_grows_honestly_rings_for_nothing(watcher: Watcher) -> None:
    for size in (1, 2, 255, 256, 257, 600, 1_000):
        look = watcher.look(LOG.files(size), later=0.9)
        assert (look.verdict, look.alarms, watcher.size()) == (Verdict.FINAL, (), size)
        assert look.checkpoint is not None
        assert look.checkpoint.tree_size == size


def test_only_what_is_new_is_read_again(watcher: Watcher) -> None:
    asked: list[str] = []
    watcher.look(LOG.files(600))
    watcher.monitor.look(fetching(LOG.files(1_000), asked), watcher.now)
    assert {each for each in asked if "entries" in each} == {"tile/entries/002", "tile/entries/003.p/232"}


def changed(files: dict[str, bytes], path: str) -> dict[str, bytes]:
    return {**files, path: files[path][:-1] + bytes([files[path][-1] ^ 1])}


RINGS: dict[str, tuple[Callable[[], dict[str, bytes]], Trouble]] = {
    "another history": (lambda: FORGED.files(1_000), Trouble.FORK),
    "another history of the same size": (lambda: FORGED.files(600), Trouble.FORK),
    "a shorter log": (lambda: LOG.files(599), Trouble.SHRINKAGE),
    "an empty log": (lambda: {"checkpoint": LOG.note(0).encode()}, Trouble.SHRINKAGE),
    "another key": (
        lambda: {**LOG.files(1_000), "checkpoint": LOG.note(1_000, THIEF).encode()},
        Trouble.BAD_CHECKPOINT,
    ),
    "no note": (lambda: {**LOG.files(1_000), "checkpoint": b"\xff"}, Trouble.BAD_CHECKPOINT),
    "a bad entry": (lambda: changed(LOG.files(1_000), "tile/entries/003.p/232"), Trouble.BAD_TILE),
    "a bad leaf": (lambda: changed(LOG.files(1_000), "tile/0/002"), Trouble.BAD_TILE),
    "a bad edge": (lambda: changed(LOG.files(1_000), "tile/1/000.p/3"), Trouble.BAD_TILE),
    "nothing there": (dict, Trouble.UNREACHABLE),
    "a missing tile": (lambda: {**LOG.files(1_000), "tile/0/002": LOG.files(1_000)["tile/0/002"]}, Trouble.UNREACHABLE),
}


@pytest.mark.parametrize("how", RINGS)
def test_each_trouble_with_a_log_is_rung_for_and_nothing_of_it_is_believed(watcher: Watcher, how: str) -> None:
    make, trouble = RINGS[how]
    files = make()
    if how == "a missing tile":
        del files["tile/0/002"]
    watcher.look(LOG.files(600))
    before = watcher.path.read_bytes()
    look = watcher.look(files)
    assert [each.trouble for each in look.alarms] == [trouble]
    assert look.verdict is trouble.verdict
    assert watcher.path.read_bytes() == before
    assert watcher.rung(LOG.files(1_000)) == NOTHING, "and the honest log is still followed"


def test_a_fork_is_told_with_both_notes_which_prove_it(watcher: Watcher) -> None:
    watcher.look(LOG.files(600))
    (alarm,) = watcher.look(FORGED.files(600)).alarms
    assert alarm.facts["notes"] == [LOG.note(600), FORGED.note(600)]


@pytest.mark.parametrize("sizes", [(600, 600), (600, 1_000), (255, 256)])
def test_two_monitors_that_are_shown_two_logs_find_it_by_exchanging_notes(
    tmp_path: Path, sizes: tuple[int, int]
) -> None:
    """Each is shown a log of its own that holds in itself: neither can know it alone."""
    one, other = Watcher(tmp_path / "one.json"), Watcher(tmp_path / "other.json")
    for size in (100, sizes[0]):
        assert one.rung(LOG.files(size)) == NOTHING
    for size in (100, sizes[1]):
        assert other.rung(FORGED.files(size)) == NOTHING
    note = recall(one.path, LOGGED)
    assert note is not None
    assert other.rung(FORGED.files(sizes[1]), None, note.checkpoint) == (Trouble.FORK,)
    assert other.rung(FORGED.files(sizes[1]), None, LOG.note(1_000))[0] in {Trouble.SHRINKAGE, Trouble.FORK}


def test_a_fork_that_is_proved_is_told_whatever_else_cannot_be_read(tmp_path: Path) -> None:
    """Who withholds or spoils a file, or adds a bad note, hides nothing by it."""
    shown = FORGED.files(700)
    gone = {path: octets for path, octets in shown.items() if path != "tile/0/001"}
    spoilt = {**shown, "tile/0/001": shown["tile/0/001"][::-1]}
    for number, (files, held) in enumerate(((gone, LOG.note(300)), (spoilt, LOG.note(300)), (shown, "junk"))):
        watcher = Watcher(tmp_path / f"{number}.json")
        watcher.look(LOG.files(100))
        (alarm,) = watcher.look(files, None, held).alarms
        assert (alarm.trouble, alarm.tampering) == (Trouble.FORK, "T36")
        assert alarm.facts["notes"] == [LOG.note(100), FORGED.note(700)]


def test_each_alarm_with_the_chain_has_its_class(on_chain: Watcher) -> None:
    on_chain.look(LOG.files(600), Chain(LOG.anchored(600)))
    lying = Chain(LOG.anchored(600))
    lying.identity = Mock(side_effect=Contradiction("They differ.", tampering="T45"))  # type: ignore[method-assign]
    other_map = Chain(msgspec.structs.replace(LOG.anchored(600), case_map_root=b"\x07" * 32))
    for chain, kinds in (
        (Chain(LOG.anchored(601)), ["T21"]),
        (Chain(FORGED.anchored(600)), ["T36"]),
        (other_map, ["T42"]),
        (lying, ["T45"]),
        (Silent(None), [None]),
    ):
        assert [each.tampering for each in on_chain.look(LOG.files(600), chain).alarms] == kinds
    assert on_chain.look(LOG.files(600), lying).alarms[0].trouble is Trouble.LYING_NODE
    assert [each.tampering for each in on_chain.look(LOG.files(600), Chain(LOG.anchored(600)), later=1.1).alarms] == [
        "T39"
    ]
    on_chain.look(LOG.files(601), Chain(LOG.anchored(600)))
    late = on_chain.look(LOG.files(602), Chain(LOG.anchored(600)), later=24.1).alarms
    assert [each.tampering for each in late] == ["T47"]


def test_each_alarm_has_its_class(watcher: Watcher) -> None:
    watcher.look(LOG.files(600))
    for files, held, kind in (
        (FORGED.files(600), [], "T37"),
        (FORGED.files(700), [], "T36"),
        (LOG.files(700), [FORGED.note(300)], "T38"),
        (LOG.files(599), [], "T21"),
        ({}, [], None),
    ):
        assert [each.tampering for each in watcher.look(files, None, *held).alarms] == [kind]


def test_a_log_that_stands_still_is_frozen_until_it_grows(watcher: Watcher) -> None:
    assert watcher.rung(LOG.files(600)) == NOTHING
    assert watcher.rung(LOG.files(600), later=1) == NOTHING
    assert watcher.rung(LOG.files(600), later=0.1) == (Trouble.FREEZE,)
    assert watcher.look({}).verdict is Verdict.UNREACHABLE
    assert watcher.rung(LOG.files(601)) == NOTHING


def test_a_monitor_that_starts_anew_knows_since_when(watcher: Watcher) -> None:
    watcher.look(LOG.files(600))
    again = Watcher(watcher.path)
    assert again.rung(LOG.files(600), later=1.1) == (Trouble.FREEZE,)
    assert again.rung(LOG.files(599)) == (Trouble.SHRINKAGE, Trouble.FREEZE)


def test_anchors_that_are_missing_for_too_long_are_rung_for(on_chain: Watcher) -> None:
    def look(size: int, anchored: int, later: float) -> tuple[Trouble, ...]:
        return on_chain.rung(LOG.files(size), Chain(LOG.anchored(anchored) if anchored else None), later=later)

    assert look(100, 0, 0) == NOTHING
    assert look(200, 100, 0.9) == NOTHING, "what waited first has its anchor"
    for hour in range(24):
        assert look(201 + hour, 100, 1) == NOTHING
    assert look(301, 100, 0.9) == (Trouble.ANCHORS_MISSING,), "the first 200, since a day"
    assert look(302, 199, 0.1) == (Trouble.ANCHORS_MISSING,)
    assert look(303, 200, 0.1) == NOTHING
    assert look(303, 303, 0.1) == NOTHING
    memory = recall(on_chain.path, ANCHORED)
    assert memory is not None
    assert (memory.waiting_size, memory.waiting_since) == (0, "")


@pytest.mark.parametrize(
    ("chain", "trouble"),
    [
        (Chain(LOG.anchored(601)), Trouble.BEHIND_CHAIN),
        (Chain(FORGED.anchored(600)), Trouble.OTHER_ROOT),
        (Chain(FORGED.anchored(1)), Trouble.OTHER_ROOT),
        (Chain(msgspec.structs.replace(LOG.anchored(600), case_map_root=b"\x07" * 32)), Trouble.OTHER_ROOT),
        (Silent(None), Trouble.UNREACHABLE),
    ],
)
def test_each_trouble_with_the_chain_is_rung_for(on_chain: Watcher, chain: Chain, trouble: Trouble) -> None:
    look = on_chain.look(LOG.files(600), chain)
    assert [each.trouble for each in look.alarms] == [trouble]
    assert look.verdict is trouble.verdict
    assert on_chain.size() == 600, "the log itself holds"


def test_another_chain_than_the_pinned_one_is_misconfigured(on_chain: Watcher) -> None:
    chain = Chain(LOG.anchored(600))
    chain.there = msgspec.structs.replace(chain.there, chain_id=1)
    with pytest.raises(Misconfigured):
        on_chain.look(LOG.files(600), chain)


def test_it_believes_nothing_before_it_is_durable(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever dies while remembering has the old memory, whole, and verifies once more."""
    watcher.look(LOG.files(600))

    class DiedError(Exception):
        pass

    def die(*_: Any) -> None:
        raise DiedError

    for place, name in ((durable.os, "fsync"), (Path, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, die)
            with pytest.raises(DiedError):
                watcher.look(LOG.files(700))
        assert watcher.size() == 600
    assert watcher.rung(LOG.files(700)) == NOTHING
    assert watcher.size() == 700


def test_a_memory_of_another_log_or_of_nothing_is_refused(watcher: Watcher) -> None:
    watcher.path.write_bytes(
        msgspec.json.encode(Memory(module.FORMAT, LOG.note(5, THIEF), "2026-03-02T08:00:00.000000Z"))
    )
    with pytest.raises(Misconfigured):
        watcher.look(LOG.files(600))
    for octets in (b"", b"{}", b"\xff", b'{"format": "ledger-automation/monitor/v2"}'):
        watcher.path.write_bytes(octets)
        with pytest.raises(UnreadableFile):
            watcher.look(LOG.files(600))
        assert watcher.path.read_bytes() == octets


def test_every_trouble_has_its_line_in_the_table_of_the_module() -> None:
    table = {
        line.split()[0]: line.split()[-1] for line in (module.__doc__ or "").split("\n") if line.startswith("    ")
    }
    assert table == {each.value: each.verdict.value for each in Trouble}


def test_a_monitor_without_a_memory_starts_with_the_whole_log(watcher: Watcher) -> None:
    asked: list[str] = []
    watcher.monitor.look(fetching(LOG.files(600), asked), START)
    assert set(asked) == set(LOG.files(600))
    with pytest.raises(NotFound):
        fetching({})("checkpoint")
