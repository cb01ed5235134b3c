"""What callers ask a ledger for: fines that are recorded and paid, each under an Idempotency-Key."""

from datetime import timedelta
from hashlib import sha256
from typing import Final

from ledger_automation.orchestrator.asked import Asked, Identity, Member
from ledger_automation.orchestrator.decide import Decider
from ledger_automation.orchestrator.ports import Begin
from ledger_automation.orchestrator.transition import Recorder
from ledger_automation.values import CaseId
from ledger_automation.workflows import workflow

OFFICER: Final = Identity("https://id.example", "officer-1")
MEMBER: Final = Member("officer-1", ("clerk", "finance"))
SECRET: Final = sha256(b"the members' secret of the tests").digest()
_FINE: Final = {"amount": 3_500, "offence": "parked on the kerb", "rules": {"hearing_required": False}}


def enrol(begin: Begin) -> None:
    with begin() as unit:
        unit.members.enrol(OFFICER, MEMBER)
        unit.commit()


def decider(begin: Begin, recorder: Recorder, brief: Begin | None = None) -> Decider:
    return Decider((begin, brief or begin), recorder, SECRET, levels={}, backdating=timedelta(days=30))


def opening(key: str, case_id: CaseId | None = None) -> Asked:
    body = sha256(b"record_fine").digest()
    table = workflow("parking_fine")
    return Asked(OFFICER, _digest(key), body, case_id or CaseId.random(), table, "record_fine", _FINE)


def paying(key: str, case_id: CaseId, cents: int = 1) -> Asked:
    body = sha256(f"record_payment {case_id} {cents}".encode()).digest()
    payload = {"amount": cents}
    return Asked(OFFICER, _digest(key), body, case_id, workflow("parking_fine"), "record_payment", payload)


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
