"""A case of the toy workflow on its contract, step by step and attack by attack."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_canonical_address
from web3.types import TxReceipt

from contracts.laws import stall
from ledger_automation.audit.enforced import Blinded, Domain, EnforcedStep, Link, in_numbers
from ledger_automation.chain import artifacts
from ledger_automation.chain.connection import REVERTS, Connection, reverted
from ledger_automation.rpc.interface import Interface
from ledger_automation.workflows import Actor, Case, Command
from ledger_automation.workflows._table import ROLES, Step

NAMES = Blinded(b"secret", b"salt")
HOUR = timedelta(hours=1)
Sign = Callable[[bytes], bytes]


class Signed(NamedTuple):
    """A step and its signature, ready to be relayed, and where it leads."""

    step: EnforcedStep
    signature: bytes
    case: Case
    link: Link


class Person(NamedTuple):
    """A member: a pseudonym, its ERC-7913 signer, and how it signs."""

    name: str
    signer: bytes
    sign: Sign

    @property
    def number(self) -> int:
        return NAMES.member(self.name)


def person(name: str) -> Person:
    account: LocalAccount = Account.from_key(sha256(name.encode()).digest())
    return Person(name, to_canonical_address(account.address), lambda digest: bytes(sign(account, digest)))


def sign(account: LocalAccount, digest: bytes) -> bytes:
    return account.unsafe_sign_hash(digest).signature


@dataclass(frozen=True)
class Office:
    """The toy workflow's contract on one chain, with its admin's account unlocked."""

    connection: Connection
    address: str
    interface: Interface
    admin: str
    table: Any = stall.WORKFLOW

    @classmethod
    def founded(cls, connection: Connection, artifact: artifacts.Artifact, backdating: int = 86_400) -> "Office":
        admin = connection.web3.eth.accounts[0]
        data = artifact.bytecode + encode(["address", "uint64"], [admin, backdating]).hex()
        sent = connection.web3.eth.send_transaction({"from": admin, "data": data, "gas": 6_000_000})
        address = connection.mined(sent.to_0x_hex())["contractAddress"]
        assert address is not None
        return cls(connection, address, Interface(artifact.abi), admin)

    @property
    def domain(self) -> Domain:
        return Domain(self.table.name, self.connection.web3.eth.chain_id, to_canonical_address(self.address))

    @property
    def now(self) -> datetime:
        block = self.connection.web3.eth.get_block("latest")
        return datetime.fromtimestamp(block["timestamp"], tz=UTC)

    def seat(self, who: Person, *roles: str) -> TxReceipt:
        bits = sum(1 << ROLES.index(role) for role in roles)
        return self.send("seat", who.number, bits, who.signer)

    def send(self, function: str, *arguments: object, gas: int = 2_000_000) -> TxReceipt:
        """Send without simulating: what reverts is mined as such."""
        data = self._data(function, arguments)
        request: Any = {"from": self.admin, "to": self.address, "data": data, "gas": gas}
        return self.connection.mined(self.connection.web3.eth.send_transaction(request).to_0x_hex())

    def ask(self, function: str, *arguments: object) -> Any:
        data = self._data(function, arguments)
        answer = self.connection.web3.eth.call({"from": self.admin, "to": self.address, "data": data})  # type: ignore[typeddict-item]
        return self.interface.decode(function, bytes(answer))

    def _data(self, function: str, arguments: tuple[object, ...]) -> bytes:
        """Encode a call; the last of a step's arguments, the witness, follows the others as it is."""
        if function != "take":
            return self.interface.encode(function, arguments)
        *named, witness = arguments
        assert isinstance(witness, bytes)
        return self.interface.encode(function, named) + witness

    def refusal(self, function: str, *arguments: object) -> tuple[str, dict[str, Any]]:
        """Return the error that a call reverts with; it must revert."""
        try:
            self.ask(function, *arguments)
        except REVERTS as error:
            return self.interface.error(reverted(error))
        raise AssertionError(f"{function} was allowed")

    def signed(
        self,
        who: Person,
        role: str,
        action: str,
        before: Signed | None = None,
        *,
        at: datetime | None = None,
        valid: timedelta = HOUR,
        **payload: Any,
    ) -> Signed:
        """Sign a lawful step."""
        case = before.case if before else None
        at = at or self.now
        actor = Actor(who.name, role)
        row = self.table.transition(action)
        step = Step(case.state if case else None, actor, self.table.typed(row, payload), at)
        until = int((self.now + valid).timestamp())
        terms, arguments = in_numbers(self.table, case, action, step, NAMES, until)
        commitment = sha256(f"{action} {at} {who.name} {payload}".encode()).digest()
        asked = EnforcedStep(before.link if before else Link(), commitment, terms, arguments)
        after = self.table.apply(case, Command(action, actor, payload), at).case
        facts = self.table.enforcement.facts(after.data, NAMES)
        return Signed(asked, who.sign(asked.digest(self.domain)), after, asked.after(facts))

    def relay(self, signed: Signed) -> tuple[Any, ...]:
        step = signed.step
        return (step.case_key, step.terms, step.commitment, step.witness(signed.signature))

    def take(self, signed: Signed) -> TxReceipt:
        """Relay a step, insist that the contract takes it, and that it then stands where Python says."""
        receipt = self.send("take", *self.relay(signed))
        assert receipt["status"] == 1, self.refusal("take", *self.relay(signed))
        (standing,) = self.ask("standingOf", signed.step.case_key)
        number = self.table.enforcement.states.index(signed.case.state) + 1
        assert standing == signed.link.head | (signed.case.sequence + 1) << 8 | number
        return receipt

    def refused(self, signed: Signed) -> tuple[str, dict[str, Any]]:
        """Insist that the contract refuses a step, by simulation and when it is mined; return its error."""
        found = self.refusal("take", *self.relay(signed))
        before = self.ask("standingOf", signed.step.case_key)
        receipt = self.send("take", *self.relay(signed))
        assert (receipt["status"], receipt["logs"]) == (0, [])
        assert self.ask("standingOf", signed.step.case_key) == before
        return found


def with_terms(signed: Signed, bit: int, width: int, value: int) -> Signed:
    """The same signature over other terms."""
    mask = ((1 << width) - 1) << bit
    return signed._replace(step=signed.step._replace(terms=(signed.step.terms & ~mask) | value << bit))
