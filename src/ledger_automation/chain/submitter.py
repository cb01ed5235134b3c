"""Signing and sending calls with one key. Signing sends nothing; sending signs nothing; in between bytes are stored.

What if we die
    after `sign`        nothing was sent. If the bytes were not stored, the call is signed again, with the same nonce.
    after `broadcast`   the stored bytes are sent again; a node that knows them answers so, and that is a success.

Which nonce, when to repeat, and what to make of a fate is decided in `orchestrator.submit`. Nothing is remembered here.
"""

from collections.abc import Mapping
from typing import Any, Final

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import ChecksumAddress
from hexbytes import HexBytes

from ledger_automation.chain.connection import REFUSALS, REVERTS, Connection, reverted
from ledger_automation.chain.fees import DEFAULT_CAP, fees, raised
from ledger_automation.chain.signing import SigningAccount
from ledger_automation.errors import ChainRefused, GasLimitExceeded, Misconfigured
from ledger_automation.orchestrator.observed import Fate, Look, Reception, Trace
from ledger_automation.orchestrator.submission import Call, SignedSubmission
from ledger_automation.rpc.interface import Interface, checksummed
from ledger_automation.verify.sources import ChainIdentity

DEAREST: Final = 100_000
"""Gas of the dearest anchor, the first of an origin, rounded up; held by the gas snapshot."""

_TRANSACTION_CAP: Final = 1 << 24
"""Gas that one transaction may have on chains since Osaka (EIP-7825)."""

_SCANNED: Final = 256
"""So many blocks are searched for whoever took a nonce."""

_TOO_CHEAP: Final = ("underpriced", "less than block base fee", "fee too low")
"""How nodes say that a fee will not do: as a replacement, in this block, or at all."""

_KEPT: Final = ("to", "data", "value", "gas", "nonce", "chainId", "accessList")


class Submitter:
    """Signs with one key for some contracts, whose interfaces say what their errors mean."""

    def __init__(
        self,
        connection: Connection,
        account: SigningAccount,
        contracts: Mapping[str, Interface],
        *,
        fee_cap: int = DEFAULT_CAP,
    ) -> None:
        self._connection = connection
        self._account = account
        self._contracts = {checksummed(address): interface for address, interface in contracts.items()}
        self._fee_cap = fee_cap
        with connection.asking():
            self._chain_id = connection.web3.eth.chain_id

    def look(self, identity: ChainIdentity, known_block: int | None) -> Look:
        """Say what the node says now. The head is asked last, so that nothing seen before is above it."""
        eth = self._connection.web3.eth
        offered = fees(self._connection, self._fee_cap)
        with self._connection.asking():
            mined = self._mined(self._account.address)
            balance = eth.get_balance(checksummed(self._account.address))
        known = self._connection.block_hash(known_block) if known_block is not None else None
        finalized = self._connection.finalized()
        with self._connection.asking():
            head = eth.block_number
        cost = DEAREST * offered["maxFeePerGas"]
        return Look(
            identity=identity,
            sender=self._account.address,
            mined=mined,
            head=head,
            finalized=finalized,
            known_hash=known,
            batches=balance // cost if cost else None,
            free=not cost,
        )

    def sign(self, call: Call, nonce: int) -> SignedSubmission:
        """Simulate, then sign; raises ChainRefused where the call would revert, GasLimitExceeded, Misconfigured.

        Simulated is on top of what the node has been sent so far, mined or not.
        """
        offered = fees(self._connection, self._fee_cap)
        self._check_funds(offered["maxFeePerGas"])
        request = {"to": checksummed(call.contract), "data": call.data, "value": 0, "gas": self._simulate(call)}
        return self._signed({**request, "nonce": nonce, "chainId": self._chain_id, **offered})

    def bump(self, submission: SignedSubmission) -> SignedSubmission | None:
        """Sign the same call under the same nonce for more; None where that would exceed the cap."""
        before: Any = TypedTransaction.from_bytes(HexBytes(submission.raw)).as_dict()
        offered = raised(before, fees(self._connection, self._fee_cap), self._fee_cap)
        if offered is None:
            return None
        kept = {name: before[name] for name in _KEPT if name in before}
        return self._signed({**kept, "to": checksummed(HexBytes(kept["to"]).to_0x_hex()), **offered})

    def broadcast(self, submission: SignedSubmission) -> Reception:
        """Send the stored bytes.

        Nodes refuse what they already have in different words (C02), so those are not read: a refused transaction that
        the node can show by its hash has arrived. Raises Misconfigured where it is refused for another reason.
        """
        with self._connection.asking():
            try:
                self._connection.web3.eth.send_raw_transaction(submission.raw)
            except REFUSALS as error:
                if self._connection.knows(submission.transaction):
                    return Reception.ARRIVED
                said = str(error).lower()
                # The node that takes transactions may be ahead of the one that counts them (C19).
                if self._mined(submission.sender) > submission.nonce or "nonce too low" in said:
                    return Reception.PASSED_OVER
                if any(words in said for words in _TOO_CHEAP):
                    return Reception.UNDERPRICED
                raise Misconfigured(f"The node refuses the transaction: {error!s:.200}.") from error
        return Reception.ARRIVED

    def trace(self, submission: SignedSubmission) -> Trace:
        """Find out what became of a transaction, by its hash (C01), and if it is nowhere, by its nonce (C10, C12)."""
        if (found := self._receipt(submission)) is not None:
            return found
        with self._connection.asking():
            mined = self._mined(submission.sender)
        shown, included = self._connection.shown(submission.transaction)
        if (found := self._receipt(submission)) is not None:
            return found  # mined while we asked: only now is a missing receipt missing
        if included:
            return Trace(Fate.UNRECEIPTED)
        if mined <= submission.nonce:
            return Trace(Fate.WAITING if shown else Fate.ABSENT)
        taker = self._taker(submission)
        if taker in ("", submission.transaction):
            return Trace(Fate.UNRECEIPTED)
        return Trace(Fate.DISPLACED, by=taker)

    def gas_used(self, transaction: str) -> int:
        """Return the gas that a transaction cost, 0 while it is not mined."""
        receipt = self._connection.receipt(transaction)
        return int(receipt["gasUsed"]) if receipt is not None else 0

    def _receipt(self, submission: SignedSubmission) -> Trace | None:
        receipt = self._connection.receipt(submission.transaction)
        if receipt is None:
            return None
        fate = Fate.MINED if receipt["status"] == 1 else Fate.REVERTED
        return Trace(fate, receipt["blockNumber"], receipt["blockHash"].to_0x_hex())

    def _taker(self, submission: SignedSubmission) -> str:
        """Search the newest blocks for the transaction that has a nonce; empty where it is not found."""
        eth = self._connection.web3.eth
        with self._connection.asking():
            head = eth.block_number
            for number in range(head, max(head - _SCANNED, -1), -1):
                for sent in eth.get_block(number, full_transactions=True)["transactions"]:
                    found: Any = sent
                    if (found["from"], found["nonce"]) == (submission.sender, submission.nonce):
                        return str(found["hash"].to_0x_hex())
        return ""

    def _mined(self, sender: str) -> int:
        return int(self._connection.web3.eth.get_transaction_count(checksummed(sender)))

    def _signed(self, fields: dict[str, Any]) -> SignedSubmission:
        signed = self._account.sign_transaction(fields)
        raw = bytes(signed.raw_transaction)
        return SignedSubmission(signed.hash.to_0x_hex(), raw, self._account.address, fields["nonce"])

    def _check_funds(self, max_fee: int) -> None:
        """Say in good time, and with figures, that the account runs dry: nodes do so in words of their own."""
        with self._connection.asking():
            balance = self._connection.web3.eth.get_balance(checksummed(self._account.address))
        if balance < DEAREST * max_fee:
            raise Misconfigured(
                f"The anchorer {self._account.address} cannot pay for an anchor: it holds {balance} wei, up to "
                f"{DEAREST * max_fee} are needed.",
                expected=DEAREST * max_fee,
                actual=balance,
            )

    def _simulate(self, call: Call) -> int:
        """Run the call without sending it; return its gas limit.

        The node's estimate takes it several runs; a call that brings a limit is run once, under the limit that will be
        signed. What a limit leaves over is not paid.
        """
        eth = self._connection.web3.eth
        address = checksummed(call.contract)
        request: Any = {"from": self._account.address, "to": address, "data": call.data}
        with self._connection.asking():
            limit = min(eth.get_block("latest")["gasLimit"], _TRANSACTION_CAP)
            try:
                if 0 < call.gas <= limit and self._runs({**request, "gas": call.gas}, address):
                    return call.gas
                needed = eth.estimate_gas(request, self._connection.tip)
            except REVERTS as error:
                raise self._refusal(address, error) from error
            except REFUSALS as error:
                if "gas" not in str(error).lower():
                    raise
                raise GasLimitExceeded(call.gas, limit) from error
        if needed > limit:
            raise GasLimitExceeded(needed, limit)
        return min(needed * 5 // 4, limit)

    def _runs(self, request: Any, address: ChecksumAddress) -> bool:
        """Tell whether a call runs under its own limit; raises ChainRefused where the contract says no."""
        try:
            self._connection.web3.eth.call(request, self._connection.tip)
        except REVERTS as error:
            if reverted(error):
                raise self._refusal(address, error) from error
            return False  # without a word it may as well have run out of gas: the estimate tells
        except REFUSALS:
            return False
        return True

    def _refusal(self, address: ChecksumAddress, error: Exception) -> ChainRefused:
        interface = self._contracts.get(address)
        data = reverted(error)
        return ChainRefused(*(interface.error(data) if interface else ("UnknownError", {"data": f"0x{data.hex()}"})))
