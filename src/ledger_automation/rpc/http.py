"""A node that is asked over JSON-RPC; implements `node.Node`.

What a reply holds is read by its type: a number that is no quantity, octets that are no hex, a receipt without a block
hash are no answers. With ``at``, what changes from block to block is asked as of that block, so that several nodes can
be asked the same; what became of a transaction is told wherever it stands.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from ledger_automation.rpc.node import Log, Outcome
from ledger_automation.rpc.wire import Refusal, Wire

_REVERTED: Final = 3
"""The code of a revert (geth's, and of whoever follows it); others say so in words."""

_REVERT: Final = re.compile(r"revert", re.IGNORECASE)
_INDEXING: Final = re.compile(r"indexing is in progress", re.IGNORECASE)

Quantity = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{1,16}$")]
Octets = Annotated[str, msgspec.Meta(pattern="^0x(?:[0-9a-fA-F]{2})*$")]
Word = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{64}$")]


class _Log(msgspec.Struct, frozen=True, rename="camel"):
    address: Octets
    topics: tuple[Word, ...]
    data: Octets
    block_number: Quantity

    def read(self) -> Log:
        topics = tuple(map(_octets, self.topics))
        return Log(self.address.lower(), topics, _octets(self.data), int(self.block_number, 16))


class _Receipt(msgspec.Struct, frozen=True, rename="camel"):
    transaction_hash: Word
    block_number: Quantity
    block_hash: Word
    logs: tuple[_Log, ...]
    status: Quantity = "0x0"


class _Block(msgspec.Struct, frozen=True):
    hash: Word


@dataclass(frozen=True)
class HttpNode:
    """A node behind a wire, as of a block, or of its newest."""

    wire: Wire
    at: int | None = None

    @property
    def endpoint(self) -> str:
        """What sentences call it."""
        return self.wire.endpoint

    def as_of(self, block: int) -> "HttpNode":
        """Return the same node, asked about the chain as of a block."""
        return HttpNode(self.wire, block)

    def chain_id(self) -> int:
        """Return the chain's id."""
        return int(self._ask(Quantity, "eth_chainId"), 16)

    def head(self) -> int:
        """Return the number of the block that answers are as of."""
        return self.at if self.at is not None else int(self._ask(Quantity, "eth_blockNumber"), 16)

    def block_hash(self, number: int) -> str | None:
        """Return the hash of the block of a number, None where the node has none."""
        found = self._ask(_Block | None, "eth_getBlockByNumber", hex(number), False)
        return found.hash.lower() if found is not None else None

    def code(self, address: str) -> bytes:
        """Return the code at an address."""
        return _octets(self._ask(Octets, "eth_getCode", address, self._tag))

    def call(self, address: str, data: bytes, block: int | None = None) -> bytes | None:
        """Return what a contract answers, None where it reverts."""
        tag = self._tag if block is None else hex(block)
        answer = self.wire.ask("eth_call", {"to": address, "data": f"0x{data.hex()}"}, tag)
        if isinstance(answer, Refusal) and (answer.code == _REVERTED or _REVERT.search(answer.message)):
            return None
        return _octets(self._typed(Octets, answer))

    def outcome(self, transaction: str) -> Outcome | None:
        """Return what became of a transaction, None while it is not mined, or not indexed."""
        answer = self.wire.ask("eth_getTransactionReceipt", transaction)
        if isinstance(answer, Refusal) and _INDEXING.search(answer.message):
            return None
        found = self._typed(_Receipt | None, answer)
        if found is None:
            return None
        if found.transaction_hash.lower() != transaction:
            raise self.wire.silent("it replied with the receipt of another transaction")
        logs = tuple(each.read() for each in found.logs)
        return Outcome(int(found.block_number, 16), found.block_hash.lower(), int(found.status, 16) == 1, logs)

    def logs(self, address: str, topic: bytes, since: int = 0) -> list[Log]:
        """Return what a contract reported under a first topic from a block on."""
        asked = {"address": address, "topics": [f"0x{topic.hex()}"], "fromBlock": hex(since), "toBlock": self._tag}
        return [each.read() for each in self._ask(list[_Log], "eth_getLogs", asked)]

    @property
    def _tag(self) -> str:
        return hex(self.at) if self.at is not None else "latest"

    def _ask(self, kind: Any, method: str, *parameters: Any) -> Any:
        return self._typed(kind, self.wire.ask(method, *parameters))

    def _typed(self, kind: Any, answer: Any) -> Any:
        """Read a result by its type; raises Unreachable for another, and for a refusal."""
        if isinstance(answer, Refusal):
            raise self.wire.silent(f"it refused ({answer.code}): {' '.join(answer.message.split())[:150]}")
        try:
            return msgspec.convert(answer, kind)
        except msgspec.ValidationError as error:
            raise self.wire.silent("its reply is no answer to the question") from error


@contextmanager
def open_node(url: str) -> Iterator[HttpNode]:
    """Open the way to a node; nothing is asked yet. Raises InvalidValue for what is no URL."""
    wire = Wire(url)
    try:
        yield HttpNode(wire)
    finally:
        wire.close()


def _octets(text: str) -> bytes:
    return bytes.fromhex(text[2:])
