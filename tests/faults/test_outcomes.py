"""C09 to C12, C25, C26, C28: what became of a transaction is found by its hash, then by its nonce, never guessed."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from faults.proxy import changed, dropped_before, null, saying
from ledger_automation.chain import keys
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.creation import transact
from ledger_automation.chain.fees import fees
from ledger_automation.errors import ChainRefused, Conflict, Unreachable
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.submit import ATTEMPTS, PATIENCE
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork

SEND, RECEIPT, SHOW = "eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_getTransactionByHash"
REVERTS = "0x60006000fd"


def foreign(t: Any, nonce: int) -> str:
    """Somebody else with the same key sends something else, straight to the node."""
    account, eth = t.chain.submitter._account, t.node.web3.eth
    fields = {"to": account.address, "value": 1, "gas": 21_000, "nonce": nonce, "chainId": eth.chain_id, "data": b""}
    signed = account.sign_transaction({**fields, **fees(t.connection)})
    return str(eth.send_raw_transaction(signed.raw_transaction).to_0x_hex())


def spoiled(t: Any) -> None:
    """Mine a block in which the contract refuses everything."""
    registry = t.chain.registry.address
    code = t.node.web3.eth.get_code(registry).to_0x_hex()
    t.node.rpc("anvil_setCode", registry, REVERTS)
    t.node.mine()
    t.node.rpc("anvil_setCode", registry, code)


def funded_anchorer(t: Any) -> Any:
    """Another key with the role to anchor."""
    account = Account.create()
    t.node.rpc("anvil_setBalance", account.address, hex(10**21))
    admin = keys.admin(t.home, create=False)
    assert admin is not None
    grant = t.chain.registry.interface.encode("grantRole", [keccak(b"ANCHORER"), account.address])
    t.node.rpc("evm_setAutomine", True)
    transact(t.connection, admin, t.chain.registry.address, grant)
    t.node.rpc("evm_setAutomine", False)
    t.proxy.sent.clear()
    return account


def test_c09_what_the_pool_dropped_is_sent_again_as_it_was(town: Any) -> None:
    t = town()
    size = t.grow()
    t.anchorer.submit()
    t.node.rpc("anvil_dropAllTransactions")
    t.anchorer.settle()
    assert len(t.proxy.sent) == 2
    assert len(set(t.proxy.sent)) == len(t.rows()) == 1
    t.node.mine()
    t.anchorer.settle()
    assert (t.states(), t.latest()) == (["final"], size)


def test_c10_a_nonce_that_somebody_else_used_is_found_told_and_left_to_him(town: Any) -> None:
    t = town()
    size, nonce = t.grow(), t.mined()
    t.proxy.faults[SEND] = dropped_before
    with pytest.raises(Unreachable):
        t.anchorer.submit()
    t.proxy.heal()
    thief = foreign(t, nonce)
    t.node.mine()
    assert t.anchorer.submit() == size
    assert [(row.state, row.signed.nonce - nonce) for row in t.rows()] == [("displaced", 0), ("pending", 1)]
    (alarm,) = t.rung
    assert (alarm.kind, alarm.facts["by"], alarm.facts["nonce"]) == ("nonce_taken", [thief], nonce)
    t.node.mine()
    t.anchorer.settle()
    assert (t.states(), t.latest(), t.standing()) == (["displaced", "final"], size, [])


def test_c11_reverted_is_not_anchored_and_not_tried_for_ever(town: Any) -> None:
    t = town()
    subject, call = t.step()
    for attempt in range(ATTEMPTS):
        t.lane.send(subject, call)
        spoiled(t)
        assert [outcome.state for outcome in t.lane.settle()] == ["reverted"]
        assert t.states() == ["reverted"] * (attempt + 1)
    assert t.standing() == ["reverted"]
    with pytest.raises(ChainRefused) as caught:
        t.lane.send(subject, call)
    assert (caught.value.error, caught.value.arguments["times"]) == ("reverted", ATTEMPTS)
    assert len(t.rows()) == ATTEMPTS


def test_c11_one_revert_is_anchored_anew_while_somebody_waits(town: Any) -> None:
    t = town()
    size = t.grow()
    t.anchorer.submit()
    spoiled(t)
    t.anchorer.wait(seconds=60, sleep=lambda _: t.node.mine())
    assert (t.states(), t.latest(), t.standing()) == (["reverted", "final"], size, [])


@pytest.mark.parametrize("hidden", [(RECEIPT,), (RECEIPT, SHOW)], ids=["receipt", "receipt and transaction"])
def test_c12_a_missing_receipt_is_a_state_and_never_a_new_nonce(town: Any, hidden: tuple[str, ...]) -> None:
    t = town()
    subject, call = t.step()
    t.lane.send(subject, call)
    t.node.mine()
    t.proxy.faults = dict.fromkeys(hidden, null)
    for _ in range(2):
        assert [outcome.state for outcome in t.lane.settle()] == ["confirmed_missing_receipt"]
    with pytest.raises(Conflict):
        t.lane.send(subject, call)
    assert (len(t.rows()), len(t.proxy.sent), t.standing()) == (1, 1, ["missing_receipt"])
    t.proxy.heal()
    t.lane.settle()
    assert (t.states(), t.standing()) == (["final"], [])


def test_c25_of_two_that_anchor_the_same_checkpoint_the_contract_lets_one_through(town: Any, tmp_path: Path) -> None:
    """Two workers with a copy of the database and a key each; neither sees the other's transaction before it sends."""
    t = town()
    t.grow()
    t.anchorer.submit()
    t.node.mine()
    t.anchorer.settle()
    size = t.grow(4)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as copy:
        t.engine.raw_connection().backup(copy)
    engine = open_engine(f"sqlite:///{other}")
    rival = t.held_by(funded_anchorer(t), Connection(t.connection.web3, "Anvil", local=True, tip="latest"))
    second = Anchorer(lambda: SqlUnitOfWork.open(engine), rival, t.policy)
    before = t.mined()
    assert (t.anchorer.submit(), second.submit()) == (size, size)
    t.node.mine()
    for worker in (t.anchorer, second):
        worker.wait(seconds=60)
        assert worker.submit() == size
    receipts = [t.node.web3.eth.get_transaction_receipt(each["hash"])["status"] for each in last_block(t)]
    assert sorted(receipts) == [0, 1], "the contract let one through"
    assert (t.latest(), t.mined() - before) == (size, 1), "and the loser agreed, without another try"
    engine.dispose()


def test_c25_what_the_other_worker_signed_meanwhile_is_nobody_elses(town: Any) -> None:
    """Two workers with one key: while the first asks, the second pays more for the same call, and that one is mined."""
    t = town()
    size = t.grow()
    t.anchorer.submit()
    _, second = t.restarted()

    def meanwhile(_: Any, forward: Any) -> Any:
        t.proxy.faults = {"eth_blockNumber": changed(lambda head: hex(int(head, 16) + PATIENCE))}
        second.settle()
        t.proxy.heal()
        t.node.mine()
        return forward()

    t.proxy.faults[RECEIPT] = meanwhile
    t.anchorer.settle()
    assert (t.states(), t.rung) == (["pending", "pending"], []), "what the first saw is of less than was signed"
    t.anchorer.settle()
    assert (t.states(), t.latest(), t.rung) == (["replaced", "final"], size, [])


def last_block(t: Any) -> Any:
    return t.node.web3.eth.get_block("latest", full_transactions=True)["transactions"]


def test_c26_what_the_old_key_sent_is_settled_before_the_new_key_sends(town: Any) -> None:
    t = town()
    lane, _ = t.restarted(t.held_by(funded_anchorer(t)))
    old = t.lane.send(*t.step())
    t.node.rpc("anvil_dropAllTransactions")
    with pytest.raises(Conflict, match="key before"):
        lane.send(*t.step())
    lane.settle()
    t.node.mine()
    lane.settle()
    assert t.states() == ["final"], "the old bytes need no key to be sent again"
    new = lane.send(*t.step())
    t.node.mine()
    lane.settle()
    assert new.sender != old.sender
    assert {(row.signed.sender, str(row.state)) for row in t.rows()} == {(old.sender, "final"), (new.sender, "final")}
    assert len(set(t.proxy.sent)) == 2


def test_c26_what_the_old_key_sent_and_nobody_mines_is_told_and_not_signed_anew(town: Any) -> None:
    t = town()
    lane, _ = t.restarted(t.held_by(funded_anchorer(t)))
    t.lane.send(*t.step())
    t.proxy.faults["eth_blockNumber"] = changed(lambda head: hex(int(head, 16) + PATIENCE))
    lane.settle()
    assert (t.standing(), len(t.rows()), len(set(t.proxy.sent))) == (["stuck"], 1, 1)


def test_c28_indexing_in_progress_is_not_yet_and_storage_is_read_rather_than_logs(town: Any) -> None:
    t = town()
    size = t.grow()
    t.anchorer.submit()
    t.node.mine()
    t.proxy.faults = {
        RECEIPT: saying(-32000, "transaction indexing is in progress"),
        "eth_getLogs": saying(-32005, "query exceeds max block range 1000"),
    }
    assert t.anchorer.settle() == [size], "asked again later, and nothing is signed anew"
    assert t.latest() == size, "the contract's own storage says it already"
    assert t.anchorer.submit() == size
    assert len(t.rows()) == len(t.proxy.sent) == 1
    t.proxy.heal()
    t.anchorer.settle()
    assert t.states() == ["final"]
    assert t.proxy.calls["eth_getLogs"] == 0
