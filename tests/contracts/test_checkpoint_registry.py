"""What the registry refuses, by its own error and facts; and that its storage and its events say the same."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger_automation.chain import artifacts

ORIGIN = b"\x01" * 32
ROOT = b"\x0a" * 32
MAP = b"\x0b" * 32


def shown(octets: bytes) -> str:
    return f"0x{octets.hex()}"


def test_without_verification_a_fork_is_accepted(deployed: Any, mocks: Any, log: Any, fork: Any) -> None:
    """The attack first: every guard but the proof, and the rewritten log is anchored."""
    trusting = deployed(mocks["TrustingRegistry"])
    trusting.anchor(log, 0, 9)
    assert trusting.send("anchor", *fork.step(9, 12))["status"] == 1
    assert trusting.call("latest", ORIGIN)[0][1] == fork.root(12)


def test_a_forked_log_is_refused(registry: Any, log: Any, fork: Any) -> None:
    registry.anchor(log, 0, 9)
    for call in (fork.step(9, 12), (*fork.step(9, 12)[:5], log.proof(9, 12))):
        assert registry.refusal("anchor", *call) == (
            "InconsistentCheckpoint",
            {
                "origin": shown(ORIGIN),
                "previousSize": 9,
                "treeSize": 12,
                "previousRoot": shown(log.root(9)),
                "rootHash": shown(fork.root(12)),
            },
        )
    assert registry.send("anchor", *fork.step(9, 12))["status"] == 0
    assert registry.call("latest", ORIGIN)[0][:2] == (9, log.root(9))
    registry.anchor(log, 9, 12)


def test_a_fork_before_the_anchor_is_refused_at_any_size(registry: Any, log: Any, fork: Any) -> None:
    registry.anchor(log, 0, 8)
    for size in (9, 15, 16, 17, 1000):
        error, facts = registry.refusal("anchor", *fork.step(8, size))
        assert (error, facts["treeSize"]) == ("InconsistentCheckpoint", size)


@pytest.mark.parametrize("size", [8, 9], ids=["shorter", "same size, other root"])
def test_a_log_that_does_not_grow_is_refused(registry: Any, log: Any, fork: Any, size: int) -> None:
    registry.anchor(log, 0, 9)
    assert registry.refusal("anchor", ORIGIN, 9, size, fork.root(size), MAP, []) == (
        "TreeSizeNotGrowing",
        {"origin": shown(ORIGIN), "previousSize": 9, "treeSize": size},
    )


def test_a_stale_or_doubled_call_is_refused(registry: Any, log: Any) -> None:
    registry.anchor(log, 0, 5)
    registry.anchor(log, 5, 9)
    for previous in (0, 5, 8, 10):
        assert registry.refusal("anchor", ORIGIN, previous, 12, ROOT, MAP, []) == (
            "StalePreviousSize",
            {"origin": shown(ORIGIN), "expected": previous, "actual": 9},
        )
    assert registry.refusal("anchor", *log.step(5, 9))[0] == "StalePreviousSize"


def test_zero_roots_and_empty_trees_are_refused(registry: Any) -> None:
    zero = bytes(32)
    assert registry.refusal("anchor", ORIGIN, 0, 1, zero, MAP, []) == ("EmptyRoot", {"origin": shown(ORIGIN)})
    assert registry.refusal("anchor", ORIGIN, 0, 1, ROOT, zero, []) == ("EmptyRoot", {"origin": shown(ORIGIN)})
    assert registry.refusal("anchor", ORIGIN, 0, 0, ROOT, MAP, [])[0] == "TreeSizeNotGrowing"


def test_a_first_checkpoint_takes_no_proof(registry: Any) -> None:
    assert registry.refusal("anchor", ORIGIN, 0, 1, ROOT, MAP, [ROOT, MAP]) == (
        "UnexpectedProof",
        {"origin": shown(ORIGIN), "proofLength": 2},
    )


@pytest.mark.parametrize(("first", "second"), [(1, 2), (4, 8), (7, 8), (8, 9), (6, 13)])
def test_missing_superfluous_and_foreign_nodes_are_refused(registry: Any, log: Any, first: int, second: int) -> None:
    registry.anchor(log, 0, first)
    *call, proof = log.step(first, second)
    for wrong in ([], proof[:-1], proof[1:], [*proof, ROOT], [ROOT, *proof], [*proof, proof[-1]], [ROOT] * len(proof)):
        assert registry.refusal("anchor", *call, wrong)[0] == "InconsistentCheckpoint"
    registry.anchor(log, first, second)


def test_two_hundred_growing_checkpoints(registry: Any, log: Any) -> None:
    """Through the registry itself, with storage behind it: uneven steps, powers of two, steps of one."""
    size = 0
    for step in range(1, 201):
        grown = size + (1 if step % 3 else step)
        registry.anchor(log, size, grown)
        size = grown
    assert registry.call("latest", ORIGIN)[0] == (
        size,
        log.root(size),
        log.checkpoint(size).case_map_root,
    )


def test_a_stranger_is_refused(registry: Any, tester: Any, log: Any) -> None:
    stranger = registry.opened_by(tester.web3.eth.accounts[1])
    assert stranger.refusal("anchor", *log.step(0, 5)) == (
        "AccessControlUnauthorizedAccount",
        {"account": stranger.sender, "neededRole": shown(keccak(b"ANCHORER"))},
    )
    assert stranger.send("anchor", *log.step(0, 5))["status"] == 0
    assert stranger.refusal("grantRole", keccak(b"ANCHORER"), stranger.sender)[0] == "AccessControlUnauthorizedAccount"


def test_the_admin_hands_over_in_two_steps_and_never_to_nobody(registry: Any, tester: Any) -> None:
    admin, heir = tester.web3.eth.accounts[:2]
    successor = registry.opened_by(heir)
    assert registry.refusal("beginDefaultAdminTransfer", "0x" + "00" * 20) == ("AdminRequired", {})
    assert registry.refusal("renounceRole", bytes(32), admin)[0] == "AccessControlEnforcedDefaultAdminDelay"
    assert registry.refusal("grantRole", bytes(32), heir)[0] == "AccessControlEnforcedDefaultAdminRules"
    assert registry.send("beginDefaultAdminTransfer", heir)["status"] == 1
    assert successor.refusal("acceptDefaultAdminTransfer")[0] == "AccessControlEnforcedDefaultAdminDelay"
    backend = tester.web3.provider.ethereum_tester
    backend.time_travel(tester.web3.eth.get_block("latest")["timestamp"] + 86_402)
    assert successor.send("acceptDefaultAdminTransfer")["status"] == 1
    assert registry.call("defaultAdmin") == (heir.lower(),)


def test_exactly_one_event_equal_to_storage(registry: Any, tester: Any, log: Any) -> None:
    previous = 0
    for size in (3, 4, 10):
        (event,) = registry.anchor(log, previous, size)["logs"]
        words = [bytes(event["data"])[start : start + 32] for start in range(0, 96, 32)]
        checkpoint = log.checkpoint(size)
        assert event["address"] == registry.address
        assert [bytes(topic) for topic in event["topics"]] == [
            registry.interface.topic("CheckpointAnchored"),
            ORIGIN,
            size.to_bytes(32, "big"),
        ]
        assert words == [checkpoint.root_hash, checkpoint.case_map_root, previous.to_bytes(32, "big")]
        assert registry.call("latest", ORIGIN)[0] == (size, words[0], words[1])
        assert stored(tester, registry.address, ORIGIN) == [size.to_bytes(32, "big"), words[0], words[1]]
        previous = size


def stored(connection: Any, address: str, origin: bytes) -> list[bytes]:
    """Read the three words as an eth_getProof verifier would find them: the layout that the interface documents."""
    slot = int.from_bytes(keccak(origin + (3).to_bytes(32, "big")), "big")
    return [bytes(connection.web3.eth.get_storage_at(address, slot + word)) for word in range(3)]


def test_the_documented_slot_is_the_compilers() -> None:
    assert artifacts.load("CheckpointRegistry").storage["_latest"] == 3


def test_origins_are_isolated(registry: Any, log: Any, fork: Any) -> None:
    other = b"\x02" * 32
    registry.anchor(log, 0, 9, ORIGIN)
    registry.anchor(fork, 0, 20, other)
    assert registry.call("latest", ORIGIN)[0][0] == 9
    assert registry.refusal("anchor", *log.step(9, 21, other))[0] == "StalePreviousSize"
    assert registry.call("latest", b"\x03" * 32)[0] == (0, bytes(32), bytes(32))


def test_no_ether_no_delegatecall_no_selfdestruct(registry: Any, tester: Any) -> None:
    eth = tester.web3.eth
    sent = eth.send_transaction({"from": eth.accounts[0], "to": registry.address, "value": 1, "gas": 100_000})
    assert tester.mined(sent.to_0x_hex())["status"] == 0
    opcodes = set(_opcodes(bytes.fromhex(artifacts.load("CheckpointRegistry").deployed_bytecode[2:])))
    assert not opcodes & {0xF0, 0xF1, 0xF2, 0xF4, 0xF5, 0xFF}, (
        "CREATE, CALL, CALLCODE, DELEGATECALL, CREATE2, SELFDESTRUCT"
    )
    assert 0xFA in opcodes, "the SHA-256 precompile is called by STATICCALL"


def _opcodes(code: bytes) -> Any:
    at = 0
    while at < len(code):
        yield code[at]
        at += 1 + (code[at] - 0x5F if 0x60 <= code[at] <= 0x7F else 0)
