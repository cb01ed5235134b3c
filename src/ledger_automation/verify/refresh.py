"""Bringing the receipt of a step up to a newer checkpoint from tiles alone, without the office that issued it.

Event and salt stay; the inclusion proof and the proof of extension are made anew from authenticated tiles, and the
result is verified before it is handed out. What tiles do not tell it loses: the anchor of the newer checkpoint, which a
chain knows, and the case map's proof, which the office can give. So a whole case is not brought up, but each of its
steps is; that the log extends the checkpoint of a case's receipt is for `published.LogChecker` to say.
"""

import msgspec

from ledger_automation.audit.encoding import decode
from ledger_automation.errors import Contradiction, InvalidInput, NotFound
from ledger_automation.merkle import consistency_proof, inclusion_proof
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.tlog.receipt import Absence, Entry, Extension, Receipt, encode_proof
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.published import PublishedLog
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier


def refresh(
    receipt: Receipt | Absence, log: PublishedLog, policy: VerificationPolicy, sequence: int | None = None
) -> Receipt:
    """Return the receipt of one step under the log's checkpoint; the same receipt where that is no newer.

    Raises InvalidInput for a whole case without a ``sequence``, NotFound for a step that it has not, and Contradiction
    where the receipt does not hold, or the log does not extend its checkpoint.
    """
    chosen = _chosen(receipt, sequence)
    older, size = open_checkpoint(chosen.checkpoint, policy.origin, policy.keys()), log.checkpoint.tree_size
    log.require_extends(older.tree_size, older.root_hash, "The receipt's checkpoint")
    if older.tree_size == size:
        return chosen
    fresh = msgspec.structs.replace(
        chosen,
        entries=tuple(_under(entry, log) for entry in chosen.entries),
        checkpoint=log.note,
        case_map_proof=None,
        anchor=None,
        extension=Extension(older.tree_size, encode_proof(consistency_proof(log.tree.node, older.tree_size, size))),
    )
    answer = Verifier(policy.at(Level.LOGGED), held=chosen.checkpoint).verify(fresh)
    if answer.verdict is not Verdict.FINAL:
        last = answer.steps[-1]
        raise Contradiction(f"The receipt does not hold: {last.detail}", expected=Verdict.FINAL, actual=answer.verdict)
    return fresh


def _chosen(receipt: Receipt | Absence, sequence: int | None) -> Receipt:
    """Return the receipt of one step, out of one for a whole case too."""
    if isinstance(receipt, Absence):
        raise InvalidInput("That there is no such case is not told by tiles; ask the office anew.")
    if sequence is None:
        if len(receipt.entries) > 1:
            raise InvalidInput("That a case is complete is not told by tiles; bring up one of its steps (--sequence).")
        return receipt
    entries = tuple(each for each in receipt.entries if decode(each.event.encode()).sequence == sequence)
    if not entries:
        raise NotFound(f"The receipt has no step {sequence}.", sequence=sequence)
    return (
        receipt
        if entries == receipt.entries
        else msgspec.structs.replace(receipt, entries=entries, case_map_proof=None)
    )


def _under(entry: Entry, log: PublishedLog) -> Entry:
    proof = inclusion_proof(log.tree.node, entry.leaf_index, log.checkpoint.tree_size)
    return msgspec.structs.replace(entry, inclusion_proof=encode_proof(proof))
