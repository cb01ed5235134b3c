"""Issuing receipts: everything in them is recomputed from the log, nothing is stored."""

from collections import defaultdict

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.event import log_case_id
from ledger_automation.errors import InvalidValue, LogTooShort, NotFound, NotSealed
from ledger_automation.merkle import consistency_proof, inclusion_proof
from ledger_automation.orchestrator.anchor import newest_checkpoint
from ledger_automation.orchestrator.case_map import CaseMapStore, prove
from ledger_automation.orchestrator.cosignatures import cosigned
from ledger_automation.orchestrator.ports import LogStore, UnitOfWork
from ledger_automation.tlog.case_map import key_of
from ledger_automation.tlog.checkpoint import stated
from ledger_automation.tlog.receipt import (
    ABSENCE,
    FORMAT,
    Absence,
    AnchorClaim,
    Entry,
    ErasedStep,
    Erasure,
    Extension,
    Receipt,
    encode_leaf,
    encode_proof,
)
from ledger_automation.values import CaseId
from ledger_automation.verify.sources import (
    CLAIMED,
    CheckpointRecord,
    CosignatureRecord,
    EventRecord,
    SubmissionRecord,
)
from ledger_automation.workflows.log import ERASURE


def issue(
    unit: UnitOfWork,
    case_id: CaseId,
    sequence: int | None = None,
    held_size: int | None = None,
    *,
    witnesses: int = 0,
) -> Receipt:
    """Return the receipt of a case, or of one step; with ``held_size``, also the proof that an older log is extended.

    Its checkpoint is one that so many ``witnesses`` cosigned, where there is one. Steps that were erased are shown
    without content, with the decisions that stand in the log; whether these are enough the verifier says. Raises
    NotFound (no such case or step), NotSealed (not in the log yet), or LogTooShort when the log that somebody holds a
    checkpoint of is longer than ours.
    """
    events = [each for each in unit.cases.trail(case_id) if sequence in (None, each.sequence)]
    erased = [each for each in events if each.canonical is None]
    decisions = _decisions(unit, case_id) if erased else []
    if not events:
        where = f"case {case_id}" if sequence is None else f"step {sequence} of case {case_id}"
        raise NotFound(f"There is no {where}.", case_id=case_id, sequence=sequence)
    if held_size is not None and held_size > (size := unit.log.frontier().size):
        sentence = "The checkpoint you hold covers more leaves than this log has: its end was cut off."
        raise LogTooShort(sentence, expected=held_size, actual=size)
    needed = max(1 + max(_leaf(each) for each in (*events, *decisions)), held_size or 0)
    checkpoint, submission, lines = _witnessed(unit, needed, witnesses, whole=sequence is None)
    return Receipt(
        format=FORMAT,
        entries=tuple(_entry(unit.log, each, checkpoint.tree_size) for each in events if each.canonical is not None),
        checkpoint=cosigned(checkpoint.note, lines),
        case_map_proof=_completeness(unit.case_map, checkpoint, case_id) if sequence is None else None,
        anchor=_claim(submission),
        extension=_extension(unit.log, held_size, checkpoint.tree_size),
        erasure=Erasure(
            case_id=str(case_id),
            steps=tuple(_erased(unit.log, each, checkpoint.tree_size) for each in erased),
            decisions=tuple(_entry(unit.log, each, checkpoint.tree_size) for each in decisions),
        )
        if erased
        else None,
    )


def issue_absence(unit: UnitOfWork, case_id: CaseId, *, witnesses: int = 0) -> Absence:
    """Return the proof that the log has no such case, up to its newest checkpoint on chain, else to its newest.

    It is one that so many ``witnesses`` cosigned, where there is one.

    Raises InvalidValue where it has, and NotSealed for a log without a checkpoint.
    """
    checkpoint, submission, lines = _witnessed(unit, 1, witnesses, whole=True)
    leaf, siblings = prove(unit.case_map, stated(checkpoint.note), case_id)
    if leaf is not None and leaf.key == key_of(case_id):
        raise InvalidValue("An absent case", str(case_id), "one that the log does not have")
    return Absence(
        format=ABSENCE,
        case_id=str(case_id),
        other=encode_leaf(leaf),
        case_map_proof=encode_proof(siblings),
        checkpoint=cosigned(checkpoint.note, lines),
        anchor=_claim(submission),
    )


def _decisions(unit: UnitOfWork, case_id: CaseId) -> list[EventRecord]:
    """Return the steps of the log's own case, and in the log, by which something of a case was erased."""
    newest = newest_checkpoint(unit)
    own = unit.cases.trail(log_case_id(stated(newest.note).origin)) if newest is not None else []
    return [
        row
        for row in own
        if row.action == ERASURE
        and row.leaf_index is not None
        and row.canonical is not None
        and decode(row.canonical).payload.get("case_id") == case_id
    ]


def _erased(log: LogStore, event: EventRecord, tree_size: int) -> ErasedStep:
    return ErasedStep(event.sequence, event.commitment.hex(), *_placed(log, event, tree_size))


def _placed(log: LogStore, event: EventRecord, tree_size: int) -> tuple[int, tuple[str, ...]]:
    """Return an event's leaf index and inclusion proof."""
    leaf_index = _leaf(event)
    return leaf_index, encode_proof(inclusion_proof(log.subtree, leaf_index, tree_size))


def _leaf(event: EventRecord) -> int:
    if event.leaf_index is None:
        sentence = f"Step {event.sequence} is recorded, but not in the log yet; seal the log first."
        raise NotSealed(sentence, case_id=event.case_id, sequence=event.sequence)
    return event.leaf_index


def _witnessed(
    unit: UnitOfWork, needed: int, witnesses: int, *, whole: bool
) -> tuple[CheckpointRecord, SubmissionRecord | None, list[CosignatureRecord]]:
    """Choose a checkpoint that covers the leaves: on chain if there is one, and cosigned by so many if one is.

    For a step the first of them, which stays the same for ever; for a whole case the newest, so that it is complete up
    to then, and among those only that the case map is kept for.
    """
    covering = {each.tree_size: each for each in unit.log.checkpoints(needed - 1)}
    lines: defaultdict[int, list[CosignatureRecord]] = defaultdict(list)
    for each in unit.log.cosignatures(needed - 1):
        lines[each.tree_size].append(each)
    claimed = (each for each in unit.log.submissions(needed - 1) if each.state in CLAIMED)
    sent = {each.tree_size: each for each in claimed if each.tree_size in covering}
    if not covering:
        raise NotSealed("The log has no checkpoint over these steps yet; seal the log first.")
    sizes = _best_first(list(covering), sent, max(lines, default=0), whole=whole)
    size = next((each for each in sizes if len(lines[each]) >= witnesses), sizes[0])
    return covering[size], sent.get(size), lines[size]


def _best_first(
    covering: list[int], sent: dict[int, SubmissionRecord], cosigned_last: int, *, whole: bool
) -> list[int]:
    """Return sizes that a receipt may be for; for a whole case those that the case map is kept for."""
    if not whole:
        return [*sent] or covering[::-1]
    final = max((size for size, each in sent.items() if each.state == "final"), default=0)
    return [size for size in reversed(sent) if size >= final] or [covering[-1], cosigned_last or covering[-1]]


def _completeness(store: CaseMapStore, checkpoint: CheckpointRecord, case_id: CaseId) -> tuple[str, ...]:
    _, siblings = prove(store, stated(checkpoint.note), case_id)
    return encode_proof(siblings)


def _entry(log: LogStore, event: EventRecord, tree_size: int) -> Entry:
    if event.canonical is None or event.salt is None:
        sentence = f"The content of step {event.sequence} is not there; there is nothing to show."
        raise NotFound(sentence, case_id=event.case_id, sequence=event.sequence)
    return Entry(event.canonical.decode(), event.salt.hex(), *_placed(log, event, tree_size))


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
