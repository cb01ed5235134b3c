"""Timestamps of checkpoints (RFC 3161) as a second witness: asked for, kept beside the log, and looked at by an audit.

The tokens lie with the operator. What he cannot do is have one made with yesterday's date: whoever rewrites the log can
throw its tokens away and have new ones made, which are late. So what was recorded must be covered in time: by a token
over the checkpoint that has it, or over a longer one that the log's own proofs tie to it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ledger_automation.errors import LedgerError
from ledger_automation.published.authority import ask_authority
from ledger_automation.tlog.checkpoint import Checkpoint, stated
from ledger_automation.values import parse_timestamp
from ledger_automation.verify.sources import CheckpointRecord
from ledger_automation.verify.timestamp import authorities, examine, query
from ledger_automation.verify.verdict import Finding

GRAIN: Final = 1.0
"""How much earlier than it was made a token may say, in seconds: authorities leave fractions out (RFC 3161, 2.4.2)."""


class Stamper:
    """Asks one authority; ``tolerance`` is how much later than a step its token may be, in seconds."""

    def __init__(self, url: str, certificate: Path, tolerance: float) -> None:
        self._url = url
        self._roots = authorities(certificate.read_bytes())
        self.tolerance = tolerance
        self.tokens: dict[int, bytes] = {}

    def copied(self) -> "Stamper":
        """Return the same with a copy of the tokens."""
        other = object.__new__(Stamper)
        other.__dict__.update(self.__dict__, tokens=dict(self.tokens))
        return other

    def stamp(self, checkpoint: Checkpoint) -> None:
        """Have a checkpoint timestamped; raises Unreachable, Contradiction for a token over something else."""
        token = ask_authority(self._url, query(checkpoint))
        examine(token, checkpoint, self._roots)
        self.tokens[checkpoint.tree_size] = token

    def findings(self, recorded: Sequence[tuple[CheckpointRecord, str]], now: datetime) -> list[Finding]:
        """Return what does not hold of the tokens: over something else, or later than what they cover.

        Beside each checkpoint stands when the oldest of what it added says that it was recorded.
        """
        there = {each.tree_size: each for each, _ in recorded}
        covered: list[tuple[int, datetime]] = []
        found = []
        for size, token in self.tokens.items():
            record = there.get(size)
            try:
                told = examine(token, stated(record.note), self._roots) if record is not None else None
            except LedgerError:
                told = None
            if told is None:
                sentence = "A timestamp is not over the checkpoint of its size."
                found.append(Finding(tampering="T36", sentence=sentence, leaf_index=size - 1))
            else:
                covered.append((size, told.at))
        for record, oldest in recorded:
            made = parse_timestamp(oldest)
            first = min((at for size, at in covered if size >= record.tree_size), default=now)
            if first - made > timedelta(seconds=self.tolerance):
                sentence = f"A step was first timestamped {first - made} after it says that it was recorded."
                found.append(Finding(tampering="T36", sentence=sentence, leaf_index=record.tree_size - 1))
        return found
