"""The contracts that enforce a workflow's law: read, called, and their members seated.

Implements `orchestrator.ledgers.CaseLedgers` for the ledgers of one deployment. A step is handed on exactly as its
actor signed it; whether it is lawful is not asked here but of the contract, whose refusal comes back under its own
name.

What this does not do: it signs no step, sends no transaction of the lane's, and believes no answer: what a contract
says of a case is compared with the case's own events by `verify`.
"""

from collections.abc import Mapping
from typing import Any

from eth_utils.address import to_canonical_address

from ledger_automation.audit.enforced import Domain, EnforcedStep
from ledger_automation.chain import artifacts, creation
from ledger_automation.chain.connection import REVERTS, Connection, reverted
from ledger_automation.chain.signing import SigningAccount
from ledger_automation.errors import ChainRefused, Misconfigured, NotFound
from ledger_automation.orchestrator.submission import Call
from ledger_automation.rpc.interface import Interface, checksummed
from ledger_automation.rpc.ledgers import standing, taken
from ledger_automation.workflows import workflow
from ledger_automation.workflows._table import ROLES


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
        """Return the relay of a signed step as a call; the witness follows the encoded arguments."""
        named = self._interfaces[name].encode("take", (step.case_key, step.terms, step.commitment))
        return Call(self._address(name), named + step.witness(signature))

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
