"""Port ChainSource: through web3 on eth-tester and Anvil, over plain JSON-RPC, and through several nodes at once."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import Any, NamedTuple

import pytest
from eth_utils.crypto import keccak
from msgspec.structs import replace

from faults.proxy import Fault, Proxy, changed, dropped_before, null, raw, saying
from ledger_automation.audit.enforced import member_number
from ledger_automation.bootstrap import open_ledger
from ledger_automation.chain import anvil, artifacts
from ledger_automation.chain.connection import Connection
from ledger_automation.errors import Contradiction, InvalidDefinition, InvalidValue, Misconfigured, Unreachable
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.transition import Intent
from ledger_automation.rpc import Quorum, Reader, ledgers, open_node, wire
from ledger_automation.rpc import registry as registry_module
from ledger_automation.rpc.interface import Interface
from ledger_automation.settings import Settings
from ledger_automation.verify.sources import AnchoredCheckpoint, AnchorEvidence, ChainIdentity, ChainSource
from ledger_automation.workflows import Actor, Command, names, workflow

READERS = ("tester, web3", "anvil, web3", "anvil, one node", "anvil, three nodes")
NOWHERE = "0x" + "11" * 20


class World(NamedTuple):
    """A chain on which a log was anchored once, and on which a contract took one step of one case."""

    connection: Connection
    identity: ChainIdentity
    origin: bytes
    transaction: str
    block_hash: str
    checkpoint: AnchoredCheckpoint
    contract: str
    case_key: bytes
    signer: tuple[int, bytes]

    @property
    def url(self) -> str:
        return str(self.connection.web3.provider.endpoint_uri)  # type: ignore[attr-defined]


def lived(chain: str, home: Path, stack: ExitStack) -> World:
    settings = Settings(home=home, chain=chain)
    ledger = stack.enter_context(open_ledger(settings))
    enforcing = stack.enter_context(ledger.enforcing())
    signer = enforcing.admit("permit", "anna", ("applicant",))
    command = Command("submit_application", Actor("anna", "applicant"), {"subject": "garage"})
    step = enforcing.enforcer.open_case(workflow("permit"), Intent(command, ledger.recorder.clock()))
    seal(ledger.begin, ledger.recorder, ledger.key, Anchorer(ledger.begin, enforcing.chain.anchor, enforcing.policy))
    with ledger.read() as unit:
        (sent,) = unit.log.submissions(0)
        (noted,) = unit.log.checkpoints(0)
        key = enforcing.enforcer.standpoint(unit, step.event.case_id).link.case_key
        member = member_number(enforcing.secret, "anna")
    registry, origin = enforcing.chain.anchor.registry, sha256(settings.origin.encode()).digest()
    newest = registry.latest(origin)
    assert newest is not None
    assert (newest.tree_size, newest.root_hash) == (noted.tree_size, noted.root_hash)
    return World(
        registry._node,  # type: ignore[arg-type]
        enforcing.policy.chain,  # type: ignore[arg-type]
        origin,
        sent.transaction,
        str(sent.block_hash),
        newest,
        enforcing.policy.ledgers["permit"].contract,
        key,
        (member, signer),
    )


@pytest.fixture(scope="session")
def world_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], World]]:
    """Each chain with its history, opened when it is first asked for; whatever Anvil is left of it is ended."""
    homes, worlds = {}, {}
    with ExitStack() as stack:

        def world(chain: str) -> World:
            if chain not in worlds:
                homes[chain] = tmp_path_factory.mktemp(chain)
                worlds[chain] = lived(chain, homes[chain], stack)
            return worlds[chain]

        yield world
    for home in homes.values():
        with contextlib.suppress(OSError, ValueError):
            if anvil._is_alive(home / "anvil"):
                os.kill(anvil._pid(home / "anvil"), signal.SIGKILL)


@pytest.fixture(params=READERS)
def asked(request: pytest.FixtureRequest, world_of: Callable[[str], World]) -> Iterator[tuple[World, ChainSource]]:
    """A world, and one way to read of it."""
    chain, way = request.param.split(", ")
    world = world_of(chain)
    with ExitStack() as stack:
        yield world, source(world, way, stack)


def source(world: World, way: str, stack: ExitStack, registry: str = "") -> ChainSource:
    address = registry or world.identity.registry
    if way == "web3":
        return Reader(world.connection, address)
    nodes = [stack.enter_context(open_node(world.url)) for _ in range(3)]
    return Reader(nodes[0], address) if way == "one node" else Quorum(nodes, address, 2)


def test_it_says_which_chain_and_contract_this_is(asked: tuple[World, ChainSource]) -> None:
    world, chain = asked
    assert chain.identity() == world.identity
    assert chain.code_hash(world.identity.registry) == world.identity.registry_code_hash
    assert chain.code_hash(world.identity.registry.lower()) == world.identity.registry_code_hash
    assert chain.code_hash(NOWHERE) == f"0x{keccak(b'').hex()}"


def test_it_says_what_was_anchored_last_and_by_which_transaction(asked: tuple[World, ChainSource]) -> None:
    world, chain = asked
    assert chain.latest(world.origin) == world.checkpoint
    assert chain.latest(token_bytes(32)) is None
    found = chain.evidence(world.transaction, world.origin)
    assert found is not None
    assert (found.succeeded, found.anchored, found.block_hash) == (True, world.checkpoint, world.block_hash)
    assert found.confirmations >= 1
    assert chain.block_hash(found.block_number) == found.block_hash != chain.block_hash(0) is not None
    assert chain.block_hash(10**9) is None
    newer = Reader(world.connection, world.identity.registry).evidence(world.transaction, world.origin)
    assert newer is not None
    assert newer.confirmations >= found.confirmations, "blocks go on"
    assert found == replace(newer, confirmations=found.confirmations)


def test_a_transaction_is_evidence_for_its_own_log_only(asked: tuple[World, ChainSource]) -> None:
    world, chain = asked
    other = chain.evidence(world.transaction, token_bytes(32))
    assert other is not None
    assert other.anchored is None
    assert chain.evidence("0x" + "12" * 32, world.origin) is None
    for name in ("12" * 32, "0x", "0X" + "11" * 32, "latest", "0x" + "11" * 32 + "\n"):
        with pytest.raises(InvalidValue):
            chain.evidence(name, world.origin)


def test_it_says_where_a_case_stands_and_who_has_a_seat(asked: tuple[World, ChainSource]) -> None:
    world, chain = asked
    word = chain.standing(world.contract, world.case_key)
    assert word >> 8 & 0xFFFFFFFF == 1, "one step was taken"
    assert chain.took(world.contract, word)
    assert not chain.took(world.contract, word + 1)
    assert chain.standing(world.contract, token_bytes(16)) == 0
    assert chain.seated(world.contract) == {world.signer}


@pytest.mark.parametrize("way", READERS)
def test_another_contract_is_misconfigured(world_of: Callable[[str], World], way: str) -> None:
    chain, _, way = way.partition(", ")
    world = world_of(chain)
    with ExitStack() as stack:
        for address in (NOWHERE, world.contract):
            elsewhere = source(world, way, stack, address)
            with pytest.raises(Misconfigured):
                elsewhere.latest(world.origin)
        for address in (NOWHERE, world.identity.registry):
            with pytest.raises(Misconfigured):
                elsewhere.standing(address, world.case_key)


@pytest.mark.parametrize("way", ["one node", "three nodes"])
def test_where_nobody_listens_is_unreachable_and_no_key_is_shown(way: str) -> None:
    with ExitStack() as stack:
        nodes = [stack.enter_context(open_node("http://user:secret@127.0.0.1:9/key-in-the-path")) for _ in range(3)]
        chain = Reader(nodes[0], NOWHERE) if way == "one node" else Quorum(nodes, NOWHERE, 2)
        for ask in (
            chain.identity,
            lambda: chain.latest(bytes(32)),
            lambda: chain.evidence("0x" + "1" * 64, bytes(32)),
        ):
            with pytest.raises(Unreachable) as caught:
                ask()
            assert "nothing listens there" in caught.value.sentence
            assert "key-in-the-path" not in caught.value.sentence
            assert "secret" not in caught.value.sentence


@pytest.mark.parametrize("url", ["ftp://node", "http://", "node:8545", "http://127.0.0.1:port/", "http://[::1"])
def test_what_is_no_url_of_a_node_is_said_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidValue) as caught, open_node(url):
        pass
    assert url not in caught.value.sentence


BAD: dict[str, Fault] = {
    "429": raw(429, b"slow down"),
    "500": raw(500, b'{"jsonrpc":"2.0","id":1,"result":"0x1"}'),
    "200, a page": raw(200, b"<html>Welcome to nginx!</html>"),
    "no object": raw(200, b"[]"),
    "no result": raw(200, b'{"jsonrpc":"2.0","id":1}'),
    "another's": raw(200, b'{"jsonrpc":"2.0","id":77,"result":"0x1"}'),
    "a hundred thousand brackets": raw(200, b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 100_000),
    "packed": raw(200, b"\x1f\x8b\x08\x00"),
    "huge": raw(200, b'{"jsonrpc":"2.0","id":1,"result":"0x' + b"0" * 3_000_000 + b'1"}'),
    "drop by drop": raw(200, b'{"jsonrpc":"2.0","id":1,"result":"0x1"}' + b" " * 90, 0.02),
    "hung up": dropped_before,
    "nothing": null,
    "too often": saying(-32005, "rate limit exceeded"),
    "a number": changed(lambda _: 7),
    "no hex": changed(lambda _: "0xzz"),
    "an object": changed(lambda _: {"status": "0x1"}),
    "a list of nothing": changed(lambda _: [None]),
}
METHODS = {
    "eth_chainId": lambda chain, _: chain.identity(),
    "eth_getBlockByNumber": lambda chain, _: chain.identity(),
    "eth_getCode": lambda chain, world: chain.code_hash(world.contract),
    "eth_call": lambda chain, world: chain.latest(world.origin),
    "eth_getTransactionReceipt": lambda chain, world: chain.evidence(world.transaction, world.origin),
    "eth_blockNumber": lambda chain, world: chain.evidence(world.transaction, world.origin),
    "eth_getLogs": lambda chain, world: chain.seated(world.contract),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_reply_to_any_question_is_unreachable_and_nothing_else(
    world_of: Callable[[str], World], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(wire, "SECONDS", 0.5)
    monkeypatch.setattr(wire, "LARGEST", 1_000_000)
    world = world_of("anvil")
    proxy = Proxy(world.url)
    with ExitStack() as stack:
        stack.callback(proxy.close)
        chain = Reader(stack.enter_context(open_node(proxy.url)), world.identity.registry)
        for method, ask in METHODS.items():
            proxy.faults = {method: BAD[kind]}
            if (kind, method) == ("nothing", "eth_getTransactionReceipt"):
                assert ask(chain, world) is None, "not mined, as far as this node knows"
                continue
            with pytest.raises(Unreachable) as caught:
                ask(chain, world)
            assert len(caught.value.sentence) < 400
            proxy.heal()
            assert ask(chain, world) is not None


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_node_sends_nobody_elsewhere(world_of: Callable[[str], World], status: int) -> None:
    elsewhere = Proxy(world_of("anvil").url)
    proxy = Proxy(elsewhere.url)
    proxy.faults["*"] = raw(status, b"", location=elsewhere.url)
    with ExitStack() as stack:
        stack.callback(proxy.close)
        stack.callback(elsewhere.close)
        node = stack.enter_context(open_node(proxy.url))
        with pytest.raises(Unreachable, match=str(status)):
            node.chain_id()
    assert not elsewhere.calls


def test_what_is_not_indexed_yet_is_not_there_yet(world_of: Callable[[str], World]) -> None:
    world = world_of("anvil")
    proxy = Proxy(world.url)
    proxy.faults["eth_getTransactionReceipt"] = saying(-32000, "transaction indexing is in progress")
    with ExitStack() as stack:
        stack.callback(proxy.close)
        chain = Reader(stack.enter_context(open_node(proxy.url)), world.identity.registry)
        assert chain.evidence(world.transaction, world.origin) is None


class Several(NamedTuple):
    """Three nodes of one chain, each behind a proxy of its own."""

    world: World
    proxies: list[Proxy]
    ask: Callable[[int], Quorum]


@pytest.fixture
def several(world_of: Callable[[str], World]) -> Iterator[Several]:
    world = world_of("anvil")
    with ExitStack() as stack:
        proxies = [stack.enter_context(closing(Proxy(world.url))) for _ in range(3)]
        nodes = [stack.enter_context(open_node(each.url)) for each in proxies]
        yield Several(world, proxies, lambda quorum: Quorum(nodes, world.identity.registry, quorum))


LIES: dict[str, Fault] = {
    "eth_chainId": changed(lambda _: "0x1"),
    "eth_getBlockByNumber": changed(lambda block: {**block, "hash": "0x" + "ee" * 32}),
    "eth_getCode": changed(lambda code: f"{code}00"),
    "eth_call": changed(lambda word: word[:-2] + ("00" if word[-2:] != "00" else "01")),
    "eth_getTransactionReceipt": changed(lambda receipt: {**receipt, "status": "0x0"}),
    "eth_getLogs": changed(lambda _: []),
}


@pytest.mark.parametrize("liars", [(0,), (1,), (2,), (0, 1)])
@pytest.mark.parametrize("method", LIES)
def test_whatever_a_node_lies_about_the_others_contradict_it(
    several: Several, method: str, liars: tuple[int, ...]
) -> None:
    for quorum in (1, 2, 3):
        for place in liars:
            several.proxies[place].faults = {method: LIES[method]}
        with pytest.raises(Contradiction) as caught:
            METHODS[method](several.ask(quorum), several.world)
        assert caught.value.facts["tampering"] == "T45"
        assert caught.value.sentence.startswith("T45: http://127.0.0.1:")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("silent", [1, 2, 3])
def test_too_few_that_answer_are_unreachable_and_enough_are_not(several: Several, method: str, silent: int) -> None:
    true = METHODS[method](several.ask(3), several.world)
    for proxy in several.proxies[:silent]:
        proxy.faults = {method: dropped_before}
    for quorum in (1, 2, 3):
        if quorum > 3 - silent:
            with pytest.raises(Unreachable, match=f"{3 - silent} of 3 nodes answered, and {quorum} must agree"):
                METHODS[method](several.ask(quorum), several.world)
        else:
            assert _but_for_blocks(METHODS[method](several.ask(quorum), several.world)) == _but_for_blocks(true)


def _but_for_blocks(answer: Any) -> Any:
    return replace(answer, confirmations=0) if isinstance(answer, AnchorEvidence) else answer


def test_a_node_that_is_far_behind_is_silent_and_not_a_liar(several: Several) -> None:
    late, world = several.proxies[0], several.world
    ahead = Reader(world.connection, world.identity.registry)
    known = ahead.evidence(world.transaction, world.origin)
    assert known is not None
    world.connection.web3.provider.make_request("anvil_mine", ["0x40"])  # type: ignore[arg-type]
    late.faults = {"eth_blockNumber": changed(lambda _: hex(known.block_number)), "eth_call": changed(lambda _: "0x")}
    assert several.ask(2).latest(world.origin) == world.checkpoint
    several.proxies[1].faults = {"eth_call": dropped_before}
    with pytest.raises(Unreachable, match=f"1 of 3 .* has come to block {known.block_number} only"):
        several.ask(2).latest(world.origin)
    for proxy in several.proxies:
        proxy.faults.pop("eth_call", None)
    assert several.ask(3).latest(world.origin) == world.checkpoint, "asked of all as of the block that it has"


def test_an_anchor_newer_than_what_all_nodes_have_is_neither_believed_nor_called_a_lie(several: Several) -> None:
    world = several.world
    found = Reader(world.connection, world.identity.registry).evidence(world.transaction, world.origin)
    assert found is not None
    before = hex(found.block_number - 1)
    for proxy in several.proxies:
        proxy.faults = {"eth_blockNumber": changed(lambda _: before)}
    several.proxies[0].faults["eth_getTransactionReceipt"] = null
    with pytest.raises(Unreachable, match="not all nodes have yet"):
        several.ask(2).evidence(world.transaction, world.origin)


@pytest.mark.parametrize("quorum", [0, 4, -1])
def test_a_quorum_that_cannot_be_had_is_refused(several: Several, quorum: int) -> None:
    with pytest.raises(InvalidDefinition, match="cannot agree"):
        several.ask(quorum)


def test_what_is_asked_by_hand_is_what_the_compiled_contracts_answer() -> None:
    for asked, contracts in ((registry_module._REGISTRY, ["CheckpointRegistry"]), (ledgers._LEDGER, _enforced())):
        for compiled in (Interface(artifacts.load(name).abi) for name in contracts):
            for name in asked._functions:
                zero = [bytes(32)[: 32 if name == "latest" else 16]]
                assert asked.encode(name, zero) == compiled.encode(name, zero)
            for name in asked._events:
                assert asked.topic(name) == compiled.topic(name)


def _enforced() -> list[str]:
    return [str(workflow(name).contract) for name in names() if workflow(name).contract]
