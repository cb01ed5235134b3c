"""The office's letter about a step of a case (Bescheid): what was decided, why, and until when one may object.

    notice(Notice(sheet, recipient=("Frau Muster",), decision=decided(rows, 4), access_code="ABCD-..."))

`decisions.decided` reads the decision off the case's events. It is no administrative act: that is what it says itself.
"""

from typing import Any

import msgspec

from ledger_automation.papers.decisions import Decision
from ledger_automation.papers.script import day, paragraphs
from ledger_automation.papers.typesetting import Sheet, typeset


class Notice(msgspec.Struct, frozen=True):
    """What a notice needs: ``reference`` are more lines for the block of dates, ``access_code`` the letter's ("")."""

    sheet: Sheet
    recipient: tuple[str, ...]
    decision: Decision
    reference: tuple[tuple[str, str], ...] = ()
    access_code: str = ""


def notice(told: Notice) -> bytes:
    """Return the notice as PDF; raises what `typesetting.typeset` raises."""
    decision = told.decision
    remedy: dict[str, Any] | None = None
    if decision.remedy is not None:
        last = decision.remedy.last_day
        until = f"Der {decision.remedy.name} muss hier eingegangen sein spätestens am"
        remedy = {"sentence": decision.remedy.sentence, "until": until, "day": day(last) if last is not None else ""}
    facts = {
        "recipient": told.recipient,
        "date": day(told.sheet.day),
        "reference": told.reference,
        "decision": [part for sentence in decision.sentences for part in paragraphs(sentence)],
        "particulars": decision.particulars,
        "conditions": decision.conditions,
        "reasons": [part for reason in decision.reasons for part in paragraphs(reason)],
        "remedy": remedy,
        "access_code": told.access_code,
    }
    return typeset("notice", told.sheet, facts)
