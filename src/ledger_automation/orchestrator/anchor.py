"""Anchoring: the newest checkpoint goes to the chain, whose contract verifies that it extends the last one.

How a transaction survives a bad node is the lane's business (`submit`). Here is only what to send: one checkpoint at a
time, built upon what the contract's storage says (not its logs, C28). Whoever else anchors the same log meanwhile is
found by that storage too: the contract lets one of two through, and the other one agrees or builds upon it (C25).
"""

import time
from collections.abc import Callable
from hashlib import sha256

from ledger_automation.errors import AnchorRefused, ChainRefused, Contradiction, GasLimitExceeded
from ledger_automation.merkle import consistency_proof
from ledger_automation.orchestrator.ports import Begin, CheckpointAnchor, UnitOfWork
from ledger_automation.orchestrator.submission import OPEN, Call, Listen, State, Subject
from ledger_automation.orchestrator.submit import Lane, Outcome
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.verify.sources import AnchoredCheckpoint, CheckpointRecord


class Anchorer:
    """Anchors one log on one chain, both pinned by the policy."""

    def __init__(
        self, begin: Begin, chain: CheckpointAnchor, policy: VerificationPolicy, listen: Listen = lambda _: None
    ) -> None:
        self._begin = begin
        self._chain = chain
        self._policy = policy
        self._origin = sha256(policy.origin.encode()).digest()
        self._lane = Lane(begin, chain, policy, listen)

    def submit(self) -> int | None:
        """Settle what is open, then send the newest checkpoint if nothing is open any more.

        Returns the newest size that is on the chain or on its way, None for an empty log. Raises AnchorRefused when
        the contract refuses, Contradiction when the chain knows more or other than the log, Unreachable.
        """
        while True:
            open_sizes = self.settle()
            if open_sizes:
                return max(open_sizes)
            latest = self._chain.latest(self._origin)
            with self._begin() as unit:
                newest = newest_checkpoint(unit)
                if newest is None and latest is None:
                    return None
                if newest is None or (latest is not None and latest.tree_size >= newest.tree_size):
                    return _agreed(latest, newest)
            # Seen once more after sending: a chain that mines at once may also have reverted at once.
            self._send(latest, newest)

    def settle(self) -> list[int]:
        """Ask the chain about every open submission and write down what it says; returns the sizes still pending."""
        sizes = [each.submission.subject.tree_size for each in self._lane.settle() if _is_unmined(each)]
        return [size for size in sizes if size is not None]

    def wait(self, *, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Settle until every submission is final; raises Unreachable when that takes longer than ``seconds``.

        What reverted or lost its nonce while we waited is anchored anew, or refused for good.
        """
        self._lane.wait(seconds=seconds, sleep=sleep, settle=self._settle_and_repeat)

    def _settle_and_repeat(self) -> list[Outcome]:
        outcomes = self._lane.settle()
        if any(each.state in (State.REVERTED, State.DISPLACED) for each in outcomes):
            self.submit()
            outcomes = self._lane.settle()
        return outcomes

    def _send(self, latest: AnchoredCheckpoint | None, newest: CheckpointRecord) -> None:
        """Send the newest checkpoint; where its proof is too dear for a block, one on the way to it (C23)."""
        refusal = None
        for record in self._on_the_way(latest, newest):
            try:
                self._lane.send(Subject(tree_size=record.tree_size), self._call(latest, record))
            except GasLimitExceeded as error:
                refusal = refusal or error
            except ChainRefused as error:
                raise AnchorRefused(error.error, error.arguments) from error
            else:
                return
        if refusal is not None:
            raise refusal

    def _on_the_way(self, latest: AnchoredCheckpoint | None, newest: CheckpointRecord) -> list[CheckpointRecord]:
        """Return the checkpoints that the chain does not hold, newest first."""
        with self._begin() as unit:
            since = unit.log.checkpoints(latest.tree_size if latest else 0)
            return [record for record in since if record.tree_size <= newest.tree_size][::-1]

    def _call(self, latest: AnchoredCheckpoint | None, record: CheckpointRecord) -> Call:
        proof: list[bytes] = []
        if latest is not None:
            with self._begin() as unit:
                proof = consistency_proof(unit.log.subtree, latest.tree_size, record.tree_size)
        checkpoint = open_checkpoint(record.note, self._policy.origin, self._policy.keys())
        anchored = AnchoredCheckpoint(checkpoint.tree_size, checkpoint.root_hash, checkpoint.case_map_root)
        return self._chain.call(self._origin, latest.tree_size if latest else 0, anchored, proof)


def newest_checkpoint(unit: UnitOfWork) -> CheckpointRecord | None:
    """Return the newest checkpoint: the one of the log's own size, since both are written in one transaction."""
    return next(unit.log.checkpoints(unit.log.frontier().size - 1), None)


def _is_unmined(outcome: Outcome) -> bool:
    return outcome.state in OPEN and outcome.state is not State.ANCHORED


def _agreed(latest: AnchoredCheckpoint | None, newest: CheckpointRecord | None) -> int:
    """Return the size that chain and database agree on; raises Contradiction when the chain knows more or other."""
    chain = (latest.tree_size, latest.root_hash.hex()) if latest else None
    database = (newest.tree_size, newest.root_hash.hex()) if newest else None
    if chain is None or chain != database:
        sentence = "The chain holds another or a longer log than this database: it was rewritten or set back."
        raise Contradiction(sentence, expected=chain, actual=database)
    return chain[0]
