"""What a receipt shows, step by step: opened and in the log, in order and lawful, or erased by a decision of the log.

An erased step is shown by its commitment alone. The step behind it names that commitment, or the case map does; within
a run of erased steps only the last is so bound, since what bound the others is what was destroyed. The law cannot be
replayed across erased content: from there on each step is only held against the one before.
"""

import re
from collections.abc import Sequence
from heapq import merge
from typing import Final, NamedTuple

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.event import AuditEvent, log_case_id
from ledger_automation.audit.trail import Trail
from ledger_automation.canonical import commit
from ledger_automation.errors import Contradiction, InvalidInput
from ledger_automation.merkle import leaf_hash, verify_inclusion
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.receipt import Entry, ErasedStep, Erasure, decode_proof
from ledger_automation.verify.verdict import shown
from ledger_automation.workflows import LOG
from ledger_automation.workflows.log import ERASURE

_HEX: Final = re.compile(r"[0-9a-f]{64}")
"""A salt or a commitment, in its one spelling."""


class ShownStep(NamedTuple):
    """A step by its place in the case and its commitment; without its event where that was erased."""

    sequence: int
    commitment: bytes
    event: AuditEvent | None


def event_of(entry: Entry, origin: str) -> AuditEvent:
    """Return the event of an entry; raises Contradiction or CanonicalError."""
    event = decode(_octets(entry))
    if event.origin != origin:
        raise Contradiction("The event is of another log.", expected=origin, actual=event.origin)
    return event


def entered(entry: Entry | ErasedStep, checkpoint: Checkpoint) -> bytes:
    """Return the commitment of an entry that the checkpoint includes; what is wrong is said with its place."""
    try:
        commitment = _hex("commitment", entry.commitment) if isinstance(entry, ErasedStep) else _commitment(entry)
        proof = decode_proof(entry.inclusion_proof)
        verify_inclusion(leaf_hash(commitment), entry.leaf_index, checkpoint.tree_size, proof, checkpoint.root_hash)
    except (Contradiction, InvalidInput) as error:
        facts = {name: error.facts.get(name) for name in ("expected", "actual")}
        raise Contradiction(f"At leaf {entry.leaf_index}: {error.sentence}", **facts) from error
    return commitment


def in_order(readable: Sequence[ShownStep], erased: Sequence[ShownStep]) -> list[ShownStep]:
    """Return all steps in the order of the case; what is out of order stays so, for `follow` to find."""
    return list(merge(readable, erased, key=lambda step: step.sequence))


def follow(steps: Sequence[ShownStep], case_id: str) -> str:
    """Follow a case from its first step, and say where it leads; raises Contradiction."""
    trail, before = Trail(), None
    for step in steps:
        if step.event is None:
            before = step.commitment
            continue
        if step.event.case_id != case_id:
            raise Contradiction("The receipt mixes two cases.", expected=case_id, actual=step.event.case_id)
        if before is None:
            _allowed(trail, step.event, step.commitment)
        elif step.event.previous != before.hex():
            sentence = "The event does not continue the case's previous event."
            raise Contradiction(sentence, expected=before.hex(), actual=step.event.previous)
        else:
            before = step.commitment
    if [each.sequence for each in steps] != list(range(len(steps))):
        sequences = [each.sequence for each in steps]
        raise Contradiction("The case's events do not follow each other.", expected="0, 1, 2, ...", actual=sequences)
    last = steps[-1].event
    return f"{len(steps)} steps lead to {last.to_state if last else 'one that is erased'}"


def decided(erasure: Erasure, decisions: Sequence[AuditEvent], origin: str) -> str:
    """Check that the log's own case decides on every erased step, and say on which basis; raises Contradiction."""
    own, bases = log_case_id(origin), set()
    for step in erasure.steps:
        covering = [
            each.payload
            for each in decisions
            if (each.workflow, each.case_id, each.action) == (LOG, own, ERASURE)
            and each.payload.get("case_id") == erasure.case_id
            and _covers(each.payload.get("sequence"), step.sequence)
        ]
        if not covering:
            sentence = f"Nothing in the log decides that step {step.sequence} is erased."
            raise Contradiction(sentence, expected="a decision", actual=None)
        bases.add(str(covering[0].get("legal_basis")))
    return f"{len(erasure.steps)} erased ({'; '.join(sorted(bases))})"


def _covers(decided: object, sequence: int) -> bool:
    return decided is None or (type(decided) is int and decided == sequence)


def _allowed(trail: Trail, event: AuditEvent, commitment: bytes) -> None:
    divergence = trail.follow(event, commitment)
    if divergence is not None:
        facts = {"expected": shown(divergence.expected), "actual": shown(divergence.actual)}
        raise Contradiction(f"{divergence.sentence} ({divergence.rule})", rule=divergence.rule, **facts)


def _commitment(entry: Entry) -> bytes:
    return commit(_hex("salt", entry.salt), _octets(entry))


def _hex(what: str, text: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise Contradiction(f"The {what} is not hexadecimal.", expected="64 hex digits", actual=text)
    return bytes.fromhex(text)


def _octets(entry: Entry) -> bytes:
    """Return the exact bytes; a lone surrogate becomes bytes that no reader of events accepts."""
    return entry.event.encode(errors="surrogatepass")
