"""What is to be done until when, as each law's own guards see it: a term's last moment is taken, its end is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger_automation.errors import TransitionNotAllowed
from ledger_automation.workflows import Actor, Case, Command, workflow

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
LAST = timedelta(microseconds=1)

Moves = tuple[tuple[str, str, dict[str, Any]], ...]
SERVED: Moves = (
    ("record_fine", "clerk", {"amount": 3_500}), ("send_hearing", "clerk", {}), ("send_notice", "clerk", {}),
    ("record_service", "clerk", {}),
)  # fmt: skip
DIRECTLY: Moves = (("record_fine", "clerk", {"amount": 3_500, "rules": {"court_directly": True}}), *SERVED[1:])
PERMITTED: Moves = (
    ("submit_application", "applicant", {}), ("acknowledge", "clerk", {}),
    ("propose_decision", "clerk", {"outcome": "granted"}), ("grant", "approver", {}), ("notify", "clerk", {}),
)  # fmt: skip
CALLED: Moves = (("open_programme", "clerk", {"title": "Smart", "rules": {"call_ends": "2026-03-31"}}),)
APPLICATION = {"applicant": "Wismar", "kind": "municipality", "planned": 1, "own_share_proof": "x", "cost_plan": [
    {"item": "Plan", "year": 2026, "amount": 1}]}  # fmt: skip


def lived(name: str, moves: Moves) -> Case:
    case: Any = None
    for action, role, payload in moves:
        case = workflow(name).apply(case, Command(action, Actor(f"{role}-1", role), payload), MONDAY).case
    return case


@pytest.mark.parametrize(
    ("name", "moves", "term", "action", "role", "payload"),
    [
        ("parking_fine", SERVED, "appeal", "appeal_to_authority", "applicant", {}),
        ("parking_fine", DIRECTLY, "court", "appeal_to_court", "applicant", {}),
        ("permit", PERMITTED, "objection", "object", "applicant", {"reason": "x"}),
        ("subsidy", CALLED, "application", "apply", "applicant", APPLICATION),
    ],
)
def test_a_term_ends_when_its_step_is_too_late(
    name: str, moves: Moves, term: str, action: str, role: str, payload: dict[str, Any]
) -> None:
    case, table = lived(name, moves), workflow(name)
    ends = {each.name: each.ends for each in table.terms(case.state, case.data)}[term]
    command = Command(action, Actor("applicant-1", role), payload)
    assert table.apply(case, command, ends - LAST).case.sequence == case.sequence + 1
    with pytest.raises(TransitionNotAllowed, match=r"late|term|call"):
        table.apply(case, command, ends)


@pytest.mark.parametrize(
    ("name", "moves", "found"),
    [
        ("parking_fine", SERVED[:3], set()),
        ("parking_fine", SERVED, {"appeal", "collection"}),
        ("parking_fine", DIRECTLY, {"appeal", "court", "collection"}),
        ("parking_fine", (*SERVED, ("appeal_to_authority", "applicant", {})), set()),
        ("parking_fine", (*SERVED, ("record_payment", "finance", {"amount": 3_500})), set()),
        ("permit", PERMITTED[:1], {"decision"}),
        ("permit", PERMITTED[:4], set()),
        ("permit", PERMITTED, {"objection"}),
        ("subsidy", CALLED, {"application"}),
        ("subsidy", (("open_programme", "clerk", {"title": "Smart"}),), set()),
    ],
)
def test_a_case_has_the_terms_of_where_it_stands(name: str, moves: Moves, found: set[str]) -> None:
    case = lived(name, moves)
    assert {each.name for each in workflow(name).terms(case.state, case.data)} == found


def test_a_permit_s_planned_end_is_the_last_day_on_which_it_can_be_extended() -> None:
    case, table = lived("permit", PERMITTED[:2]), workflow("permit")
    (term,) = table.terms(case.state, case.data)
    longer = Command("extend_term", Actor("clerk-1", "clerk"), {"until": "2027-01-31", "reason": "x"})
    assert table.apply(case, longer, term.ends - LAST).case.data.planned_end.year == 2027
    with pytest.raises(TransitionNotAllowed):
        table.apply(case, longer, term.ends)
