"""Anchoring: the newest checkpoint goes to the chain, whose contract verifies that it extends the last one.

The order is the guarantee. Signed bytes and their hash are stored (T3) before the first send; every retry sends the
same bytes; what became of them is asked of the chain and written down (T4). If we die between any two of these, the
next call goes on from what is stored: a submission that is unknown to the chain is sent again as it is. A second
submission is never signed while one is open, and a stale previous size is refused by the contract.
"""

import time
from collections.abc import Callable
from hashlib import sha256

from ledger_automation.errors import AnchorRefused, Contradiction, Unreachable
from ledger_automation.merkle import consistency_proof
from ledger_automation.orchestrator.ports import Begin, CheckpointAnchor, SignedSubmission, UnitOfWork
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.verify.sources import AnchoredCheckpoint, CheckpointRecord, SubmissionRecord


class Anchorer:
    """Anchors one log on one chain, both pinned by the policy."""

    def __init__(self, begin: Begin, chain: CheckpointAnchor, policy: VerificationPolicy) -> None:
        self._begin = begin
        self._chain = chain
        self._policy = policy
        self._origin = sha256(policy.origin.encode()).digest()

    def submit(self) -> int | None:
        """Settle what is open, then send the newest checkpoint if nothing is open any more.

        Returns the newest size that is on the chain or on its way, None for an empty log. Raises AnchorRefused when
        the contract refuses, Contradiction when the chain knows more or other than the log, Unreachable.
        """
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
            proof = consistency_proof(unit.log.subtree, latest.tree_size, newest.tree_size) if latest else []
        submission = self._sign(latest, newest, proof)
        identity = self._chain.identity()
        with self._begin() as unit:
            unit.anchors.add(submission, newest.tree_size, identity.chain_id, identity.registry)
            unit.commit()  # T3: from here on the bytes survive us
        self._chain.broadcast(submission)
        self.settle()
        return newest.tree_size

    def settle(self) -> list[int]:
        """Ask the chain about every open submission and write down what it says; returns the sizes still pending."""
        with self._begin() as unit:
            unsettled = unit.anchors.unsettled()
        pending = []
        for submission, record in unsettled:
            if not self._settle_one(submission, record):
                pending.append(record.tree_size)
        return pending

    def wait(self, *, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Settle until every submission is final; raises Unreachable when that takes longer than ``seconds``."""
        give_up = time.monotonic() + seconds
        while True:
            self.settle()
            with self._begin() as unit:
                if not unit.anchors.unsettled():
                    return
            if time.monotonic() > give_up:
                raise Unreachable(f"The chain did not confirm the checkpoint within {seconds:.0f} seconds.")
            sleep(0.05)

    def _settle_one(self, submission: SignedSubmission, record: SubmissionRecord) -> bool:
        evidence = self._chain.evidence(submission.transaction, self._origin)
        if evidence is None:
            self._chain.broadcast(submission)
            evidence = self._chain.evidence(submission.transaction, self._origin)
        if evidence is None:
            return False
        final = evidence.confirmations >= self._policy.confirmations
        state = "reverted" if not evidence.succeeded else "final" if final else "anchored"
        if (state, evidence.block_hash) != (record.state, record.block_hash):
            with self._begin() as unit:
                unit.anchors.settle(evidence, state)
                unit.commit()
        if state == "reverted":
            raise AnchorRefused("reverted", {"transaction": submission.transaction, "treeSize": record.tree_size})
        return True

    def _sign(
        self, latest: AnchoredCheckpoint | None, newest: CheckpointRecord, proof: list[bytes]
    ) -> SignedSubmission:
        checkpoint = open_checkpoint(newest.note, self._policy.origin, self._policy.keys())
        anchored = AnchoredCheckpoint(checkpoint.tree_size, checkpoint.root_hash, checkpoint.case_map_root)
        return self._chain.sign(self._origin, latest.tree_size if latest else 0, anchored, proof)


def newest_checkpoint(unit: UnitOfWork) -> CheckpointRecord | None:
    """Return the newest checkpoint: the one of the log's own size, since both are written in one transaction."""
    return next(unit.log.checkpoints(unit.log.frontier().size - 1), None)


def _agreed(latest: AnchoredCheckpoint | None, newest: CheckpointRecord | None) -> int:
    """Return the size that chain and database agree on; raises Contradiction when the chain knows more or other."""
    chain = (latest.tree_size, latest.root_hash.hex()) if latest else None
    database = (newest.tree_size, newest.root_hash.hex()) if newest else None
    if chain is None or chain != database:
        sentence = "The chain holds another or a longer log than this database: it was rewritten or set back."
        raise Contradiction(sentence, expected=chain, actual=database)
    return chain[0]
