"""One insider with the database, the log's key and one seat tells the contract another story than the events tell.

The contract lets one member decide alone where a case's rules say so. The insider writes events of two officers under
rules that want two, and tells the contract of one officer under rules that want one. Law, log and anchor have nothing
to object to; only that the signed words are not what the law makes of the events gives it away.
"""

import pytest

from integration.enforced.conftest import Town
from ledger_automation.audit.enforced import ActorSignature, Blinded, Domain, EnforcedStep, Link
from ledger_automation.errors import Contradiction
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.values import CaseId
from ledger_automation.verify import signatures
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier
from ledger_automation.workflows import workflow
from ledger_automation.workflows._enforcement import Enforcement
from ledger_automation.workflows.permit import table

FOUR_EYES = 1 << 98


@pytest.fixture
def forged(town: Town, monkeypatch: pytest.MonkeyPatch) -> CaseId:
    """A permit that Boris seems to have proposed and Clara granted; Clara alone signed and decided it."""
    enforcing = town.enforcing
    sign, number = type(enforcing.chain.actors).sign, Blinded.member
    law = workflow("permit").enforcement
    assert law is not None

    def without_four_eyes(case: object, step: object, names: object) -> tuple[int, ...]:
        first, *others = law.arguments["submit_application"](case, step, names)  # type: ignore[arg-type]
        return first & ~FOUR_EYES, *others

    def facts(case: object, names: object) -> tuple[int, ...]:
        first, *others = law.facts(case, names)  # type: ignore[arg-type]
        return first & ~FOUR_EYES, *others

    told = Enforcement(law.contract, law.states, facts, {**law.arguments, "submit_application": without_four_eyes})
    with monkeypatch.context() as patch:
        patch.setattr(table.WORKFLOW, "enforcement", told)
        patch.setattr(Blinded, "member", lambda names, who: number(names, "clara" if who == "boris" else who))
        patch.setattr(type(enforcing.chain.actors), "sign", lambda actors, _, digest: sign(actors, "clara", digest))
        opened = enforcing.enforcer.open_case(
            workflow("permit"), town.intent("boris", "clerk", "submit_application", subject="villa", applicant="nora")
        )
        case_id = CaseId(opened.event.case_id)
        town.do(case_id, "boris", "clerk", "acknowledge")
        town.do(case_id, "boris", "clerk", "propose_decision", outcome="granted")
        town.do(case_id, "clara", "approver", "grant")
        town.seal()
    return case_id


def test_who_acts_as_two_is_found_by_stranger_and_auditor(town: Town, forged: CaseId) -> None:
    for secret in (b"", town.enforcing.secret):
        with town.ledger.read() as unit:
            report = Auditor(town.enforcing.policy, town.enforcing.chain.anchor, (), secret).audit(unit.cases, unit.log)
        ours = [(each.tampering, each.column) for each in report.findings if each.case_id == forged]
        assert ours == [("T06", "signature")]
    with town.ledger.read() as unit:
        receipt = issue(unit, forged)
    assert Verifier(town.enforcing.policy, town.enforcing.chain.anchor).verify(receipt).verdict is Verdict.CONTRADICTED


def test_nothing_else_would_find_it(town: Town, forged: CaseId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "_check_words", lambda *_: None)
    monkeypatch.setattr(signatures.Numbers, "note", lambda *_: None)
    assert not [each for each in town.audit().findings if each.case_id == forged]


def test_two_who_are_only_named_may_share_a_number_and_two_who_sign_may_not() -> None:
    """Of ten thousand applicants two share 32 bits in one log of a hundred: no alarm. Of one seat two people: one."""
    numbers, before = signatures.Numbers(), signed_by(7, {"clara": 7, "nora": 9})
    numbers.note(before, "clara", {})
    numbers.note(signed_by(7, {"clara": 7, "fritz": 9}), "clara", {})
    with pytest.raises(Contradiction, match="share the number 9"):
        numbers.note(signed_by(7, {"clara": 7, "fritz": 9}), "clara", {9: "nora"})
    with pytest.raises(Contradiction, match="share the number 7"):
        numbers.note(signed_by(7, {"boris": 7}), "boris", {})
    with pytest.raises(Contradiction, match="another number"):
        numbers.note(signed_by(8, {"clara": 8}), "clara", {})


def signed_by(number: int, members: dict[str, int]) -> ActorSignature:
    step = EnforcedStep(Link(b"\x01" * 16), b"\x02" * 32, number << 128, ())
    return ActorSignature.of(step, (), members, Domain("permit", 1, b"\x03" * 20), (b"\x04" * 20, b""))
