"""The witness's judgement, in the order of C2SP tlog-witness, each with the error that says no.

    1  the body can be read                                                   InvalidValue      400
    2  the log is one that this witness knows                                 NotFound          404
    3  one of its keys signed the checkpoint                                  Forbidden         403
    4  the old size is no larger than the checkpoint's                        InvalidValue      400
    5  the old size is the one that was cosigned last                         AnotherSize       409
    6  a checkpoint of that very size says the very same                      SplitView         409
    7  the proof leads from the one to the other                              ProofError        422

Steps 5 to 7 and storing the checkpoint are one transaction, and the moment that the cosignature tells is taken within
it: at that moment, no larger tree was known. Only what is stored is cosigned. If we die in between, nobody has the
cosignature; who asks again is told the new size, and gets it for an empty proof.

Step 6 asks for more than the specification: not for the same root only, but for the same text, byte for byte. Else one
log could show two case maps under one root, and have both cosigned.
"""

from collections.abc import Callable, Mapping, Sequence

import structlog

from ledger_automation.errors import AnotherSize, Forbidden, InvalidValue, NoteError, NotFound, ProofError, SplitView
from ledger_automation.merkle import verify_consistency
from ledger_automation.merkle.hashing import EMPTY_ROOT
from ledger_automation.tlog.cosignature import Cosigner
from ledger_automation.tlog.note import VerifierKey, signers
from ledger_automation.witness.memory import Memory, Remembered
from ledger_automation.witness.request import Submission, read_submission

_log = structlog.get_logger("witness")


class Witness:
    """One witness: its key, the logs that it knows by their keys, its memory, and a clock in seconds since 1970."""

    def __init__(
        self,
        cosigner: Cosigner,
        logs: Mapping[str, Sequence[VerifierKey]],
        memory: Memory,
        clock: Callable[[], float],
    ) -> None:
        self._cosigner = cosigner
        self._logs = logs
        self._memory = memory
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> str:
        """Return the cosignature's line; raises as the module says, Unreachable where the memory is busy."""
        submission = read_submission(body)
        head = submission.head
        keys = self._logs.get(head.origin)
        if keys is None:
            raise NotFound("This witness does not know that log.")
        _insist_on_signature(submission, keys)
        if submission.old_size > head.tree_size:
            raise InvalidValue("The old size", submission.old_size, f"no larger than the checkpoint's {head.tree_size}")
        try:
            moment = self._memory.advance(head.origin, lambda held: (_successor(held, submission), int(self._clock())))
        except SplitView as error:
            self._memory.keep_split(head.origin, error.held, error.shown)
            _log.warning("A log showed two checkpoints of one size.", log=head.origin, size=head.tree_size)
            raise
        return self._cosigner.cosign(submission.text, moment)


def _insist_on_signature(submission: Submission, keys: Sequence[VerifierKey]) -> None:
    try:
        signed = signers(submission.text, submission.lines, keys)
    except NoteError as error:
        raise Forbidden("A signature of the log's key does not hold.") from error
    if not signed:
        raise Forbidden("None of the log's keys signed the checkpoint.")


def _successor(held: Remembered | None, submission: Submission) -> Remembered:
    """Return what is to be remembered instead, if it extends what is; raises AnotherSize, SplitView or ProofError."""
    head, known = submission.head, held.tree_size if held else 0
    if submission.old_size != known:
        raise AnotherSize(known)
    if held is not None and head.tree_size == known and submission.text != held.text:
        raise SplitView(head.origin, known, held.note, submission.note)
    if known:
        verify_consistency(known, head.tree_size, submission.proof, held.root_hash if held else b"", head.root_hash)
    elif submission.proof:
        raise ProofError("From size 0 on the proof is empty.", expected=0, actual=len(submission.proof))
    elif not head.tree_size and head.root_hash != EMPTY_ROOT:
        raise ProofError("The root is not that of no leaves.", expected=EMPTY_ROOT.hex(), actual=head.root_hash.hex())
    if held is not None and head.tree_size == known:
        return held
    return Remembered(head.tree_size, head.root_hash, submission.text, submission.note)
