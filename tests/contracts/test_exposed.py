"""Everything that a local chain shows: whatever is stored, logged, sent or created on it is read back to the byte."""

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import pytest

from ledger_automation.chain import artifacts, open_chain
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.deploy import CONTRACT, shipped
from ledger_automation.chain.exposed import exposed
from ledger_automation.errors import InvalidValue

STORED: Final = b"what is stored in a slot, 32 byte"[:32]
LOGGED: Final = b"what a log says, 32 bytes of it."
KEPT: Final = b"what is code, and hardly ever run"


def creation() -> bytes:
    """Return code that stores a word, logs another, and leaves a third as the contract's own code."""
    store = b"\x7f" + STORED + b"\x60\x00\x55"
    log = b"\x7f" + LOGGED + b"\x60\x00\x52\x60\x20\x60\x00\xa0"
    length, head = len(KEPT), len(store) + len(log) + 12
    keep = bytes([0x60, length, 0x60, head, 0x60, 0, 0x39, 0x60, length, 0x60, 0, 0xF3])
    return store + log + keep + KEPT


@pytest.mark.parametrize("spec", ["tester", "anvil"])
def test_whatever_is_on_a_chain_is_shown(spec: str, tmp_path: Path) -> None:
    shown: dict[str, bytes] = defaultdict(bytes)
    with open_chain(spec, tmp_path) as connection:
        sent = {"from": connection.web3.eth.accounts[0], "data": creation(), "gas": 500_000}
        transaction = connection.web3.eth.send_transaction(sent).to_0x_hex()  # type: ignore[arg-type]
        connection.mined(transaction)
        for each in exposed(connection):
            shown[each.kind] += each.content
            assert each.place
    assert shown["calldata"] == creation()
    assert shown["event"] == LOGGED
    assert shown["code"] == KEPT
    assert (STORED if spec == "tester" else STORED.hex().encode()) in shown["state"]
    assert transaction.encode() in shown["transaction"]
    assert b'"number": 1' in shown["block"]
    assert (KEPT.hex().encode() in shown["return"]) == (spec == "anvil")


def test_a_chain_that_others_share_is_not_read_in_whole(tmp_path: Path) -> None:
    with open_chain("tester", tmp_path) as own:
        shared = Connection(own.web3, "https://node.example")
        with pytest.raises(InvalidValue, match="tester or anvil"):
            next(exposed(shared))


def test_no_function_that_is_sent_as_a_transaction_returns_anything() -> None:
    """So there is nothing in a return that calldata, events and storage do not show."""
    for artifact in (artifacts.load(CONTRACT), *(each.artifact for each in shipped(1) if each.group == "ledgers")):
        abi: Any = artifact.abi
        sent = [each for each in abi if each["type"] == "function" and each["stateMutability"] != "view"]
        written = [each for each in sent if each["stateMutability"] == "nonpayable"]
        assert written
        assert [each["name"] for each in written if each["outputs"]] == []
