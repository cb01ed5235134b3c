"""C13 to C17, C19, C27: blocks that change, heads that fall back, and what is final."""

from typing import Any

import pytest

from faults.proxy import changed, dropped_before, null
from ledger_automation.errors import Contradiction, LedgerError, Misconfigured, Unreachable
from ledger_automation.orchestrator.submit import PATIENCE

SEND, RECEIPT, SHOW = "eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_getTransactionByHash"
HEAD, COUNT = "eth_blockNumber", "eth_getTransactionCount"


def test_c13_a_reorganisation_turns_anchored_back_and_the_same_bytes_are_anchored_again(town: Any) -> None:
    t = town(confirmations=6)
    size = t.grow()
    t.anchorer.submit()
    t.node.mine(2)
    t.anchorer.settle()
    (anchored,) = t.rows()
    assert anchored.state == "anchored"
    t.node.rpc("anvil_reorg", 3, [])
    assert t.anchorer.settle() == [size]
    (dropped,) = t.rows()
    assert (dropped.state, dropped.block_hash, dropped.signed) == ("pending", None, anchored.signed)
    assert [alarm.kind for alarm in t.rung] == ["reorganised"]
    t.node.mine()
    t.anchorer.settle()
    (again,) = t.rows()
    assert (again.state, again.signed) == ("anchored", anchored.signed)
    assert again.block_hash not in (None, anchored.block_hash), "a receipt issued now names the block of today"
    assert t.chain.evidence(again.signed.transaction, t.origin).block_hash == again.block_hash
    t.node.mine(5)
    t.anchorer.settle()
    assert (t.states(), t.latest(), t.standing()) == (["final"], size, [])
    assert len(set(t.proxy.sent)) == 1


def two_fees_of_which_the_first_was_mined(t: Any) -> Any:
    """The second fee is stored, and never reaches the node; returns the transaction that is anchored."""
    t.grow()
    t.anchorer.submit()
    t.proxy.faults = {SEND: dropped_before, HEAD: changed(lambda head: hex(int(head, 16) + PATIENCE))}
    with pytest.raises(Unreachable):
        t.anchorer.settle()
    t.proxy.heal()
    t.node.mine(2)
    t.anchorer.settle()
    first, second = t.rows()
    assert (first.state, second.state, second.attempt) == ("anchored", "replaced", 2)
    return first


def test_c13_of_two_fees_the_one_that_was_mined_is_the_one_that_was_dropped(town: Any) -> None:
    t = town(confirmations=6)
    anchored = two_fees_of_which_the_first_was_mined(t)
    t.node.rpc("anvil_reorg", 3, [])
    t.anchorer.settle()
    first, second = t.rows()
    assert (first.state, first.block_hash, second.state) == ("pending", None, "replaced")
    assert [alarm.kind for alarm in t.rung] == ["reorganised"]
    t.node.mine()
    t.anchorer.settle()
    again = t.rows()[0]
    assert (again.state, again.signed) == ("anchored", anchored.signed)
    assert again.block_hash not in (None, anchored.block_hash)


def test_c13_a_slow_receipt_of_the_fee_that_was_mined_is_no_alarm(town: Any) -> None:
    t = town(confirmations=6)
    two_fees_of_which_the_first_was_mined(t)
    before = t.rows()
    t.proxy.faults = {RECEIPT: null}
    t.anchorer.settle()
    assert (t.rows(), t.rung) == (before, [])


def test_c13_several_are_sent_again_in_their_order(town: Any) -> None:
    t = town(confirmations=9)
    for _ in range(3):
        t.grow()
        t.anchorer.submit()
        t.node.mine()
    t.anchorer.settle()
    t.node.rpc("anvil_reorg", 4, [])
    t.anchorer.settle()
    assert t.states() == ["pending"] * 3
    t.node.mine()
    t.anchorer.settle()
    assert t.states() == ["anchored"] * 3
    assert t.latest() == t.rows()[-1].subject.tree_size


def test_c13_eth_tester_shows_it_too(hamlet: Any) -> None:
    t = hamlet(confirmations=6)
    rpc = t.connection.web3.provider.make_request
    snapshot = rpc("evm_snapshot", [])["result"]
    size = t.grow()
    t.anchorer.submit()
    (anchored,) = t.rows()
    assert anchored.state == "anchored"
    rpc("evm_revert", [snapshot])
    rpc("evm_mine", [3])
    t.anchorer.settle()
    assert t.anchorer.submit() == size
    (again,) = t.rows()
    assert (again.state, again.signed) == ("anchored", anchored.signed)
    assert again.block_number == (anchored.block_number or 0) + 3
    assert [alarm.kind for alarm in t.rung] == ["reorganised"]


def final(t: Any, blocks: int = 4) -> Any:
    """Anchor a checkpoint, and bury it."""
    t.grow()
    t.anchorer.submit()
    t.node.mine(blocks)
    t.anchorer.settle()
    row = t.rows()[-1]
    assert row.state == "final"
    return row


def stands_still(t: Any, error: type[LedgerError], kind: str) -> None:
    """Nothing is sent, signed or written; a person is told, once."""
    rows, sent = t.rows(), len(t.proxy.sent)
    for attempt in (t.anchorer.settle, t.anchorer.submit, lambda: t.lane.send(*t.step()), t.restarted()[1].submit):
        with pytest.raises(error):
            attempt()
    assert (t.rows(), len(t.proxy.sent)) == (rows, sent)
    assert (t.standing(), [alarm.kind for alarm in t.rung]) == ([kind], [kind])


def test_c14_a_reorganisation_below_what_was_final_contradicts_and_waits_for_a_person(town: Any) -> None:
    t = town(confirmations=3)
    row = final(t)
    t.node.rpc("anvil_reorg", 5, [])
    stands_still(t, Contradiction, "final_contradicted")
    assert t.rows() == [row], "what the database claims is left for the audit to contradict"
    with t.begin() as unit:
        unit.anchors.lose(t.policy.chain.chain_id)  # what a person may decide
        unit.commit()
    t.anchorer.submit()
    assert t.standing() == []


def test_c15_the_same_transaction_in_another_block_is_the_same_row(town: Any) -> None:
    t = town(confirmations=9)
    snapshot = t.node.rpc("evm_snapshot")
    t.grow()
    t.anchorer.submit()
    t.node.mine()
    t.anchorer.settle()
    (before,) = t.rows()
    t.node.rpc("evm_revert", snapshot)
    t.node.mine()
    t.node.rpc(SEND, t.proxy.sent[0])
    t.node.mine()
    (outcome,) = t.lane.settle()
    (after,) = t.rows()
    assert (outcome.moved, outcome.state) == (True, "anchored")
    assert (after.signed, after.block_number) == (before.signed, (before.block_number or 0) + 1)
    assert after.block_hash == t.chain.evidence(after.signed.transaction, t.origin).block_hash != before.block_hash
    assert t.standing() == ["reorganised"]
    assert len(t.proxy.sent) == 1


@pytest.mark.parametrize("genesis", ["another", "the same"])
def test_c16_a_node_that_lost_everything_is_refused(town: Any, node: Any, genesis: str) -> None:
    t = town("--timestamp=1772438400")
    final(t)
    ours = t.proxy.upstream
    t.proxy.upstream = node(*(["--timestamp=1772438400"] if genesis == "the same" else [])).url
    stands_still(t, Misconfigured, "other_chain")
    t.proxy.upstream = ours
    assert t.anchorer.settle() == []
    assert t.standing() == []


def test_c17_a_node_that_was_set_back_below_the_last_final_anchor_stops_everything(town: Any) -> None:
    t = town()
    t.grow()
    t.anchorer.submit()
    t.node.mine()
    t.anchorer.settle()
    snapshot = t.node.rpc("evm_snapshot")
    t.node.mine(2)
    final(t)
    t.node.rpc("evm_revert", snapshot)
    stands_still(t, Contradiction, "final_contradicted")


def test_c17_what_was_not_final_heals_by_itself(town: Any) -> None:
    t = town(confirmations=9)
    t.grow()
    snapshot = t.node.rpc("evm_snapshot")
    t.anchorer.submit()
    t.node.mine(2)
    t.anchorer.settle()
    assert t.states() == ["anchored"]
    t.node.rpc("evm_revert", snapshot)
    t.anchorer.settle()
    t.node.mine(4)
    t.anchorer.settle()
    assert t.states() == ["anchored"]
    assert len(set(t.proxy.sent)) == 1


def test_c19_a_node_that_lags_is_no_reorganisation(town: Any) -> None:
    t = town(confirmations=4)
    size = t.grow()
    t.anchorer.submit()
    t.node.mine(2)
    t.anchorer.settle()
    (row,) = t.rows()
    t.proxy.faults = {
        HEAD: changed(lambda head: hex(int(head, 16) - 2)),
        COUNT: changed(lambda count: hex(int(count, 16) - 1)),
        RECEIPT: null,
        SHOW: null,
    }
    t.anchorer.settle()
    assert t.rows() == [row]
    assert t.anchorer.submit() == size
    assert (t.rung, len(set(t.proxy.sent))) == ([], 1)
    t.proxy.heal()
    t.node.mine(2)
    t.anchorer.settle()
    assert t.states() == ["final"]


def test_c27_anvils_finalized_tag_means_nothing_so_depth_decides(town: Any) -> None:
    t = town(confirmations=3)
    t.node.mine(80)
    assert t.node.web3.eth.get_block("finalized")["number"] > 0
    t.grow()
    t.anchorer.submit()
    for state in ("anchored", "anchored", "final"):
        t.node.mine()
        t.anchorer.settle()
        assert t.states() == [state]


def test_c27_a_chain_that_knows_of_no_final_block_is_judged_by_depth(town: Any) -> None:
    t = town(confirmations=2, local=False)
    assert t.node.web3.eth.get_block("finalized")["number"] == 0
    final(t)


def test_c27_a_real_finalized_tag_is_waited_for_and_depth_too(town: Any) -> None:
    t = town("--slots-in-an-epoch=2", confirmations=2, local=False)
    t.grow()
    t.anchorer.submit()
    seen = []
    for _ in range(8):
        t.node.mine()
        t.anchorer.settle()
        (row,) = t.rows()
        tag = t.node.web3.eth.get_block("finalized")["number"]
        seen.append((row.state == "final", tag >= (row.block_number or 0)))
    assert {mine for mine, _ in seen} == {True, False}
    assert all(mine == tag for mine, tag in seen)


def test_c27_what_the_chain_calls_final_is_not_until_it_is_as_deep_as_the_policy_asks(town: Any) -> None:
    t = town("--slots-in-an-epoch=1", confirmations=20, local=False)
    t.grow()
    t.anchorer.submit()
    t.node.mine(10)
    t.anchorer.settle()
    assert t.states() == ["anchored"]
    assert t.node.web3.eth.get_block("finalized")["number"] > t.rows()[0].block_number


def test_c27_eth_tester_calls_its_newest_block_final_and_is_not_believed(hamlet: Any) -> None:
    t = hamlet(confirmations=3)
    t.grow()
    t.anchorer.submit()
    assert t.states() == ["anchored"]
    t.connection.web3.provider.make_request("evm_mine", [2])
    t.anchorer.settle()
    assert t.states() == ["final"]
