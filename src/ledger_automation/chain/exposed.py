"""Everything that a local chain shows of itself: what whoever has a node of it can read, to the last byte.

    block        each header
    transaction  each transaction as it was sent, its calldata apart
    event        topics and data of each log
    code         each contract's
    state        eth-tester: every key and value of its node's database; Anvil: the dump of its state, with all storage
    return       Anvil: what each transaction returned and called (eth-tester does not keep it)

What this does not do: judge any of it, or read a chain that others share with us.
"""

import gzip
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from hexbytes import HexBytes
from web3 import Web3
from web3.types import RPCEndpoint, TxData

from ledger_automation.chain.connection import Connection
from ledger_automation.errors import InvalidValue

CALLDATA: Final = "calldata"
EVENT: Final = "event"


class Exposed(NamedTuple):
    """A piece of what a chain shows: of which kind, where, its bytes; of calldata also to which contract it went."""

    kind: str
    place: str
    content: bytes
    contract: str = ""
    block: int = 0


def exposed(connection: Connection) -> Iterator[Exposed]:
    """Yield everything; raises InvalidValue for a chain that is not a local one, Unreachable."""
    if not connection.local:
        raise InvalidValue("The chain to be read in whole", connection.endpoint, "tester or anvil")
    with connection.asking():
        head = connection.web3.eth.block_number
        for number in range(head + 1):
            yield from _block(connection, number)
        yield from _tester_state(connection) if connection.ephemeral else _anvil_state(connection)


def _block(connection: Connection, number: int) -> Iterator[Exposed]:
    block: Any = dict(connection.web3.eth.get_block(number, full_transactions=True))
    transactions: list[TxData] = block.pop("transactions")
    yield Exposed("block", f"block {number}", Web3.to_json(block).encode(), block=number)
    for each in transactions:
        yield from _transaction(connection, number, dict(each))


def _transaction(connection: Connection, number: int, sent: dict[str, Any]) -> Iterator[Exposed]:
    name = HexBytes(sent["hash"]).to_0x_hex()
    place, contract = f"transaction {name}", str(sent.get("to") or "")
    calldata = bytes(HexBytes(sent.pop("input", sent.pop("data", b""))))
    yield Exposed(CALLDATA, place, calldata, contract, number)
    yield Exposed("transaction", place, Web3.to_json(sent).encode(), contract, number)
    receipt = connection.web3.eth.get_transaction_receipt(HexBytes(name))
    for log in receipt["logs"]:
        content = b"".join(map(bytes, log["topics"])) + bytes(log["data"])
        yield Exposed(EVENT, f"log {log['logIndex']} of {place}", content, log["address"], number)
    if (created := receipt["contractAddress"]) is not None:
        yield Exposed("code", f"contract {created}", bytes(connection.web3.eth.get_code(created)), created, number)
    if not connection.ephemeral:
        answer = connection.web3.provider.make_request(
            RPCEndpoint("debug_traceTransaction"), [name, {"tracer": "callTracer"}]
        )
        yield Exposed("return", place, Web3.to_json(answer["result"]).encode(), contract, number)


def _tester_state(connection: Connection) -> Iterator[Exposed]:
    """Yield the node's whole database: blocks, transactions, receipts, tries of accounts and storage."""
    backend = connection.web3.provider.ethereum_tester.backend  # type: ignore[attr-defined]
    for key, value in _rows(backend.chain.chaindb.db):
        yield Exposed("state", f"key {key.hex()}", key + value)


def _rows(database: Any) -> list[tuple[bytes, bytes]]:
    """Return all rows below whatever wraps them."""
    while not hasattr(database, "kv_store"):
        database = database.wrapped_db
    return list(database.kv_store.items())


def _anvil_state(connection: Connection) -> Iterator[Exposed]:
    answer = connection.web3.provider.make_request(RPCEndpoint("anvil_dumpState"), [])
    content = bytes(HexBytes(answer["result"]))
    yield Exposed("state", "anvil_dumpState", gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
