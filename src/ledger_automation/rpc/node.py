"""The questions that a node answers about a chain, and the form of its answers.

`http.HttpNode` asks over JSON-RPC, `chain.connection.Connection` through web3, eth-tester included. Addresses go in as
0x hex in any case, and come out in lower case as hashes do.
"""

from typing import NamedTuple, Protocol


class Log(NamedTuple):
    """What a contract reported: who, the topics, the rest, and in which block."""

    contract: str
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int


class Outcome(NamedTuple):
    """What became of a transaction that was mined."""

    block_number: int
    block_hash: str
    succeeded: bool
    logs: tuple[Log, ...]


class Node(Protocol):
    """A node. Every question raises Unreachable where there is no answer, or none that can be one."""

    @property
    def endpoint(self) -> str:
        """What sentences call it: no credentials, no path, which may be a key."""
        ...

    def chain_id(self) -> int:
        """Return the chain's id (EIP-155)."""
        ...

    def head(self) -> int:
        """Return the number of the newest block; answers below are as of this block or a later one."""
        ...

    def block_hash(self, number: int) -> str | None:
        """Return the hash of the block of a number, None where the node has none."""
        ...

    def code(self, address: str) -> bytes:
        """Return the code at an address, empty where there is none."""
        ...

    def call(self, address: str, data: bytes, block: int | None = None) -> bytes | None:
        """Return what a contract answers, now or as of a block, None where it reverts."""
        ...

    def outcome(self, transaction: str) -> Outcome | None:
        """Return what became of a transaction, None while it is not mined, or not indexed."""
        ...

    def logs(self, address: str, topic: bytes, since: int = 0) -> list[Log]:
        """Return what a contract reported under a first topic from a block on, oldest first."""
        ...
