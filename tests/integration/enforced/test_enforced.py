"""Enforced steps from signature to event: what the chain refuses never happened, what it took is not lost."""

import pytest

from integration.enforced.conftest import Town
from integration.enforced.past_the_office import relay
from ledger_automation.errors import ChainRefused, Conflict, Misconfigured, TransitionNotAllowed, Unreachable
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.settle import Settler
from ledger_automation.orchestrator.submit import Lane
from ledger_automation.values import CaseId
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier


class Died(BaseException):
    """The process ended here."""


def test_a_case_is_decided_by_its_contract_and_everybody_can_check_it(town: Town, case_id: CaseId) -> None:
    town.do(case_id, "boris", "clerk", "propose_decision", outcome="granted")
    town.do(case_id, "clara", "approver", "grant")
    town.seal()
    report = town.audit()
    assert (report.verdict, report.findings) == (Verdict.FINAL, ())
    assert town.taken(case_id) == 4
    with town.ledger.read() as unit:
        receipt = issue(unit, case_id)
    for level in (Level.LOGGED, Level.ANCHORED, Level.ENFORCED):
        answer = Verifier(town.enforcing.policy.at(level), town.enforcing.chain.anchor).verify(receipt)
        assert answer.verdict is Verdict.FINAL, answer
        assert "10 signatures" in {each.step for each in answer.steps}


def test_the_law_refuses_before_anybody_signs(town: Town, case_id: CaseId) -> None:
    with pytest.raises(TransitionNotAllowed) as refusal:
        town.do(case_id, "clara", "approver", "grant")
    assert refusal.value.rule == "four_eyes"
    assert (town.held(), town.taken(case_id)) == (0, 2)


def test_what_the_contract_refuses_never_happened(town: Town, case_id: CaseId) -> None:
    """Boris is no clerk any more; the database does not know, the contract does."""
    town.enforcing.admit("permit", "boris", ())
    with pytest.raises(ChainRefused) as refusal:
        town.do(case_id, "boris", "clerk", "determine_advice_need")
    assert refusal.value.error == "RoleNotHeld"
    assert (town.held(), town.taken(case_id), len(town.events(case_id))) == (0, 2, 2)
    town.enforcing.admit("permit", "boris", ("clerk",))
    town.do(case_id, "boris", "clerk", "determine_advice_need")
    assert town.events(case_id)[-1] == "determine_advice_need"


def test_who_has_no_key_here_cannot_act(town: Town, case_id: CaseId) -> None:
    with pytest.raises(Misconfigured):
        town.do(case_id, "nobody", "clerk", "determine_advice_need")
    assert town.held() == 0


@pytest.mark.parametrize("moment", ["before sending", "after sending", "before recording"])
def test_a_step_survives_the_death_of_its_process(
    town: Town, case_id: CaseId, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Died

    send = Lane.send

    def send_and_die(lane: Lane, *arguments: object) -> None:
        send(lane, *arguments)  # type: ignore[arg-type]
        raise Died

    with monkeypatch.context() as patch:
        if moment == "before recording":
            patch.setattr(Settler, "_record", die)
        else:
            patch.setattr(Lane, "send", die if moment == "before sending" else send_and_die)
        with pytest.raises(Died):
            town.do(case_id, "boris", "clerk", "determine_advice_need")
    assert (town.held(), len(town.events(case_id))) == (1, 2)
    with pytest.raises(Conflict, match="waits for the chain"):
        town.do(case_id, "boris", "clerk", "request_documents", missing="plan")
    town.enforcing.enforcer.wait(seconds=60)
    assert (town.held(), town.taken(case_id)) == (0, 3)
    assert town.events(case_id)[-1] == "determine_advice_need"
    town.do(case_id, "boris", "clerk", "request_documents", missing="plan")
    town.seal()
    assert town.audit().verdict is Verdict.FINAL


def test_without_a_chain_a_signed_step_waits(town: Town, case_id: CaseId, monkeypatch: pytest.MonkeyPatch) -> None:
    def silence(*_: object) -> None:
        raise Unreachable("Nobody answers.")

    with monkeypatch.context() as patch:
        patch.setattr(Lane, "settle", silence)
        with pytest.raises(Unreachable):
            town.enforcing.enforcer.advance(
                case_id, town.intent("boris", "clerk", "determine_advice_need"), seconds=0.2
            )
    assert (town.held(), len(town.events(case_id))) == (1, 2)
    town.enforcing.enforcer.wait(seconds=60)
    assert (town.held(), len(town.events(case_id))) == (0, 3)


def test_what_was_done_past_the_office_is_seen_from_a_mark_too(town: Town, case_id: CaseId) -> None:
    """Nothing is new in the database: only the contract has moved on."""
    town.seal()
    with town.ledger.read() as unit:
        auditor = Auditor(town.enforcing.policy, town.enforcing.chain.anchor)
        mark = auditor.audit(unit.cases, unit.log).mark
        assert mark is not None
        assert auditor.audit(unit.cases, unit.log, mark).verdict is Verdict.FINAL
        relay(town, case_id, "clara", "determine_advice_need")
        report = auditor.audit(unit.cases, unit.log, mark)
    assert [(each.tampering, each.sequence) for each in report.findings if each.case_id == case_id] == [("T03", 1)]
