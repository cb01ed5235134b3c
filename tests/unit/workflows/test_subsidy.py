"""The invariants of a subsidy (TR1-TR9), each with its attack before the lawful way; and the findings of Wismar."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_automation.errors import InvalidValue, TransitionNotAllowed
from ledger_automation.workflows import Actor, Case, Command, workflow
from ledger_automation.workflows.money import share_of
from ledger_automation.workflows.subsidy import findings

Desks = Callable[..., Any]
SECOND = timedelta(seconds=1)
PLANNED = 183_416_998
RULES = {"call_ends": "2019-05-17", "resolution_due": "2019-06-24"}
WISMAR = {
    "applicant": "wismar",
    "kind": "municipality",
    "planned": PLANNED,
    "own_share": 18_341_701,
    "budget_emergency": True,
    "cost_plan": [
        {"item": "strategy", "year": 2020, "amount": PLANNED - 5},
        {"item": "rest", "year": 2021, "amount": 5},
    ],
    "own_share_proof": "VO/2019/3113",
    "resolution_expected": "2019-06-27",
}


def programme(desk: Desks, **rules: Any) -> Any:
    at = datetime(2019, 4, 1, 8, tzinfo=UTC)
    return desk("subsidy", at=at).do("open_programme", "clerk", title="Modellprojekte", rules={**RULES, **rules})


def checked(desk: Desks, **rules: Any) -> Any:
    case = (
        programme(desk, **rules).until(datetime(2019, 5, 16, 9, tzinfo=UTC)).do("apply", "applicant:wismar-1", **WISMAR)
    )
    return case.wait(days=3).do("check_application", "clerk:olga")


def granted(desk: Desks, *, amount: int = 100_000, **more: Any) -> Any:
    rules = more.pop("rules", {})
    case = checked(desk, **rules).until(datetime(2019, 7, 1, 9, tzinfo=UTC))
    case.do("record_resolution", "applicant:wismar-1", reference="3113", resolved_on="2019-06-27")
    given = {"rate": 9_000, "starts": "2019-07-01", "ends": "2023-12-31", "advance": 60_000, **more}
    return case.do("grant", "approver:paul", amount=amount, **given)


def requested(desk: Desks, *, amount: int = 40_000, expenditure: int = 0, **more: Any) -> Any:
    case = granted(desk, **more)
    return ask(case, 1, amount, expenditure)


def ask(case: Any, number: int, amount: int, expenditure: int = 0) -> Any:
    given = {"number": number, "amount": amount, "payee": "wismar-account", "expenditure": expenditure}
    return case.do("request_tranche", "applicant:wismar-1", **given)


def paid(desk: Desks, **more: Any) -> Any:
    return (
        requested(desk, **more)
        .do("approve_tranche", "approver:paul", number=1)
        .do("disburse_tranche", "finance:frieda", number=1)
    )


def conserved(case: Any) -> bool:
    money = case.data.grant
    return bool(money.amount == money.disbursed + money.open + money.cancelled)


def test_the_ledger_finds_by_itself_what_an_auditor_would_ask_of_wismar(desk: Desks) -> None:
    case = programme(desk).until(datetime(2019, 5, 16, 9, tzinfo=UTC)).do("apply", "applicant", **WISMAR)
    share, resolution = findings(case.data)
    assert (share.rule, share.expected, share.actual, share.difference) == (
        "own_share_differs", 18_341_700, 18_341_701, 1,
    )  # fmt: skip
    assert "differs by one cent from 10 % of the planned 1834169.98 EUR" in share.sentence
    assert (resolution.rule, resolution.difference) == ("resolution_late", 3)
    assert "was expected on 2019-06-27, 3 days after its deadline of 2019-06-24" in resolution.sentence


@pytest.mark.parametrize(("stated", "off"), [(18_341_700, None), (18_341_699, -1), (18_351_700, 10_000)])
def test_findings_are_computed_not_remembered(desk: Desks, stated: int, off: int | None) -> None:
    given = {**WISMAR, "own_share": stated, "resolution_expected": "2019-06-24"}
    case = programme(desk).do("apply", "applicant", **given)
    assert [each.difference for each in findings(case.data)] == ([] if off is None else [off])


def test_without_budget_emergency_the_own_share_is_35_percent(desk: Desks) -> None:
    case = programme(desk).do("apply", "applicant", **{**WISMAR, "budget_emergency": False})
    (share, _) = findings(case.data)
    assert share.expected == share_of(PLANNED, 3_500)


def test_an_unproven_use_is_a_finding_after_its_term(desk: Desks) -> None:
    case = paid(desk)
    late = case.data.tranches[0].use_ends + timedelta(days=2)
    assert "use_unproven" not in {each.rule for each in findings(case.data, case.at)}
    assert "use_unproven" in {each.rule for each in findings(case.data, late)}


def test_an_application_is_accepted_to_the_last_second_of_the_call(desk: Desks) -> None:
    ends = datetime(2019, 5, 17, 22, tzinfo=UTC)
    assert programme(desk).until(ends).refused("apply", "applicant", **WISMAR) == "application_too_late"
    assert programme(desk).until(ends - SECOND).do("apply", "applicant", **WISMAR).state == "applied"
    never = programme(desk, call_ends="9999-12-31")
    assert never.until(ends).do("apply", "applicant", **WISMAR).state == "applied", "there is no day after that one"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"kind": "club"}, "applicant_not_eligible"),
        ({"cost_plan": []}, "cost_plan_does_not_add_up"),
        ({"planned": PLANNED + 1}, "cost_plan_does_not_add_up"),
        ({"own_share_proof": ""}, "own_share_proof_missing"),
    ],
)
def test_an_incomplete_application_is_refused_by_name(desk: Desks, change: dict[str, Any], rule: str) -> None:
    assert programme(desk).refused("apply", "applicant", **{**WISMAR, **change}) == rule


def test_a_grant_needs_check_resolution_other_eyes_and_the_programmes_rate(desk: Desks) -> None:
    grant = {"amount": 100, "rate": 9_000}
    case = programme(desk).do("apply", "applicant:wismar-1", **WISMAR)
    assert case.refused("grant", "approver:paul", **grant) == "check_first"
    assert case.refused("check_application", "clerk:wismar-1") == "nobody_decides_in_own_case"
    case.do("check_application", "clerk:paul")
    assert case.refused("grant", "approver:paul", **grant) == "four_eyes"
    assert case.refused("grant", "approver:petra", **grant) == "resolution_missing"
    case.do("record_resolution", "applicant:wismar-1", reference="3113", resolved_on="2019-06-27")
    assert case.refused("grant", "approver:petra", amount=100, rate=9_001) == "rate_beyond_programme"
    limit = share_of(PLANNED, 9_000)
    assert case.refused("grant", "approver:petra", amount=limit + 1, rate=9_000) == "grant_beyond_rate"
    reversed_period = {"starts": "2020-01-02", "ends": "2020-01-01"}
    assert case.refused("grant", "approver:petra", **grant, **reversed_period) == "period_reversed"
    assert case.do("grant", "approver:petra", amount=limit, rate=9_000).state == "granted"


def test_tr1_tranches_never_exceed_the_grant_less_its_reductions(desk: Desks) -> None:
    case = requested(desk)
    more = {"number": 2, "payee": "wismar-account"}
    assert case.refused("request_tranche", "applicant:wismar-1", amount=60_001, **more) == "beyond_grant"
    case.do("approve_tranche", "approver:paul", number=1).do("disburse_tranche", "finance:frieda", number=1)
    case.do("reduce_grant", "approver:paul", amount=10_000, reason="cheaper tender")
    assert case.refused("request_tranche", "applicant:wismar-1", amount=50_001, **more) == "beyond_grant"
    assert case.do("request_tranche", "applicant:wismar-1", amount=50_000, **more).data.grant.open == 50_000
    assert conserved(case)


def test_tr2_each_tranche_is_paid_once(desk: Desks) -> None:
    case = paid(desk)
    assert case.refused("disburse_tranche", "finance:frieda", number=1) == "tranche_paid_already"
    again = {"number": 1, "amount": 1, "payee": "wismar-account"}
    assert case.refused("request_tranche", "applicant:wismar-1", **again) == "tranche_once"
    assert case.refused("disburse_tranche", "finance:frieda", number=9) == "tranche_unknown"


def test_tr3_none_before_its_conditions(desk: Desks) -> None:
    conditions = [{"name": "building permit"}, {"name": "tender", "from_tranche": 2}]
    case = requested(desk, conditions=conditions)
    assert case.refused("disburse_tranche", "finance:frieda", number=1) == "tranche_not_approved"
    assert case.refused("approve_tranche", "approver:paul", number=1) == "conditions_open"
    assert case.refused("meet_condition", "clerk", name="sunshine", evidence="x") == "condition_unknown"
    case.do("meet_condition", "clerk", name="building permit", evidence="no. 7")
    assert case.refused("meet_condition", "clerk", name="building permit", evidence="x") == "condition_unknown"
    assert case.do("approve_tranche", "approver:paul", number=1).state == "granted"


def test_tr4_requester_approver_payer_and_payee_are_different(desk: Desks) -> None:
    case = requested(desk)
    assert case.refused("approve_tranche", "approver:wismar-1", number=1) == "requester_approves"
    assert case.refused("approve_tranche", "approver:wismar-account", number=1) == "payee_acts"
    assert case.refused("approve_tranche", "clerk:paul", number=1) == "wrong_role"
    case.do("approve_tranche", "approver:paul", number=1)
    assert case.refused("disburse_tranche", "finance:paul", number=1) == "order_and_payment_apart"
    assert case.refused("disburse_tranche", "finance:wismar-1", number=1) == "order_and_payment_apart"
    assert case.refused("disburse_tranche", "finance:wismar-account", number=1) == "payee_acts"


def test_who_acts_as_applicant_acts_in_his_own_case_only(desk: Desks) -> None:
    case = checked(desk)
    resolution = {"reference": "3113", "resolved_on": "2019-06-27"}
    assert case.refused("record_resolution", "applicant:stralsund", **resolution) == "own_case_only"
    assert case.refused("withdraw_application", "applicant:stralsund", reason="x") == "own_case_only"
    case.do("return_application", "clerk:olga", reason="amend")
    assert case.refused("apply", "applicant:stralsund", **WISMAR) == "own_case_only"
    case = granted(desk)
    asked = {"number": 1, "amount": 1, "payee": "wismar-account"}
    assert case.refused("request_tranche", "applicant:stralsund", **asked) == "own_case_only"
    case.do("request_tranche", "applicant:wismar", **asked)  # the applicant himself, not who handed in for him
    assert case.refused("return_tranche", "applicant:stralsund", number=1, reason="x") == "own_case_only"
    case = paid(desk)
    proof = {"number": 1, "expenditure": 40_000, "reference": "x"}
    assert case.refused("prove_use", "applicant:stralsund", **proof) == "own_case_only"
    case.do("prove_use", "applicant:wismar", **proof)
    assert case.refused("submit_final_proof", "applicant:stralsund", **FINAL) == "own_case_only"


@pytest.mark.parametrize("who", ["wismar", "wismar-1"])
def test_who_applied_decides_nothing_after_the_grant(desk: Desks, who: str) -> None:
    def barred(case: Any, action: str, role: str, **payload: Any) -> None:
        assert case.refused(action, f"{role}:{who}", **payload) == "nobody_decides_in_own_case", action

    case = granted(desk, conditions=[{"name": "tender", "from_tranche": 2}])
    barred(case, "meet_condition", "clerk", name="tender", evidence="x")
    barred(case, "change_rate", "approver", rate=8_000, reason="x")
    barred(case, "reduce_grant", "approver", amount=1, reason="x")
    barred(case, "cancel_rest", "approver", reason="x")
    other = "wismar" if who == "wismar-1" else "wismar-1"
    case.do("request_tranche", f"applicant:{other}", number=1, amount=40_000, payee="wismar-account")
    barred(case, "endorse_tranche", "clerk", number=1)
    barred(case, "approve_tranche", "approver", number=1)
    case.do("approve_tranche", "approver:paul", number=1)
    barred(case, "disburse_tranche", "finance", number=1)
    case.do("disburse_tranche", "finance:frieda", number=1)
    barred(case, "reclaim", "auditor", number=1, amount=1, reason="so that nobody asks for a proof")
    case.do("prove_use", f"applicant:{who}", number=1, expenditure=45_000, reference="x")
    barred(case, "accept_use", "auditor", number=1)
    case.do("submit_final_proof", f"applicant:{who}", **FINAL)
    barred(case, "return_final_proof", "auditor", reason="x")
    barred(case, "close", "auditor")


def test_tr5_payments_stay_within_the_rate_of_what_is_proven(desk: Desks) -> None:
    case = requested(desk, advance=0, expenditure=44_443).do("approve_tranche", "approver:paul", number=1)
    assert case.refused("disburse_tranche", "finance:frieda", number=1) == "beyond_rate_of_proven"
    case.do("return_tranche", "clerk", number=1, reason="one voucher is missing")
    ask(case, 1, 40_000, 44_444).do("approve_tranche", "approver:paul", number=1)  # 90 % of 444.44 is 400.00 rounded
    assert case.do("disburse_tranche", "finance:frieda", number=1).data.grant.disbursed == 40_000


def test_tr5_own_funds_come_first_where_the_programme_says_so(desk: Desks) -> None:
    own = WISMAR["own_share"]
    rules = {"own_funds": "first"}
    case = requested(desk, advance=0, expenditure=own + 39_999, rules=rules)
    case.do("approve_tranche", "approver:paul", number=1)
    assert case.refused("disburse_tranche", "finance:frieda", number=1) == "own_funds_first"
    case.do("return_tranche", "clerk", number=1, reason="own funds are not spent yet")
    ask(case, 1, 40_000, own + 40_000).do("approve_tranche", "approver:paul", number=1)
    assert case.do("disburse_tranche", "finance:frieda", number=1).data.grant.open == 60_000


def test_no_further_tranche_while_an_earlier_use_is_unproven_after_its_term(desk: Desks) -> None:
    case = ask(paid(desk, advance=100_000), 2, 1_000).do("approve_tranche", "approver:paul", number=2)
    case.until(case.data.tranches[0].use_ends)
    assert case.refused("disburse_tranche", "finance:frieda", number=2) == "earlier_use_unproven"
    case.do("prove_use", "applicant:wismar-1", number=1, expenditure=40_000, reference="vouchers 1-9")
    assert case.do("disburse_tranche", "finance:frieda", number=2).data.grant.disbursed == 41_000


def test_tr7_nothing_after_revocation_but_reclaim_and_repayment(desk: Desks) -> None:
    case = ask(paid(desk), 2, 1_000).do("approve_tranche", "approver:paul", number=2)
    case.do("revoke", "approver:paul", reason="used for something else")
    assert case.data.grant.open == 0
    assert conserved(case)
    for action, actor, payload in (
        ("disburse_tranche", "finance:frieda", {"number": 2}),
        ("request_tranche", "applicant:wismar-1", {"number": 3, "amount": 1, "payee": "x"}),
        ("change_rate", "approver", {"rate": 1, "reason": "x"}),
    ):
        assert case.refused(action, actor, **payload) == "nothing_after_revocation"
    reclaim = {"number": 1, "reason": "revoked"}
    assert case.refused("reclaim", "approver", amount=40_001, **reclaim) == "reclaim_beyond_disbursed"
    case.do("reclaim", "approver", amount=30_000, **reclaim)
    assert case.refused("reclaim", "approver", amount=10_001, **reclaim) == "reclaim_beyond_disbursed"
    assert case.refused("record_repayment", "finance", number=1, amount=30_001) == "repayment_beyond_reclaim"
    assert case.do("record_repayment", "finance", number=1, amount=30_000).state == "revoked"
    assert case.refused("reclaim", "approver", number=2, amount=1, reason="x") == "reclaim_beyond_disbursed"


FINAL = {
    "report": "Sachbericht of 2023",
    "figures": [{"item": "strategy", "planned": PLANNED, "actual": 50_000}],
    "vouchers": [{"number": "1", "paid_on": "2020-02-01", "amount": 50_000}],
}


def test_a_case_closes_after_the_final_proof_and_cancels_what_is_left(desk: Desks) -> None:
    case = paid(desk)
    assert case.refused("submit_final_proof", "applicant:wismar-1", **FINAL) == "use_not_proven"
    case.do("prove_use", "applicant:wismar-1", number=1, expenditure=45_000, reference="vouchers")
    vouchers = [{"number": "1", "paid_on": "2020-02-01", "amount": 49_999}]
    assert (
        case.refused("submit_final_proof", "applicant:wismar-1", **{**FINAL, "vouchers": vouchers})
        == "vouchers_do_not_add_up"
    )
    less = {"figures": [{"item": "a", "planned": 1, "actual": 44_999}], "vouchers": [{**vouchers[0], "amount": 44_999}]}
    assert case.refused("submit_final_proof", "applicant:wismar-1", **{**FINAL, **less}) == "final_proof_below_tranches"
    case.do("accept_use", "auditor", number=1)
    case.do("submit_final_proof", "applicant:wismar-1", **FINAL)
    case.do("return_final_proof", "auditor", reason="page 3 is missing").do(
        "submit_final_proof", "applicant:wismar-1", **FINAL
    )
    case.do("close", "auditor")
    assert (case.state, case.data.grant.cancelled) == ("closed", 60_000)
    assert conserved(case)
    assert case.refused("reduce_grant", "approver", amount=1, reason="x") == "nothing_after_closure"
    assert case.do("reclaim", "auditor", number=1, amount=1, reason="audit").state == "closed"


def test_a_tranche_that_waits_holds_reductions_and_the_final_proof(desk: Desks) -> None:
    case = requested(desk)
    assert case.refused("reduce_grant", "approver", amount=1, reason="x") == "tranche_waiting"
    assert case.refused("cancel_rest", "approver", reason="x") == "tranche_waiting"
    assert case.refused("submit_final_proof", "applicant:wismar-1", **FINAL) == "tranche_waiting"
    case.do("return_tranche", "applicant:wismar-1", number=1, reason="not needed")
    assert case.refused("reduce_grant", "approver", amount=100_001, reason="x") == "reduction_beyond_open"
    assert case.do("cancel_rest", "approver", reason="project ended").data.grant.open == 0
    assert case.refused("cancel_rest", "approver", reason="x") == "nothing_open"


def test_tr9_money_moves_within_the_period_only(desk: Desks) -> None:
    late = requested(desk).do("approve_tranche", "approver:paul", number=1)
    late.until(datetime(2023, 12, 31, 23, tzinfo=UTC))
    assert late.refused("disburse_tranche", "finance:frieda", number=1) == "outside_period"
    more = {"number": 2, "amount": 1, "payee": "x"}
    assert late.refused("request_tranche", "applicant:wismar-1", **more) == "outside_period"
    assert late.until(datetime(2023, 12, 31, 22, 59, 59, tzinfo=UTC)).do("disburse_tranche", "finance", number=1)


def test_a_changed_rate_counts_for_the_next_payment(desk: Desks) -> None:
    case = requested(desk, advance=0, expenditure=50_000).do("approve_tranche", "approver:paul", number=1)
    assert case.refused("change_rate", "approver", rate=9_500, reason="x") == "rate_beyond_programme"
    case.do("change_rate", "approver", rate=7_000, reason="no budget emergency any more")
    assert case.refused("disburse_tranche", "finance:frieda", number=1) == "beyond_rate_of_proven"


def test_nothing_of_money_happens_before_the_grant(desk: Desks) -> None:
    case = checked(desk)
    assert case.refused("request_tranche", "applicant:wismar-1", number=1, amount=1, payee="x") == "not_granted_yet"
    assert case.refused("reclaim", "approver", number=1, amount=1, reason="x") == "not_granted_yet"
    assert (
        case.do("return_application", "clerk", reason="amend").do("apply", "applicant:wismar-1", **WISMAR).state
        == "applied"
    )
    assert case.do("withdraw_application", "applicant:wismar-1", reason="x").state == "withdrawn"


@pytest.mark.parametrize("amount", [0, -1, 2**53, 0.5])
def test_amounts_are_whole_positive_cents(desk: Desks, amount: object) -> None:
    with pytest.raises(InvalidValue):
        granted(desk).do("request_tranche", "applicant:wismar-1", number=1, amount=amount, payee="x")


def _payload(action: str, number: int, amount: int) -> dict[str, Any]:
    tranche = {"number": number}
    return {
        "request_tranche": {**tranche, "amount": amount, "payee": "account", "expenditure": amount},
        "prove_use": {**tranche, "expenditure": amount, "reference": "x"},
        "reclaim": {**tranche, "amount": amount, "reason": "x"},
        "record_repayment": {**tranche, "amount": amount},
        "reduce_grant": {"amount": amount, "reason": "x"},
        "return_tranche": {**tranche, "reason": "x"},
        "change_rate": {"rate": amount * 100, "reason": "x"},
        "cancel_rest": {"reason": "x"},
        "revoke": {"reason": "x"},
    }.get(action, tranche)


MONEY = [
    "request_tranche", "approve_tranche", "disburse_tranche", "prove_use", "accept_use", "reclaim",
    "record_repayment", "reduce_grant", "return_tranche", "change_rate", "cancel_rest", "revoke",
]  # fmt: skip
TRIES = st.lists(
    st.tuples(st.sampled_from(MONEY), st.integers(1, 3), st.integers(1, 80), st.integers(0, 9)), max_size=40
)


def _granted_hundred() -> tuple[Case, datetime]:
    law, at = workflow("subsidy"), datetime(2026, 1, 5, 9, tzinfo=UTC)
    rules = {"cost_plan_required": False, "own_share_proof_required": False, "rate": 10_000}
    case = law.apply(None, Command("open_programme", Actor("o", "clerk"), {"title": "t", "rules": rules}), at).case
    applied = {"applicant": "town", "kind": "municipality", "planned": 100}
    case = law.apply(case, Command("apply", Actor("applicant-1", "applicant"), applied), at).case
    case = law.apply(case, Command("check_application", Actor("c", "clerk"), {}), at).case
    grant = {"amount": 100, "rate": 10_000, "advance": 30}
    return law.apply(case, Command("grant", Actor("p", "approver"), grant), at).case, at


@settings(max_examples=250, deadline=None)
@given(TRIES)
def test_tr8_every_cent_of_the_grant_is_disbursed_open_or_cancelled(tries: list[tuple[str, int, int, int]]) -> None:
    law = workflow("subsidy")
    case, at = _granted_hundred()
    for action, number, amount, days in tries:
        at += timedelta(days=days)
        role = law.transition(action).roles[0]
        command = Command(action, Actor(f"{role}-1", role), _payload(action, number, amount))
        try:
            case = law.apply(case, command, at).case
        except TransitionNotAllowed:
            continue
        money = case.data.grant
        assert money.amount == money.disbursed + money.open + money.cancelled
        assert min(money.disbursed, money.open, money.cancelled) >= 0
        left = [each for each in case.data.tranches if each.use_ends is not None]
        assert money.disbursed == sum(each.amount for each in left)
        assert all(0 <= each.repaid <= each.reclaimed <= each.amount for each in case.data.tranches)
        assert all(each.reclaimed == 0 or each.use_ends is not None for each in case.data.tranches)


def test_the_deadline_of_a_resolution_counts_days(desk: Desks) -> None:
    case = checked(desk).do("record_resolution", "clerk", reference="r", resolved_on="2019-06-25")
    assert case.data.resolved_on == date(2019, 6, 25)
    late = next(each for each in findings(case.data) if each.rule == "resolution_late")
    assert "was taken on 2019-06-25, 1 day after" in late.sentence
