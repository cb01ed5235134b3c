"""Auditing the anchors: what the database claims of the chain, held against the chain itself.

The chain is asked for two things: the newest checkpoint of the log in the contract's storage, and the transaction of
every anchor that the database claims. The contract has verified that each checkpoint extends the one before, so one
newest root that the leaves lead to vouches for everything below it.
"""

from collections.abc import Iterable
from hashlib import sha256

from ledger_automation.errors import Contradiction
from ledger_automation.tlog.receipt import AnchorClaim
from ledger_automation.verify.log_audit import LogReport
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.verify.sources import AnchoredCheckpoint, ChainSource, SubmissionRecord
from ledger_automation.verify.verdict import Finding
from ledger_automation.verify.verifier import check_anchor, check_claim, check_identity


class AnchorAudit:
    """Asks a chain about one log; raises Misconfigured for another chain than the pinned one, and Unreachable."""

    def __init__(self, chain: ChainSource, policy: VerificationPolicy) -> None:
        check_identity(chain, policy)
        self._chain = chain
        self._policy = policy
        self._origin = sha256(policy.origin.encode()).digest()
        self.latest: AnchoredCheckpoint | None = chain.latest(self._origin)
        self.final_size = 0

    def run(self, submissions: Iterable[SubmissionRecord], log: LogReport, start: int) -> list[Finding]:
        """Compare the claims with the chain. ``start`` is the size up to which an earlier audit has done so."""
        findings: list[Finding] = []
        known, anchored = {start}, {start}
        for submission in submissions:
            known.add(submission.tree_size)
            if submission.state in ("anchored", "final"):
                anchored.add(submission.tree_size)
                findings += self._claim(submission, log)
        size = self.latest.tree_size if self.latest else 0
        if size > log.frontier.size:
            kind = "T22" if log.frontier.size in anchored - {0} else "T21"
            sentence = "The chain knows a longer log: this database was set back or cut off."
            leaf = log.frontier.size
            return [Finding(tampering=kind, sentence=sentence, leaf_index=leaf, expected=size, actual=leaf)]
        if size > start and size not in known:
            sentence = "The chain holds an anchor that the database does not know."
            findings.append(
                Finding(tampering="T42", sentence=sentence, leaf_index=size, column="submission", expected=size)
            )
        return findings

    def _claim(self, submission: SubmissionRecord, log: LogReport) -> list[Finding]:
        checkpoint = log.checkpoints.get(submission.tree_size)
        if checkpoint is None:
            return []  # beyond the log, or its checkpoint is malformed: both are findings of their own
        claim = AnchorClaim(
            submission.chain_id,
            submission.contract,
            submission.transaction,
            -1 if submission.block_number is None else submission.block_number,
            submission.block_hash or "",
        )
        evidence = None
        try:
            check_claim(claim, self._policy)
            evidence = self._chain.evidence(claim.transaction, self._origin)
            check_anchor(claim, evidence, checkpoint)
        except Contradiction as error:
            rewritten = (
                evidence is not None
                and evidence.anchored is not None
                and evidence.anchored.tree_size == checkpoint.tree_size
            )
            moved = "another block" in error.sentence
            return [
                Finding(
                    tampering="T36" if rewritten and not moved else "T42",
                    sentence=error.sentence,
                    leaf_index=submission.tree_size,
                    column="submission",
                    expected=error.expected,
                    actual=error.actual,
                )
            ]
        if evidence is not None and evidence.confirmations >= self._policy.confirmations:
            self.final_size = max(self.final_size, submission.tree_size)
        return []

    def settled(self, size: int, start: int) -> bool:
        """Tell whether everything up to a size is on chain with the confirmations that the policy asks."""
        anchored = self.latest.tree_size if self.latest else 0
        return anchored == size and (size in (0, start) or self.final_size == size)
