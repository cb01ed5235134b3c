"""Sealing: everything recorded becomes logged now, and anchored if there is a chain."""

from typing import NamedTuple

from ledger_automation.orchestrator.anchor import Anchorer, newest_checkpoint
from ledger_automation.orchestrator.ports import Begin
from ledger_automation.orchestrator.sequence import record_heartbeat, sequence
from ledger_automation.orchestrator.transition import Recorder
from ledger_automation.tlog.note import SignerKey


class Sealed(NamedTuple):
    """The log after sealing; ``leaves`` were added by it, ``anchored_size`` is None without a chain."""

    leaves: int
    tree_size: int
    root_hash: bytes
    anchored_size: int | None


def seal(
    begin: Begin, recorder: Recorder, key: SignerKey, anchorer: Anchorer | None, *, seconds: float = 120
) -> Sealed:
    """Sequence all that is pending (a heartbeat, when nothing is), anchor it, and wait until the anchor is final."""
    leaves = _sequence_all(begin, recorder, key)
    if not leaves:
        record_heartbeat(begin, recorder)
        leaves = _sequence_all(begin, recorder, key)
    anchored = anchor_and_wait(anchorer, seconds=seconds) if anchorer is not None else None
    with begin() as unit:
        newest = newest_checkpoint(unit)
    if newest is None:
        raise AssertionError("a sealed log has a checkpoint")
    return Sealed(leaves, newest.tree_size, newest.root_hash, anchored)


def anchor_and_wait(anchorer: Anchorer, *, seconds: float) -> int | None:
    """Anchor the newest checkpoint, after whatever was still open, and wait until it is final."""
    anchorer.wait(seconds=seconds)
    size = anchorer.submit()
    anchorer.wait(seconds=seconds)
    return size


def _sequence_all(begin: Begin, recorder: Recorder, key: SignerKey) -> int:
    leaves = 0
    while (sequenced := sequence(begin, recorder, key, sweep=True)) is not None:
        leaves += sequenced.leaves
    return leaves
