"""Deploying the registry once a chain and a home, and recognising it ever after.

A deployment's record lies under ``home/deployments/<chain id>.json``. A second call finds it, asks the chain whether
genesis block and code are still those of the record, and returns it; anything else is `Misconfigured` with what was
expected and what is there, never a silent new deployment: a log anchored in one registry cannot continue in another.

An in-process chain ends with its process, and with it every contract. Its deployments are therefore remembered with the
connection and never written: a file about a chain that is gone would be wrong for each chain that follows.

If we die between sending and writing, the next call deploys again. The orphan is empty and nobody has pinned it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec
from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from web3 import Web3
from web3.types import TxReceipt

from ledger_automation.chain import artifacts
from ledger_automation.chain.connection import REVERTS, Connection
from ledger_automation.chain.fees import fees
from ledger_automation.chain.interface import checksummed
from ledger_automation.errors import Misconfigured
from ledger_automation.verify.sources import ChainIdentity

CONTRACT: Final = "CheckpointRegistry"

_FUNDS: Final = Web3.to_wei(100, "ether")

_ephemeral: WeakKeyDictionary[Web3, "Deployment"] = WeakKeyDictionary()


class Deployment(msgspec.Struct, frozen=True):
    """Where the registry is, and how to tell that it is still the same one."""

    chain_id: int
    genesis_hash: str
    registry: str
    registry_code_hash: str
    abi_hash: str
    block_number: int
    transaction: str
    admin: str
    anchorer: str

    def identity(self) -> ChainIdentity:
        """Return what a verifier pins."""
        return ChainIdentity(self.chain_id, self.genesis_hash, self.registry, self.registry_code_hash)


def deploy(connection: Connection, home: Path, anchorer: LocalAccount, admin: str | None = None) -> Deployment:
    """Return this chain's registry, deployed now if it never was; ``admin`` defaults to the anchorer.

    Raises Misconfigured where the record and the chain disagree.
    """
    if connection.ephemeral:
        if connection.web3 not in _ephemeral:
            _ephemeral[connection.web3] = _create(connection, anchorer, admin or anchorer.address)
        return _verified(connection, _ephemeral[connection.web3])
    path = _record(connection, home)
    with _locked(path.with_suffix(".lock")):
        if not path.exists():
            record = _create(connection, anchorer, admin or anchorer.address)
            _write(path, record)
        return find(connection, home)


def find(connection: Connection, home: Path) -> Deployment:
    """Return this chain's registry, never deploying; raises Misconfigured for none recorded, or another one there."""
    if connection.ephemeral and connection.web3 in _ephemeral:
        return _verified(connection, _ephemeral[connection.web3])
    path = _record(connection, home)
    if connection.ephemeral or not path.exists():
        known = sorted(file.stem for file in path.parent.glob("*.json") if file.stem.isdigit())
        raise Misconfigured(
            f"No registry is deployed on chain {path.stem}; run `ledger deploy`.", expected=known, actual=path.stem
        )
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Deployment)
    except (OSError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"The deployment record {path} cannot be read.", path=str(path)) from error
    return _verified(connection, record)


def identify(connection: Connection, registry: str) -> ChainIdentity:
    """Return what is really there now; an address without code has the hash of nothing."""
    address = checksummed(registry)
    with connection.asking():
        code = connection.web3.eth.get_code(address)
        return ChainIdentity(
            chain_id=connection.web3.eth.chain_id,
            genesis_hash=connection.web3.eth.get_block(0)["hash"].to_0x_hex(),
            registry=address,
            registry_code_hash=f"0x{keccak(bytes(code)).hex()}",
        )


def _verified(connection: Connection, record: Deployment) -> Deployment:
    expected, actual = record.identity(), identify(connection, record.registry)
    for field, words in (
        ("chain_id", "chain id"),
        ("genesis_hash", "genesis block"),
        ("registry_code_hash", f"code hash of the registry at {record.registry}"),
    ):
        recorded, found = getattr(expected, field), getattr(actual, field)
        if recorded != found:
            raise Misconfigured(
                f"The {words} at {connection.endpoint} is {found}, recorded is {recorded}: this is not the chain "
                "or not the contract that this home anchors on.",
                field=field,
                expected=recorded,
                actual=found,
            )
    return record


def _create(connection: Connection, anchorer: LocalAccount, admin: str) -> Deployment:
    if connection.local:
        _fund(connection, anchorer.address)
    artifact = artifacts.load(CONTRACT)
    data = artifact.bytecode + encode(["address", "address"], [admin, anchorer.address]).hex()
    receipt = _send_creation(connection, anchorer, data)
    registry = receipt["contractAddress"]
    with connection.asking():
        code = bytes(connection.web3.eth.get_code(registry)) if registry else b""
    if receipt["status"] != 1 or registry is None or not artifact.is_code(code):
        raise Misconfigured(f"The registry could not be deployed on {connection.endpoint}.", status=receipt["status"])
    identity = identify(connection, registry)
    return Deployment(
        **msgspec.structs.asdict(identity),
        abi_hash=artifact.abi_hash(),
        block_number=receipt["blockNumber"],
        transaction=receipt["transactionHash"].to_0x_hex(),
        admin=checksummed(admin),
        anchorer=anchorer.address,
    )


def _send_creation(connection: Connection, sender: LocalAccount, data: str) -> TxReceipt:
    eth = connection.web3.eth
    request: Any = {"from": sender.address, "data": data}
    with connection.asking():
        try:
            gas = eth.estimate_gas(request) * 5 // 4
        except REVERTS as error:
            raise Misconfigured(f"The chain at {connection.endpoint} refuses to create the registry.") from error
        nonce = eth.get_transaction_count(sender.address, "pending")
        chain = {"nonce": nonce, "chainId": eth.chain_id, **fees(connection)}
        signed = sender.sign_transaction({"to": "", "data": data, "value": 0, "gas": gas, **chain})  # type: ignore[dict-item]
        sent = eth.send_raw_transaction(signed.raw_transaction)
    return connection.mined(sent.to_0x_hex())


def _fund(connection: Connection, address: str) -> None:
    """Give the anchorer ether from the development account that every local chain unlocks; never elsewhere."""
    eth = connection.web3.eth
    account = checksummed(address)
    with connection.asking():
        if eth.get_balance(account) >= _FUNDS // 2:
            return
        sent = eth.send_transaction({"from": eth.accounts[0], "to": account, "value": _FUNDS})
    connection.mined(sent.to_0x_hex())


def _record(connection: Connection, home: Path) -> Path:
    with connection.asking():
        return home / "deployments" / f"{connection.web3.eth.chain_id}.json"


def _write(path: Path, record: Deployment) -> None:
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    draft.replace(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two processes that deploy at the same time would make two registries."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
