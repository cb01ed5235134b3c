"""Who may anchor and who says so: the two seats of the registry, asked and changed.

The contract keeps the last anchorer in his seat (`LastAnchorer`), so a rotation grants before it revokes; the admin's
own seat passes in OpenZeppelin's two steps with a day between, which `ledger` leaves to the two admins.
"""

from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from ledger_automation.chain import artifacts, creation
from ledger_automation.chain.connection import REVERTS, Connection
from ledger_automation.chain.signing import SigningAccount
from ledger_automation.errors import Misconfigured
from ledger_automation.rpc.interface import Interface, checksummed

_ANCHORER: Final = keccak(b"ANCHORER")


class Roles:
    """The roles of the registry at one address."""

    def __init__(self, connection: Connection, registry: str) -> None:
        self._connection = connection
        self._registry = checksummed(registry)
        self._interface = Interface(artifacts.load("CheckpointRegistry").abi)

    def admin(self) -> ChecksumAddress:
        """Return who grants and revokes now: the seat may have been handed over since the record was written."""
        return checksummed(self._ask("defaultAdmin"))

    def may_anchor(self, address: str) -> bool:
        """Tell whether an address holds the role to anchor."""
        return bool(self._ask("hasRole", _ANCHORER, checksummed(address)))

    def grant(self, admin: SigningAccount, address: str) -> None:
        """Let an address anchor; it already may, or the admin's transaction is mined afterwards."""
        if not self.may_anchor(address):
            self._change("grantRole", admin, address)

    def revoke(self, admin: SigningAccount, address: str) -> None:
        """Let an address anchor no longer; raises Misconfigured where it is the last one."""
        if self.may_anchor(address):
            self._change("revokeRole", admin, address)

    def _change(self, function: str, admin: SigningAccount, address: str) -> None:
        data = self._interface.encode(function, [_ANCHORER, checksummed(address)])
        creation.transact(self._connection, admin, self._registry, data)

    def _ask(self, function: str, *arguments: object) -> Any:
        data = self._interface.encode(function, arguments)
        with self._connection.asking():
            try:
                answer = self._connection.web3.eth.call({"to": self._registry, "data": data})
            except REVERTS as error:
                raise Misconfigured(f"The contract at {self._registry} is not the registry: it reverts.") from error
        (found,) = self._interface.decode(function, bytes(answer))
        return found
