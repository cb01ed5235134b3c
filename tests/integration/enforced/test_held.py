"""Signed steps that wait for their contract: relayed by others, refused, taken after all, spoilt in the database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from integration.enforced.conftest import Town
from ledger_automation.orchestrator.enforce import VALIDITY
from ledger_automation.orchestrator.submission import AlarmKind
from ledger_automation.orchestrator.submit import Lane
from ledger_automation.store.tables import HeldStepRow, table
from ledger_automation.values import CaseId


class Died(BaseException):
    """The process ended here."""


def stopped_before_sending(town: Town, case_id: CaseId, monkeypatch: pytest.MonkeyPatch, who: str) -> Any:
    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(Lane, "send", die)
        with pytest.raises(Died):
            town.do(case_id, who, "clerk", "determine_advice_need")
    with town.ledger.read() as unit:
        return unit.steps.held()[-1]


def test_a_step_that_somebody_else_relayed_is_recorded_all_the_same(
    town: Town, case_id: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = stopped_before_sending(town, case_id, monkeypatch, "boris")
    relayed(town, held)
    town.enforcing.enforcer.wait(seconds=60)
    assert town.events(case_id)[-1] == "determine_advice_need"
    with town.ledger.read() as unit:
        assert unit.anchors.of(held.subject) == []


def test_a_held_step_that_is_refused_later_is_named_and_let_go(
    town: Town, case_id: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_before_sending(town, case_id, monkeypatch, "boris")
    town.enforcing.admit("permit", "boris", ())
    (ended,) = town.enforcing.enforcer.settle()
    assert ended.refusal is not None
    assert (ended.refusal.error, ended.step) == ("RoleNotHeld", None)
    assert (town.held(), len(town.events(case_id))) == (0, 2)
    town.enforcing.admit("permit", "boris", ("clerk",))


def test_a_refused_step_that_the_contract_takes_after_all_is_recorded(
    town: Town, case_id: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever saw the signed step may show it again, once its signer has a seat: the office must still know it."""
    held = stopped_before_sending(town, case_id, monkeypatch, "boris")
    town.enforcing.admit("permit", "boris", ())
    (ended,) = town.enforcing.enforcer.settle()
    assert ended.refusal is not None
    town.enforcing.admit("permit", "boris", ("clerk",))
    assert town.enforcing.enforcer.settle() == [], "nobody showed it again yet"
    relayed(town, held)
    (taken,) = town.enforcing.enforcer.settle()
    assert taken.step is not None
    assert town.events(case_id)[-1] == "determine_advice_need"
    assert refused(town, case_id) == []
    assert town.do(case_id, "boris", "clerk", "request_documents", missing="plan").event.sequence == 3


def test_a_refused_step_is_forgotten_once_the_case_has_moved_on_or_its_deadline_passed(
    town: Town, case_id: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    for end in ("moved on", "too late"):
        stopped_before_sending(town, case_id, monkeypatch, "boris")
        town.enforcing.admit("permit", "boris", ())
        town.enforcing.enforcer.settle()
        assert len(refused(town, case_id)) == 1
        with monkeypatch.context() as patch:
            if end == "moved on":
                town.do(case_id, "clara", "clerk", "determine_advice_need")
            else:
                patch.setattr(town.ledger.recorder, "clock", lambda: datetime.now(UTC) + VALIDITY + timedelta(days=2))
            assert town.enforcing.enforcer.settle() == []
        assert refused(town, case_id) == []
        town.enforcing.admit("permit", "boris", ("clerk",))


@pytest.mark.parametrize("column", ["canonical", "salt", "documents"])
def test_one_held_row_that_is_spoilt_keeps_nobody_else(
    town: Town, case_id: CaseId, monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    other = town.open_case()
    town.do(other, "boris", "clerk", "acknowledge")
    good = stopped_before_sending(town, other, monkeypatch, "boris")
    stopped_before_sending(town, case_id, monkeypatch, "boris")
    with town.ledger.engine.begin() as connection:
        held_step = table(HeldStepRow)
        spoil = update(held_step).where(held_step.c.case_id == case_id)
        connection.execute(spoil.values({column: text("'no bytes at all'")}))
    ended = []
    while not ended:
        ended = town.enforcing.enforcer.settle()
    assert [each.held.case_id for each in ended] == [good.case_id]
    for _ in range(3):  # the contract may have taken it; only the row of what it took is spoilt
        town.enforcing.enforcer.settle()
    with town.ledger.begin() as unit:
        alarms = [alarm for alarm in unit.anchors.alarms() if alarm.kind is AlarmKind.HELD_STEP]
        assert [case_id in alarm.about for alarm in alarms] == [True]
        unit.anchors.quiet(AlarmKind.HELD_STEP, alarms[0].about)
        for each in unit.steps.held():
            unit.steps.release(each)
        unit.commit()


def refused(town: Town, case_id: CaseId) -> list[Any]:
    with town.ledger.read() as unit:
        return [each for each in unit.steps.refused() if each.case_id == case_id]


def relayed(town: Town, held: Any) -> None:
    connection = town.enforcing.chain.ledgers._connection
    request: Any = {
        "from": connection.web3.eth.accounts[5],
        "to": held.call.contract,
        "data": held.call.data,
        "gas": 300_000,
    }
    assert connection.mined(connection.web3.eth.send_transaction(request).to_0x_hex())["status"] == 1
