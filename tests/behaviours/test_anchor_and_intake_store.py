"""Ports AnchorStore and IntakeStore: what was sent to a chain, how far a file was replayed."""

from typing import Any

import msgspec

from ledger_automation.orchestrator.ports import IntakeRun, SignedSubmission
from ledger_automation.verify.sources import AnchorEvidence


def submission(number: int) -> SignedSubmission:
    return SignedSubmission(f"0x{number:064x}", b"\x02raw \x00" + bytes([number]), "0x" + "ab" * 20, number)


def evidence(number: int, block: int, confirmations: int = 1) -> AnchorEvidence:
    return AnchorEvidence(f"0x{number:064x}", block, f"0x{block:064x}", True, None, confirmations)


def sent(store: Any, signed: Any, *sizes: int, chain_id: int = 31337) -> None:
    with store.begin() as unit:
        for size in sizes:
            unit.log.sign_off(signed(size))
            unit.anchors.add(submission(size), size, chain_id, "0xRegistry")
        unit.commit()


def test_a_submission_is_pending_and_comes_back_byte_for_byte(store: Any, signed: Any) -> None:
    sent(store, signed, 9, 4)
    with store.read() as unit:
        unsettled = unit.anchors.unsettled()
    assert [record.tree_size for _, record in unsettled] == [4, 9], "in the order of sizes"
    assert [given for given, _ in unsettled] == [submission(4), submission(9)]
    assert {(record.state, record.chain_id, record.contract, record.block_number) for _, record in unsettled} == {
        ("pending", 31337, "0xRegistry", None)
    }


def test_it_stays_unsettled_until_it_is_final(store: Any, signed: Any) -> None:
    sent(store, signed, 4, 9)
    with store.begin() as unit:
        unit.anchors.settle(evidence(4, 77), "anchored")
        unit.commit()
    with store.read() as unit:
        (_, first), (_, second) = unit.anchors.unsettled()
        assert (first.state, first.block_number, first.block_hash) == ("anchored", 77, f"0x{77:064x}")
        assert second.state == "pending"
    with store.begin() as unit:
        unit.anchors.settle(evidence(4, 78), "final")
        unit.anchors.settle(evidence(9, 79), "reverted")
        unit.commit()
    with store.read() as unit:
        assert unit.anchors.unsettled() == []
        assert [(each.state, each.block_number) for each in unit.log.submissions(0)] == [
            ("final", 78),
            ("reverted", 79),
        ]
        assert [each.tree_size for each in unit.log.submissions(4)] == [9]


def test_a_lost_chain_takes_its_own_submissions_and_no_others(store: Any, signed: Any) -> None:
    sent(store, signed, 4, chain_id=1)
    sent(store, signed, 9, chain_id=2)
    with store.begin() as unit:
        unit.anchors.settle(evidence(4, 5), "final")
        unit.anchors.lose(1)
        unit.commit()
    with store.read() as unit:
        assert [(each.tree_size, each.state) for each in unit.log.submissions(0)] == [(4, "lost"), (9, "pending")]
        assert [record.tree_size for _, record in unit.anchors.unsettled()] == [9]


def test_what_a_lost_chain_had_may_be_sent_to_the_next_byte_for_byte(store: Any, signed: Any) -> None:
    sent(store, signed, 4)
    with store.begin() as unit:
        unit.anchors.settle(evidence(4, 5), "final")
        unit.anchors.lose(31337)
        unit.commit()
    with store.begin() as unit:
        unit.anchors.add(submission(4), 4, 31337, "0xRegistry")
        unit.commit()
    with store.read() as unit:
        ((given, record),) = unit.anchors.unsettled()
        assert given == submission(4)
        assert (record.state, record.block_number, record.block_hash) == ("pending", None, None)


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
