"""A witness never cosigns two histories of a log: each attack is seen to succeed where its guard is taken out."""

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from ledger_automation.errors import (
    AnotherSize,
    Forbidden,
    InvalidValue,
    LedgerError,
    Misconfigured,
    NotFound,
    ProofError,
    SplitView,
    Unreachable,
)
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.tlog.cosignature import Cosigner, WitnessKey, cosigned_at, witnesses_of
from ledger_automation.tlog.note import SignerKey, read_lines
from ledger_automation.witness import home
from ledger_automation.witness import witness as judgement
from ledger_automation.witness.memory import Memory, Remembered
from ledger_automation.witness.request import Submission
from ledger_automation.witness.witness import Witness
from support.views import KEY, ORIGIN, View, request

ONE, TWO = View("one", shared=5), View("two", shared=5)
BLANK = "\n\n"
THIEF = SignerKey(ORIGIN, b"\x06" * 32)


def remembered(place: Path) -> int:
    found = home.memory(place).logs().get(ORIGIN)
    return found.tree_size if found else 0


def test_it_follows_a_log_that_grows(witness: Witness, key: WitnessKey, place: Path) -> None:
    old = 0
    for size in (0, 1, 2, 5, 11, 11, 64, 65, 128):
        line = witness.add_checkpoint(ONE.body(size, old))
        assert witnesses_of(ONE.note(size) + line, [key]) == [key]
        assert remembered(place) == size
        old = size


def test_nothing_of_the_note_but_the_text_is_cosigned(witness: Witness, key: WitnessKey) -> None:
    other = Cosigner("other.example", b"\x05" * 32).cosign(ONE.checkpoint(3).text(), 1)
    line = witness.add_checkpoint(request(0, [], ONE.note(3) + other))
    assert witnesses_of(ONE.note(3) + line, [key]) == [key]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"old 0\n", InvalidValue),
        (View(key=SignerKey("else.example", b"\x01" * 32)).body(8, 5), NotFound),
        (View(key=THIEF).body(8, 5), Forbidden),
        (request(5, ONE.proof(5, 8), f"{ONE.checkpoint(8).text()}\n{ONE.note(9).partition(BLANK)[2]}"), Forbidden),
        (request(9, [], ONE.note(8)), InvalidValue),
        (ONE.body(8), AnotherSize),
        (ONE.body(8, 4), AnotherSize),
        (ONE.body(8, 8), AnotherSize),
        (request(5, [], View("two").note(5)), SplitView),
        (request(5, [], ONE.checkpoint(5, b"\x01" * 32).sign(KEY)), SplitView),
        (request(5, ONE.proof(5, 8), View("two").note(8)), ProofError),
        (request(5, View("two").proof(5, 8), View("two").note(8)), ProofError),
        (request(5, [], ONE.note(8)), ProofError),
        (request(5, [*ONE.proof(5, 8), bytes(32)], ONE.note(8)), ProofError),
        (request(5, ONE.proof(4, 8), ONE.note(8)), ProofError),
        (request(5, [bytes(32)], ONE.note(5)), ProofError),
    ],
)
def test_it_says_no_and_remembers_what_it_did(
    witness: Witness, place: Path, body: bytes, error: type[LedgerError]
) -> None:
    witness.add_checkpoint(ONE.body(5))
    before = home.memory(place).logs()
    with pytest.raises(error):
        witness.add_checkpoint(body)
    assert home.memory(place).logs() == before
    assert witness.add_checkpoint(ONE.body(8, 5))


def test_at_first_there_is_no_proof_and_no_leaves_have_one_root(witness: Witness) -> None:
    with pytest.raises(ProofError):
        witness.add_checkpoint(request(0, [bytes(32)], ONE.note(8)))
    with pytest.raises(ProofError):
        witness.add_checkpoint(request(0, [], Checkpoint(ORIGIN, 0, bytes(32), EMPTY_MAP_ROOT).sign(KEY)))
    assert witness.add_checkpoint(ONE.body(0))


def test_a_log_with_two_keys_is_known_by_either(place: Path) -> None:
    with (place / "logs").open("a") as file:
        file.write(f"\n{THIEF.verifier.text}\n")
    witness = home.open_witness(place, place / "logs")
    assert witness.add_checkpoint(View(key=KEY).body(3))
    assert witness.add_checkpoint(View(key=THIEF).body(7, 3))


def test_the_two_notes_of_a_split_view_are_kept_as_a_proof_against_the_log(witness: Witness, place: Path) -> None:
    witness.add_checkpoint(ONE.body(8))
    for other in (TWO, View("three", shared=5)):
        with pytest.raises(SplitView):
            witness.add_checkpoint(request(8, [], other.note(8)))
    assert home.memory(place).splits() == {ORIGIN: (ONE.note(8), TWO.note(8))}, "the first two are proof enough"
    for note in home.memory(place).splits()[ORIGIN]:
        assert open_checkpoint(note, ORIGIN, [KEY.verifier]).tree_size == 8


def both_are_cosigned(first: Callable[[], Any], second: Callable[[], Any]) -> bool:
    done = 0
    for attempt in (first, second):
        try:
            attempt()
        except (AnotherSize, SplitView, ProofError):
            continue
        done += 1
    return done == 2


ATTACKS: dict[str, tuple[str, tuple[Any, Any]]] = {
    "another history of the same size": ("text", (ONE.body(8), request(8, [], TWO.note(8)))),
    "another history that is longer": ("proof", (ONE.body(8), request(8, TWO.proof(8, 12), TWO.note(12)))),
    "another history, as to one who knows nothing": ("old size", (ONE.body(8), TWO.body(12))),
    "a shorter history": ("old size", (ONE.body(12), ONE.body(8))),
    "the same root with another case map": (
        "text", (ONE.body(8), request(8, [], ONE.checkpoint(8, b"\x01" * 32).sign(KEY))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", ATTACKS)
def test_no_second_history_is_cosigned_and_each_guard_is_needed(
    how: str, place: Path, reopen: Callable[[], Witness], monkeypatch: pytest.MonkeyPatch
) -> None:
    guard, (first, second) = ATTACKS[how]
    witness = reopen()
    assert not both_are_cosigned(lambda: witness.add_checkpoint(first), lambda: witness.add_checkpoint(second))
    forget(place)
    take_out(guard, monkeypatch)
    assert both_are_cosigned(lambda: witness.add_checkpoint(first), lambda: witness.add_checkpoint(second))


def forget(place: Path, *, triggers: bool = False) -> None:
    with closing(sqlite3.connect(place / "witness.sqlite", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER IF EXISTS never_forgotten")
        if not triggers:
            connection.execute("DROP TRIGGER IF EXISTS never_shorter")
        connection.execute("DELETE FROM newest")


def take_out(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = judgement._successor

    def without(held: Remembered | None, asked: Submission) -> Remembered:
        if guard == "old size":
            return whole(None, asked._replace(old_size=0, proof=()))
        if guard == "text" and held is not None:
            held = held._replace(text=asked.text, root_hash=asked.head.root_hash)
        return whole(held, asked)

    monkeypatch.setattr(judgement, "_successor", without)
    if guard == "proof":
        monkeypatch.setattr(judgement, "verify_consistency", lambda *_: None)


def test_the_memory_itself_refuses_what_gets_shorter(
    place: Path, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second guard: whatever a mistake of this program would let pass."""
    _, (first, second) = ATTACKS["a shorter history"]
    take_out("old size", monkeypatch)
    witness.add_checkpoint(first)
    with pytest.raises(Misconfigured):
        witness.add_checkpoint(second)
    assert remembered(place) == 12
    with (
        closing(sqlite3.connect(place / "witness.sqlite")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="never forgotten"),
    ):
        connection.execute("DELETE FROM newest")


VIEWS = [View(f"view {number}") for number in range(8)]


def race(witness: Witness) -> int:
    """Show as many histories of one size at once as there are threads; return how many were cosigned."""
    begin = Barrier(len(VIEWS))

    def show(view: View) -> int:
        body = view.body(3)
        begin.wait()
        try:
            witness.add_checkpoint(body)
        except (AnotherSize, Unreachable):
            return 0
        return 1

    with ThreadPoolExecutor(len(VIEWS)) as pool:
        return sum(pool.map(show, VIEWS))


def test_of_eight_histories_at_once_one_is_cosigned(place: Path, witness: Witness) -> None:
    for _ in range(10):
        assert race(witness) == 1
        forget(place)


def test_where_a_look_and_its_answer_are_two_several_are_cosigned(
    place: Path, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet = Barrier(len(VIEWS))

    def in_two(self: Memory, origin: str, judge: Callable[[Remembered | None], tuple[Remembered, Any]]) -> Any:
        held = self.logs().get(origin)
        meet.wait()
        coming, answer = judge(held)
        with self._opened("rw") as connection:
            connection.execute("INSERT OR REPLACE INTO newest VALUES (?, ?, ?, ?, ?)", (origin, *coming))
        return answer

    forget(place)
    monkeypatch.setattr(Memory, "advance", in_two)
    assert race(witness) == len(VIEWS)


def show_all(place: Path, seed: int, results: Any) -> None:
    """In a process of its own: show history after history, each size as often as the witness will have it."""
    witness, view = home.open_witness(place, place / "logs"), View(f"of {seed}")
    old = 0
    for size in range(1, 40):
        try:
            line = witness.add_checkpoint(view.body(size, old))
            results.put((size, view.checkpoint(size).text(), line))
            old = size
        except AnotherSize as error:
            old = error.tree_size
        except (ProofError, SplitView, InvalidValue):
            continue


def test_two_processes_cosign_one_history_between_them(place: Path, key: WitnessKey) -> None:
    context = multiprocessing.get_context("spawn")
    results: Any = context.SimpleQueue()
    processes = [context.Process(target=show_all, args=(place, seed, results)) for seed in range(2)]
    for each in processes:
        each.start()
    for each in processes:
        each.join(60)
    cosigned: dict[int, set[str]] = {}
    while not results.empty():
        size, text, line = results.get()
        assert witnesses_of(f"{text}\n{line}", [key]) == [key]
        cosigned.setdefault(size, set()).add(text)
    assert cosigned
    assert all(len(texts) == 1 for texts in cosigned.values())
    assert len({text.split("\n")[2] for texts in cosigned.values() for text in texts}) == len(cosigned)


def killed_at(place: Path, where: str) -> int:
    """Die by SIGKILL within a request, at a place; return what the process ended with."""
    child = os.fork()
    if not child:
        die: Any = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
        witness = home.open_witness(place, place / "logs")
        if where == "before the commit":
            witness._clock = die
        else:
            witness._cosigner.cosign = die  # type: ignore[method-assign]
        witness.add_checkpoint(ONE.body(8))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_witness_that_dies_before_it_stored_has_promised_nothing(place: Path, reopen: Callable[[], Witness]) -> None:
    assert killed_at(place, "before the commit") == -signal.SIGKILL
    assert remembered(place) == 0
    assert reopen().add_checkpoint(TWO.body(8))


def test_a_witness_that_dies_before_it_answers_keeps_to_what_it_stored(
    place: Path, reopen: Callable[[], Witness], key: WitnessKey
) -> None:
    assert killed_at(place, "after the commit") == -signal.SIGKILL
    witness = reopen()
    with pytest.raises(AnotherSize) as told:
        witness.add_checkpoint(TWO.body(8))
    assert told.value.tree_size == 8
    with pytest.raises(SplitView):
        witness.add_checkpoint(request(8, [], TWO.note(8)))
    line = witness.add_checkpoint(ONE.body(8, 8))
    assert witnesses_of(ONE.note(8) + line, [key]) == [key], "who asks again gets what was lost"


def test_who_signs_before_storing_cosigns_two_when_killed_in_between(place: Path, reopen: Any, key: WitnessKey) -> None:
    """The guard that the order is: what left before the kill is out, and nothing remembers it."""
    witness = reopen()
    escaped = witness._cosigner.cosign(ONE.checkpoint(8).text(), 1)
    assert killed_at(place, "before the commit") == -signal.SIGKILL
    again = reopen().add_checkpoint(TWO.body(8))
    assert witnesses_of(ONE.note(8) + escaped, [key]) == witnesses_of(TWO.note(8) + again, [key]) == [key]


def test_replaying_what_was_cosigned_gets_the_same_and_replaying_what_is_past_gets_nothing(
    witness: Witness, key: WitnessKey
) -> None:
    first, second = ONE.body(3), ONE.body(8, 3)
    witness.add_checkpoint(first)
    witness.add_checkpoint(second)
    for past in (first, second):
        with pytest.raises(AnotherSize):
            witness.add_checkpoint(past)
    assert witnesses_of(ONE.note(8) + witness.add_checkpoint(ONE.body(8, 8)), [key]) == [key]


def test_the_moment_is_taken_while_no_other_checkpoint_can_come(witness: Witness, place: Path) -> None:
    """Else a cosignature could say "the largest I know" at a moment when a larger one was cosigned already."""
    witness._clock = lambda: float(is_locked(place))
    (line,) = read_lines(witness.add_checkpoint(ONE.body(3)))
    assert cosigned_at(line) == 1


def is_locked(place: Path) -> bool:
    with closing(sqlite3.connect(place / "witness.sqlite", 0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


def test_a_memory_that_is_gone_is_not_begun_anew(place: Path, reopen: Callable[[], Witness], witness: Witness) -> None:
    witness.add_checkpoint(ONE.body(8))
    (place / "witness.sqlite").rename(place / "elsewhere")
    for again in (reopen, lambda: witness.add_checkpoint(TWO.body(8))):
        with pytest.raises(Misconfigured, match="second history"):
            again()
    (place / "keys" / "witness.pub").unlink()
    with pytest.raises(Misconfigured, match="second history"):
        home.make(place, "witness.example/1")
    (place / "elsewhere").rename(place / "witness.sqlite")
    assert home.make(place, "witness.example/1").name == "witness.example/1"
    assert remembered(place) == 8


def test_a_memory_that_was_set_back_cosigns_again_which_is_why_it_is_said(place: Path, witness: Witness) -> None:
    """What no witness can find by itself: docs/threat-model.md says who finds it."""
    old = (place / "witness.sqlite").read_bytes()
    witness.add_checkpoint(ONE.body(8))
    (place / "witness.sqlite").write_bytes(old)
    assert witness.add_checkpoint(TWO.body(8))


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to look at", b"SQLite format 3\0"])
def test_what_is_no_memory_is_none(place: Path, reopen: Callable[[], Witness], content: bytes) -> None:
    (place / "witness.sqlite").write_bytes(content)
    with pytest.raises(Misconfigured, match="no memory"):
        reopen()


def test_a_busy_memory_is_said_so(place: Path, witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger_automation.witness.memory.BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(place / "witness.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unreachable):
            witness.add_checkpoint(ONE.body(8))
    assert witness.add_checkpoint(ONE.body(8))
