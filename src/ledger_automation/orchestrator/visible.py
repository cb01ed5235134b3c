"""Who may see which case: officers all, an applicant his own, an administrator none.

A case that is another's is not there, in the same words and after the same work as for one that never was.
"""

from typing import Final

from ledger_automation.orchestrator.asked import Member
from ledger_automation.orchestrator.decide import APPLICANT, parties_of, unknown
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.values import CaseId
from ledger_automation.verify.sources import CaseRecord

READERS: Final = frozenset({APPLICANT, "clerk", "approver", "finance", "auditor", "system"})
"""Who may read cases at all: everybody but an administrator (R29)."""

_OFFICERS: Final = READERS - {APPLICANT}


def case_for(unit: UnitOfWork, member: Member, case_id: CaseId, workflow: str = "") -> CaseRecord:
    """Return a case that is there for a member, and of the workflow if one is named; raises NotFound."""
    record = unit.cases.case(case_id)
    if record is None or workflow not in {"", record.workflow} or not may_see(record, member):
        raise unknown(case_id)
    return record


def may_see(record: CaseRecord, member: Member) -> bool:
    """Say whether a case is a member's to read; a role that reads none adds nothing to his others."""
    return bool(_OFFICERS & {*member.roles}) or (APPLICANT in member.roles and member.actor_id in parties_of(record))
