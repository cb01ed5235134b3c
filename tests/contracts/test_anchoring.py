"""The chain as the orchestrator's port sees it, on eth-tester in process."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from ledger_automation.chain import keys, open_chain
from ledger_automation.chain.anchoring import AnchoringChain, anchoring
from ledger_automation.chain.creation import transact
from ledger_automation.chain.deploy import deploy, find
from ledger_automation.chain.registry import Registry
from ledger_automation.chain.submitter import Submitter
from ledger_automation.errors import ChainRefused, InvalidValue, Misconfigured, Unreachable
from ledger_automation.orchestrator.observed import Fate, Reception, Trace
from support.anchors import sign

ORIGIN = b"\x01" * 32


def put(chain: AnchoringChain, log: Any, first: int, second: int, origin: bytes = ORIGIN) -> str:
    proof = log.proof(first, second) if first else []
    submission = sign(chain, origin, first, log.checkpoint(second), proof)
    chain.broadcast(submission)
    return submission.transaction


def held_by(chain: AnchoringChain, connection: Any, account: Any) -> AnchoringChain:
    """The same registry in somebody else's hands."""
    contracts = {chain.registry.address: chain.registry.interface}
    return AnchoringChain(chain.registry, Submitter(connection, account, contracts))


def test_an_anchor_is_signed_sent_and_evidenced(chain: AnchoringChain, log: Any) -> None:
    assert chain.latest(ORIGIN) is None
    first, second = put(chain, log, 0, 5), put(chain, log, 5, 12)
    assert chain.latest(ORIGIN) == log.checkpoint(12)
    older, newer = chain.evidence(first, ORIGIN), chain.evidence(second, ORIGIN)
    assert older is not None
    assert newer is not None
    assert (older.anchored, newer.anchored) == (log.checkpoint(5), log.checkpoint(12))
    assert (older.confirmations, newer.confirmations) == (2, 1)
    assert older.succeeded
    assert chain.evidence(first, b"\x02" * 32).anchored is None  # type: ignore[union-attr]
    assert chain.evidence("0x" + "11" * 32, ORIGIN) is None


def test_a_refusal_carries_the_contracts_error(chain: AnchoringChain, log: Any, fork: Any) -> None:
    put(chain, log, 0, 9)
    with pytest.raises(ChainRefused) as caught:
        sign(chain, ORIGIN, 9, fork.checkpoint(12), fork.proof(9, 12))
    assert caught.value.error == "InconsistentCheckpoint"
    assert caught.value.arguments["previousRoot"] == f"0x{log.root(9).hex()}"
    with pytest.raises(ChainRefused, match=r"StalePreviousSize\(.*expected=4, actual=9\)"):
        sign(chain, ORIGIN, 4, log.checkpoint(12), log.proof(4, 12))


def test_signing_sends_nothing_and_sending_twice_is_once(chain: AnchoringChain, log: Any, tester: Any) -> None:
    submission = sign(chain, ORIGIN, 0, log.checkpoint(5), [])
    before = tester.web3.eth.block_number
    assert chain.evidence(submission.transaction, ORIGIN) is None
    for _ in range(3):
        chain.broadcast(submission)
    put(chain, log, 5, 6)
    chain.broadcast(submission)
    assert tester.web3.eth.block_number == before + 2
    assert tester.web3.eth.get_transaction_count(submission.sender) == submission.nonce + 2


def test_a_used_nonce_is_said_and_a_rivals_bytes_are_not_believed(chain: AnchoringChain, log: Any) -> None:
    first, rival = (sign(chain, ORIGIN, 0, log.checkpoint(size), []) for size in (5, 6))
    assert first.nonce == rival.nonce
    assert chain.broadcast(first) is Reception.ARRIVED
    assert chain.broadcast(rival) is Reception.PASSED_OVER
    assert chain.trace(first).fate is Fate.MINED
    assert chain.trace(rival) == Trace(Fate.DISPLACED, by=first.transaction)
    assert chain.latest(ORIGIN) == log.checkpoint(5)


def test_a_look_alikes_event_does_not_count(
    chain: AnchoringChain, tester: Any, deployed: Any, mocks: Any, log: Any
) -> None:
    alike = deployed(mocks["TrustingRegistry"])
    receipt = alike.send("anchor", *log.step(0, 9, ORIGIN))
    evidence = chain.evidence(receipt["transactionHash"].to_0x_hex(), ORIGIN)
    assert evidence is not None
    assert evidence.succeeded
    assert evidence.anchored is None
    assert Registry(tester, alike.address).evidence(evidence.transaction, ORIGIN).anchored is not None  # type: ignore[union-attr]
    assert Registry(tester, alike.address).identity().registry_code_hash != chain.identity().registry_code_hash


def test_a_failed_transaction_is_evidence_of_nothing(
    chain: AnchoringChain, tester: Any, log: Any, stranger: Any, tmp_path: Path
) -> None:
    """Somebody else with the role was faster between our signature and our sending: ours is mined, and reverts."""
    grant = chain.registry.interface.encode("grantRole", [keccak(b"ANCHORER"), stranger.address])
    admin = keys.admin(tmp_path, create=False)
    assert admin is not None
    transact(tester, admin, chain.registry.address, grant)
    late = sign(chain, ORIGIN, 0, log.checkpoint(5), [])
    put(held_by(chain, tester, stranger), log, 0, 7)
    chain.broadcast(late)
    evidence = chain.evidence(late.transaction, ORIGIN)
    assert evidence is not None
    assert (evidence.succeeded, evidence.anchored) == (False, None)
    assert chain.latest(ORIGIN) == log.checkpoint(7)


def test_a_stranger_may_not_anchor(chain: AnchoringChain, tester: Any, log: Any, stranger: Any) -> None:
    with pytest.raises(ChainRefused) as caught:
        sign(held_by(chain, tester, stranger), ORIGIN, 0, log.checkpoint(5), [])
    assert caught.value.error == "AccessControlUnauthorizedAccount"
    assert caught.value.arguments["account"] == stranger.address


def test_an_empty_purse_is_said_with_figures(chain: AnchoringChain, tester: Any, log: Any) -> None:
    with pytest.raises(Misconfigured, match="cannot pay for an anchor: it holds 0 wei"):
        sign(held_by(chain, tester, Account.create()), ORIGIN, 0, log.checkpoint(5), [])


def test_a_hostile_transaction_name_is_refused_before_any_node_sees_it(chain: AnchoringChain) -> None:
    for name in ("", "0x", "0x" + "11" * 31, "0X" + "11" * 32, "latest", "0x" + "11" * 32 + "\n"):
        with pytest.raises(InvalidValue):
            chain.evidence(name, ORIGIN)


def test_oversized_values_are_refused(chain: AnchoringChain, log: Any) -> None:
    for arguments in (
        (b"\x01" * 33, 0, log.checkpoint(5), []),
        (ORIGIN, -1, log.checkpoint(5), []),
        (ORIGIN, 0, msgspec.structs.replace(log.checkpoint(5), tree_size=1 << 64), []),
        (ORIGIN, 0, msgspec.structs.replace(log.checkpoint(5), root_hash=b"\x01" * 33), []),
    ):
        with pytest.raises(InvalidValue):
            sign(chain, *arguments)


def test_deploying_twice_gives_one_registry(tester: Any, tmp_path: Path) -> None:
    account = keys.anchorer(tmp_path, create=True)
    first = deploy(tester, tmp_path, account)
    assert deploy(tester, tmp_path, account) == first == find(tester, tmp_path)
    assert first.identity() == Registry(tester, first.registry).identity()
    assert not (tmp_path / "deployments").exists(), "a chain that ends with the process leaves no record"


def test_the_next_in_process_chain_is_not_poisoned(tmp_path: Path, log: Any) -> None:
    for _ in range(2):
        with open_chain("tester", tmp_path) as connection:
            with pytest.raises(Misconfigured, match="No registry is deployed"):
                find(connection, tmp_path)
            chain = anchoring(connection, tmp_path)
            put(chain, log, 0, 3)
            assert chain.latest(ORIGIN) == log.checkpoint(3)


def test_an_address_without_the_registry_is_misconfigured(tester: Any) -> None:
    for address in ("0x" + "11" * 20, tester.web3.eth.accounts[1]):
        with pytest.raises(Misconfigured):
            Registry(tester, address).latest(ORIGIN)


def test_the_key_is_private_kept_and_never_shown(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no readable anchorer key"):
        keys.anchorer(tmp_path, create=False)
    account = keys.anchorer(tmp_path, create=True)
    path = tmp_path / "keys" / "anchorer.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["anchorer.key"]
    assert keys.anchorer(tmp_path, create=False).address == account.address
    path.chmod(0o644)
    with pytest.raises(Misconfigured, match="readable by others"):
        keys.anchorer(tmp_path, create=True)
    path.chmod(0o600)
    path.write_text("0x" + "zz" * 32, "ascii")
    with pytest.raises(Misconfigured) as caught:
        keys.anchorer(tmp_path, create=True)
    assert "zz" not in f"{caught.value}{caught.value.__cause__}"


def test_no_node_is_unreachable_and_no_name_is_invalid(tmp_path: Path) -> None:
    with pytest.raises(Unreachable) as caught, open_chain("http://127.0.0.1:9/key-in-the-path", tmp_path):
        pass
    assert "key-in-the-path" not in caught.value.sentence
    with pytest.raises(InvalidValue, match="tester, anvil or"), open_chain("ganache", tmp_path):
        pass


def test_a_log_that_grows_by_twenty_leaves_is_anchored_thirty_times(chain: AnchoringChain, log: Any) -> None:
    put(chain, log, 0, 1)
    for size, grown in pairwise((1, *range(20, 620, 20))):
        found = chain.evidence(put(chain, log, size, grown), ORIGIN)
        assert found is not None
        assert found.anchored == log.checkpoint(grown)


def test_a_registrys_address_is_checked_before_use(tester: Any, chain: AnchoringChain) -> None:
    good = chain.registry.address
    assert Registry(tester, good.lower()).identity() == chain.identity()
    for bad in ("", "0x12", good[:-1], good.swapcase(), "vitalik.eth"):
        with pytest.raises(InvalidValue):
            Registry(tester, bad)


def test_threads_share_the_in_process_chain(chain: AnchoringChain, log: Any) -> None:
    """A page is read while the worker anchors: eth-tester alone would mix their blocks."""
    put(chain, log, 0, 1)
    with ThreadPoolExecutor(4) as pool:
        reads = [pool.submit(chain.latest, ORIGIN) for _ in range(40)]
        for size in range(1, 9):
            put(chain, log, size, size + 1)
        sizes = [read.result().tree_size for read in reads]  # type: ignore[union-attr]
    assert set(sizes) <= set(range(1, 10))
    assert chain.latest(ORIGIN) == log.checkpoint(9)
