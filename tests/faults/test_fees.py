"""C06 to C08, C22, C23: what a transaction pays, what it may pay at most, and what fits into a block."""

import itertools
from typing import Any

import pytest
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from faults.proxy import changed, saying
from ledger_automation.chain.fees import raised
from ledger_automation.errors import Conflict, GasLimitExceeded, Misconfigured
from ledger_automation.orchestrator.submit import PATIENCE
from ledger_automation.verify.sources import AnchoredCheckpoint

SEND = "eth_sendRawTransaction"
GWEI = 10**9
UNDERPRICED = saying(-32000, "replacement transaction underpriced")


def offers(t: Any) -> list[tuple[int, int]]:
    found = [TypedTransaction.from_bytes(HexBytes(row.signed.raw)).as_dict() for row in t.rows()]
    return [(each["maxFeePerGas"], each["maxPriorityFeePerGas"]) for each in found]


def surge(t: Any, base_fee: int) -> None:
    """Let a block go by for which our transaction is too cheap; Anvil then drops it, and will not take it again."""
    t.node.rpc("anvil_setNextBlockBaseFeePerGas", hex(base_fee))
    t.node.mine()


def pass_by(t: Any, blocks: int) -> None:
    """Let blocks go by that leave our transaction waiting."""
    t.proxy.faults["eth_blockNumber"] = changed(lambda head: hex(int(head, 16) + blocks))


def test_c06_a_risen_base_fee_is_met_by_at_least_a_tenth_more(town: Any) -> None:
    t = town()
    size = t.grow()
    t.anchorer.submit()
    ((fee, tip),) = offers(t)
    surge(t, 2 * fee)
    t.anchorer.settle()
    (_, (more, more_tip)) = offers(t)
    assert more * 10 >= fee * 11
    assert more_tip * 10 >= tip * 11
    first, second = t.rows()
    assert (first.signed.nonce, first.subject, first.contract) == (second.signed.nonce, second.subject, second.contract)
    t.node.mine()
    t.anchorer.settle()
    assert (t.states(), t.latest(), t.rung) == (["replaced", "final"], size, [])


def test_c06_waiting_too_long_is_a_reason_too_and_patience_is_counted_in_blocks(town: Any) -> None:
    t = town()
    t.grow()
    t.anchorer.submit()
    for blocks, attempts in ((PATIENCE - 1, 1), (PATIENCE, 2), (PATIENCE, 2), (2 * PATIENCE, 3)):
        pass_by(t, blocks)
        t.anchorer.settle()
        assert len(t.rows()) == attempts
    assert all(later[0] * 10 >= earlier[0] * 11 for earlier, later in itertools.pairwise(offers(t)))


def test_c06_at_the_cap_it_stops_with_an_alarm(town: Any) -> None:
    cap = 2 * GWEI
    t = town(cap=cap)
    t.grow()
    t.anchorer.submit()
    for _ in range(2):
        surge(t, 10 * cap)
        t.anchorer.settle()
    assert all(fee <= cap for fee, _ in offers(t))
    assert len(t.rows()) == 1
    assert (t.standing(), [alarm.kind for alarm in t.rung]) == (["fee_cap"], ["fee_cap"])
    surge(t, GWEI)
    t.anchorer.settle()
    t.node.mine()
    t.anchorer.settle()
    assert (t.states(), t.standing()) == (["final"], []), "when fees fall again, the old bytes are good"


def test_c06_an_offer_is_a_tenth_more_or_todays_and_never_above_the_cap() -> None:
    now = {"maxFeePerGas": 50, "maxPriorityFeePerGas": 3}
    assert raised({"maxFeePerGas": 100, "maxPriorityFeePerGas": 11}, now, 1_000) == {
        "maxFeePerGas": 110,
        "maxPriorityFeePerGas": 13,
    }
    assert raised({"maxFeePerGas": 10, "maxPriorityFeePerGas": 1}, now, 40) == {
        "maxFeePerGas": 40,
        "maxPriorityFeePerGas": 3,
    }
    assert raised({"maxFeePerGas": 37, "maxPriorityFeePerGas": 1}, now, 40) is None


def test_c07_underpriced_is_answered_by_more_again(town: Any) -> None:
    t = town()
    t.grow()
    t.anchorer.submit()
    pass_by(t, PATIENCE)
    refusals = 2

    def picky(request: Any, forward: Any) -> Any:
        nonlocal refusals
        refusals -= 1
        return UNDERPRICED(request, forward) if refusals >= 0 else forward()

    t.proxy.faults[SEND] = picky
    t.anchorer.settle()
    found = offers(t)
    assert len(found) == 4
    assert all(later[0] * 10 >= earlier[0] * 11 for earlier, later in itertools.pairwise(found))
    t.proxy.heal()
    t.node.mine()
    t.anchorer.settle()
    assert t.states() == ["replaced", "replaced", "replaced", "final"]


def test_c07_a_node_that_is_never_content_is_an_alarm_and_no_endless_loop(town: Any) -> None:
    t = town()
    t.grow()
    t.anchorer.submit()
    pass_by(t, PATIENCE)
    t.proxy.faults[SEND] = UNDERPRICED
    t.anchorer.settle()
    assert t.standing() == ["stuck"]
    assert len(t.proxy.sent) < 8


def test_c08_on_a_chain_without_fees_nothing_is_bumped(town: Any) -> None:
    t = town()
    surge(t, 0)
    free = {"eth_maxPriorityFeePerGas": changed(lambda _: "0x0")}
    t.proxy.faults.update(free)
    t.grow()
    t.anchorer.submit()
    assert offers(t) == [(0, 0)]
    pass_by(t, PATIENCE)
    for _ in range(3):
        t.anchorer.settle()
    assert len(set(t.proxy.sent)) == len(t.rows()) == 1, "the same bytes, and not many times"
    assert len(t.proxy.sent) == 2
    assert (t.standing(), [alarm.kind for alarm in t.rung]) == (["stuck"], ["stuck"])
    with pytest.raises(Conflict, match="one transaction at a time"):
        t.lane.send(*t.step())
    t.proxy.faults = dict(free)
    t.node.mine(PATIENCE + 1)
    t.anchorer.settle()
    assert (t.states(), t.standing()) == (["final"], [])
    t.lane.send(*t.step())


def test_c22_an_emptying_account_is_said_while_there_is_time(town: Any) -> None:
    t = town()
    account = t.chain.submitter._account.address
    price = t.node.web3.eth.get_balance(account) // t.chain.look(None).batches
    t.node.rpc("anvil_setBalance", account, hex(21 * price))
    size = t.grow()
    t.anchorer.submit()
    assert t.standing() == []
    t.node.rpc("anvil_setBalance", account, hex(9 * price))
    t.node.mine()
    assert t.anchorer.submit() == size, "it goes on"
    assert (t.standing(), len(t.rung)) == (["low_funds"], 1)
    assert t.rung[0].facts["batches"] in range(5, 20)
    t.node.rpc("anvil_setBalance", account, hex(price // 2))
    t.grow()
    with pytest.raises(Misconfigured, match="cannot pay"):
        t.anchorer.submit()
    t.node.rpc("anvil_setBalance", account, hex(10**21))
    t.anchorer.submit()
    assert t.standing() == []


def cost(t: Any, size: int) -> int:
    """What anchoring a size on top of the first leaf takes."""
    with t.begin() as unit:
        record = next(each for each in unit.log.checkpoints(0) if each.tree_size == size)
    call = t.anchorer._call(t.chain.latest(t.origin), record)
    request = {"from": t.chain.submitter._account.address, "to": call.contract, "data": call.data}
    return int(t.node.web3.eth.estimate_gas(request))


def test_c23_where_the_newest_checkpoint_does_not_fit_one_on_the_way_is_anchored(town: Any) -> None:
    t = town()
    t.grow()
    t.anchorer.submit()
    t.node.mine()
    assert t.grow(3) == 4
    newest = t.grow(62)
    t.node.rpc("evm_setBlockGasLimit", hex((cost(t, 4) + cost(t, newest)) // 2))
    t.node.mine()
    fitted = t.anchorer.submit()
    assert fitted == 4
    t.node.mine()
    t.anchorer.settle()
    assert t.latest() == fitted
    t.node.rpc("evm_setBlockGasLimit", hex(30_000_000))
    t.node.mine()
    assert t.anchorer.submit() == newest
    t.node.mine()
    t.anchorer.settle()
    assert t.latest() == newest


def test_c23_what_fits_nowhere_is_said_and_not_signed(town: Any) -> None:
    t = town()
    t.grow()
    t.node.rpc("evm_setBlockGasLimit", hex(30_000))
    t.node.mine()
    with pytest.raises(GasLimitExceeded) as caught:
        t.anchorer.submit()
    assert caught.value.facts["limit"] == 30_000
    assert t.proxy.sent == t.rows() == []


def test_c23_a_limit_that_does_not_do_is_never_signed(town: Any) -> None:
    t = town()
    root = b"\x11" * 32
    call = t.chain.call(b"\x07" * 32, 0, AnchoredCheckpoint(1, root, root), [])
    tight = type(call)(call.contract, call.data, 60_000)
    signed = t.chain.sign(tight, t.mined())
    assert TypedTransaction.from_bytes(HexBytes(signed.raw)).as_dict()["gas"] > 94_000
