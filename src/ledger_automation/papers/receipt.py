"""A case's receipt as a page to keep: the verdict in a sentence, what happened, and the code to check it with.

The page proves nothing: the receipt's file does, or what its QR code holds. The verdict is what somebody's verifier
said on the day that stands on it; whoever doubts it scans the code and verifies anew.
"""

from typing import Any

import msgspec

from ledger_automation.papers.script import moment
from ledger_automation.papers.typesetting import Sheet, typeset


class Witnessed(msgspec.Struct, frozen=True):
    """One step: its sentence in German, when (RFC 3339, UTC), by whom, and its leaf in the log (None: none yet)."""

    sequence: int
    at: str
    sentence: str
    actor: str
    leaf_index: int | None


class Receipt(msgspec.Struct, frozen=True):
    """What a receipt's page needs.

    ``verdict`` is the verifier's sentence, ``remark`` what else it said (""). ``origin`` and ``tree_size`` name the
    checkpoint; ``evidence`` are labels and hashes that somebody may compare by eye.
    """

    sheet: Sheet
    verdict: str
    remark: str
    state: str
    origin: str
    tree_size: int
    steps: tuple[Witnessed, ...]
    evidence: tuple[tuple[str, str], ...] = ()


def receipt(told: Receipt) -> bytes:
    """Return the receipt's page as PDF; raises what `typesetting.typeset` raises."""
    rows: list[list[Any]] = [
        [str(each.sequence + 1), moment(each.at), each.sentence, each.actor, _leaf(each.leaf_index)]
        for each in told.steps
    ]
    facts = {
        "verdict": told.verdict,
        "remark": told.remark,
        "particulars": [
            ["Fallnummer", told.sheet.case_id],
            ["Der Fall steht", told.state],
            ["Protokoll", told.origin],
            ["Schritte im Protokoll", f"{told.tree_size:,}".replace(",", ".")],
        ],
        "steps": rows,
        "evidence": told.evidence,
    }
    return typeset("receipt", told.sheet, facts)


def _leaf(index: int | None) -> str:
    return f"{index:,}".replace(",", ".") if index is not None else "noch keines"
