"""Anvil as a process of its own: shared, adopted after a crash, stopped by its last user, started from its state."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger_automation.chain import AnchoringChain, anchoring, anvil, artifacts, keys, open_anchoring, open_chain
from ledger_automation.chain.deploy import Deployment, deploy, find
from ledger_automation.errors import ChainRefused, Misconfigured, Unreachable
from ledger_automation.orchestrator.observed import Reception
from support.anchors import sign

ORIGIN = b"\x01" * 32
SNAPSHOT = Path(__file__).with_name("gas_snapshot.json")

USER = """
import sys, time
from pathlib import Path
from ledger_automation.chain import open_anchoring
with open_anchoring("anvil", Path(sys.argv[1])) as chain:
    print(chain.identity().genesis_hash, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose Anvil, if a test fails, does not outlive it."""
    yield tmp_path
    with contextlib.suppress(OSError, ValueError):
        if anvil._is_alive(tmp_path / "anvil"):
            os.kill(int((tmp_path / "anvil" / "pid").read_text()), signal.SIGKILL)


def endpoint(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "anvil" / "endpoint.json").read_text("utf-8"))
    return found


def alive(home: Path) -> bool:
    return anvil._is_alive(home / "anvil")


def put(chain: AnchoringChain, log: Any, first: int, second: int, nonce: int | None = None) -> str:
    proof = log.proof(first, second) if first else []
    submission = sign(chain, ORIGIN, first, log.checkpoint(second), proof, nonce)
    chain.broadcast(submission)
    return submission.transaction


def evidence(chain: AnchoringChain, transaction: str) -> Any:
    deadline = time.monotonic() + 60
    while (found := chain.evidence(transaction, ORIGIN)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def asked_until_it_fails(chain: AnchoringChain) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        chain.latest(ORIGIN)


def test_several_anchors_are_signed_before_the_first_is_mined(home: Path, log: Any, fork: Any) -> None:
    with open_anchoring("anvil", home) as chain:
        assert chain.latest(ORIGIN) is None
        steps = [(0, 3), (3, 4), (4, 9), (9, 64), (64, 100)]
        start = chain.look(None).mined
        transactions = [put(chain, log, first, second, nonce) for nonce, (first, second) in enumerate(steps, start)]
        found = [evidence(chain, transaction) for transaction in transactions]
        assert [one.anchored for one in found] == [log.checkpoint(second) for _, second in steps]
        assert chain.latest(ORIGIN) == log.checkpoint(100)
        with pytest.raises(ChainRefused) as caught:
            sign(chain, ORIGIN, 100, fork.checkpoint(120), fork.proof(100, 120))
        assert caught.value.error == "InconsistentCheckpoint"
        assert caught.value.arguments["treeSize"] == 120


def test_sending_again_is_a_success_while_waiting_and_when_mined(home: Path, log: Any) -> None:
    with open_anchoring("anvil", home) as chain:
        submission = sign(chain, ORIGIN, 0, log.checkpoint(5), [])
        rival = sign(chain, ORIGIN, 0, log.checkpoint(6), [])
        assert rival.nonce == submission.nonce
        chain.broadcast(submission)
        chain.broadcast(submission)
        assert evidence(chain, submission.transaction).anchored == log.checkpoint(5)
        assert chain.broadcast(submission) is Reception.ARRIVED
        assert chain.broadcast(rival) is Reception.PASSED_OVER


def test_a_killed_user_leaves_anvil_to_the_next(home: Path) -> None:
    user = subprocess.Popen([sys.executable, "-c", USER, str(home)], stdout=subprocess.PIPE, text=True)
    genesis = user.stdout.readline().strip()  # type: ignore[union-attr]
    first = endpoint(home)
    user.kill()
    user.wait()
    assert alive(home)
    with open_anchoring("anvil", home) as chain:
        assert endpoint(home) == first
        assert chain.identity().genesis_hash == genesis
    assert not alive(home)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", first["port"])):
        pass


def test_the_last_user_stops_it_and_the_state_is_kept(home: Path, log: Any) -> None:
    with open_anchoring("anvil", home) as outer:
        identity = outer.identity()
        with open_anchoring("anvil", home) as inner:
            assert evidence(inner, put(inner, log, 0, 7)).anchored == log.checkpoint(7)
        assert alive(home), "somebody else still uses it"
        transaction = put(outer, log, 7, 8)
        assert evidence(outer, transaction)
    assert not alive(home)
    with open_anchoring("anvil", home) as chain:
        assert chain.identity() == identity
        assert chain.latest(ORIGIN) == log.checkpoint(8)
        assert chain.evidence(transaction, ORIGIN).anchored == log.checkpoint(8)  # type: ignore[union-attr]


def test_anvil_killed_starts_again_from_its_state(home: Path, log: Any) -> None:
    with open_anchoring("anvil", home) as chain:
        identity = chain.identity()
        assert evidence(chain, put(chain, log, 0, 7))
        time.sleep(2.6)  # one state-interval
        os.kill(int((home / "anvil" / "pid").read_text()), signal.SIGKILL)
        with pytest.raises(Unreachable):
            asked_until_it_fails(chain)
    with open_anchoring("anvil", home) as chain:
        assert chain.identity() == identity
        assert chain.latest(ORIGIN) == log.checkpoint(7)


@pytest.mark.parametrize("written", [0, 1_000], ids=["nothing yet", "the beginning"])
def test_anvil_killed_while_it_wrote_its_state_starts_again(home: Path, log: Any, written: int) -> None:
    with open_anchoring("anvil", home) as chain:
        assert evidence(chain, put(chain, log, 0, 7))
        kept_after(chain.look(None).head, home / "anvil" / "state.kept")
        os.kill(int((home / "anvil" / "pid").read_text()), signal.SIGKILL)
        with pytest.raises(Unreachable):
            asked_until_it_fails(chain)
    os.truncate(home / "anvil" / "state.json", written)
    with open_anchoring("anvil", home) as chain:
        assert chain.latest(ORIGIN) == log.checkpoint(7)


def test_anvil_killed_between_accounts_and_blocks_starts_from_the_state_before(home: Path, log: Any) -> None:
    """Its state then has a nonce that no transaction explains, and would show neither receipt nor taker of it."""
    with open_anchoring("anvil", home) as chain:
        assert evidence(chain, put(chain, log, 0, 7))
        kept_after(chain.look(None).head, home / "anvil" / "state.kept")
        os.kill(int((home / "anvil" / "pid").read_text()), signal.SIGKILL)
        with pytest.raises(Unreachable):
            asked_until_it_fails(chain)
    state = home / "anvil" / "state.json"
    torn = json.loads(state.read_bytes())
    sender = keys.anchorer(home, create=False).address.lower()
    assert torn["accounts"][sender]["nonce"] == 1
    torn["accounts"][sender]["nonce"] = 2
    state.write_text(json.dumps(torn))
    with open_anchoring("anvil", home) as chain:
        assert (chain.latest(ORIGIN), chain.look(None).mined) == (log.checkpoint(7), 1)


def kept_after(block: int, copy: Path) -> None:
    """Wait until a block is in the kept state."""
    give_up = time.monotonic() + 30
    while not copy.exists() or int(json.loads(copy.read_bytes())["block"]["number"], 16) < block:
        assert time.monotonic() < give_up
        time.sleep(0.1)


def test_another_chain_or_contract_than_recorded_is_refused(home: Path, mocks: Any) -> None:
    with open_chain("anvil", home) as connection:
        account = keys.anchorer(home, create=True)
        record = deploy(connection, home, account)
        assert deploy(connection, home, account) == record == find(connection, home)
        path = home / "deployments" / "31337.json"
        honest = path.read_bytes()
        eth = connection.web3.eth
        alike = connection.mined(
            eth.send_transaction({"from": eth.accounts[0], "data": mocks["TrustingRegistry"].bytecode}).to_0x_hex()
        )["contractAddress"]
        for field, value in (
            ("chain_id", 1),
            ("genesis_hash", "0x" + "00" * 32),
            ("registry", alike),
            ("registry", "0x" + "11" * 20),
        ):
            path.write_text(json.dumps({**json.loads(honest), field: value}), "utf-8")
            for look in (lambda: deploy(connection, home, account), lambda: find(connection, home)):
                with pytest.raises(Misconfigured) as caught:
                    look()
                assert caught.value.facts["expected"] != caught.value.facts["actual"]
        path.write_bytes(honest)
    shutil.rmtree(home / "anvil")
    with open_chain("anvil", home) as connection, pytest.raises(Misconfigured, match="genesis block") as caught:
        anchoring(connection, home)
    assert caught.value.facts["expected"] == record.genesis_hash


def test_a_url_needs_its_own_key_and_deploys_nothing_unasked(home: Path, tmp_path: Path) -> None:
    with open_chain("anvil", home):
        url = f"http://127.0.0.1:{endpoint(home)['port']}"
        with open_chain(url, tmp_path / "other") as connection:
            assert not connection.local
            with pytest.raises(Misconfigured, match="No registry is deployed on chain 31337"):
                find(connection, tmp_path / "other")
            with pytest.raises(Misconfigured, match="no readable anchorer key"):
                anchoring(connection, tmp_path / "other")
            assert not (tmp_path / "other").exists()


def test_gas_and_storage_proof_are_as_on_eth_tester(home: Path, million: Any) -> None:
    snapshot = json.loads(SNAPSHOT.read_text("utf-8"))
    with open_anchoring("anvil", home) as chain:
        connection, size = chain.registry._connection, (1 << 20) - 1
        assert evidence(chain, put(chain, million, 0, size))
        transaction = put(chain, million, size, 1 << 20)
        evidence(chain, transaction)
        used = connection.receipt(transaction)["gasUsed"]  # type: ignore[index]
        # The origin's own bytes differ from the snapshot's in no zero: the transaction is the same to the unit.
        assert used == snapshot["2^20-1 -> 2^20 leaves, the dearest (21 nodes)"]
        slot = connection.web3.keccak(ORIGIN + (3).to_bytes(32, "big"))
        slots = [int.from_bytes(slot, "big") + word for word in range(3)]
        proof = connection.web3.eth.get_proof(connection.web3.to_checksum_address(chain.registry.address), slots)
        checkpoint = million.checkpoint(1 << 20)
        assert [int.from_bytes(entry["value"], "big") for entry in proof["storageProof"]] == [
            checkpoint.tree_size,
            int.from_bytes(checkpoint.root_hash, "big"),
            int.from_bytes(checkpoint.case_map_root, "big"),
        ]


def test_the_record_says_what_a_verifier_pins(home: Path) -> None:
    with open_anchoring("anvil", home) as chain:
        record = msgspec.json.decode((home / "deployments" / "31337.json").read_bytes(), type=Deployment)
        artifact = artifacts.load("CheckpointRegistry")
        assert record.identity() == chain.identity()
        assert record.registry_code_hash == artifact.code_hash()
        assert record.abi_hash == artifact.abi_hash()
        assert record.anchorer == keys.anchorer(home, create=False).address
