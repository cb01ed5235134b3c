"""Auditing the anchors: what the database claims of the chain, held against the chain itself.

The chain is asked twice for the newest checkpoint of the log in the contract's storage. Before anything of the database
is read: what is anchored by then every snapshot from then on must know, since a checkpoint is stored before it is sent.
And after the transaction of every submission that the database knows: what came in between is newer than the snapshot,
which is not behind for that. What those transactions anchored is vouched for by the
chain whatever the database says of it, so that a rewritten log is not only found but placed between two anchors. The
contract has verified that each checkpoint extends the one before.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

import msgspec

from ledger_automation.errors import Contradiction, InvalidInput
from ledger_automation.tlog.receipt import AnchorClaim
from ledger_automation.verify.log_audit import LogReport, Vouched, vouched_for
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.verify.sources import (
    CLAIMED,
    AnchorEvidence,
    ChainSource,
    SubmissionRecord,
)
from ledger_automation.verify.verdict import Finding
from ledger_automation.verify.verifier import check_anchor, check_claim, check_identity

THE_CHAIN: Final = "the chain"
"""Who vouches for what was anchored."""

_UNKNOWN: Final = ("pending", "confirmed_missing_receipt")
_FAILED: Final = ("reverted", "lost", "replaced", "displaced")


class AnchorAudit:
    """Asks a chain about one log; raises Misconfigured for another chain than the pinned one, and Unreachable.

    Made before anything of the database is read; `ask` has the rest.
    """

    def __init__(self, chain: ChainSource, policy: VerificationPolicy) -> None:
        check_identity(chain, policy)
        self._chain = chain
        self._policy = policy
        self._origin = sha256(policy.origin.encode()).digest()
        self._before = chain.latest(self._origin)
        self._submissions: list[tuple[SubmissionRecord, AnchorEvidence | None]] = []
        self._left: set[object] = set()
        self.latest = self._before
        self.final_size = 0

    def ask(self, submissions: Iterable[SubmissionRecord]) -> None:
        """Ask for what the database knows of; raises Unreachable."""
        chain, origin = self._chain, self._origin
        self._submissions = [(each, _evidence(chain, each.transaction, origin)) for each in submissions]
        self._left = {each.transaction for each, evidence in self._submissions if _left(chain, each, evidence)}
        self.latest = chain.latest(origin)

    def vouched(self) -> dict[int, Vouched]:
        """Return the roots that the chain holds, by size."""
        known = [evidence.anchored for _, evidence in self._submissions if evidence is not None]
        return vouched_for(filter(None, (*known, self.latest)), THE_CHAIN)

    def run(self, log: LogReport, start: int) -> list[Finding]:
        """Compare the claims with the chain. ``start`` is the size up to which an earlier audit has done so."""
        findings = [
            finding
            for submission, evidence in self._submissions
            if (finding := self._judge(submission, evidence, log)) is not None
        ]
        size = self._before.tree_size if self._before else 0
        known = {start, *(submission.tree_size for submission, _ in self._submissions)}
        if size > log.end:
            findings.append(self._set_back(size, log))
        elif size > start and size not in known:
            sentence = "The chain holds an anchor that the database does not know."
            findings.append(
                Finding(tampering="T42", sentence=sentence, leaf_index=size, column="submission", expected=size)
            )
        return findings

    def _set_back(self, size: int, log: LogReport) -> Finding:
        """Tell a backup, which agrees with itself at the size of a checkpoint, from a log whose end was cut off."""
        here = log.end
        sizes = (*log.checkpoints, *(each.tree_size for each, _ in self._submissions), *_sizes(log))
        beyond = [each for each in sizes if type(each) is int]
        ends_here = max(beyond, default=0) <= here
        kind, what = "T21", "cut off at its end"
        if ends_here and here in self._claimed():
            kind, what = "T22", "restored from a backup"
        elif ends_here and here in log.checkpoints:
            kind = "T23"
            what = "restored from a backup between two anchors, or cut off at a checkpoint, which is the same"
        sentence = f"The chain knows a longer log: this one was {what}."
        return Finding(tampering=kind, sentence=sentence, leaf_index=here, expected=size, actual=here)

    def _claimed(self) -> list[int]:
        """Return the sizes that the database knows to be anchored."""
        sizes = (each.tree_size for each, _ in self._submissions if each.state in CLAIMED)
        return [each for each in sizes if type(each) is int]

    def forked_at(self, log: LogReport) -> int | None:
        """Return the size from which on the log went on otherwise after it was set back; None where it did not.

        It agrees with the chain up to the last anchor that the database knows, and the chain knows a later one.
        """
        last = max(self._claimed(), default=0)
        later = self._before is not None and self._before.tree_size > last
        return last if later and (last, THE_CHAIN) in log.agreed else None

    def _judge(self, submission: SubmissionRecord, evidence: AnchorEvidence | None, log: LogReport) -> Finding | None:
        if submission.state in CLAIMED:
            return self._claim(submission, evidence, log)
        there = evidence is not None and evidence.anchored is not None
        if submission.state in _UNKNOWN or (submission.state in _FAILED and not there):
            return None
        actual = "anchored" if there else "nothing"
        sentence = "The database does not say of a transaction what became of it."
        return _found(submission, sentence, actual, submission.state, "submission.state")

    def _claim(self, submission: SubmissionRecord, evidence: AnchorEvidence | None, log: LogReport) -> Finding | None:
        size = submission.tree_size
        checkpoint = log.checkpoints.get(size)
        if checkpoint is None:
            cut = self._before is not None and log.end < self._before.tree_size
            if (cut and type(size) is int and size > log.end) or size in _sizes(log):
                return None  # the log was cut off, or the checkpoint is malformed: both are findings of their own
            return _found(submission, "An anchor is claimed for a checkpoint that is not there.", size, None)
        number = -1 if submission.block_number is None else submission.block_number
        place = (submission.transaction, number, submission.block_hash or "")
        try:
            claim = AnchorClaim(submission.chain_id, submission.contract, *place)
            check_claim(claim, self._policy)
            check_anchor(claim, evidence, checkpoint)
        except Contradiction as error:
            there = evidence.anchored if evidence is not None else None
            if there is not None and there.tree_size == size and there.root_hash != checkpoint.root_hash:
                return None  # the chain vouches for another root of this size: compared with the leaves
            if submission.transaction in self._left:
                sentence = "The block of the anchor is not on the chain (any more): a reorganisation took it."
                actual = evidence.block_hash if evidence is not None else None
                left = _found(submission, sentence, submission.block_hash, actual)
                return msgspec.structs.replace(left, tampering="T46")
            return _found(submission, error.sentence, error.expected, error.actual)
        if evidence is not None and evidence.confirmations >= self._policy.confirmations:
            self.final_size = max(self.final_size, size)
        return None

    def settled(self, size: int, start: int) -> bool:
        """Tell whether everything up to a size is on chain with the confirmations that the policy asks."""
        anchored = self.latest.tree_size if self.latest else 0
        return anchored == size and (size in (0, start) or self.final_size == size)


def _left(chain: ChainSource, submission: SubmissionRecord, evidence: AnchorEvidence | None) -> bool:
    """Tell whether a submission names a block that the chain does not hold, where its transaction is not in it.

    What was never there and what a reorganisation took look alike; of a block that is yet to come nothing is known.
    """
    number, block = submission.block_number, submission.block_hash
    if not (type(number) is int and number >= 0 and isinstance(block, str) and block):
        return False
    if evidence is not None and evidence.block_hash == block:
        return False
    return chain.block_hash(number) not in (None, block)


def _evidence(chain: ChainSource, transaction: object, origin: bytes) -> AnchorEvidence | None:
    """Ask for a transaction; what is no transaction's name is not known to any chain."""
    try:
        return chain.evidence(transaction, origin) if isinstance(transaction, str) else None
    except InvalidInput:
        return None


def _sizes(log: LogReport) -> set[int]:
    """Return the sizes of malformed checkpoints."""
    return {each.leaf_index for each in log.findings if each.tampering == "T40" and each.leaf_index is not None}


def _found(
    submission: SubmissionRecord, sentence: str, expected: Any, actual: Any, column: str = "submission"
) -> Finding:
    size = submission.tree_size if type(submission.tree_size) is int else None
    return Finding(tampering="T42", sentence=sentence, leaf_index=size, column=column, expected=expected, actual=actual)
