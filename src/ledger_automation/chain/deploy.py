"""Deploying a home's contracts once a chain, and recognising them ever after.

    registry    anchors the log; the one contract that every home needs
    ledgers     one for each workflow that names a contract: the chain's own copy of that law
    verifiers   of signatures other than an ordinary key's (ERC-7913)

The record lies under ``home/deployments/<chain id>.json``. A second call finds it, asks the chain whether genesis block
and code are still those of the record, creates what is missing, and returns it. Anything else is `Misconfigured` with
what was expected and what is there, never a silent new deployment: a log anchored in one registry cannot continue in
another. A record from before there were ledgers is read as one without any.

What a node forgets that was killed, or a reorganisation drops, is sent again in the very same bytes, which are kept
beside the record: the same sender and nonce make the same contract at the same address, or nothing.

An in-process chain ends with its process, and with it every contract. Its deployments are therefore remembered with the
connection and never written: a file about a chain that is gone would be wrong for each chain that follows.

Wherever we die, the next call goes on: `creation` says how a contract is made exactly once. Who pays is the admin on
local chains and the anchorer elsewhere, where the admin's key need not be at hand.
"""

import fcntl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple
from weakref import WeakKeyDictionary

import msgspec
from eth_abi.abi import encode
from web3 import Web3

from ledger_automation.chain import artifacts, creation, keys
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.creation import Deployed
from ledger_automation.chain.roles import Roles
from ledger_automation.chain.signing import SigningAccount
from ledger_automation.errors import Misconfigured
from ledger_automation.rpc.interface import checksummed
from ledger_automation.rpc.registry import Reader
from ledger_automation.verify.sources import ChainIdentity, LedgerPin
from ledger_automation.workflows import names, workflow

CONTRACT: Final = "CheckpointRegistry"
WEBAUTHN: Final = "ERC7913WebAuthnVerifier"
VERIFIERS: Final = ("ERC7913P256Verifier", WEBAUTHN)
BACKDATING: Final = 30 * 86_400
"""How many seconds an enforced step may lie before its block, unless an office decides otherwise when it deploys."""

_ephemeral: WeakKeyDictionary[Web3, "Deployment"] = WeakKeyDictionary()


class Deployment(msgspec.Struct, frozen=True):
    """Where the contracts are, and how to tell that they are still the same."""

    chain_id: int
    genesis_hash: str
    registry: str
    registry_code_hash: str
    abi_hash: str
    block_number: int
    transaction: str
    admin: str
    anchorer: str
    ledgers: dict[str, Deployed] = {}
    verifiers: dict[str, Deployed] = {}

    def identity(self) -> ChainIdentity:
        """Return what a verifier pins."""
        return ChainIdentity(self.chain_id, self.genesis_hash, self.registry, self.registry_code_hash)

    def pins(self) -> dict[str, LedgerPin]:
        """Return what a verifier pins of the contracts that enforce workflows."""
        return {name: LedgerPin(each.address, each.code_hash) for name, each in self.ledgers.items()}

    def contracts(self) -> dict[str, tuple[str, str]]:
        """Return address and code hash of every contract, by what the journal calls it."""
        beside = {
            f"{group}.{name}": (each.address, each.code_hash)
            for group, found in (("ledgers", self.ledgers), ("verifiers", self.verifiers))
            for name, each in found.items()
        }
        return {CONTRACT: (self.registry, self.registry_code_hash), **beside}

    def moved(self, contract: str, block_number: int) -> "Deployment":
        """Return the record with a contract in another block."""
        if contract == CONTRACT:
            return msgspec.structs.replace(self, block_number=block_number)
        group, _, name = contract.partition(".")
        found: dict[str, Deployed] = getattr(self, group)
        there = msgspec.structs.replace(found[name], block_number=block_number)
        return msgspec.structs.replace(self, **{group: {**found, name: there}})


class Wanted(NamedTuple):
    """A contract that is to be there beside the registry; ``arguments`` come from the admin's address."""

    group: Literal["ledgers", "verifiers"]
    name: str
    artifact: artifacts.Artifact
    arguments: Callable[[str], bytes]

    @property
    def contract(self) -> str:
        """What the journal calls it."""
        return f"{self.group}.{self.name}"


def shipped(backdating: int = BACKDATING) -> list[Wanted]:
    """Name what belongs beside the registry: a ledger for each workflow that has a contract, and the verifiers."""
    laws = {name: workflow(name).contract for name in names()}
    return [
        *(ledger(name, artifacts.load(contract), backdating) for name, contract in laws.items() if contract),
        *map(verifier, VERIFIERS),
    ]


def ledger(name: str, artifact: artifacts.Artifact, backdating: int = BACKDATING) -> Wanted:
    """Want a workflow's contract: ``constructor(address admin, uint64 backdating)``."""
    return Wanted("ledgers", name, artifact, lambda admin: encode(["address", "uint64"], [admin, backdating]))


def verifier(name: str) -> Wanted:
    """Want a verifier, whose constructor takes nothing."""
    return Wanted("verifiers", name, artifacts.load(name), lambda _: b"")


def deploy(
    connection: Connection,
    home: Path,
    anchorer: SigningAccount,
    admin: str | None = None,
    wanted: Iterable[Wanted] = (),
) -> Deployment:
    """Return this chain's contracts: the registry, and what else is ``wanted``, created now if it never was.

    ``admin`` is asked for where a contract is still to be created; it defaults to the home's own admin key. Raises
    Misconfigured where record and chain disagree, where the home is deployed elsewhere, or where nobody would be admin.
    """
    if connection.ephemeral:
        remembered = _Site(
            connection, home, anchorer, None, lambda record: _ephemeral.update({connection.web3: record})
        )
        return _verified(connection, remembered.completed(_ephemeral.get(connection.web3), admin, list(wanted)))
    path = _place(connection, home)
    if not path.exists() and (known := _known(path)):
        sentence = f"This home is deployed on chain {known[0]}, not on {path.stem}; a log keeps its chain."
        raise Misconfigured(sentence, expected=known, actual=path.stem)
    with _locked(path.with_suffix(".lock")):
        site = _Site(
            connection, home, anchorer, path.with_suffix(".pending"), lambda record: creation.write(path, record)
        )
        record = site.recognised(_read(path)) if path.exists() else None
        return _verified(connection, site.completed(record, admin, list(wanted)))


def find(connection: Connection, home: Path) -> Deployment:
    """Return this chain's contracts, never deploying; raises Misconfigured for none recorded, or others there."""
    if connection.ephemeral and connection.web3 in _ephemeral:
        return _verified(connection, _ephemeral[connection.web3])
    path = _place(connection, home)
    if connection.ephemeral or not path.exists():
        sentence = f"No registry is deployed on chain {path.stem}; run `ledger deploy`."
        raise Misconfigured(sentence, expected=_known(path), actual=path.stem)
    return _verified(connection, _read(path))


def identify(connection: Connection, registry: str) -> ChainIdentity:
    """Return what is really there now."""
    return Reader(connection, registry).identity()


class _Site(NamedTuple):
    """One deployment at work. ``journal`` is None on a chain that ends with this process."""

    connection: Connection
    home: Path
    anchorer: SigningAccount
    journal: Path | None
    save: Callable[[Deployment], None]

    def completed(self, record: Deployment | None, admin: str | None, wanted: Sequence[Wanted]) -> Deployment:
        """Create what the record lacks, one after the other; each is in the record before the next is begun."""
        done = record or self._founded(admin)
        missing = [each for each in wanted if each.name not in getattr(done, each.group)]
        pending = creation.pending_in(self.journal)
        missing.sort(key=lambda each: pending is None or each.contract != pending.contract)  # first what was begun
        seat = (checksummed(admin) if admin else Roles(self.connection, done.registry).admin()) if missing else ""
        for each in missing:
            made = self._create(each.contract, each.artifact, each.arguments(seat))
            done = msgspec.structs.replace(done, **{each.group: {**getattr(done, each.group), each.name: made}})
            self._keep(done, each.contract)
        if pending is not None and pending.contract in done.contracts():
            self._put_away(pending.contract)  # of one who died between keeping it and this
        return done

    def recognised(self, record: Deployment) -> Deployment:
        """Return a record that the chain agrees with, mended if need be; raises Misconfigured."""
        try:
            return _verified(self.connection, record)
        except Misconfigured:
            return _verified(self.connection, self._mended(record))

    def _mended(self, record: Deployment) -> Deployment:
        """Make again what the chain has forgotten, where it is still the same chain; return where it is now."""
        chain = identify(self.connection, record.registry)
        if (chain.chain_id, chain.genesis_hash) != (record.chain_id, record.genesis_hash):
            return record
        forgotten = {
            name: sent
            for name, (address, _) in record.contracts().items()
            if creation.code_hash(self.connection, address) == creation.NOTHING
            and (sent := creation.pending_in(self._sent(name))) is not None
        }
        if forgotten:  # and with them what was given to their senders and to the anchorer
            creation.fund(self.connection, *{self.anchorer.address, *(each.sender for each in forgotten.values())})
        for name, sent in sorted(forgotten.items(), key=lambda each: each[1].nonce):
            if (block := creation.repeated(self.connection, sent)) is not None:
                record = record.moved(name, block)
                self.save(record)
        return record

    def _founded(self, admin: str | None) -> Deployment:
        """Create the registry, with both of its seats taken."""
        local = self.connection.local
        own = keys.admin(self.home, create=local and admin is None)
        if admin is None and own is None:
            raise Misconfigured(
                f"Nobody would be the admin of the contracts: name an address, or put a key at "
                f"{keys.place(self.home, keys.ADMIN)}."
            )
        seat = checksummed(admin) if admin is not None else own.address  # type: ignore[union-attr]
        creation.fund(self.connection, seat, self.anchorer.address)
        arguments = encode(["address", "address"], [seat, self.anchorer.address])
        made = self._create(CONTRACT, artifacts.load(CONTRACT), arguments)
        identity = identify(self.connection, made.address)
        record = Deployment(
            **msgspec.structs.asdict(identity),
            abi_hash=made.abi_hash,
            block_number=made.block_number,
            transaction=made.transaction,
            admin=seat,
            anchorer=self.anchorer.address,
        )
        self._keep(record, CONTRACT)
        return record

    def _create(self, contract: str, artifact: artifacts.Artifact, arguments: bytes) -> Deployed:
        own = keys.admin(self.home, create=False) if self.connection.local else None
        sender = own or self.anchorer
        creation.fund(self.connection, sender.address)
        data = bytes.fromhex(artifact.bytecode.removeprefix("0x")) + arguments
        return creation.Creation(self.connection, sender, self.journal).make(contract, artifact, data)

    def _keep(self, record: Deployment, contract: str) -> None:
        self.save(record)
        self._put_away(contract)

    def _put_away(self, contract: str) -> None:
        """Keep what was sent, for `recognised`."""
        place = self._sent(contract)
        if self.journal is not None and place is not None and self.journal.exists():
            place.parent.mkdir(exist_ok=True)
            self.journal.replace(place)

    def _sent(self, contract: str) -> Path | None:
        return self.journal.with_suffix(".sent") / f"{contract}.json" if self.journal is not None else None


def _verified(connection: Connection, record: Deployment) -> Deployment:
    """Hold a record against the chain; raises Misconfigured with the first thing that is not as recorded."""
    expected, actual = record.identity(), identify(connection, record.registry)
    _agree(connection, "chain id", "chain_id", expected.chain_id, actual.chain_id)
    _agree(connection, "genesis block", "genesis_hash", expected.genesis_hash, actual.genesis_hash)
    for name, (address, recorded) in record.contracts().items():
        found = creation.code_hash(connection, address)
        _agree(connection, f"code hash of {name} at {address}", "code_hash", recorded, found)
    return record


def _agree(connection: Connection, words: str, field: str, recorded: object, found: object) -> None:
    if recorded != found:
        raise Misconfigured(
            f"The {words} at {connection.endpoint} is {found}, recorded is {recorded}: this is not the chain "
            "or not the contract that this home anchors on.",
            field=field,
            expected=recorded,
            actual=found,
        )


def _place(connection: Connection, home: Path) -> Path:
    with connection.asking():
        return home / "deployments" / f"{connection.web3.eth.chain_id}.json"


def _known(path: Path) -> list[str]:
    """List the chains that the home has records of."""
    return sorted(file.stem for file in path.parent.glob("*.json") if file.stem.isdigit())


def _read(path: Path) -> Deployment:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Deployment)
    except (OSError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"The deployment record {path} cannot be read.", path=str(path)) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two processes that deploy at the same time would make two sets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
