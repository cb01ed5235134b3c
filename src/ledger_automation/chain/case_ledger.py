"""The contracts that enforce a workflow's law: read, called, and their members seated.

Implements `orchestrator.ports.CaseLedgers` for the ledgers of one deployment. A step is handed on exactly as its actor
signed it; whether it is lawful is not asked here but of the contract, whose refusal comes back under its own name.

What this does not do: it signs no step, sends no transaction of the lane's, and believes no answer: what a contract
says of a case is compared with the case's own events by `verify`.
"""

from collections.abc import Mapping
from typing import Any, Final

from eth_utils.address import to_canonical_address

from ledger_automation.audit.enforced import Domain, EnforcedStep
from ledger_automation.chain import artifacts, creation
from ledger_automation.chain.connection import REVERTS, Connection, reverted
from ledger_automation.chain.interface import Interface, checksummed
from ledger_automation.chain.signing import SigningAccount
from ledger_automation.errors import ChainRefused, Misconfigured, NotFound
from ledger_automation.orchestrator.ports import Call
from ledger_automation.workflows import workflow
from ledger_automation.workflows._table import ROLES

_LEDGER: Final = Interface(
    [
        {
            "type": "function",
            "name": "standingOf",
            "inputs": [{"name": "caseKey", "type": "bytes16"}],
            "outputs": [{"name": "", "type": "uint256"}],
        },
        {
            "type": "event",
            "name": "MemberSeated",
            "inputs": [
                {"name": "member", "type": "uint32", "indexed": True},
                {"name": "roles", "type": "uint8", "indexed": False},
                {"name": "signer", "type": "bytes", "indexed": False},
            ],
        },
    ]
)
"""What every ledger answers and reports, whatever its workflow (``ICaseLedger``, ``IMembers``)."""


def standing(connection: Connection, contract: str, case_key: bytes) -> int:
    """Return a ledger's word of a case, 0 for none; raises Misconfigured for the answer of something else."""
    request: Any = {"to": checksummed(contract), "data": _LEDGER.encode("standingOf", [case_key])}
    with connection.asking():
        try:
            answer = connection.web3.eth.call(request)
        except REVERTS as error:
            raise Misconfigured(f"The contract at {contract} enforces no workflow: it reverts.") from error
    (word,) = _LEDGER.decode("standingOf", bytes(answer))
    return int(word)


def taken(connection: Connection, contract: str, word: int, since: int = 0) -> int | None:
    """Return the block in which a ledger took the step that leads to a standing (its event's only topic), or None."""
    request: Any = {"address": checksummed(contract), "topics": [f"0x{word:064x}"], "fromBlock": since}
    with connection.asking():
        found = connection.web3.eth.get_logs(request)
    return found[0]["blockNumber"] if found else None


def seated(connection: Connection, contract: str) -> frozenset[tuple[int, bytes]]:
    """Return everybody who ever had a seat in a ledger: the member's number, and its signer."""
    request: Any = {"address": checksummed(contract), "topics": [_LEDGER.topic("MemberSeated")], "fromBlock": 0}
    with connection.asking():
        found = connection.web3.eth.get_logs(request)
    return frozenset(
        (int.from_bytes(each["topics"][1], "big"), _LEDGER.data("MemberSeated", bytes(each["data"]))[-1])
        for each in found
    )


class CaseLedgers:
    """The ledgers at some addresses, by workflow; none is older than block ``since``."""

    def __init__(self, connection: Connection, addresses: Mapping[str, str], since: int = 0) -> None:
        self._since = since
        self._connection = connection
        self._addresses = {name: checksummed(address) for name, address in addresses.items()}
        self._interfaces = {
            name: Interface(artifacts.load(str(workflow(name).contract)).abi) for name in self._addresses
        }
        with connection.asking():
            self._chain_id = connection.web3.eth.chain_id

    def interfaces(self) -> dict[str, Interface]:
        """Return each ledger's interface by address, for whoever must read a refusal."""
        return {address: self._interfaces[name] for name, address in self._addresses.items()}

    def domain(self, name: str) -> Domain:
        """Return where signatures for a workflow count; raises NotFound where no contract enforces it here."""
        return Domain(name, self._chain_id, to_canonical_address(self._address(name)))

    def standing(self, name: str, case_key: bytes) -> int:
        """Return the contract's word of a case; 0 where it knows none."""
        return standing(self._connection, self._address(name), case_key)

    def seat(self, name: str, member: int) -> tuple[int, bytes]:
        """Return a member's roles as bits, and its signer; 0 and nothing where it has no seat."""
        roles, signer = self._ask(name, "seatOf", member)
        return roles, signer

    def call(self, name: str, step: EnforcedStep, signature: bytes) -> Call:
        """Return the relay of a signed step as a call."""
        arguments = (step.case_key, step.commitment, step.terms, step.witness(signature))
        return Call(self._address(name), self._interfaces[name].encode("take", arguments))

    def simulate(self, call: Call) -> None:
        """Run a call without sending it; raises ChainRefused with the contract's own error."""
        with self._connection.asking():
            try:
                self._connection.web3.eth.call({"to": checksummed(call.contract), "data": call.data})
            except REVERTS as error:
                raise ChainRefused(*self.interfaces()[checksummed(call.contract)].error(reverted(error))) from error

    def taken(self, name: str, word: int) -> int | None:
        """Return the block in which a step led its case to a standing, None where none did."""
        return taken(self._connection, self._address(name), word, self._since)

    def admit(self, name: str, admin: SigningAccount, member: int, roles: tuple[str, ...], signer: bytes) -> None:
        """Seat a member with exactly these roles and signer; raises Misconfigured where the contract refuses."""
        bits = sum(1 << ROLES.index(role) for role in set(roles))
        if self.seat(name, member) != (bits, signer):
            data = self._interfaces[name].encode("seat", (member, bits, signer))
            creation.transact(self._connection, admin, self._address(name), data)

    def _address(self, name: str) -> Any:
        try:
            return self._addresses[name]
        except KeyError:
            raise NotFound(f"No contract enforces the workflow {name} on this chain.", workflow=name) from None

    def _ask(self, name: str, function: str, argument: object) -> tuple[Any, ...]:
        address, interface = self._address(name), self._interfaces[name]
        with self._connection.asking():
            try:
                answer = self._connection.web3.eth.call({"to": address, "data": interface.encode(function, [argument])})
            except REVERTS as error:
                raise Misconfigured(f"The contract at {address} does not enforce {name}: it reverts.") from error
        return interface.decode(function, bytes(answer))
