"""Being forgotten: a decision in the log's own case first, then, once that stands in the log, the content's end.

    decide   a step of the log's case names what is to be destroyed, and on which legal basis (Art. 17 GDPR)
    erase    what such steps name and the log already holds is destroyed: salt, canonical bytes, documents

In this order, since content that is gone without a decision in the log is tampering (T18, T19), while a decision that
is not carried out yet is found again by the next run, however often we died. Event and leaf stay: every other proof
holds, and nobody can recompute the commitment.

What the law remembers of a case (`case.data`) goes with the whole case, which then does not go on. A step that goes
alone leaves it, since the law needs it for the steps to come.

What this does not do: reach a copy elsewhere, or change the event's row: who acted, when, and an amount stay.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.event import log_case_id
from ledger_automation.errors import InvalidInput
from ledger_automation.orchestrator.ports import Begin, UnitOfWork
from ledger_automation.orchestrator.sequence import record_heartbeat
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing, advance
from ledger_automation.values import CaseId
from ledger_automation.verify.sources import FORGOTTEN
from ledger_automation.workflows import Actor, Command
from ledger_automation.workflows.log import ERASURE


class Eraser(Protocol):
    """Destroys content; the only one that may."""

    def destroy(self, case_id: str, sequence: int | None) -> int:
        """Destroy content and documents of a step, or of a whole case. MUST be safe to repeat; returns how many."""
        ...


OpenEraser = Callable[[], AbstractContextManager[Eraser]]
"""Opens who may destroy content, and closes its way to the database again."""


class Decision(NamedTuple):
    """What is to be destroyed, a step or (``sequence`` None) a whole case, and on which legal basis."""

    case_id: CaseId
    sequence: int | None
    legal_basis: str


def decide(begin: Begin, recorder: Recorder, actor: Actor, decision: Decision) -> None:
    """Record a decision; raises InvalidInput for the log's own case, and what the law of that case raises."""
    own = log_case_id(recorder.origin)
    if decision.case_id == own:
        raise InvalidInput("The log's own case holds what was decided and announced; it is not erased.", case_id=own)
    with begin() as unit:
        opened = unit.cases.case(own) is not None
    if not opened:
        record_heartbeat(begin, recorder)
    payload = {name: value for name, value in decision._asdict().items() if value is not None}
    payload["case_id"] = str(decision.case_id)
    advance(begin, recorder, own, Intent(Command(ERASURE, actor, payload), recorder.clock()))


def decisions(unit: UnitOfWork, origin: str) -> tuple[tuple[str, int | None], ...]:
    """Return what was ever decided to be destroyed: cases, with a step or (None) whole."""
    record = unit.cases.case(log_case_id(origin))
    standing = Standing.of(record).case if record is not None else None
    return standing.data.erased if standing is not None else ()


def erase(begin: Begin, recorder: Recorder, eraser: OpenEraser) -> int:
    """Carry out what was decided and stands in the log; returns how many steps lost their content now."""
    with begin() as unit:
        decided_on = decisions(unit, recorder.origin)
        trail = unit.cases.trail(log_case_id(recorder.origin)) if decided_on else []
    decided = [
        decode(row.canonical).payload
        for row in trail
        if row.action == ERASURE and row.leaf_index is not None and row.canonical is not None
    ]
    if not decided:
        return 0
    _forget(begin, [each["case_id"] for each in decided if each.get("sequence") is None])
    with eraser() as hand:  # last, since it leaves nothing in the journal
        return sum(hand.destroy(each["case_id"], each.get("sequence")) for each in decided)


def _forget(begin: Begin, whole: list[str]) -> None:
    with begin() as unit:
        left = [case_id for case_id, record in unit.cases.known(whole).items() if record.data != FORGOTTEN]
        if left:
            unit.cases.forget(left)
            unit.commit()
