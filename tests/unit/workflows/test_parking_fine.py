"""The invariants of a fine (FI1-FI9), each with its attack before the lawful way."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_automation.errors import InvalidValue, TransitionNotAllowed
from ledger_automation.workflows import Actor, Case, Command, workflow
from ledger_automation.workflows.parking_fine import ITALIAN

Desks = Callable[..., Any]
SECOND = timedelta(seconds=1)
ITALY = msgspec.to_builtins(ITALIAN)


def german(desk: Desks) -> Any:
    fine = desk("parking_fine").do("record_fine", "clerk", amount=5_500).wait(days=1)
    return fine.do("send_hearing", "clerk").wait(days=10)


def german_served(desk: Desks) -> Any:
    return german(desk).do("send_notice", "clerk", expense=2_850).wait(days=3).do("record_service", "clerk")


def italian(desk: Desks) -> Any:
    fine = desk("parking_fine").do("record_fine", "clerk", amount=3_600, rules=ITALY).wait(days=20)
    return fine.do("send_notice", "system", expense=1_300).wait(days=10)


def italian_served(desk: Desks) -> Any:
    return italian(desk).do("record_service", "clerk")


def penalised(desk: Desks) -> Any:
    fine = italian_served(desk)
    return fine.until(fine.data.penalty_starts).do("add_penalty", "system", amount=7_400)


def test_german_law_hears_first(desk: Desks) -> None:
    fine = desk("parking_fine").do("record_fine", "clerk", amount=5_500)
    assert fine.refused("send_notice", "clerk", expense=2_850) == "hearing_first"
    assert fine.refused("appeal_to_authority", "applicant") == "nothing_to_appeal_yet"
    assert fine.do("send_hearing", "clerk").do("send_notice", "clerk", expense=2_850).state == "notice_sent"


@pytest.mark.parametrize("served", [german_served, italian_served])
def test_an_appeal_is_accepted_to_its_last_second_and_not_one_later(desk: Desks, served: Callable[..., Any]) -> None:
    fine = served(desk)
    ends = fine.data.appeal_ends
    assert fine.until(ends).refused("appeal_to_authority", "applicant") == "appeal_too_late"
    assert fine.until(ends - SECOND).do("appeal_to_authority", "applicant").state == "appealed_to_authority"


def test_the_german_term_is_two_weeks_from_service_and_moves_off_holidays(desk: Desks) -> None:
    fine = desk("parking_fine", at=datetime(2026, 4, 1, 8, tzinfo=UTC)).do("record_fine", "clerk", amount=5_500)
    fine.do("send_hearing", "clerk").do("send_notice", "clerk")
    fine.until(datetime(2026, 4, 17, 9, tzinfo=UTC)).do("record_service", "clerk")
    assert fine.data.appeal_ends == datetime(2026, 5, 4, 22, tzinfo=UTC)  # not 1 May, a holiday before a weekend


def test_the_italian_term_is_sixty_days_of_the_calendar(desk: Desks) -> None:
    fine = desk("parking_fine", at=datetime(2026, 1, 10, 8, tzinfo=UTC)).do(
        "record_fine", "clerk", amount=100, rules=ITALY
    )
    fine.do("send_notice", "system").until(datetime(2026, 2, 1, 12, tzinfo=UTC)).do("record_service", "clerk")
    assert fine.data.appeal_ends == datetime(2026, 4, 2, 22, tzinfo=UTC)  # 2 April, across the change of the clock
    assert fine.data.penalty_starts == datetime(2026, 4, 1, 22, tzinfo=UTC)


def test_an_appeal_in_time_suspends_escalation_until_its_decision_is_served(desk: Desks) -> None:
    fine = italian_served(desk).wait(days=30).do("appeal_to_authority", "applicant").wait(days=400)
    assert fine.refused("add_penalty", "system", amount=7_400) == "suspended_by_appeal"
    assert fine.refused("send_to_collection", "finance") == "suspended_by_appeal"
    assert fine.refused("appeal_to_court", "applicant") == "one_appeal_at_a_time"
    assert fine.refused("serve_decision", "clerk") == "decision_first"
    fine.do("forward_appeal", "clerk").do("decide_appeal", "approver", outcome="upheld")
    assert fine.refused("add_penalty", "system", amount=7_400) == "suspended_by_appeal"
    assert fine.refused("decide_appeal", "approver", outcome="dismissed") == "decided_once"
    assert fine.do("serve_decision", "clerk").state == "notified"
    assert fine.refused("appeal_to_authority", "applicant") == "appeal_too_late"
    assert fine.do("add_penalty", "system", amount=7_400).state == "penalty_added"
    assert fine.refused("send_to_collection", "finance") == "collection_too_early"  # the way to the court is open
    assert fine.wait(days=31).do("send_to_collection", "finance").state == "in_collection"


def test_the_penalty_is_a_tariff_that_replaces_the_amount_on_its_day_once(desk: Desks) -> None:
    fine = italian_served(desk)
    starts = fine.data.penalty_starts
    assert fine.until(starts - SECOND).refused("add_penalty", "system", amount=7_400) == "penalty_too_early"
    assert fine.until(starts).refused("add_penalty", "clerk", amount=7_400) == "wrong_role"
    assert fine.refused("add_penalty", "system", amount=3_599) == "penalty_below_amount"
    assert fine.do("add_penalty", "system", amount=7_400).data.due == 7_400 + 1_300
    assert fine.refused("add_penalty", "system", amount=9_000) == "penalty_once"


def test_german_rules_know_no_penalty(desk: Desks) -> None:
    fine = german_served(desk).wait(days=90)
    assert fine.refused("add_penalty", "system", amount=9_000) == "no_penalty_in_these_rules"


def test_the_amount_is_fixed_after_service(desk: Desks) -> None:
    fine = italian(desk).do("correct_amount", "clerk", amount=3_500).do("record_service", "clerk")
    assert fine.refused("correct_amount", "clerk", amount=1) == "amount_fixed_after_service"
    assert fine.refused("record_service", "clerk") == "served_once"
    assert fine.refused("send_notice", "clerk", expense=5) == "notice_sent_once"
    assert fine.data.due == 3_500 + 1_300


def test_nothing_escalates_before_service(desk: Desks) -> None:
    fine = italian(desk).wait(days=300)
    assert fine.refused("add_penalty", "system", amount=7_400) == "not_served_yet"
    assert fine.refused("send_to_collection", "finance") == "not_served_yet"


def test_partial_payments_settle_at_the_last_cent_and_nothing_follows(desk: Desks) -> None:
    fine = penalised(desk).do("record_payment", "finance", amount=4_900)
    assert fine.state == "penalty_added"
    assert fine.do("record_payment", "finance", amount=3_800).state == "settled"
    assert fine.refused("record_payment", "finance", amount=1) == "payment_although_settled"
    assert fine.refused("send_to_collection", "finance") == "collection_although_settled"
    assert fine.refused("appeal_to_authority", "applicant") == "nothing_after_settled"
    assert fine.refused("refund", "finance", amount=1) == "not_in_state"


def test_a_fine_paid_at_once_never_gets_a_notice(desk: Desks) -> None:
    fine = desk("parking_fine").do("record_fine", "clerk", amount=2_000).do("record_payment", "finance", amount=2_000)
    assert fine.state == "settled"
    assert fine.refused("send_hearing", "clerk") == "nothing_after_settled"


def test_overpayment_waits_for_its_exact_refund_which_happens_once(desk: Desks) -> None:
    fine = penalised(desk).do("record_payment", "finance", amount=9_000)
    assert fine.state == "overpaid"
    assert fine.refused("record_payment", "finance", amount=1) == "payment_although_settled"
    assert fine.refused("refund", "finance", amount=301) == "refund_is_what_was_overpaid"
    assert fine.refused("refund", "clerk", amount=300) == "wrong_role"
    assert fine.do("refund", "finance", amount=300).state == "settled"
    assert fine.refused("refund", "finance", amount=300) == "not_in_state"


def test_a_dismissal_cancels_what_is_due_and_gives_back_what_was_paid_once(desk: Desks) -> None:
    fine = italian_served(desk).do("record_payment", "finance", amount=1_000).do("appeal_to_authority", "applicant")
    assert fine.refused("decide_appeal", "approver:clerk-1", outcome="dismissed") == "nobody_decides_in_own_case"
    assert fine.do("decide_appeal", "approver", outcome="dismissed").state == "dismissed"
    assert fine.data.due == 0
    assert fine.refused("record_payment", "finance", amount=1) == "nothing_after_dismissed"
    assert fine.do("refund", "finance", amount=1_000).state == "dismissed"
    assert fine.refused("refund", "finance", amount=1_000) == "refund_is_what_was_overpaid"


def test_collection_takes_the_payment_itself(desk: Desks) -> None:
    fine = penalised(desk).wait(days=1).do("send_to_collection", "finance", batch="2026-07")
    assert fine.refused("record_payment", "finance", amount=8_700) == "payment_after_collection"
    assert fine.refused("appeal_to_court", "applicant") == "in_collection_already"
    assert fine.do("record_collected", "finance", amount=8_000).state == "in_collection"
    assert fine.do("record_collected", "finance", amount=700).state == "settled"


def test_an_irrecoverable_fine_is_written_off_with_a_reason(desk: Desks) -> None:
    fine = penalised(desk).do("send_to_collection", "finance")
    with pytest.raises(InvalidValue):
        fine.do("write_off", "finance", reason="")
    assert fine.do("write_off", "finance", reason="insolvent").state == "written_off"
    assert fine.refused("record_collected", "finance", amount=1) == "payment_although_settled"


def test_the_court_comes_after_the_authority_in_german_law(desk: Desks) -> None:
    fine = german_served(desk)
    assert fine.refused("appeal_to_court", "applicant") == "authority_first"
    fine.do("appeal_to_authority", "applicant").wait(days=20).do("decide_appeal", "approver", outcome="upheld")
    fine.do("serve_decision", "clerk")
    ends = fine.data.court_ends
    assert fine.until(ends).refused("appeal_to_court", "applicant") == "court_appeal_too_late"
    assert fine.until(ends - SECOND).do("appeal_to_court", "applicant").state == "appealed_to_court"
    assert fine.do("decide_appeal", "approver", outcome="dismissed").state == "dismissed"


def test_an_appeal_that_is_withdrawn_cannot_come_back(desk: Desks) -> None:
    fine = italian_served(desk).do("appeal_to_authority", "applicant").do("withdraw_appeal", "applicant")
    assert fine.state == "notified"
    assert fine.refused("forward_appeal", "clerk") == "no_appeal_pending"
    assert fine.wait(days=1).refused("appeal_to_authority", "applicant") == "appeal_too_late"


def test_who_appeals_first_is_whom_the_fine_concerns_and_nobody_else_acts_as_he(desk: Desks) -> None:
    fine = italian_served(desk).do("appeal_to_authority", "applicant:anna")
    assert fine.data.person_concerned == "anna"
    assert fine.refused("withdraw_appeal", "applicant:boris") == "own_case_only"
    fine.do("decide_appeal", "approver", outcome="upheld").do("serve_decision", "clerk")
    assert fine.refused("appeal_to_court", "applicant:boris") == "own_case_only"
    assert fine.do("appeal_to_court", "applicant:anna").do("withdraw_appeal", "applicant:anna").state == "notified"


def test_whom_a_fine_concerns_does_not_decide_on_it(desk: Desks) -> None:
    fine = italian(desk).do("appeal_to_authority", "applicant:anna")
    assert fine.refused("forward_appeal", "clerk:anna") == "nobody_decides_in_own_case"
    assert fine.refused("decide_appeal", "approver:anna", outcome="dismissed") == "nobody_decides_in_own_case"
    assert fine.refused("cancel_fine", "approver:anna", reason="x") == "nobody_decides_in_own_case"
    assert fine.refused("correct_amount", "clerk:anna", amount=1) == "nobody_decides_in_own_case"
    fine.do("withdraw_appeal", "applicant:anna").do("record_service", "clerk")
    fine.until(fine.data.collection_starts).do("send_to_collection", "finance")
    assert fine.refused("write_off", "finance:anna", reason="x") == "nobody_decides_in_own_case"
    assert fine.do("write_off", "finance:emil", reason="insolvent").state == "written_off"


def test_a_fine_whose_appeal_was_over_before_its_service_is_served_and_the_appeal_stays_over(desk: Desks) -> None:
    fine = italian(desk).do("appeal_to_authority", "applicant").wait(days=1).do("withdraw_appeal", "applicant")
    over = fine.at
    fine.wait(days=1).do("record_service", "clerk")
    assert (fine.state, fine.data.appeal_ends, fine.data.court_ends) == ("notified", over, over)
    assert fine.refused("appeal_to_authority", "applicant") == "appeal_too_late"
    assert fine.refused("appeal_to_court", "applicant") == "court_appeal_too_late"
    assert fine.refused("record_service", "clerk") == "served_once"
    assert fine.until(fine.data.penalty_starts).do("add_penalty", "system", amount=7_400).state == "penalty_added"


def test_a_decision_before_service_leaves_the_way_to_the_court_as_long_as_it_says(desk: Desks) -> None:
    fine = italian(desk).do("appeal_to_authority", "applicant").do("decide_appeal", "approver", outcome="upheld")
    ends = fine.do("serve_decision", "clerk").data.court_ends
    assert fine.wait(days=1).do("record_service", "clerk").data.court_ends == ends
    assert fine.refused("appeal_to_authority", "applicant") == "appeal_too_late"
    assert fine.until(ends - SECOND).do("appeal_to_court", "applicant").state == "appealed_to_court"


def test_an_appeal_does_not_stand_for_the_hearing(desk: Desks) -> None:
    rules = {**ITALY, "hearing_required": True}
    fine = desk("parking_fine").do("record_fine", "clerk", amount=3_600, rules=rules)
    fine.do("appeal_to_authority", "applicant")
    assert fine.refused("send_notice", "clerk") == "hearing_first"
    fine.do("withdraw_appeal", "applicant").do("send_hearing", "clerk")
    assert fine.do("send_notice", "clerk").state == "notice_sent"


def test_time_does_not_run_backwards(desk: Desks) -> None:
    fine = italian(desk)
    assert fine.wait(days=-10, seconds=-1).refused("record_service", "clerk") == "before_previous_step"


@pytest.mark.parametrize("amount", [0, -1, 2**53, 1.5, "12", True])
def test_an_amount_is_a_positive_number_of_cents(desk: Desks, amount: object) -> None:
    with pytest.raises(InvalidValue):
        desk("parking_fine").do("record_fine", "clerk", amount=amount)


ACTIONS = [action for action in workflow("parking_fine").transitions if action != "record_fine"]
PAYLOADS: dict[str, dict[str, Any]] = {
    "write_off": {"reason": "x"},
    "cancel_fine": {"reason": "x"},
    "decide_appeal": {"outcome": "upheld"},
}
MONEY = {"correct_amount", "add_penalty", "record_payment", "record_collected", "refund"}


@settings(max_examples=150, deadline=None)
@given(
    st.booleans(), st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(1, 60), st.integers(0, 40)), max_size=25)
)
def test_whatever_is_tried_money_and_state_agree(italy: bool, tries: list[tuple[str, int, int]]) -> None:
    law = workflow("parking_fine")
    at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    rules = {"rules": ITALY} if italy else {}
    case: Case = law.apply(None, Command("record_fine", Actor("a", "clerk"), {"amount": 40, **rules}), at).case
    for action, amount, days in tries:
        at += timedelta(days=days)
        payload = {"amount": amount} if action in MONEY else PAYLOADS.get(action, {})
        role = law.transition(action).roles[0]
        try:
            after = law.apply(case, Command(action, Actor("b", role), payload), at).case
        except TransitionNotAllowed:
            continue
        assert after.state in law.transition(action).targets
        assert case.state not in law.final or action == "refund"
        fine, case = after.data, after
        balance = fine.paid - fine.refunded - fine.due
        assert 0 <= fine.refunded <= fine.paid
        assert {"settled": balance == 0, "overpaid": balance > 0}.get(after.state, True)
        assert balance < 0 or after.state in {"settled", "overpaid", "dismissed"}
