"""Another anchorer in the place of the present one, with never a moment without any (AR10).

    1  the next key is made                anchorer.next.key
    2  the admin grants it the role        two may anchor now
    3  what the old key sent is settled    asked of whoever keeps the submissions (C26)
    4  the files change places             whoever starts from here on signs with the new key
    5  settled once more                   something may have been sent between 3 and 4
    6  the admin revokes the old key       the contract would refuse, were it the last one
    7  the old key is put away             it may own what it did not spend

Each step looks at what is there first, so that the same call goes on wherever an earlier one died. A home without the
admin's key gets as far as it can, and then says who must act and what he must call; afterwards the same call goes on.

What this does not do: it moves no funds on a chain that is not local, and it cannot reach a process that still has the
old key in its memory. What such a process signs after step 6 is refused by the contract, and lost to nobody: the log
keeps its checkpoint, and the next seal anchors it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ledger_automation.chain import creation, keys
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.deploy import find
from ledger_automation.chain.roles import Roles
from ledger_automation.chain.signing import SigningAccount
from ledger_automation.errors import Conflict, Misconfigured
from ledger_automation.rpc.interface import checksummed


class Rotated(NamedTuple):
    """Who anchored, who anchors now, and what the former one still owns."""

    former: str
    current: str
    left_wei: int


def rotate_anchorer(connection: Connection, home: Path, settle: Callable[[], None]) -> Rotated:
    """Rotate, or finish a rotation. ``settle`` returns when nothing that was submitted is open any more, or raises.

    Raises Misconfigured where the admin's key is elsewhere, Conflict where the old key has something in flight.
    """
    if keys.source() != "file":
        raise Misconfigured("The anchorer's key does not lie in this home; whoever keeps it rotates it.")
    record = find(connection, home)
    roles = Roles(connection, record.registry)
    before, after = keys.place(home, f"{keys.ANCHORER}.old"), keys.place(home, f"{keys.ANCHORER}.next")
    if not before.exists() or after.exists():
        _bring_in(connection, home, roles, settle)
    former, current = keys.account(before), keys.anchorer(home, create=False)
    settle()
    _insist_on_quiet(connection, former)
    if roles.may_anchor(former.address):
        roles.revoke(_admin(home, roles, "revokeRole", former, record.registry), former.address)
    keys.retire(home, former.address)
    with connection.asking():
        left = connection.web3.eth.get_balance(checksummed(former.address))
    return Rotated(former.address, current.address, left)


def _bring_in(connection: Connection, home: Path, roles: Roles, settle: Callable[[], None]) -> None:
    """Steps 1 to 4."""
    former = keys.anchorer(home, create=False)
    if roles.admin() == former.address:
        keys.keep_admin(home)  # a home from before the two seats were separate
    coming = keys.account(keys.place(home, f"{keys.ANCHORER}.next"), create=True)
    creation.fund(connection, coming.address)
    if not roles.may_anchor(coming.address):
        registry = find(connection, home).registry
        roles.grant(_admin(home, roles, "grantRole", coming, registry), coming.address)
    settle()
    keys.switch(home)


def _admin(home: Path, roles: Roles, call: str, account: SigningAccount, registry: str) -> SigningAccount:
    """Return the admin's account, or say who must act and how."""
    seated, own = roles.admin(), keys.admin(home, create=False)
    if own is None or own.address != seated:
        raise Misconfigured(
            f"The admin {seated}, whose key is not in this home, must call {call}(ANCHORER, {account.address}) on the "
            f"registry {registry}; then give the same command again.",
            admin=seated,
            call=call,
            account=account.address,
            registry=registry,
        )
    return own


def _insist_on_quiet(connection: Connection, former: SigningAccount) -> None:
    """The node may know of something that nobody here remembers."""
    with connection.asking():
        mined, sent = (
            connection.web3.eth.get_transaction_count(checksummed(former.address), block)
            for block in ("latest", "pending")
        )
    if sent > mined:
        raise Conflict(
            f"{sent - mined} transactions of the old key {former.address} wait for a block; try again later.",
            address=former.address,
        )
