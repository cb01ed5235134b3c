"""Ports AnchorStore, AlarmStore and IntakeStore: what was sent to a chain, what went wrong, how far a file was read."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import msgspec
import pytest

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.ports import IntakeRun
from ledger_automation.orchestrator.submission import Alarm, AlarmKind, SignedSubmission, State, Subject, Submission

CHAIN = 31337
FUNDS, STUCK = AlarmKind.LOW_FUNDS, AlarmKind.STUCK


def submission(number: int, subject: Subject | None = None, nonce: int | None = None, **fields: Any) -> Submission:
    signed = SignedSubmission(
        f"0x{number:064x}", b"\x02raw \x00" + bytes([number]), "0x" + "ab" * 20, number if nonce is None else nonce
    )
    row = Submission(signed, subject or Subject(tree_size=number), CHAIN, "0xRegistry", 1, 70)
    return msgspec.structs.replace(row, **fields)


def mined(row: Submission, block: int, state: State) -> Submission:
    return msgspec.structs.replace(row, state=state, block_number=block, block_hash=f"0x{block:064x}")


def sent(store: Any, signed: Any, *rows: Submission) -> None:
    with store.begin() as unit:
        for row in rows:
            if row.subject.tree_size is not None:
                unit.log.sign_off(signed(row.subject.tree_size))
            unit.anchors.add(row)
        unit.commit()


def settle(unit: Any, *rows: Submission) -> bool:
    """Write down what became of all that is open under the nonces of some rows."""
    nonces = [
        ([row for row in unit.anchors.unsettled(chain) if row.signed.nonce == nonce], [*group])
        for (chain, nonce), group in groupby(rows, key=lambda row: (row.chain_id, row.signed.nonce))
    ]
    return all(unit.anchors.update(before, after) for before, after in nonces)


def written(store: Any, *rows: Submission) -> None:
    with store.begin() as unit:
        assert settle(unit, *rows)
        unit.commit()


def unsettled(store: Any, chain_id: int = CHAIN) -> list[Submission]:
    with store.read() as unit:
        found: list[Submission] = unit.anchors.unsettled(chain_id)
    return found


def test_a_submission_is_pending_and_comes_back_byte_for_byte(store: Any, signed: Any) -> None:
    step = submission(5, Subject(case_id="3f2504e0-4f89-41d3-9a0c-0305e82c3301", sequence=7))
    sent(store, signed, submission(9), submission(4), step)
    assert unsettled(store) == [submission(4), step, submission(9)], "in the order of nonces"
    assert unsettled(store, 1) == []
    with store.read() as unit:
        assert unit.anchors.of(step.subject) == [step]
        assert [each.tree_size for each in unit.log.submissions(0)] == [4, 9], "an audit reads checkpoints only"


def test_it_stays_unsettled_until_it_is_final(store: Any, signed: Any) -> None:
    first, second = submission(4), submission(9)
    sent(store, signed, first, second)
    written(store, mined(first, 77, State.ANCHORED))
    assert unsettled(store) == [mined(first, 77, State.ANCHORED), second]
    with store.read() as unit:
        assert unit.anchors.last_final(CHAIN) is None
        assert unit.log.final_size() == 0
    written(store, mined(first, 78, State.FINAL), mined(second, 79, State.REVERTED))
    assert unsettled(store) == []
    with store.read() as unit:
        assert unit.anchors.last_final(CHAIN) == mined(first, 78, State.FINAL)
        assert unit.anchors.last_final(1) is None
        assert unit.log.final_size() == 4
        assert [(each.state, each.block_number) for each in unit.log.submissions(0)] == [
            ("final", 78),
            ("reverted", 79),
        ]
        assert [each.tree_size for each in unit.log.submissions(4)] == [9]


def test_a_replacement_shares_its_nonce_and_nobody_else_does(store: Any, signed: Any) -> None:
    first = submission(4)
    better = submission(5, first.subject, nonce=4, attempt=2)
    sent(store, signed, first)
    with store.begin() as unit:
        unit.anchors.add(better)
        unit.commit()
    assert unsettled(store) == [first, better]
    written(store, msgspec.structs.replace(better, state=State.REPLACED), mined(first, 77, State.ANCHORED))
    assert [row.state for row in unsettled(store)] == ["anchored", "replaced"], "a reorganisation may swap them"
    for other in (submission(6, first.subject), submission(7, Subject(case_id="c", sequence=1), nonce=4)):
        with store.begin() as unit, pytest.raises(Conflict, match="faster"):
            unit.anchors.add(other)
    written(store, mined(first, 77, State.FINAL))
    with store.begin() as unit, pytest.raises(Conflict):
        unit.anchors.add(submission(8, first.subject))
    assert unsettled(store) == []


def test_what_is_concluded_from_less_than_stands_is_not_written(store: Any, signed: Any) -> None:
    """Who read a nonce before another process signed for it, or settled it, knows too little of it."""
    first = submission(4)
    better = submission(5, first.subject, nonce=4, attempt=2)
    displaced = msgspec.structs.replace(first, state=State.DISPLACED)
    sent(store, signed, first)
    with store.begin() as unit:
        unit.anchors.add(better)
        unit.commit()
    anchored = [msgspec.structs.replace(first, state=State.REPLACED), mined(better, 77, State.ANCHORED)]
    final = [anchored[0], mined(better, 77, State.FINAL)]
    for before, after, holds, stands in (
        ([first], [displaced], False, [first, better]),  # signed for meanwhile
        ([first, better], anchored, True, anchored),
        ([first, better], [displaced, better], False, anchored),  # settled meanwhile
        (anchored, final, True, []),
        (anchored, [first, better], False, []),  # final meanwhile
    ):
        with store.begin() as unit:
            assert unit.anchors.update(before, after) is holds
            unit.commit()
        assert unsettled(store) == stands


def test_a_lost_chain_takes_its_own_submissions_and_no_others(store: Any, signed: Any) -> None:
    first, second = submission(4, chain_id=1), submission(9)
    sent(store, signed, first, second)
    with store.begin() as unit:
        assert settle(unit, mined(first, 5, State.FINAL))
        unit.anchors.lose(1)
        unit.commit()
    with store.read() as unit:
        assert [(each.tree_size, each.state) for each in unit.log.submissions(0)] == [(4, "lost"), (9, "pending")]
        assert unit.anchors.last_final(1) is None
    assert unsettled(store) == [second]


def test_what_a_lost_chain_had_may_be_sent_to_the_next_byte_for_byte(store: Any, signed: Any) -> None:
    sent(store, signed, submission(4))
    with store.begin() as unit:
        assert settle(unit, mined(submission(4), 5, State.FINAL))
        unit.anchors.lose(CHAIN)
        unit.anchors.add(submission(4))
        unit.commit()
    assert unsettled(store) == [submission(4)]


def test_an_alarm_stands_once_until_it_is_quiet(store: Any) -> None:
    alarm, other = Alarm(FUNDS, "0xab", "Nearly empty.", {"batches": 3}), Alarm(STUCK, "checkpoint/4", "Stuck.")
    with store.begin() as unit:
        rung = [unit.anchors.ring(each, "2026-03-02T08:00:00Z") for each in (alarm, other, alarm)]
        unit.commit()
    assert rung == [True, True, False]
    with store.begin() as unit:
        assert unit.anchors.alarms() == [alarm, other]
        unit.anchors.quiet(FUNDS, "0xcd")
        unit.anchors.quiet(FUNDS, "0xab")
        unit.commit()
    with store.begin() as unit:
        assert unit.anchors.alarms() == [other]
        assert unit.anchors.ring(alarm, "2026-03-03T08:00:00Z"), "it rings again when it comes back"
        unit.commit()


def test_of_two_processes_that_sign_for_one_nonce_at_once_one_is_let_through(store: Any, signed: Any) -> None:
    first, rival = submission(4), submission(5, Subject(case_id="c", sequence=1), nonce=4)
    with store.begin() as unit:
        unit.log.sign_off(signed(4))
        unit.commit()
    both = threading.Barrier(2)

    def send(row: Submission) -> str:
        try:
            with store.begin() as unit:
                if row is first:  # whoever comes second comes while the first has not committed
                    unit.anchors.add(row)
                    both.wait(10)
                    threading.Event().wait(0.2)
                else:
                    both.wait(10)
                    unit.anchors.add(row)
                unit.commit()
        except Conflict:
            return "conflict"
        return "stored"

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(send, (first, rival))) == ["stored", "conflict"]
    assert unsettled(store) == [first]


def test_what_eight_find_at_once_rings_once(store: Any) -> None:
    alarm, gate = Alarm(FUNDS, "0xab", "Nearly empty."), threading.Barrier(8)

    def ring(_: int) -> bool:
        gate.wait(10)
        with store.begin() as unit:
            rung: bool = unit.anchors.ring(alarm, "2026-03-02T08:00:00Z")
            unit.commit()
        return rung

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ring, range(8))) == [False] * 7 + [True]
    with store.read() as unit:
        assert unit.anchors.alarms() == [alarm]


def test_a_run_is_none_then_what_was_saved_last(store: Any) -> None:
    run = IntakeRun("ab" * 32, b"\x07" * 32, 1_024, 90, 1_000, 20, 0, {"not_in_state": 4})
    later = msgspec.structs.replace(run, position=2_048, refusals={"not_in_state": 5, "four_eyes": 1})
    other = IntakeRun("cd" * 32, b"\x08" * 32)
    with store.read() as unit:
        assert unit.intake.run(run.source) is None
    for saved in (run, other, later):
        with store.begin() as unit:
            unit.intake.save(saved)
            unit.commit()
    with store.read() as unit:
        assert unit.intake.run(run.source) == later
        assert unit.intake.run(other.source) == other
        assert later.counted == later.accepted + later.ignored + 6


def test_a_run_and_its_events_stand_or_fall_together(store: Any, clerk: Any) -> None:
    step, _ = clerk.open()
    with store.begin() as unit:
        unit.cases.record([step])
        unit.intake.save(IntakeRun("ab" * 32, b"\x07" * 32, 1))
    with store.read() as unit:
        assert unit.cases.case(step.case.case_id) is None
        assert unit.intake.run("ab" * 32) is None
