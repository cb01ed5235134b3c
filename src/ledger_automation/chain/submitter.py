"""Signing and sending anchors. Signing sends nothing; sending signs nothing; between the two the bytes are stored.

What if we die
    after `sign`        nothing was sent. If the bytes were not stored, the step is signed again, with the same nonce.
    after `broadcast`   the stored bytes are sent again; a node that knows them answers so, and that is a success.

Nonces. A node counts what it was sent, not what was signed; so the next nonce is the larger of the node's pending
count and one more than the last that was given out here. A step (origin, previous size) that is signed again before it
was sent gets its old nonce: compare-and-swap lets at most one of the two succeed anyway, and a signature that somebody
threw away leaves no gap, behind which everything later would wait for ever. One process signs for a key (the sequencer
is the only writer of the log); what a second one signs is refused by the chain, never believed.
"""

import threading
from collections.abc import Sequence
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from ledger_automation.chain.connection import REFUSALS, REVERTS, Connection, reverted
from ledger_automation.chain.fees import fees
from ledger_automation.chain.registry import Registry
from ledger_automation.errors import AnchorRefused, Conflict, Misconfigured
from ledger_automation.orchestrator.ports import SignedSubmission
from ledger_automation.verify.sources import AnchoredCheckpoint

_GAS_PER_NODE: Final = 3_000
"""Above what one node of a proof costs, as calldata under the floor of EIP-7623 and in hashing; held by a test."""

_DEAREST: Final = 100_000
"""Gas of the dearest anchor, the first of an origin, rounded up; held by the gas snapshot."""

Step = tuple[bytes, int]
"""An origin and the size that the anchor builds upon."""


class Submitter:
    """Signs with one key for one registry."""

    def __init__(self, connection: Connection, registry: Registry, account: LocalAccount) -> None:
        self._connection = connection
        self._registry = registry
        self._account = account
        self._lock = threading.Lock()
        self._issued: dict[Step, int] = {}
        self._limits: dict[bool, int] = {}
        with connection.asking():
            self._chain_id = connection.web3.eth.chain_id

    def sign(
        self, origin: bytes, previous_size: int, checkpoint: AnchoredCheckpoint, proof: Sequence[bytes]
    ) -> SignedSubmission:
        """Simulate, then sign ``anchor(...)`` with the next nonce; raises AnchorRefused where it would revert.

        Simulated is on top of what the node has been sent so far, mined or not.
        """
        roots = (checkpoint.root_hash, checkpoint.case_map_root)
        arguments = (origin, previous_size, checkpoint.tree_size, *roots, list(proof))
        data = self._registry.interface.encode("anchor", arguments)
        with self._lock:
            offered = fees(self._connection)
            self._check_funds(offered["maxFeePerGas"])
            gas = self._simulate(data, len(proof), first=previous_size == 0)
            nonce = self._next_nonce((origin, previous_size))
        request: Any = {"to": self._registry.address, "data": data, "value": 0, "gas": gas, "nonce": nonce}
        signed = self._account.sign_transaction({**request, "chainId": self._chain_id, **offered})
        return SignedSubmission(signed.hash.to_0x_hex(), bytes(signed.raw_transaction), self._account.address, nonce)

    def broadcast(self, submission: SignedSubmission) -> None:
        """Send the stored bytes.

        Nodes refuse what they already have in different words, so the words are not read: a refused transaction that
        the node can show by its hash has arrived. Raises Conflict where its nonce went to another transaction.
        """
        eth = self._connection.web3.eth
        with self._connection.asking():
            try:
                eth.send_raw_transaction(submission.raw)
            except REFUSALS as error:
                if self._connection.knows(submission.transaction):
                    return
                if eth.get_transaction_count(submission.sender, "pending") > submission.nonce:  # type: ignore[arg-type]
                    raise Conflict(
                        f"Nonce {submission.nonce} went to another transaction; the anchor must be signed again.",
                        transaction=submission.transaction,
                        nonce=submission.nonce,
                    ) from error
                raise Misconfigured(f"The node refuses the transaction: {error!s:.200}.") from error

    def _check_funds(self, max_fee: int) -> None:
        """Say in good time, and with figures, that the account runs dry: nodes do so in words of their own."""
        with self._connection.asking():
            balance = self._connection.web3.eth.get_balance(self._account.address)
        if balance < _DEAREST * max_fee:
            raise Misconfigured(
                f"The anchorer {self._account.address} cannot pay for an anchor: it holds {balance} wei, up to "
                f"{_DEAREST * max_fee} are needed.",
                expected=_DEAREST * max_fee,
                actual=balance,
            )

    def _simulate(self, data: bytes, nodes: int, *, first: bool) -> int:
        """Run the call without sending it; return its gas limit.

        The node's estimate takes it several runs, so it is asked once for new storage and once for overwritten; that is
        a simulation too. Later calls run once, under the limit that will be signed, so that too low a limit cannot be
        signed either. What a limit leaves over is not paid.
        """
        eth = self._connection.web3.eth
        request: Any = {"from": self._account.address, "to": self._registry.address, "data": data}
        with self._connection.asking():
            try:
                if first not in self._limits:
                    self._limits[first] = eth.estimate_gas(request, self._connection.tip) * 5 // 4
                else:
                    request["gas"] = self._limits[first] + _GAS_PER_NODE * nodes
                    eth.call(request, self._connection.tip)
            except REVERTS as error:
                raise AnchorRefused(*self._registry.interface.error(reverted(error))) from error
        return self._limits[first] + _GAS_PER_NODE * nodes

    def _next_nonce(self, step: Step) -> int:
        with self._connection.asking():
            pending = self._connection.web3.eth.get_transaction_count(self._account.address, "pending")
        self._issued = {known: nonce for known, nonce in self._issued.items() if nonce >= pending}
        if step not in self._issued:
            self._issued[step] = max([pending, *(nonce + 1 for nonce in self._issued.values())])
        return self._issued[step]
