"""A permit that its contract enforces, on the chains that there are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger_automation.bootstrap import Enforcing, Ledger, open_ledger
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.transition import Intent
from ledger_automation.settings import Settings
from ledger_automation.values import CaseId
from ledger_automation.verify.auditor import Auditor, AuditReport
from ledger_automation.workflows import Actor, Command, workflow

PEOPLE = {
    "anna": ("applicant",),
    "boris": ("clerk",),
    "clara": ("clerk", "approver"),
    "sensor": ("system",),
}


class Town(NamedTuple):
    """A ledger, the chain that enforces its permits, and what one can do with both."""

    ledger: Ledger
    enforcing: Enforcing

    def intent(self, actor: str, role: str, action: str, **payload: Any) -> Intent:
        return Intent(Command(action, Actor(actor, role), payload), self.ledger.recorder.clock())

    def open_case(self) -> CaseId:
        step = self.enforcing.enforcer.open_case(
            workflow("permit"), self.intent("anna", "applicant", "submit_application", subject="garage")
        )
        return CaseId(step.event.case_id)

    def do(self, case_id: CaseId, actor: str, role: str, action: str, **payload: Any) -> Any:
        return self.enforcing.enforcer.advance(case_id, self.intent(actor, role, action, **payload))

    def seal(self, seconds: float = 120) -> None:
        anchorer = Anchorer(self.ledger.begin, self.enforcing.chain.anchor, self.enforcing.policy)
        seal(self.ledger.begin, self.ledger.recorder, self.ledger.key, anchorer, seconds=seconds)

    def audit(self) -> AuditReport:
        with self.ledger.read() as unit:
            return Auditor(self.enforcing.policy, self.enforcing.chain.anchor).audit(unit.cases, unit.log)

    def events(self, case_id: CaseId) -> list[str]:
        with self.ledger.read() as unit:
            return [row.action for row in unit.cases.trail(case_id)]

    def held(self) -> int:
        with self.ledger.read() as unit:
            return len(unit.steps.held())

    def taken(self, case_id: CaseId) -> int:
        """How many steps of a case the contract has taken."""
        with self.ledger.read() as unit:
            key = self.enforcing.enforcer.standpoint(unit, case_id).link.case_key
        return self.enforcing.chain.ledgers.standing("permit", key) >> 8 & 0xFFFFFFFF


@pytest.fixture(scope="module", params=["tester", "anvil"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    home: Path = tmp_path_factory.mktemp(request.param)
    with open_ledger(Settings(home=home, chain=request.param)) as ledger, ledger.enforcing() as enforcing:
        for actor, roles in PEOPLE.items():
            enforcing.admit("permit", actor, roles)
        yield Town(ledger, enforcing)


@pytest.fixture
def case_id(town: Town) -> CaseId:
    """A permit, submitted and acknowledged."""
    opened = town.open_case()
    town.do(opened, "boris", "clerk", "acknowledge")
    return opened
