"""Creating a contract exactly once, whatever dies in between; and the plain transactions that administer one.

A creation is signed, written to a journal, and only then sent. Whoever finds a journal goes on with its bytes:

    mined                              the contract is there; nothing is sent
    unknown, its nonce is still free   the same bytes are sent again: they can only ever make the one contract
    unknown, its nonce is taken        they can never be mined any more; signed anew

so no moment to die at leaves a second contract behind. The caller (`deploy`) puts the journal away when the contract's
address is safely in its record, and holds a lock around both. Without a journal (a chain that ends with this process)
there is nothing to go on with.

What this does not do: it bumps no fee. A creation that a node holds and nobody mines is waited for by the next call.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from eth_utils.crypto import keccak
from web3 import Web3
from web3.types import TxReceipt

from ledger_automation.chain.artifacts import Artifact
from ledger_automation.chain.connection import REFUSALS, REVERTS, Connection
from ledger_automation.chain.fees import fees
from ledger_automation.chain.signing import SignedTransaction, SigningAccount
from ledger_automation.errors import Misconfigured
from ledger_automation.orchestrator import durable
from ledger_automation.rpc.interface import checksummed

NOTHING: Final = f"0x{keccak(b'').hex()}"
"""The hash of the code of an address that has none."""

_FUNDS: Final = Web3.to_wei(100, "ether")


class Deployed(msgspec.Struct, frozen=True):
    """One contract on the chain, and how to tell that it is still the same."""

    address: str
    code_hash: str
    abi_hash: str
    block_number: int
    transaction: str


class Pending(msgspec.Struct, frozen=True):
    """A signed creation: whose, and the bytes that are sent as often as it takes."""

    contract: str
    sender: str
    nonce: int
    transaction: str
    raw: bytes


class Creation(NamedTuple):
    """Whoever creates, where, and the journal that survives him."""

    connection: Connection
    sender: SigningAccount
    journal: Path | None

    def make(self, contract: str, artifact: Artifact, data: bytes) -> Deployed:
        """Create a contract, or finish the creation that the journal tells of; raises Misconfigured, Unreachable."""
        pending = pending_in(self.journal)
        receipt = None
        if pending is not None and pending.contract == contract:
            receipt = _finished(self.connection, pending)
        if receipt is None:
            pending = _signed(self.connection, self.sender, contract, data)
            if self.journal is not None:
                write(self.journal, pending)  # from here on the bytes survive us
            receipt = _sent(self.connection, pending)
        return self._recognised(contract, artifact, receipt)

    def _recognised(self, contract: str, artifact: Artifact, receipt: TxReceipt) -> Deployed:
        """Insist that what was made is what was compiled; a creation that failed is over, and begins anew next time."""
        address = receipt["contractAddress"]
        with self.connection.asking():
            code = bytes(self.connection.web3.eth.get_code(address)) if address else b""
        if receipt["status"] != 1 or address is None or not artifact.is_code(code):
            if self.journal is not None:
                self.journal.unlink(missing_ok=True)
            raise Misconfigured(f"The contract {contract} could not be created on {self.connection.endpoint}.")
        return Deployed(
            address=address,
            code_hash=f"0x{keccak(code).hex()}",
            abi_hash=artifact.abi_hash(),
            block_number=receipt["blockNumber"],
            transaction=receipt["transactionHash"].to_0x_hex(),
        )


def pending_in(journal: Path | None) -> Pending | None:
    """Read the journal, None where there is none; raises Misconfigured for a damaged one."""
    if journal is None or not journal.exists():
        return None
    try:
        return msgspec.json.decode(journal.read_bytes(), type=Pending)
    except (OSError, msgspec.MsgspecError) as error:
        sentence = f"The journal {journal} of a deployment cannot be read; a contract may have been sent already."
        raise Misconfigured(sentence, path=str(journal)) from error


def repeated(connection: Connection, pending: Pending) -> int | None:
    """Send a creation again that the chain has forgotten; return its block, None where its nonce is not the next."""
    with connection.asking():
        mined = connection.web3.eth.get_transaction_count(checksummed(pending.sender))
    receipt = _sent(connection, pending) if mined == pending.nonce else None
    return receipt["blockNumber"] if receipt is not None and receipt["status"] == 1 else None


def fund(connection: Connection, *addresses: str) -> None:
    """Give accounts ether from the development account that every local chain unlocks; never elsewhere."""
    if not connection.local:
        return
    eth = connection.web3.eth
    with connection.asking():
        poor = [each for each in map(checksummed, addresses) if eth.get_balance(each) < _FUNDS // 2]
        sent = [eth.send_transaction({"from": eth.accounts[0], "to": each, "value": _FUNDS}) for each in poor]
    for transaction in sent:
        connection.mined(transaction.to_0x_hex())


def transact(connection: Connection, sender: SigningAccount, to: str, data: bytes) -> TxReceipt:
    """Send one call and wait for it; for administration, where a second time is harmless. Raises Misconfigured."""
    _, signed = _sign(connection, sender, {"to": checksummed(to), "data": data})
    with connection.asking():
        connection.web3.eth.send_raw_transaction(signed.raw_transaction)
    receipt = connection.mined(signed.hash.to_0x_hex())
    if receipt["status"] != 1:
        raise Misconfigured(f"The contract at {to} refused a call.", transaction=signed.hash.to_0x_hex())
    return receipt


def code_hash(connection: Connection, address: str) -> str:
    """Return the hash of the code at an address; without code, that of nothing."""
    return f"0x{keccak(connection.code(address)).hex()}"


def write(path: Path, value: msgspec.Struct) -> None:
    """Write a file as a whole and to the disk, or not at all."""
    durable.write(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def _signed(connection: Connection, sender: SigningAccount, contract: str, data: bytes) -> Pending:
    nonce, signed = _sign(connection, sender, {"data": data})
    return Pending(contract, sender.address, nonce, signed.hash.to_0x_hex(), bytes(signed.raw_transaction))


def _sign(connection: Connection, sender: SigningAccount, call: Mapping[str, Any]) -> tuple[int, SignedTransaction]:
    """Simulate for the gas limit, then sign with the next nonce."""
    eth = connection.web3.eth
    request: Any = {"from": sender.address, **call}
    with connection.asking():
        try:
            gas = eth.estimate_gas(request, connection.tip) * 5 // 4
        except REVERTS as error:
            raise Misconfigured(
                f"The chain at {connection.endpoint} refuses a transaction: it would revert."
            ) from error
        nonce, chain_id = eth.get_transaction_count(sender.address, "pending"), eth.chain_id
    fields = {"to": "", "value": 0, **call, "gas": gas, "nonce": nonce, "chainId": chain_id, **fees(connection)}
    return nonce, sender.sign_transaction(fields)


def _finished(connection: Connection, pending: Pending) -> TxReceipt | None:
    """Bring a journaled creation to its end; None where it can never be mined any more."""
    with connection.asking():
        mined = connection.web3.eth.get_transaction_count(checksummed(pending.sender))
    receipt = connection.receipt(pending.transaction)  # asked after the count: mined in between, it is found here
    return receipt or (_sent(connection, pending) if mined <= pending.nonce else None)


def _sent(connection: Connection, pending: Pending) -> TxReceipt:
    with connection.asking():
        try:
            connection.web3.eth.send_raw_transaction(pending.raw)
        except REFUSALS as error:
            if not connection.knows(pending.transaction):
                raise Misconfigured(f"The node refuses to create a contract: {error!s:.200}.") from error
    return connection.mined(pending.transaction)
