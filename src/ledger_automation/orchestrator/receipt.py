"""Issuing receipts: everything in them is recomputed from the log, nothing is stored."""

from ledger_automation.errors import Contradiction, NotFound, NotSealed
from ledger_automation.merkle import consistency_proof, inclusion_proof
from ledger_automation.orchestrator.ports import LogStore, UnitOfWork
from ledger_automation.tlog.receipt import FORMAT, AnchorClaim, Entry, Extension, Receipt, encode_proof
from ledger_automation.values import CaseId
from ledger_automation.verify.sources import CheckpointRecord, EventRecord, SubmissionRecord

_ON_CHAIN = ("anchored", "final")


def issue(unit: UnitOfWork, case_id: CaseId, sequence: int | None = None, held_size: int | None = None) -> Receipt:
    """Return the receipt of a case, or of one step; with ``held_size``, also the proof that an older log is extended.

    Raises NotFound (no such case or step, or its content was erased), NotSealed (not in the log yet), or Contradiction
    when the log that somebody holds a checkpoint of is longer than ours.
    """
    events = [each for each in unit.cases.trail(case_id) if sequence in (None, each.sequence)]
    if not events:
        where = f"case {case_id}" if sequence is None else f"step {sequence} of case {case_id}"
        raise NotFound(f"There is no {where}.", case_id=case_id, sequence=sequence)
    if held_size is not None and held_size > (size := unit.log.frontier().size):
        sentence = "The checkpoint you hold covers more leaves than this log has: its end was cut off."
        raise Contradiction(sentence, expected=held_size, actual=size)
    needed = max(1 + max(_leaf(each) for each in events), held_size or 0)
    checkpoint, submission = _witnessed(unit.log, needed)
    return Receipt(
        format=FORMAT,
        entries=tuple(_entry(unit.log, each, checkpoint.tree_size) for each in events),
        checkpoint=checkpoint.note,
        case_map_proof=None,
        anchor=_claim(submission),
        extension=_extension(unit.log, held_size, checkpoint.tree_size),
    )


def _leaf(event: EventRecord) -> int:
    if event.leaf_index is None:
        sentence = f"Step {event.sequence} is recorded, but not in the log yet; seal the log first."
        raise NotSealed(sentence, case_id=event.case_id, sequence=event.sequence)
    return event.leaf_index


def _witnessed(log: LogStore, needed: int) -> tuple[CheckpointRecord, SubmissionRecord | None]:
    """Choose the first checkpoint on chain that covers the leaves, else the newest one."""
    covering = {each.tree_size: each for each in log.checkpoints(needed - 1)}
    for submission in log.submissions(needed - 1):
        if submission.state in _ON_CHAIN and submission.tree_size in covering:
            return covering[submission.tree_size], submission
    if not covering:
        raise NotSealed("The log has no checkpoint over these steps yet; seal the log first.")
    return covering[max(covering)], None


def _entry(log: LogStore, event: EventRecord, tree_size: int) -> Entry:
    if event.canonical is None or event.salt is None or event.leaf_index is None:
        sentence = f"The content of step {event.sequence} was erased; there is nothing to show."
        raise NotFound(sentence, case_id=event.case_id, sequence=event.sequence)
    proof = inclusion_proof(log.subtree, event.leaf_index, tree_size)
    return Entry(event.canonical.decode(), event.salt.hex(), event.leaf_index, encode_proof(proof))


def _claim(submission: SubmissionRecord | None) -> AnchorClaim | None:
    if submission is None or submission.block_number is None or submission.block_hash is None:
        return None
    return AnchorClaim(
        chain_id=submission.chain_id,
        registry=submission.contract,
        transaction=submission.transaction,
        block_number=submission.block_number,
        block_hash=submission.block_hash,
    )


def _extension(log: LogStore, held_size: int | None, tree_size: int) -> Extension | None:
    if held_size is None:
        return None
    return Extension(held_size, encode_proof(consistency_proof(log.subtree, held_size, tree_size)))
