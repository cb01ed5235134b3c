"""Auditing cosignatures: each line that is kept must be its witness's, over the checkpoint that it is kept for.

Whether these are witnesses that count, and enough of them, says the policy of whoever verifies a receipt; a line that
does not hold would spoil every receipt that it is put into.
"""

from collections.abc import Iterable
from typing import Any

from ledger_automation.errors import InvalidValue, NoteError
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.cosignature import WitnessKey
from ledger_automation.tlog.note import read_lines, signers
from ledger_automation.verify.sources import CosignatureRecord
from ledger_automation.verify.verdict import Finding


def examine(
    records: Iterable[CosignatureRecord], checkpoints: dict[int, Checkpoint], stored: set[Any]
) -> list[Finding]:
    """Return what does not hold; ``stored`` are the sizes of checkpoints that are there, sound or not."""
    return [
        finding
        for record in records
        if (finding := _judge(record, checkpoints.get(record.tree_size))) is not None
        and (record.tree_size in checkpoints or record.tree_size not in stored)
    ]


def _judge(record: CosignatureRecord, checkpoint: Checkpoint | None) -> Finding | None:
    if checkpoint is None:
        return _found(record, "tree_size", "The cosignature is kept for a checkpoint that is not there.")
    if not isinstance(record.witness, str) or not isinstance(record.line, str):
        return _found(record, "line", "The cosignature is not text.")
    try:
        key = WitnessKey.parse(record.witness)
        holds = bool(signers(checkpoint.text(), read_lines(record.line), [key])) and record.line.endswith("\n")
    except (InvalidValue, NoteError):
        holds = False
    return None if holds else _found(record, "line", "The cosignature is not the witness's over its checkpoint.")


def _found(record: CosignatureRecord, column: str, sentence: str) -> Finding:
    return Finding(
        tampering="T40",
        sentence=sentence,
        leaf_index=record.tree_size if type(record.tree_size) is int else None,
        column=f"cosignature.{column}",
        expected=record.witness,
        actual=record.line,
    )
