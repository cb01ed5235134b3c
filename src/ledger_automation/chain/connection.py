"""A node that answers, or one clear sentence: the only place where the exceptions of web3 and eth-tester are known.

Everything that talks to a node does so inside `Connection.asking`. What is no answer becomes `Unreachable`; a revert is
an answer and is taken out before, with `reverted`. Connections are made by `local.open_chain`; to readers each is a
`rpc.node.Node`.
"""

import ast
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from eth_tester import exceptions as tester  # type: ignore[import-untyped]
from eth_utils.exceptions import ValidationError
from hexbytes import HexBytes
from requests.exceptions import ConnectionError as RequestsConnectionError
from web3 import Web3
from web3.exceptions import (
    BlockNotFound,
    ContractLogicError,
    TransactionIndexingInProgress,
    TransactionNotFound,
    Web3Exception,
    Web3RPCError,
)
from web3.types import LogReceipt, TxParams, TxReceipt

from ledger_automation.errors import Unreachable
from ledger_automation.rpc.interface import checksummed
from ledger_automation.rpc.node import Log, Outcome

REVERTS: Final = (ContractLogicError, tester.TransactionFailed)
"""How a revert arrives: the first over JSON-RPC, the second from eth-tester."""

# requests' exceptions are OSErrors; an answer that is no JSON is a ValueError.
_FAILURES: Final = (
    OSError,
    ValueError,
    Web3Exception,
    tester.BlockNotFound,
    tester.TransactionFailed,
    tester.TransactionNotFound,
    tester.ValidationError,
    ValidationError,
)

Found = TypeVar("Found")

REFUSALS: Final = (Web3RPCError, tester.ValidationError, ValidationError)
"""How a node says that it will not take a transaction."""

_TESTER_REVERT: Final = re.compile(r"execution reverted: (b['\"].*)", re.DOTALL)


@dataclass(frozen=True)
class Connection:
    """An open chain.

    ``endpoint`` names it in sentences, without credentials. ``local`` chains have a funded development account;
    an ``ephemeral`` chain ends with this process, so nothing about it may be written to a file. ``tip`` is the state to
    simulate upon: with everything that the node was sent, where it can say so.
    """

    web3: Web3
    endpoint: str
    local: bool = False
    ephemeral: bool = False
    tip: Literal["pending", "latest"] = "pending"

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Raise Unreachable for whatever is not an answer."""
        try:
            yield
        except _FAILURES as error:
            raise Unreachable(f"The chain at {self.endpoint} did not answer: {_reason(error)}.") from error

    def chain_id(self) -> int:
        """Return the chain's id."""
        with self.asking():
            return self.web3.eth.chain_id

    def head(self) -> int:
        """Return the number of the newest block."""
        with self.asking():
            return self.web3.eth.block_number

    def code(self, address: str) -> bytes:
        """Return the code at an address."""
        with self.asking():
            return bytes(self.web3.eth.get_code(checksummed(address)))

    def call(self, address: str, data: bytes, block: int | None = None) -> bytes | None:
        """Return what a contract answers, now or as of a block, None where it reverts."""
        request: TxParams = {"to": checksummed(address), "data": HexBytes(data)}
        with self.asking():
            try:
                return bytes(self.web3.eth.call(request, "latest" if block is None else block))
            except REVERTS:
                return None

    def outcome(self, transaction: str) -> Outcome | None:
        """Return what became of a transaction, None while it is not mined."""
        found = self.receipt(transaction)
        if found is None:
            return None
        logs = tuple(map(_log, found["logs"]))
        return Outcome(found["blockNumber"], found["blockHash"].to_0x_hex(), found["status"] == 1, logs)

    def logs(self, address: str, topic: bytes, since: int = 0) -> list[Log]:
        """Return what a contract reported under a first topic from a block on."""
        asked: Any = {"address": checksummed(address), "topics": [f"0x{topic.hex()}"], "fromBlock": since}
        with self.asking():
            return [_log(each) for each in self.web3.eth.get_logs(asked)]

    def receipt(self, transaction: str) -> TxReceipt | None:
        """Return the receipt of a transaction (0x hex), None while it is not mined."""
        with self.asking():
            try:
                return self.web3.eth.get_transaction_receipt(transaction)  # type: ignore[arg-type]
            except (TransactionNotFound, TransactionIndexingInProgress):
                return None  # C28: not indexed yet is not there yet

    def knows(self, transaction: str) -> bool:
        """Tell whether the node has a transaction, in a block or waiting for one."""
        return self.shown(transaction)[0]

    def shown(self, transaction: str) -> tuple[bool, bool]:
        """Tell whether the node shows a transaction at all, and whether in a block."""
        with self.asking():
            try:
                found = self.web3.eth.get_transaction(transaction)  # type: ignore[arg-type]
            except (TransactionNotFound, TransactionIndexingInProgress):
                return False, False
        return True, found.get("blockNumber") is not None

    def block_hash(self, number: int) -> str | None:
        """Return the hash of the block of a number, None where the node has none."""
        with self.asking():
            try:
                return self.web3.eth.get_block(number)["hash"].to_0x_hex()
            except (BlockNotFound, tester.BlockNotFound):
                return None

    def finalized(self) -> int | None:
        """Return the chain's own final block, None where its word means nothing (C27).

        It means something only on a chain that is not local: eth-tester calls its newest block final, and Anvil one
        that is so many blocks old, which nobody voted on. 0 is what nodes say that know of none.
        """
        if self.local:
            return None
        with self.asking():
            try:
                number = self.web3.eth.get_block("finalized")["number"]
            except (BlockNotFound, Web3RPCError):
                return None
        return int(number) or None

    def mined(self, transaction: str, seconds: float = 30) -> TxReceipt:
        """Wait for the receipt; raises Unreachable after ``seconds``."""
        found = wait_for(lambda: self.receipt(transaction), seconds)
        if found is None:
            raise Unreachable(f"The chain at {self.endpoint} did not mine {transaction} within {seconds:.0f} s.")
        return found


def wait_for(look: Callable[[], Found | None], seconds: float) -> Found | None:
    """Look every 20 ms until something is found or the time is over."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def reverted(error: Exception) -> bytes:
    """Return a revert's data, empty where the node gave none.

    eth-tester's provider puts the bytes' *representation* into a sentence; there is no other way to them.
    """
    if isinstance(error, ContractLogicError):
        return bytes.fromhex(error.data.removeprefix("0x")) if isinstance(error.data, str) else b""
    match = _TESTER_REVERT.fullmatch(str(error))
    return bytes(ast.literal_eval(match.group(1))) if match else b""


def _log(found: LogReceipt) -> Log:
    topics = tuple(map(bytes, found["topics"]))
    return Log(found["address"].lower(), topics, bytes(found["data"]), found["blockNumber"])


def _reason(error: BaseException) -> str:
    """One line, at most 200 characters, and never an address, which may carry an access key."""
    if isinstance(error, RequestsConnectionError):
        return "nothing listens there"
    first_line = (str(error) or type(error).__name__).splitlines()[0]
    return re.sub(r"https?://\S+|url: \S+", "(address)", first_line)[:200]
