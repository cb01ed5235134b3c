"""Step 13 of a receipt's verification: evidence records show that its steps were there before their hash failed.

    13 preserved   each step that can be read has a record (RFC 4998) that holds for what opens its commitment

What this does not do: show when a step was logged, which the checkpoint's own timestamp and the chain do.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.x509 import Certificate

from ledger_automation.errors import Contradiction
from ledger_automation.tlog.octets import from_hex
from ledger_automation.tlog.receipt import Absence, Entry, Receipt
from ledger_automation.verify.evidence_record import Stamp, examine, in_time
from ledger_automation.verify.verdict import VerifiedStep
from ledger_automation.verify.verifier import ReceiptVerdict

_STEP: Final = "13 preserved"


def content(entry: Entry) -> bytes:
    """Return what opens an entry's commitment, salt and canonical bytes; raises InvalidValue for what is no salt."""
    return from_hex(entry.salt) + entry.event.encode()


def readable(receipt: Receipt | Absence) -> tuple[Entry, ...]:
    """Return the entries of a receipt that can be read, the decisions on what was erased among them."""
    if isinstance(receipt, Absence):
        return ()
    return (*receipt.entries, *(receipt.erasure.decisions if receipt.erasure else ()))


def file_names(leaf_index: int) -> tuple[str, str]:
    """Return what a leaf's content and its evidence record are called in a folder of both."""
    return f"leaf-{leaf_index}.bin", f"leaf-{leaf_index}.er"


def preserved(
    answer: ReceiptVerdict,
    receipt: Receipt | Absence,
    evidence: tuple[Path | None, Sequence[Certificate]],
    failed: Mapping[str, datetime],
    now: datetime,
) -> ReceiptVerdict:
    """Return a verdict with the step that looks at evidence records behind the others.

    ``evidence`` is the folder of the records, and the authorities; ``failed`` says since when an algorithm is none any
    more. Raises InvalidValue for what is no record.
    """
    return answer.then(_step(readable(receipt), evidence, failed, now), "step_13_preserved")


def _step(
    entries: Sequence[Entry],
    evidence: tuple[Path | None, Sequence[Certificate]],
    failed: Mapping[str, datetime],
    now: datetime,
) -> VerifiedStep:
    folder, roots = evidence
    if not entries:
        return VerifiedStep(_STEP, holds=None, detail="there is nothing to read in it")
    if folder is None:
        return VerifiedStep(_STEP, holds=False, detail="Nothing shows that it was there before a hash failed.")
    try:
        records = [_examined(entry, folder, roots, failed, now) for entry in entries]
    except Contradiction as error:
        return VerifiedStep(_STEP, holds=False, detail=error.sentence)
    return VerifiedStep(_STEP, holds=True, detail=_told(records))


def _examined(
    entry: Entry, folder: Path, roots: Sequence[Certificate], failed: Mapping[str, datetime], now: datetime
) -> list[Stamp]:
    path = folder / file_names(entry.leaf_index)[1]
    try:
        stamps = examine(path.read_bytes(), content(entry), roots)
        in_time(stamps, failed, now)
    except (Contradiction, FileNotFoundError) as error:
        why = error.sentence if isinstance(error, Contradiction) else "it has no evidence record."
        raise Contradiction(f"Leaf {entry.leaf_index}: {why}", expected=str(path), actual=None) from error
    return stamps


def _told(records: Sequence[Sequence[Stamp]]) -> str:
    """Say what all records show: of the youngest beginning, and of the latest renewal."""
    first, last = max(each[0] for each in records), max(each[-1] for each in records)
    return f"{len(records)} steps were there by {_moment(first)}, last stamped {_moment(last)}"


def _moment(stamp: Stamp) -> str:
    return f"{stamp.at.isoformat().replace('+00:00', 'Z')} ({stamp.algorithm}, {stamp.authority})"
