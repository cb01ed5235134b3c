"""The log's side: rounds to three witnesses, whatever they answer, and what comes of it in receipts and alarms."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.errors import InvalidDefinition, InvalidValue, LogTooShort, NotFound
from ledger_automation.merkle import consistency_proof
from ledger_automation.orchestrator.cosign import PATIENCE, Reply, Visit, WitnessRound, pinned_witnesses
from ledger_automation.orchestrator.duties import Duties
from ledger_automation.orchestrator.query import checkpoint_view
from ledger_automation.orchestrator.receipt import issue, issue_absence
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.submission import Alarm, AlarmKind, SignedSubmission, State, Subject, Submission
from ledger_automation.orchestrator.transition import Recorder
from ledger_automation.settings import Settings
from ledger_automation.tlog.cosignature import witnesses_of
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier
from support.towns import Town
from support.views import View, request
from support.witnesses import Witnesses


class Log:
    """A ledger on SQLite with a clock that a test moves, and its witnesses."""

    def __init__(self, ledger: Ledger, place: Path) -> None:
        self.now = datetime(2026, 3, 2, 8, tzinfo=UTC)
        self.ledger = replace(ledger, recorder=Recorder(ledger.settings.origin, lambda: self.now))
        self.town = Town(self.ledger)
        self.witnesses = Witnesses(place, ledger.key)

    def grow(self, fines: int = 1) -> CaseId:
        """Record, and have it sequenced into one checkpoint; return the last case."""
        case = [self.town.fine() for _ in range(fines)][-1]
        assert sequence(self.ledger.begin, self.ledger.recorder, self.ledger.key) is not None
        return case

    def round(self, *numbers: int) -> WitnessRound:
        pinned = self.witnesses.pinned(*numbers)
        return WitnessRound(self.ledger.begin, self.ledger.read, pinned, self.witnesses, self.ledger.recorder.clock)

    def go(self, *numbers: int) -> list[Visit]:
        return self.round(*numbers).go()

    def alarms(self, visits: list[Visit]) -> list[str]:
        return [each.alarm.sentence for each in visits if each.alarm is not None]

    def cosigned(self) -> dict[int, int]:
        found: dict[int, int] = {}
        with self.ledger.read() as unit:
            for each in unit.log.cosignatures(0):
                found[each.tree_size] = found.get(each.tree_size, 0) + 1
        return found

    def send_to_a_chain(self, size: int, state: State = State.FINAL) -> None:
        signed = SignedSubmission(f"0x{size:064x}", b"raw", "0xcd", size)
        subject = Subject(tree_size=size)
        with self.ledger.begin() as unit:
            unit.anchors.add(Submission(signed, subject, 7, "0xab", 1, 9, state, 9, "0x09"))
            unit.commit()


@pytest.fixture
def log(tmp_path: Path) -> Any:
    with open_ledger(Settings(home=tmp_path / "home")) as ledger:
        yield Log(ledger, tmp_path / "witnesses")


def test_a_round_brings_the_newest_checkpoint_to_each_witness_and_keeps_what_they_say(log: Log) -> None:
    assert log.go() == [], "an empty log has nothing to be cosigned"
    case = log.grow()
    assert [(each.cosigned, each.error) for each in log.go()] == [(1, None)] * 3
    assert [each.cosigned for each in log.go()] == [0, 0, 0]
    assert len(log.witnesses.asked) == 3, "what is cosigned is not asked for again"
    log.grow(4)
    log.go()
    assert log.cosigned() == {1: 3, 5: 3}
    assert log.witnesses.statuses(0) == [200, 200], "the log knows what each witness has"
    with log.ledger.read() as unit:
        note = checkpoint_view(unit)
        assert len(witnesses_of(note, [log.witnesses.key(number) for number in range(3)])) == 3
        assert note == checkpoint_view(unit, 3)
        assert issue(unit, case).checkpoint == note


def test_a_receipt_is_final_once_two_of_three_cosigned_its_checkpoint_and_pending_before(log: Log) -> None:
    settings = Settings(home=log.ledger.settings.home, **log.witnesses.settings(2))
    policy = replace(log.ledger, settings=settings).policy(Level.LOGGED)
    case = log.grow()

    def verdict() -> tuple[Verdict, str]:
        with log.ledger.read() as unit:
            answer = Verifier(policy).verify(issue(unit, case))
        return answer.verdict, answer.reason

    assert verdict() == (Verdict.PENDING, "not_witnessed")
    log.witnesses.away = {0, 1}
    log.go()
    assert verdict() == (Verdict.PENDING, "not_witnessed")
    log.witnesses.away = {0}
    log.go()
    assert verdict() == (Verdict.FINAL, "logged"), "one that is away holds up neither the others nor the receipt"


def test_a_witness_that_was_away_gets_what_was_anchored_meanwhile_and_the_newest(log: Log) -> None:
    log.grow()
    log.go()
    log.witnesses.away = {2}
    for _ in range(4):
        log.grow()
        log.go()
    log.send_to_a_chain(3)
    log.witnesses.away = set()
    (visit,) = log.go(2)
    assert (visit.cosigned, log.witnesses.sizes(2)) == (2, [1, 3, 5])
    assert log.cosigned() == {1: 3, 2: 2, 3: 3, 4: 2, 5: 3}


def witnesses_shown(log: Log, case: CaseId, sequence: int | None = None) -> tuple[int, int]:
    """The size of the checkpoint that a receipt shows where two witnesses are asked for, and how many it names."""
    with log.ledger.read() as unit:
        note = issue(unit, case, sequence, witnesses=2).checkpoint
    return int(note.split("\n")[1]), len(witnesses_of(note, [log.witnesses.key(number) for number in range(3)]))


def test_a_receipt_shows_a_checkpoint_on_chain_that_enough_witnesses_cosigned(log: Log) -> None:
    case = log.grow()
    log.send_to_a_chain(1)
    log.grow()
    log.go()
    assert witnesses_shown(log, case, 0) == witnesses_shown(log, case) == (1, 0), "on chain comes first"
    log.send_to_a_chain(2)
    assert witnesses_shown(log, case, 0) == witnesses_shown(log, case) == (2, 3)
    log.grow()
    log.send_to_a_chain(3, State.ANCHORED)
    assert witnesses_shown(log, case, 0) == witnesses_shown(log, case) == (2, 3)
    log.go()
    assert witnesses_shown(log, case, 0) == (2, 3), "of a step the first, which stays the same"
    assert witnesses_shown(log, case) == (3, 3), "of a case the newest"


def test_without_a_chain_a_case_is_whole_up_to_what_was_cosigned_last(log: Log) -> None:
    settings = Settings(home=log.ledger.settings.home, **log.witnesses.settings(2))
    policy = replace(log.ledger, settings=settings).policy(Level.LOGGED)
    case = log.grow()
    for size in (1, 7, 13):
        log.go()
        for _ in range(6):
            log.grow()
        assert witnesses_shown(log, case) == (size, 3)
        with log.ledger.read() as unit:
            answer = Verifier(policy).verify(issue(unit, case, witnesses=2))
        assert (answer.verdict, answer.reason) == (Verdict.FINAL, "logged")
    log.town.pay(case)
    assert sequence(log.ledger.begin, log.ledger.recorder, log.ledger.key) is not None
    assert witnesses_shown(log, case) == (20, 0), "the cosigned ones do not cover the step"
    log.go()
    assert witnesses_shown(log, case) == (20, 3)


def test_all_witnesses_of_a_round_are_asked_for_the_same_checkpoint(log: Log) -> None:
    """Else a log that is sequenced meanwhile has as many checkpoints cosigned once as there are witnesses."""
    log.grow()
    post, one_after_another = log.witnesses.post, Lock()

    def growing(url: str, body: bytes) -> Reply:
        with one_after_another:
            log.grow()
        return post(url, body)

    log.witnesses.post = growing  # type: ignore[method-assign]
    log.go()
    assert log.cosigned() == {1: 3}


def test_the_newest_checkpoint_that_enough_witnesses_cosigned_is_found(log: Log) -> None:
    log.grow()
    log.go()
    log.grow()
    log.go(1)
    log.grow()
    with log.ledger.read() as unit:
        sizes = [checkpoint_view(unit, number).split("\n")[1] for number in range(4)]
        assert sizes == ["3", "2", "1", "1"]
        with pytest.raises(NotFound, match="4 witnesses"):
            checkpoint_view(unit, 4)


def test_an_answer_that_was_lost_is_asked_for_again(log: Log) -> None:
    log.grow()
    log.witnesses.post("http://witness-0", log_request(log, 1))
    (visit,) = log.go(0)
    assert (visit.cosigned, visit.error) == (1, None)
    assert log.witnesses.statuses(0) == [200, 409, 200]
    log.grow(3)
    log.witnesses.post("http://witness-0", log_request(log, 4, 1))
    log.grow(3)
    (visit,) = log.go(0)
    assert (visit.cosigned, log.witnesses.statuses(0)[-3:]) == (1, [200, 409, 200])
    assert log.cosigned() == {1: 1, 7: 1}


def log_request(log: Log, size: int, old: int = 0) -> bytes:
    """What somebody else of the same log sends: its note, and the proof from an older size."""
    with log.ledger.read() as unit:
        record = next(unit.log.checkpoints(size - 1))
        return request(old, consistency_proof(unit.log.subtree, old, size) if old else [], record.note)


def test_two_rounds_at_once_are_one_in_the_end(log: Log) -> None:
    for _ in range(3):
        log.grow(2)
        with ThreadPoolExecutor(4) as pool:
            done = [visit for visits in pool.map(lambda _: log.go(), range(4)) for visit in visits]
        assert log.alarms(done) == []
    assert log.cosigned() == {2: 3, 4: 3, 6: 3}


def other_history(log: Log, number: int, size: int) -> None:
    """Have a witness cosign another history of the log than its database has: whoever holds its key can."""
    view = View("another", key=log.ledger.key)
    assert log.witnesses.post(f"http://witness-{number}", view.body(size)).status == 200


@pytest.mark.parametrize(
    ("size", "words"),
    [(2, "there are two logs, or this one was rewritten"), (3, "another checkpoint of this size"), (9, "a longer log")],
)
def test_a_second_history_is_an_alarm_in_the_first_round_that_meets_it(log: Log, size: int, words: str) -> None:
    log.grow(3)
    other_history(log, 0, size)
    visits = log.go()
    (sentence,) = log.alarms(visits)
    assert "witness.example/0" in sentence
    assert words in sentence
    assert [each.cosigned for each in visits] == [0, 1, 1], "the other two go on"
    assert log.cosigned() == {3: 2}


def test_a_log_that_was_set_back_is_told_so(log: Log, tmp_path: Path) -> None:
    log.grow(3)
    log.go(0)
    database = log.ledger.settings.home / "ledger.sqlite"
    copy = tmp_path / "copy.sqlite"
    with closing(sqlite3.connect(database)) as now, closing(sqlite3.connect(copy)) as kept:
        now.backup(kept)
    log.grow(3)
    log.go(0)
    with open_ledger(Settings(home=log.ledger.settings.home, database_url=f"sqlite:///{copy}")) as back:
        log.ledger = replace(back, recorder=log.ledger.recorder)
        log.town = Town(log.ledger)
        log.grow()
        (visit,) = log.go(0)
        assert isinstance(visit.error, LogTooShort)
        log.grow(4)
        (visit,) = log.go(0)
        assert "there are two logs" in log.alarms([visit])[0]


def test_a_witness_that_was_set_back_is_told_of(log: Log) -> None:
    log.grow(3)
    log.go(0)
    memory = log.witnesses.places[0] / "witness.sqlite"
    old = memory.read_bytes()
    log.grow(3)
    log.go(0)
    memory.write_bytes(old)
    log.grow()
    (visit,) = log.go(0)
    assert (visit.cosigned, "set back" in log.alarms([visit])[0]) == (0, True)


ANSWERS = {
    "no signature line": (Reply(200, "text/plain", b"thank you\n"), "malformed"),
    "nothing": (Reply(200, "text/plain", b""), "malformed"),
    "bytes": (Reply(200, "text/plain", b"\xff\n"), "no signature line"),
    "it does not know the log": (Reply(404, "text/plain", b""), "does not know this log"),
    "it does not know the key": (Reply(403, "text/plain", b""), "does not know this log"),
    "a size of another type": (Reply(409, "text/plain", b"1\n"), "which size"),
    "a size that is none": (Reply(409, "text/x.tlog.size", b"01\n"), "which size"),
    "a size without a newline": (Reply(409, "text/x.tlog.size", b"1"), "which size"),
    "a fault": (Reply(500, "text/plain", b""), "answered 500"),
    "busy": (Reply(503, "text/plain", b""), "answered 503"),
    "another place": (Reply(302, "text/plain", b""), "answered 302"),
}


@pytest.mark.parametrize("how", ANSWERS)
def test_whatever_a_witness_answers_only_its_signature_counts(log: Log, how: str) -> None:
    log.grow()
    log.witnesses.answers[1], words = ANSWERS[how]
    visits = log.go()
    (sentence,) = log.alarms(visits)
    assert words in sentence
    assert log.cosigned() == {1: 2}


def test_the_cosignature_of_another_witness_or_of_another_text_is_not_kept(log: Log) -> None:
    log.grow()
    theirs = log.witnesses.post("http://witness-2", log_request(log, 1))
    log.grow()
    log.witnesses.answers[1] = theirs
    assert "not signed by its key" in log.alarms(log.go(1))[0]
    del log.witnesses.answers[1]
    log.witnesses.answers[1] = log.witnesses.post("http://witness-1", log_request(log, 1))
    assert "does not belong" in log.alarms(log.go(1))[0]
    assert log.cosigned() == {}


def test_a_witness_that_is_away_is_an_alarm_after_an_hour_and_no_more_once_it_is_back(log: Log) -> None:
    log.grow()
    log.go()
    log.witnesses.away = {1}
    for later, alarms in ((timedelta(), 0), (PATIENCE - timedelta(seconds=1), 0), (PATIENCE, 1)):
        log.now = datetime(2026, 3, 2, 8, tzinfo=UTC) + later
        log.grow()
        assert len(log.alarms(log.go())) == alarms
    log.witnesses.away = set()
    assert log.alarms(log.go()) == []
    assert log.cosigned()[4] == 3


def test_the_duty_rings_once_and_is_quiet_once_it_is_over(log: Log) -> None:
    heard: list[Alarm] = []
    ledger, key = log.ledger, log.witnesses.key(1).text
    duties = Duties(ledger.begin, ledger.recorder, ledger.key, timedelta(hours=9), heard.append)

    def standing() -> list[str]:
        with ledger.read() as unit:
            return [each.about for each in unit.anchors.alarms() if each.kind is AlarmKind.WITNESS]

    log.grow()
    log.witnesses.answers[1] = Reply(404, "text/plain", b"")
    for _ in range(3):
        duties.cosign(log.round())
    assert (standing(), [each.about for each in heard]) == ([key], [key])
    log.witnesses.answers[1] = Reply(503, "text/plain", b"")
    duties.cosign(log.round())
    assert standing() == [key], "one that does not answer has not come round"
    log.witnesses.answers.clear()
    duties.cosign(log.round())
    assert (standing(), len(heard), log.cosigned()) == ([], 1, {1: 3})


def test_a_case_that_is_not_there_is_shown_to_be_absent_under_two_cosignatures(log: Log) -> None:
    settings = Settings(home=log.ledger.settings.home, **log.witnesses.settings(2))
    policy = replace(log.ledger, settings=settings).policy(Level.LOGGED)
    log.grow(3)
    with log.ledger.read() as unit:
        assert Verifier(policy).verify(issue_absence(unit, CaseId.random(), witnesses=2)).reason == "not_witnessed"
    log.go()
    log.grow(3)
    with log.ledger.read() as unit:
        absence = issue_absence(unit, CaseId.random(), witnesses=2)
    assert absence.checkpoint.split("\n")[1] == "3", "the newest that was cosigned"
    assert Verifier(policy).verify(absence).verdict is Verdict.FINAL


def test_places_of_witnesses_are_read_strictly(log: Log) -> None:
    key = log.witnesses.key(0).text
    assert pinned_witnesses({key: "https://witness.example/w"})[0].url == "https://witness.example/w"
    for url in ("", "witness.example", "ftp://witness.example", "https://witness.example/?a=b", "https://a b"):
        with pytest.raises(InvalidDefinition):
            pinned_witnesses({key: url})
    with pytest.raises(InvalidDefinition, match="ask for 2"):
        pinned_witnesses({key: "https://witness.example"}, 2)
    for settings in ({"witnesses": {key: "nowhere"}}, {"witnesses_required": 1}):
        home = log.ledger.settings.home.with_name("never")
        with pytest.raises(InvalidDefinition), open_ledger(Settings(home=home, **settings)):
            pass
        assert not home.exists()
    with pytest.raises(InvalidValue):
        pinned_witnesses({log.ledger.key.verifier.text: "https://witness.example"})
