"""A look at chain, contracts and chain keys that changes nothing, sends nothing, and creates nothing.

Anvil is asked where it runs; where it does not, on a copy of its state (`anvil.looked_at`). Every part is looked at as
far as it can be: what cannot be asked, or does not hold, is one sentence of its own, and the rest goes on.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from eth_utils.crypto import keccak
from web3.types import BlockData

from ledger_automation.chain import anvil, artifacts, deploy, keys
from ledger_automation.chain.connection import Connection, wait_for
from ledger_automation.chain.local import open_chain
from ledger_automation.chain.roles import Roles
from ledger_automation.chain.signing import SigningAccount
from ledger_automation.chain.submitter import DEAREST
from ledger_automation.errors import LedgerError, NotFound
from ledger_automation.orchestrator.diagnosis import Finding, Health, ok, warning, wrong
from ledger_automation.rpc.interface import checksummed

_OLD_SECONDS: Final = 60
_SKEW_SECONDS: Final = 15
_DAY: Final = 86_400
_OLD_KEY_DAYS: Final = 365
_BATCHES: Final = 20


class Look(NamedTuple):
    """What to look at: an open chain, the home, the highest block that was final there, and our clock."""

    connection: Connection
    home: Path
    last_final: dict[int, int]
    now: Callable[[], float]
    patience: float


def examine(
    spec: str, home: Path, last_final: dict[int, int], *, now: Callable[[], float] = time.time, patience: float = 15
) -> Iterator[Finding]:
    """Look at the keys of a home, and at the chain that ``spec`` names."""
    account = yield from _keys(home)
    if spec == "tester":
        sentence = "The eth-tester chain lives as long as one command; there is nothing to look at."
        yield warning("chain", sentence, "Name a chain that stays: --chain anvil, or a node's URL.")
        return
    try:
        with _opened(spec, home) as connection:
            yield from _examined(Look(connection, home, last_final, now, patience), account)
    except NotFound as error:
        yield warning("chain", error.sentence, "The first verb with --chain anvil starts it.")
    except LedgerError as error:
        yield wrong("chain", error.sentence, "Start the node, or name another with --chain.")


def _opened(spec: str, home: Path) -> AbstractContextManager[Connection]:
    return anvil.looked_at(home) if spec == "anvil" else open_chain(spec, home)


def _examined(look: Look, account: SigningAccount | None) -> Iterator[Finding]:
    yield from _head(look)
    yield from _finality(look)
    record = yield from _contracts(look)
    if record is not None:
        yield from _roles(look, record, account)
    if account is not None:
        yield from _purse(look, account)


def _head(look: Look) -> Iterator[Finding]:
    """Whether the chain moves, is as long as it was, and has our time."""
    eth = look.connection.web3.eth
    with look.connection.asking():
        chain_id, head = eth.chain_id, eth.get_block("latest")
    yield ok("chain", f"Chain {chain_id} at {look.connection.endpoint} answers; its head is block {head['number']}.")
    final = look.last_final.get(chain_id)
    if final is not None and head["number"] < final:
        sentence = f"Its head is block {head['number']}, but an anchor was final in block {final}: it was set back."
        yield wrong("chain", sentence, "Anchor nothing; ask another node, and whoever runs the chain.")
    newer = head
    if look.now() - head["timestamp"] > _OLD_SECONDS:
        newer = wait_for(lambda: _newer(look.connection, head), look.patience) or head
        if newer is head:
            age = int(look.now() - head["timestamp"])
            yield wrong("chain", f"No block came for {age} s.", "Ask whoever runs the chain, or compare the clocks.")
            return
    yield from _skew(int(newer["timestamp"] - look.now()))


def _newer(connection: Connection, head: BlockData) -> BlockData | None:
    with connection.asking():
        block = connection.web3.eth.get_block("latest")
    return block if block["number"] > head["number"] else None


def _skew(ahead: int) -> Iterator[Finding]:
    if ahead > _SKEW_SECONDS:
        yield wrong("clock", f"This machine's clock is {ahead} s behind the chain's.", "Let NTP set it.")
    elif ahead < -_OLD_SECONDS:
        sentence = f"New blocks are dated {-ahead} s before this machine's clock."
        yield wrong("clock", sentence, "Let NTP set the clock; if it is right, the chain's is wrong.")
    else:
        yield ok("clock", "This machine's clock and the chain's agree.")


def _finality(look: Look) -> Iterator[Finding]:
    """Some nodes have no such tag, say 0, or call their latest block final; only between is the word worth anything."""
    eth = look.connection.web3.eth
    with look.connection.asking():
        head = eth.block_number
    final = 0
    with suppress(LedgerError), look.connection.asking():
        final = int(eth.get_block("finalized")["number"])
    if 0 < final < head:
        yield ok("chain", f"It calls block {final} final.")
    else:
        yield ok("chain", "Its word for final means nothing; the depth of the policy counts.")


def _contracts(look: Look) -> Generator[Finding, None, deploy.Deployment | None]:
    """Hold the record against the chain; the record is returned for those who look further."""
    try:
        record = deploy.find(look.connection, look.home)
        code, wanted = artifacts.load(deploy.CONTRACT).code_hash(), deploy.shipped()
    except LedgerError as error:
        known = error.facts.get("expected")
        report = warning if known == [] and look.connection.local else wrong
        yield report("contract", error.sentence, "Name the chain this home is deployed on; if none, `ledger deploy`.")
        return None
    yield ok(
        "contract", f"The {len(record.contracts())} contracts on record are on the chain, with the code on record."
    )
    if record.registry_code_hash != code:
        sentence = "The registry was deployed by another version of this program."
        yield warning("contract", sentence, "It goes on; what newer versions guard against, it does not.")
    missing = [each.contract for each in wanted if each.contract not in record.contracts()]
    if missing:
        yield warning("contract", f"Not deployed yet: {', '.join(missing)}.", "`ledger deploy` adds them.")
    if (look.home / "deployments" / f"{record.chain_id}.pending").exists():
        yield warning("contract", "A deployment was interrupted.", "`ledger deploy` goes on with it.")
    return record


def _roles(look: Look, record: deploy.Deployment, account: SigningAccount | None) -> Iterator[Finding]:
    try:
        roles = Roles(look.connection, record.registry)
        seated = roles.admin()
        own = any(each.name == keys.ADMIN and each.address == seated for each in keys.files(look.home))
        whose = "whose key is in this home" if own else "whose key is elsewhere and who must act on a rotation"
        yield ok("contract", f"Its admin is {seated}, {whose}.")
        if account is not None and roles.may_anchor(account.address):
            yield ok("contract", f"{account.address} may anchor.")
        elif account is not None:
            sentence = f"{account.address} may not anchor."
            yield wrong("contract", sentence, f"The admin {seated} grants it the role ANCHORER on {record.registry}.")
    except LedgerError as error:
        yield wrong("contract", error.sentence, "Name the chain this home is deployed on.")


def _purse(look: Look, account: SigningAccount) -> Iterator[Finding]:
    """Whether it is enough for twenty of the dearest anchors, at what the node asks today."""
    eth = look.connection.web3.eth
    with look.connection.asking():
        balance, price = eth.get_balance(checksummed(account.address)), eth.gas_price
    if price == 0:
        yield ok("funds", "Transactions are free on this chain.")
        return
    anchors = balance // (price * DEAREST)
    said = f"{account.address} holds {balance} wei, enough for {min(anchors, 10**6)} anchors at today's price."
    if anchors >= _BATCHES:
        yield ok("funds", said)
    else:
        yield (warning if anchors else wrong)("funds", said, f"Send it ether for at least {_BATCHES}.")


def _keys(home: Path) -> Generator[Finding, None, SigningAccount | None]:
    """Every key of the home; returns the anchorer's account, if it can be opened."""
    files = keys.files(home)
    told = [finding for each in files for finding in _key(each)]
    yield from told
    if {"anchorer.next", "anchorer.old"} & {each.name for each in files}:
        yield warning("keys", "A rotation of the anchorer is not finished.", "`ledger keys rotate anchorer` goes on.")
    there = keys.source() != "file" or keys.place(home, keys.ANCHORER).exists()
    if not there:
        advice = "Local chains make one; for others put it there, or give it by the environment."
        yield warning("keys", f"There is no anchorer's key in {home / 'keys'} yet.", advice)
        return None
    try:
        account = keys.anchorer(home, create=False)
        account.sign_typed(keccak(b"ledger doctor"))
    except LedgerError as error:
        if not any(each.health is Health.WRONG and str(keys.place(home, keys.ANCHORER)) in each.what for each in told):
            yield wrong("keys", error.sentence, "Without it nothing can be anchored; everything else goes on.")
        return None
    yield ok("keys", f"The anchorer {account.address} signs; its key comes from the {keys.source()}.")
    return account


def _key(each: keys.KeyFile) -> Iterator[Finding]:
    days = int((time.time() - each.written) // _DAY)
    if not each.private:
        yield wrong("keys", f"The key file {each.path} is readable by others.", f"Run `chmod 600 {each.path}`.")
    if not each.address and not each.encrypted:
        yield wrong("keys", f"The file {each.path} holds no key.", "Put the key back from its backup.")
    elif days > _OLD_KEY_DAYS and not each.name.startswith("retired/"):
        yield warning("keys", f"The key {each.name} is {days} days old.", "Rotate it.")
    else:
        yield ok("keys", f"The key {each.name} is {days} days old{', in a keystore' if each.encrypted else ''}.")
