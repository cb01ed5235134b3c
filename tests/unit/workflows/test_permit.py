"""The invariants of a permit (PE1-PE7), each with its attack before the lawful way."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ledger_automation.workflows.permit import is_valid

Desks = Callable[..., Any]
SECOND = timedelta(seconds=1)
PLAN = {"name": "site plan", "version": 1, "sha256": "a" * 64}
ENDS = datetime(2027, 1, 1, 11, 30, 15, tzinfo=UTC)


def acknowledged(desk: Desks, **rules: Any) -> Any:
    permit = desk("permit")
    if rules:
        permit.do("submit_application", "clerk:otto", applicant="anna", documents=[PLAN], rules=rules)
    else:
        permit.do("submit_application", "applicant:anna", documents=[PLAN])
    return permit.wait(days=1).do("acknowledge", "clerk:olga")


def granted(desk: Desks) -> Any:
    permit = acknowledged(desk).do("propose_decision", "clerk:olga", outcome="granted")
    return permit.do("grant", "approver:paul", valid_until=ENDS.isoformat())


def in_force(desk: Desks) -> Any:
    permit = granted(desk).do("notify", "clerk:olga")
    return permit.until(permit.data.objection_ends).do("enter_into_force", "system")


def test_a_decision_has_four_eyes_by_default(desk: Desks) -> None:
    permit = acknowledged(desk)
    assert permit.refused("grant", "approver:paul") == "four_eyes"
    permit.do("propose_decision", "clerk:paul", outcome="granted")
    assert permit.refused("grant", "approver:paul") == "four_eyes"
    assert (
        permit.do("propose_decision", "clerk:olga", outcome="granted").do("grant", "approver:paul").state == "granted"
    )


def test_a_policy_may_switch_four_eyes_off_and_is_committed_with_the_case(desk: Desks) -> None:
    permit = acknowledged(desk, four_eyes=False).do("grant", "approver:olga")
    assert permit.data.rules.four_eyes is False


@pytest.mark.parametrize("rules", [{}, {"four_eyes": False}])
def test_nobody_decides_in_his_own_case(desk: Desks, rules: dict[str, Any]) -> None:
    permit = acknowledged(desk, **rules)
    assert permit.refused("propose_decision", "clerk:anna", outcome="granted") == "nobody_decides_in_own_case"
    assert permit.refused("grant", "approver:anna") == "nobody_decides_in_own_case"
    assert permit.refused("refuse", "approver:anna", reason="x") == "nobody_decides_in_own_case"


@pytest.mark.parametrize(
    "rules",
    [{"four_eyes": False}, {"objection_months": 0}, {"planned_days": 57}, {"holidays_of": ""}, {"zone": "UTC"}],
)
def test_who_applies_for_himself_does_not_set_the_rules(desk: Desks, rules: dict[str, Any]) -> None:
    permit = desk("permit")
    assert permit.refused("submit_application", "applicant:anna", rules=rules) == "rules_are_the_offices"
    for_himself = {"applicant": "olga", "rules": rules}
    assert permit.refused("submit_application", "clerk:olga", **for_himself) == "rules_are_the_offices"
    assert permit.do("submit_application", "clerk:olga", applicant="anna", rules=rules).state == "submitted"


def test_who_acts_as_applicant_acts_in_his_own_case_only(desk: Desks) -> None:
    permit = acknowledged(desk)
    assert permit.refused("withdraw", "applicant:boris") == "own_case_only"
    assert permit.refused("supplement_documents", "applicant:boris") == "own_case_only"
    permit = granted(desk).do("notify", "clerk:olga")
    assert permit.refused("object", "applicant:boris", reason="no") == "own_case_only"
    assert permit.do("object", "applicant:anna", reason="too strict").state == "objected"


def test_who_objects_does_not_decide_on_the_objection(desk: Desks) -> None:
    permit = granted(desk).do("notify", "clerk:olga").do("object", "applicant:anna", reason="too strict")
    assert permit.refused("reject_objection", "approver:anna", reason="x") == "nobody_decides_in_own_case"
    assert permit.refused("remedy_objection", "approver:anna") == "nobody_decides_in_own_case"


def test_the_office_names_the_applicant_it_writes_for(desk: Desks) -> None:
    permit = desk("permit")
    assert permit.refused("submit_application", "clerk:olga") == "applicant_unknown"
    assert permit.do("submit_application", "clerk:olga", applicant="anna").data.applicant == "anna"


def test_a_version_of_a_document_keeps_its_hash(desk: Desks) -> None:
    permit = acknowledged(desk).do("request_documents", "clerk", missing="structural analysis")
    forged = {**PLAN, "sha256": "b" * 64}
    assert permit.refused("supplement_documents", "applicant:anna", documents=[forged]) == "document_version_fixed"
    permit.do("supplement_documents", "applicant:anna", documents=[{**forged, "version": 2}])
    assert [each.version for each in permit.data.documents] == [1, 2]
    twice = [PLAN, forged]
    assert desk("permit").refused("submit_application", "applicant", documents=twice) == "document_version_fixed"


def test_both_branches_run_side_by_side_and_both_must_close(desk: Desks) -> None:
    permit = acknowledged(desk).do("propose_decision", "clerk:olga", outcome="granted")
    permit.do("request_advice", "clerk", parties=["fire brigade", "heritage"])
    permit.do("request_documents", "clerk", missing="site plan")
    assert permit.refused("grant", "approver:paul") == "documents_missing"
    permit.do("supplement_documents", "applicant:anna")
    assert permit.refused("grant", "approver:paul") == "advice_missing"
    permit.do("receive_advice", "clerk", party="fire brigade", kind="external")
    permit.do("receive_advice", "clerk", party="office", kind="internal")
    assert permit.refused("refuse", "approver:paul", reason="x") == "advice_missing"
    permit.do("receive_advice", "clerk", party="heritage", kind="external")
    assert permit.do("grant", "approver:paul").state == "granted"


def test_external_advice_answers_a_request_and_a_hold_follows_the_need(desk: Desks) -> None:
    permit = acknowledged(desk)
    assert permit.refused("receive_advice", "clerk", party="x", kind="external") == "advice_not_requested"
    assert permit.refused("determine_hold", "clerk") == "advice_need_first"
    permit.do("determine_advice_need", "clerk").do("determine_hold", "clerk", needed=False)


def test_a_letter_goes_through_its_cycle(desk: Desks) -> None:
    permit = desk("permit").do("submit_application", "applicant").do("check_letter", "clerk", paper="acknowledgement")
    assert permit.refused("acknowledge", "clerk") == "determination_first"
    permit.do("determine_letter", "clerk", paper="acknowledgement").do("acknowledge", "clerk")
    assert permit.refused("check_letter", "clerk", paper="acknowledgement") == "letter_sent_already"
    assert permit.refused("check_letter", "clerk", paper="hold_report") == "draft_first"
    permit.do("draft_letter", "clerk", paper="hold_report")
    assert permit.refused("determine_letter", "clerk", paper="hold_report") == "check_first"
    assert permit.refused("send_letter", "clerk", paper="hold_report") == "determination_first"


def test_the_planned_term_is_56_days_and_extended_in_time_for_a_reason(desk: Desks) -> None:
    permit = acknowledged(desk)
    assert permit.data.planned_end == date(2026, 6, 15)
    assert permit.refused("extend_term", "clerk", until="2026-06-15", reason="x") == "extension_not_later"
    ends = datetime(2026, 6, 15, 22, tzinfo=UTC)
    assert permit.until(ends).refused("extend_term", "clerk", until="2026-07-15", reason="x") == "extension_too_late"
    permit.until(ends - SECOND)
    assert permit.refused("extend_term", "clerk", until="9999-12-31", reason="x") == "calendar_unknown"
    permit.until(ends - SECOND).do("extend_term", "clerk", until="2026-07-15", reason="advice is late")
    assert permit.data.planned_end == date(2026, 7, 15)


def test_an_objection_is_accepted_to_its_last_second(desk: Desks) -> None:
    permit = granted(desk).do("notify", "clerk")
    ends = permit.data.objection_ends
    assert permit.refused("enter_into_force", "system") == "objection_term_running"
    assert permit.until(ends).refused("object", "applicant:anna", reason="x") == "objection_too_late"
    permit.until(ends - SECOND).do("object", "applicant:anna", reason="too strict")
    assert permit.refused("reject_objection", "approver:paul", reason="x") == "four_eyes"
    permit.do("reject_objection", "approver:petra", reason="lawful")
    assert permit.refused("object", "applicant:anna", reason="again") == "objection_decided"
    assert permit.do("enter_into_force", "system").state == "in_force"


def test_a_remedied_refusal_is_granted_and_notified_again(desk: Desks) -> None:
    permit = acknowledged(desk).do("propose_decision", "clerk:olga", outcome="refused")
    permit.do("refuse", "approver:paul", reason="no access road").do("notify", "clerk")
    assert permit.refused("enter_into_force", "system") == "not_granted"
    permit.do("object", "applicant:anna", reason="there is one").do("remedy_objection", "approver:petra")
    assert permit.state == "granted"
    assert permit.do("notify", "clerk").refused("close_refusal", "system") == "not_refused"


def test_a_refusal_becomes_final_after_its_term(desk: Desks) -> None:
    permit = acknowledged(desk).do("propose_decision", "clerk:olga", outcome="refused")
    permit.do("refuse", "approver:paul", reason="x").do("notify", "clerk")
    assert permit.refused("close_refusal", "system") == "objection_term_running"
    assert permit.until(permit.data.objection_ends).do("close_refusal", "system").state == "refusal_final"


def test_a_permit_ends_at_its_exact_second(desk: Desks) -> None:
    permit = in_force(desk)
    assert is_valid(permit.state, permit.data, ENDS - SECOND)
    assert not is_valid(permit.state, permit.data, ENDS)
    assert permit.until(ENDS - SECOND).refused("expire", "system") == "not_expired_yet"
    assert permit.until(ENDS).refused("revoke", "approver", reason="x") == "expired_at_that_second"
    assert permit.do("expire", "system").state == "expired"
    assert permit.refused("revoke", "approver", reason="x") == "nothing_after_the_end"


def test_a_revocation_gives_its_reason_and_is_not_the_applicants(desk: Desks) -> None:
    permit = in_force(desk)
    assert permit.refused("revoke", "approver:anna", reason="x") == "nobody_decides_in_own_case"
    assert permit.do("revoke", "approver:petra", reason="built otherwise").state == "revoked"


def test_the_applicant_withdraws_before_the_decision_only(desk: Desks) -> None:
    assert granted(desk).refused("withdraw", "applicant:anna") == "decided_already"
    assert acknowledged(desk).do("withdraw", "applicant:anna").state == "withdrawn"


def test_a_grant_cannot_end_before_it_begins(desk: Desks) -> None:
    permit = acknowledged(desk, four_eyes=False)
    assert permit.refused("grant", "approver", valid_until="2026-01-01T00:00:00Z") == "valid_until_past"
