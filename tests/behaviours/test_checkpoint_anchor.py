"""Port CheckpointAnchor: on eth-tester in process and on Anvil. Each test has an origin, and so a log, of its own."""

import time
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from ledger_automation.chain import AnchoringChain, open_anchoring, open_registry
from ledger_automation.errors import ChainRefused, InvalidValue, Unreachable
from ledger_automation.orchestrator.observed import Fate, Reception, Trace
from ledger_automation.verify.sources import AnchorEvidence
from support.anchors import sign

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def origin() -> bytes:
    return token_bytes(32)


def evidence(chain: AnchoringChain, transaction: str, origin: bytes) -> AnchorEvidence:
    deadline = time.monotonic() + 60
    while (found := chain.evidence(transaction, origin)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def put(chain: AnchoringChain, origin: bytes, log: Any, first: int, second: int) -> AnchorEvidence:
    submission = sign(chain, origin, first, log.checkpoint(second), log.proof(first, second))
    chain.broadcast(submission)
    return evidence(chain, submission.transaction, origin)


def test_a_chain_says_who_it_is_and_stays_it(chain: AnchoringChain, origin: bytes, tree: Any) -> None:
    identity = chain.identity()
    put(chain, origin, tree(3), 0, 3)
    assert chain.identity() == identity
    assert identity.registry_code_hash != identity.genesis_hash


def test_latest_is_none_and_then_what_was_anchored_last(chain: AnchoringChain, origin: bytes, tree: Any) -> None:
    log = tree(300)
    assert chain.latest(origin) is None
    for first, second in ((0, 1), (1, 7), (7, 256), (256, 300)):
        found = put(chain, origin, log, first, second)
        assert found.succeeded
        assert found.anchored == log.checkpoint(second) == chain.latest(origin)
        assert found.confirmations >= 1


def test_what_is_settled_has_the_confirmations_that_are_asked(chain: AnchoringChain, origin: bytes, tree: Any) -> None:
    log = tree(300)
    assert chain.settled(origin, 1) is None
    for first, second in ((0, 1), (1, 7), (7, 256)):
        put(chain, origin, log, first, second)
    depth = chain.look(None).head
    for confirmations in range(1, depth + 2):
        found = chain.settled(origin, confirmations)
        assert found in (None, *(log.checkpoint(size) for size in (1, 7, 256)))
        assert (found is not None) >= (confirmations == 1)
    assert chain.settled(origin, 1) == log.checkpoint(256)
    deeper = [chain.settled(origin, confirmations) for confirmations in range(1, depth + 2)]
    sizes = [each.tree_size if each else 0 for each in deeper]
    assert sizes == sorted(sizes, reverse=True), "the deeper, the older"
    assert {*sizes} == {0, 1, 7, 256}
    assert chain.settled(origin, depth + 2) is None, "below the first block there is nothing"


def test_signing_sends_nothing(chain: AnchoringChain, origin: bytes, tree: Any) -> None:
    log = tree(9)
    submission = sign(chain, origin, 0, log.checkpoint(9), [])
    assert chain.evidence(submission.transaction, origin) is None
    assert chain.latest(origin) is None
    assert submission.raw
    chain.broadcast(submission)  # what was signed and not sent would be a gap for all that follow
    evidence(chain, submission.transaction, origin)


def test_what_would_revert_is_refused_with_the_contracts_error(chain: AnchoringChain, origin: bytes, tree: Any) -> None:
    log, fork = tree(30), tree(30, b"forged")
    put(chain, origin, log, 0, 9)
    refusals = {
        "InconsistentCheckpoint": (9, fork.checkpoint(12), fork.proof(9, 12)),
        "StalePreviousSize": (4, log.checkpoint(12), log.proof(4, 12)),
        "TreeSizeNotGrowing": (9, log.checkpoint(9), []),
    }
    for error, (previous, checkpoint, proof) in refusals.items():
        with pytest.raises(ChainRefused) as refusal:
            sign(chain, origin, previous, checkpoint, proof)
        assert refusal.value.error == error
        assert refusal.value.arguments
    assert chain.latest(origin) == log.checkpoint(9)


def test_sending_again_is_a_success_and_anchors_once(chain: AnchoringChain, origin: bytes, tree: Any) -> None:
    log = tree(12)
    submission = sign(chain, origin, 0, log.checkpoint(5), [])
    chain.broadcast(submission)
    chain.broadcast(submission)
    first = evidence(chain, submission.transaction, origin)
    chain.broadcast(submission)
    later = put(chain, origin, log, 5, 12)
    chain.broadcast(submission)
    again = evidence(chain, submission.transaction, origin)
    assert (again.block_number, again.block_hash) == (first.block_number, first.block_hash)
    assert again.confirmations > later.confirmations
    assert chain.latest(origin) == log.checkpoint(12)


def test_a_transaction_is_evidence_for_its_own_origin_only(chain: AnchoringChain, origin: bytes, tree: Any) -> None:
    found = put(chain, origin, tree(5), 0, 5)
    other = chain.evidence(found.transaction, token_bytes(32))
    assert other is not None
    assert other.anchored is None
    assert chain.evidence("0x" + "12" * 32, origin) is None
    with pytest.raises(InvalidValue):
        chain.evidence("12" * 32, origin)


def test_a_better_offer_is_the_same_call_under_the_same_nonce(chain: AnchoringChain, origin: bytes, tree: Any) -> None:
    submission = sign(chain, origin, 0, tree(5).checkpoint(5), [])
    better = chain.bump(submission)
    assert better is not None
    assert (better.sender, better.nonce) == (submission.sender, submission.nonce)
    before, after = (TypedTransaction.from_bytes(HexBytes(each.raw)).as_dict() for each in (submission, better))
    for fee in ("maxFeePerGas", "maxPriorityFeePerGas"):
        assert after[fee] * 10 >= before[fee] * 11
    for field in ("to", "data", "value", "gas", "nonce", "chainId"):
        assert after[field] == before[field]
    assert chain.broadcast(better) is Reception.ARRIVED
    evidence(chain, better.transaction, origin)
    assert chain.trace(submission) == Trace(Fate.DISPLACED, by=better.transaction)


def test_a_trace_says_where_a_transaction_is(chain: AnchoringChain, origin: bytes, tree: Any) -> None:
    submission = sign(chain, origin, 0, tree(5).checkpoint(5), [])
    assert chain.trace(submission) == Trace(Fate.ABSENT)
    chain.broadcast(submission)
    found = evidence(chain, submission.transaction, origin)
    assert chain.trace(submission) == Trace(Fate.MINED, found.block_number, found.block_hash)


def test_a_look_says_what_a_lane_must_know(chain: AnchoringChain, origin: bytes, tree: Any) -> None:
    before = chain.look(None)
    found = put(chain, origin, tree(3), 0, 3)
    now = chain.look(found.block_number)
    assert now.identity == chain.identity() == before.identity
    assert (now.known_hash, before.known_hash) == (found.block_hash, None)
    assert now.mined == before.mined + 1
    assert now.head >= found.block_number > before.head
    assert chain.look(now.head + 1_000_000).known_hash is None
    assert (now.finalized, now.free) == (None, False), "a local chain's word for final means nothing"
    assert (now.batches or 0) > 20


def test_where_nobody_listens_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable), open_anchoring(NOBODY, tmp_path):
        pass
    with pytest.raises(Unreachable), open_registry(NOBODY, tmp_path, "0x" + "11" * 20):
        pass
