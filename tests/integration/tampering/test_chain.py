"""T42 to T44, T46, T48: what the database says of the chain, where the chain says otherwise, or is another one."""

# ruff: noqa: S608  table and column names come from the schema, never from outside

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from eth_account import Account

from integration.tampering.conftest import FULL, Town
from ledger_automation.chain import artifacts
from ledger_automation.chain.anchoring import anchoring
from ledger_automation.chain.local import open_chain
from ledger_automation.errors import Misconfigured
from ledger_automation.orchestrator.submission import Subject
from ledger_automation.rpc.interface import Interface
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict

ROOT = Path(__file__).resolve().parents[3]
Spoil = Callable[[Any, Random, Any], dict[str, Any]]


@pytest.fixture(scope="session")
def strange(connection: Any, klein: Any) -> dict[str, str]:
    """Transactions that really are on the chain, and anchored nothing: reverted, of another contract, another event."""
    web3 = connection.web3
    sender, registry = web3.eth.accounts[0], klein.chain.registry
    anchor = registry.interface.encode("anchor", [b"\x09" * 32, 5, 6, b"\x01" * 32, b"\x02" * 32, []])

    def send(**request: Any) -> str:
        sent: str = web3.eth.send_transaction({"from": sender, "gas": 3_000_000, **request}).to_0x_hex()
        connection.mined(sent)
        return sent

    artifact = artifacts.load("CheckpointRegistry")
    holder = sender.removeprefix("0x").rjust(64, "0")
    made = web3.eth.send_transaction({"from": sender, "data": artifact.bytecode + holder + holder, "gas": 5_000_000})
    alike = connection.mined(made.to_0x_hex())["contractAddress"]
    same = Interface(artifact.abi).encode("anchor", [b"\x09" * 32, 0, 6, b"\x01" * 32, b"\x02" * 32, []])
    return {
        "reverted": send(to=registry.address, data=anchor),
        "other contract": send(to=alike, data=same),
        "other event": send(to=Account.create().address, value=1),
        "unknown": "0x" + "77" * 32,
        "malformed": "0xNONSENSE",
        "empty": "",
    }


def _row(copy: Any, random: Random) -> Any:
    return random.choice(copy.sql("SELECT * FROM submission"))


def put(copy: Any, row: Any, **changes: Any) -> dict[str, Any]:
    for name, value in changes.items():
        copy.set("submission", name, value, transaction=row["transaction"])
        if name == "transaction":
            row = copy.sql('SELECT * FROM submission WHERE "transaction" = ?', value)[0]
    return {"leaf_index": row["tree_size"], "column": "submission"}


def transaction(name: str) -> Spoil:
    return lambda copy, random, strange: put(copy, _row(copy, random), transaction=strange[name])


def another_anchor(copy: Any, random: Random, _: Any) -> dict[str, Any]:
    """The transaction of another checkpoint of the same log."""
    row, other = random.sample(copy.sql("SELECT * FROM submission"), 2)
    copy.sql('DELETE FROM submission WHERE "transaction" = ?', other["transaction"])
    place = put(copy, row, transaction=other["transaction"], tree_size=row["tree_size"])
    return {**place, "also": ()}


def another_log(copy: Any, random: Random, strange: Any) -> dict[str, Any]:
    return put(copy, _row(copy, random), transaction=strange["other log"])


def other_chain(copy: Any, random: Random, _: Any) -> dict[str, Any]:
    return put(copy, _row(copy, random), chain_id=random.choice((1, 11155111, 0)))


def other_registry(copy: Any, random: Random, _: Any) -> dict[str, Any]:
    return put(copy, _row(copy, random), contract=Account.create().address)


def other_block(copy: Any, random: Random, _: Any) -> dict[str, Any]:
    row = _row(copy, random)
    return put(copy, row, block_number=row["block_number"] + random.choice((1, -1)))


def other_block_hash(copy: Any, random: Random, _: Any) -> dict[str, Any]:
    return put(copy, _row(copy, random), block_hash="0x" + random.randbytes(32).hex())


def block_to_come(copy: Any, random: Random, _: Any) -> dict[str, Any]:
    """A block that no chain has yet."""
    row = _row(copy, random)
    return put(copy, row, block_number=row["block_number"] + 10_000, block_hash="0x" + random.randbytes(32).hex())


def no_block(copy: Any, random: Random, _: Any) -> dict[str, Any]:
    return put(copy, _row(copy, random), block_number=None, block_hash=None)


def missing_row(copy: Any, _: Random, __: Any) -> dict[str, Any]:
    """The newest anchor is not in the database; older ones the chain cannot list, and the newest covers them."""
    size = copy.anchored()[-1]
    copy.sql("DELETE FROM submission WHERE tree_size = ?", size)
    return {"leaf_index": size, "column": "submission"}


def claimed_for_another(copy: Any, random: Random, _: Any) -> dict[str, Any]:
    """An anchor is claimed for a checkpoint that was never anchored."""
    size = random.choice([each for each in copy.sizes() if each not in copy.anchored()])
    row = random.choice(copy.sql("SELECT * FROM submission WHERE tree_size < ?", copy.end()))
    put(copy, row, tree_size=size)
    return {"leaf_index": size, "column": "submission"}


def copied_claim(copy: Any, random: Random, strange: Any) -> dict[str, Any]:
    """A further row claims an anchor for a checkpoint that was never anchored."""
    size = random.choice([each for each in copy.sizes() if each not in copy.anchored()])
    row = dict(_row(copy, random)) | {"transaction": strange["unknown"], "tree_size": size, "nonce": 99}
    copy.sql(f"INSERT INTO submission VALUES ({', '.join('?' * len(row))})", *row.values())
    return {"leaf_index": size, "column": "submission"}


def checkpoint_gone(copy: Any, random: Random, _: Any) -> dict[str, Any]:
    size = random.choice(copy.anchored())
    copy.sql("DELETE FROM checkpoint WHERE tree_size = ?", size)
    return {"leaf_index": size, "column": "submission"}


def said_to_have_failed(copy: Any, random: Random, _: Any) -> dict[str, Any]:
    state = random.choice(("reverted", "lost", "nonsense", ""))
    return put(copy, _row(copy, random), state=state) | {"column": "submission.state"}


SPOILS: list[Spoil] = [
    *(transaction(name) for name in ("reverted", "other contract", "other event", "unknown", "malformed", "empty")),
    another_anchor, another_log, other_chain, other_registry, other_block, block_to_come, no_block, missing_row,
    claimed_for_another, copied_claim, checkpoint_gone, said_to_have_failed,
]  # fmt: skip


def test_a_false_claim_of_an_anchor_is_found(lab: Any, small_town: Any, gross: Any, strange: dict[str, str]) -> None:
    (other,) = gross.copy().sql('SELECT "transaction" FROM submission LIMIT 1')[0]
    known = strange | {"other log": other}

    def attack(spoil: Spoil) -> Any:
        return lambda copy, random: spoil(copy, random, known)

    lab.run("T42", [attack(spoil) for spoil in SPOILS], small_town, times=2 * len(SPOILS))


def test_an_anchor_in_a_block_that_is_not_on_the_chain_is_named(lab: Any, small_town: Any) -> None:
    def attack(spoil: Spoil) -> Any:
        return lambda copy, random: spoil(copy, random, {})

    lab.run("T46", [attack(other_block_hash)], small_town)


def test_an_anchor_in_a_block_that_a_reorganisation_took_is_named(lab: Any, tmp_path: Path) -> None:
    """The chain goes back behind the last anchor and on without it, or with its transaction in a later block."""
    with open_chain("tester", tmp_path) as connection:
        chain = anchoring(connection, tmp_path)
        ethereum: Any = connection.web3.provider
        for number in range(10 if FULL else 2):
            town = Town(f"umbau-{number}", chain)
            for _ in range(2):
                town.open("permit", "submit_application", "applicant:applicant-1", "form.txt", subject="carport")
                town.seal()
            town.open("permit", "submit_application", "applicant:applicant-1", "form.txt", subject="carport")
            before = ethereum.ethereum_tester.take_snapshot()
            size = town.seal()
            assert town.copy().audit().verdict is Verdict.FINAL
            with town.begin() as unit:
                (taken,) = unit.anchors.of(Subject(tree_size=size))
            ethereum.ethereum_tester.revert_to_snapshot(before)
            ethereum.ethereum_tester.mine_blocks(1 + number % 3)
            place = {"leaf_index": size, "column": "submission", "expected": taken.block_hash}
            assert lab.judge("T46", {**place, "actual": None}, town.copy().audit()) == "", "it is gone"
            connection.mined(connection.web3.eth.send_raw_transaction(taken.signed.raw).to_0x_hex())
            moved = connection.web3.eth.get_transaction_receipt(taken.signed.transaction)["blockHash"].to_0x_hex()
            assert lab.judge("T46", {**place, "actual": moved}, town.copy().audit()) == "", "it is elsewhere"


def test_without_the_chain_no_claim_is_checked(klein: Any) -> None:
    """The guard taken out: at level logged nobody asks the chain, and every false claim passes."""
    copy = klein.copy()
    copy.sql("UPDATE submission SET chain_id = 1, block_number = 7")
    assert copy.audit(Level.LOGGED).verdict is Verdict.FINAL
    assert copy.audit().verdict is Verdict.CONTRADICTED


def a_wiped_chain(random: Random) -> dict[str, Any]:
    """The same chain id, begun anew, with everything anchored again."""
    return {"genesis_hash": "0x" + random.randbytes(32).hex()}


def another_chain(random: Random) -> dict[str, Any]:
    return {"chain_id": random.randrange(1, 2**32), "genesis_hash": "0x" + random.randbytes(32).hex()}


def a_look_alike(random: Random) -> dict[str, Any]:
    """The same code at another address, which begins and ends alike."""
    return {"registry": Account.from_key(random.randbytes(32)).address}


def other_code(random: Random) -> dict[str, Any]:
    """The pinned address, whose code was exchanged behind a proxy."""
    return {"registry_code_hash": "0x" + random.randbytes(32).hex()}


@pytest.mark.parametrize(
    ("kind", "changes"), [("T43", [a_look_alike]), ("T44", [other_code]), ("T48", [a_wiped_chain, another_chain])]
)
def test_another_chain_or_contract_than_the_pinned_one_is_named(lab: Any, klein: Any, kind: str, changes: Any) -> None:
    """To whoever pinned the real one, the one that answers is another: nothing is judged by it."""
    for number in range(20):
        pinned = msgspec.structs.replace(klein.chain.identity(), **changes[number % len(changes)](Random(number)))
        policy = msgspec.structs.replace(klein.policy, chain=pinned)
        with SqlUnitOfWork.open(klein.engine, "read") as unit, pytest.raises(Misconfigured) as caught:
            Auditor(policy, klein.chain).audit(unit.cases, unit.log)
        named = caught.value.facts["tampering"] == kind
        lab.count(kind, found=True, named=named, located=caught.value.facts["expected"] == str(pinned))
        assert named
