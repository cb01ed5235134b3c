"""Cosignatures as they are kept: what witnesses said of the log's checkpoints, each as the line that they sent."""

from typing import Protocol

from ledger_automation.verify.sources import CosignatureRecord


class CosignatureStore(Protocol):
    """Cosignatures, to add and to read."""

    def keep(self, cosignature: CosignatureRecord) -> None:
        """Store one. MUST keep the first one, and raise nothing, where that witness's of that checkpoint is there."""
        ...

    def of(self, tree_size: int) -> list[CosignatureRecord]:
        """Return those on one checkpoint, in order of witness."""
        ...

    def last(self, witness: str) -> CosignatureRecord | None:
        """Return a witness's on the largest checkpoint that it cosigned."""
        ...

    def largest(self, witnesses: int) -> int | None:
        """Return the size of the largest checkpoint with at least so many; None where there is none.

        MAY look at the newest ten thousand only.
        """
        ...


def cosigned(note: str, cosignatures: list[CosignatureRecord]) -> str:
    """Return a note with the lines of its witnesses behind it."""
    return note + "".join(each.line for each in cosignatures)
