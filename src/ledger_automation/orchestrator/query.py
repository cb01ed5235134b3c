"""Reading a case (where it stands, what happened, how well each step is witnessed), and the log's checkpoint."""

from typing import Any

from ledger_automation.audit.encoding import decode
from ledger_automation.errors import NotFound
from ledger_automation.orchestrator.anchor import newest_checkpoint
from ledger_automation.orchestrator.cosignatures import cosigned
from ledger_automation.orchestrator.ports import Begin, UnitOfWork
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import CaseRecord, EventRecord
from ledger_automation.workflows import workflow

ERASED = "erased"


def summary(record: CaseRecord) -> dict[str, Any]:
    """Return where a case stands, by its row alone: it is the same until the next step."""
    table = workflow(record.workflow)
    return {
        "case_id": record.case_id,
        "workflow": record.workflow,
        "level": record.level,
        "state": record.state,
        "sequence": record.sequence,
        "at": record.at,
        "ended": record.state in table.final,
        "actions": sorted(each.action for each in table.transitions.values() if record.state in each.sources),
    }


def checkpoint_view(unit: UnitOfWork, witnesses: int = 0) -> str:
    """Return the newest checkpoint that so many witnesses cosigned, with their lines; raises NotFound."""
    record = newest_checkpoint(unit)
    if witnesses:
        size = unit.cosignatures.largest(witnesses)
        record = next(unit.log.checkpoints(size - 1)) if size is not None else None
    if record is None:
        raise NotFound(f"The log has no checkpoint{f' that {witnesses} witnesses cosigned' if witnesses else ''} yet.")
    return cosigned(record.note, unit.cosignatures.of(record.tree_size))


def case_view(unit: UnitOfWork, case_id: CaseId) -> dict[str, Any]:
    """Return a case for people and programs; raises NotFound."""
    record = unit.cases.case(case_id)
    if record is None:
        raise NotFound(f"There is no case {case_id}.", case_id=case_id)
    anchored = unit.log.final_size()
    return {
        **summary(record),
        "waiting": next((each.sequence for each in unit.steps.held() if each.case_id == case_id), None),
        "events": [_event_view(row, anchored) for row in unit.cases.trail(case_id)],
    }


def level_of(begin: Begin, case_id: CaseId) -> Level:
    """Return how much evidence a case gets; raises NotFound."""
    with begin() as unit:
        record = unit.cases.case(case_id)
    if record is None:
        raise NotFound(f"There is no case {case_id}.", case_id=case_id)
    return Level(record.level)


def _event_view(row: EventRecord, anchored: int) -> dict[str, Any]:
    content = decode(row.canonical) if row.canonical is not None else None
    return {
        "sequence": row.sequence,
        "action": row.action,
        "from_state": content.from_state if content else None,
        "to_state": row.to_state,
        "actor": {"id": row.actor_id, "role": row.actor_role},
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
        "payload": content.payload if content else None,
        "attachments": [each.name for each in content.attachments] if content else [],
        "evidence": _evidence(row, anchored),
        "signature": content.signature if content else None,
        "leaf_index": row.leaf_index,
    }


def _evidence(row: EventRecord, anchored: int) -> str:
    if row.canonical is None:
        return ERASED
    if row.leaf_index is None:
        return "recorded"
    return "final" if row.leaf_index < anchored else "logged"
