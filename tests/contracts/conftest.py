"""A log in memory, a chain in process, contracts compiled when a test needs them."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_tester.exceptions import TransactionFailed
from web3.types import TxReceipt

from ledger_automation.chain import artifacts
from ledger_automation.chain.anchoring import AnchoringChain, anchoring
from ledger_automation.chain.connection import Connection, reverted
from ledger_automation.chain.local import open_chain
from ledger_automation.merkle import consistency_proof, leaf_hash, node_hash
from ledger_automation.merkle.tree import subtrees
from ledger_automation.rpc.interface import Interface
from ledger_automation.verify.sources import AnchoredCheckpoint

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = b"\x01" * 32


class Log:
    """A log whose leaves are a function of their index; full subtrees are remembered, so sizes may be large."""

    def __init__(self, leaf: Callable[[int], bytes]) -> None:
        self._leaf = leaf
        self.node = functools.cache(self._node)

    def _node(self, level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(self._leaf(index))
        return node_hash(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))

    def root(self, size: int) -> bytes:
        *lefts, root = [self.node(level, index) for level, index in subtrees(0, size)]
        for left in reversed(lefts):
            root = node_hash(left, root)
        return root

    def proof(self, first: int, second: int) -> list[bytes]:
        return consistency_proof(self.node, first, second)

    def checkpoint(self, size: int) -> AnchoredCheckpoint:
        return AnchoredCheckpoint(size, self.root(size), leaf_hash(b"case map of %d" % size))

    def step(self, first: int, second: int, origin: bytes = ORIGIN) -> tuple[Any, ...]:
        """The arguments of the honest ``anchor`` call from one size to the next."""
        checkpoint = self.checkpoint(second)
        proof = self.proof(first, second) if first else []
        return (origin, first, second, checkpoint.root_hash, checkpoint.case_map_root, proof)


class UniformLog(Log):
    """A log of equal leaves: a million of them cost twenty hashes."""

    def __init__(self) -> None:
        super().__init__(lambda _: b"")
        self.node = lambda level, _: self._level(level)

    @staticmethod
    @functools.cache
    def _level(level: int) -> bytes:
        below = leaf_hash(b"equal")
        for _ in range(level):
            below = node_hash(below, below)
        return below


@dataclass(frozen=True)
class Contract:
    """A deployed contract, called raw: what reverts is seen, and nothing is simulated before it is sent."""

    connection: Connection
    address: str
    interface: Interface
    sender: str

    def call(self, function: str, *arguments: object) -> Any:
        data = self.interface.encode(function, arguments)
        request: Any = {"from": self.sender, "to": self.address, "data": data}
        return self.interface.decode(function, bytes(self.connection.web3.eth.call(request)))

    def send(self, function: str, *arguments: object, gas: int = 500_000) -> TxReceipt:
        data = self.interface.encode(function, arguments)
        request: Any = {"from": self.sender, "to": self.address, "data": data, "gas": gas}
        return self.connection.mined(self.connection.web3.eth.send_transaction(request).to_0x_hex())

    def anchor(self, log: Log, first: int, second: int, origin: bytes = ORIGIN) -> TxReceipt:
        """Anchor a log's next checkpoint and insist that it was accepted."""
        receipt = self.send("anchor", *log.step(first, second, origin))
        assert receipt["status"] == 1
        return receipt

    def refusal(self, function: str, *arguments: object) -> tuple[str, dict[str, Any]]:
        """Call, insist that it reverts, and return the error and its arguments."""
        with pytest.raises(TransactionFailed) as caught:
            self.call(function, *arguments)
        return self.interface.error(reverted(caught.value))

    def opened_by(self, sender: str) -> "Contract":
        """The same contract in somebody else's hands."""
        return replace(self, sender=sender)


@pytest.fixture(scope="session")
def log() -> Log:
    return Log(lambda index: b"leaf %d" % index)


@pytest.fixture(scope="session")
def fork() -> Log:
    """The same log until leaf 6, and another history from there on."""
    return Log(lambda index: b"leaf %d" % index if index < 6 else b"forged %d" % index)


@pytest.fixture(scope="session")
def million() -> Log:
    return UniformLog()


@pytest.fixture(scope="session")
def mocks() -> dict[str, artifacts.Artifact]:
    """Test-only contracts, compiled once a run and never shipped."""
    found = artifacts.compile_sources(ROOT, (ROOT / "contracts" / "mocks").glob("*.sol"))
    return {artifact.contract: artifact for artifact in found}


@pytest.fixture
def tester(tmp_path: Path) -> Iterator[Connection]:
    with open_chain("tester", tmp_path) as connection:
        yield connection


@pytest.fixture
def chain(tester: Connection, tmp_path: Path) -> AnchoringChain:
    return anchoring(tester, tmp_path)


@pytest.fixture
def stranger(tester: Connection) -> LocalAccount:
    """A fresh account with a little ether and no role."""
    account: LocalAccount = Account.create()
    ether = tester.web3.to_wei(1, "ether")
    request: Any = {"from": tester.web3.eth.accounts[0], "to": account.address, "value": ether}
    tester.mined(tester.web3.eth.send_transaction(request).to_0x_hex())
    return account


@pytest.fixture
def deployed(tester: Connection) -> Callable[..., Contract]:
    """Deploy an artifact from the development account, which is then every role's holder."""

    def create(artifact: artifacts.Artifact, arguments: str = "", sender: int = 0) -> Contract:
        eth = tester.web3.eth
        account = eth.accounts[sender]
        receipt = tester.mined(
            eth.send_transaction({"from": account, "data": artifact.bytecode + arguments, "gas": 5_000_000}).to_0x_hex()
        )
        return Contract(tester, receipt["contractAddress"], Interface(artifact.abi), account)

    return create


@pytest.fixture
def registry(deployed: Callable[..., Contract], tester: Connection) -> Contract:
    """The shipped registry, with the development account as admin and anchorer."""
    holder = tester.web3.eth.accounts[0].removeprefix("0x").rjust(64, "0")
    return deployed(artifacts.load("CheckpointRegistry"), holder + holder)
