"""Opening cases and taking them on over HTTP: what is asked, what is answered, and what a second time means."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from ledger_automation.errors import Conflict, Unreachable
from ledger_automation.orchestrator.asked import Identity, Member

FINES = "/workflows/parking_fine/cases"
PERMITS = "/workflows/permit/cases"


def test_a_case_is_opened_taken_on_and_read(office: Any) -> None:
    opened = office.post("clerk-1", FINES, {"amount": 3_500})
    assert (opened.status_code, opened.json()["state"], opened.json()["level"]) == (201, "recorded", "anchored")
    path = opened.headers["location"]
    assert opened.headers["etag"] == f'"{opened.json()["commitment"]}"'
    paid = office.post("finance-1", f"{path}/record_payment", {"amount": 3_500})
    assert (paid.status_code, paid.json()["state"], paid.json()["sequence"]) == (200, "settled", 1)
    case = office.get("auditor-1", path)
    assert case.json() | {"at": ""} == {
        "case_id": opened.json()["case_id"], "workflow": "parking_fine", "level": "anchored", "state": "settled",
        "sequence": 1, "at": "", "ended": True, "actions": [],
    }  # fmt: skip
    assert case.headers["etag"] == paid.headers["etag"]
    events = office.get("auditor-1", f"{path}/events").json()["events"]
    assert [(each["action"], each["actor"]["id"], each["evidence"]) for each in events] == [
        ("record_fine", "clerk-1", "recorded"),
        ("record_payment", "finance-1", "recorded"),
    ]


def test_a_case_that_names_nobody_is_for_whoever_has_the_letter(office: Any) -> None:
    """The id stands in addresses and is no secret; the code has 128 bits, and is told to those who write letters."""
    path = office.fine(rules={"appeal_before_notice": True})
    appeal = f"{path}/appeal_to_authority"
    codes = {who: office.get(who, path).json().get("access_code") for who in ("clerk-1", "auditor-1", "finance-1")}
    code = codes.pop("clerk-1")
    assert office.get("clerk-1", path).headers["cache-control"] == "no-store"
    assert set(codes.values()) == {None}
    assert re.fullmatch(r"([A-Z2-7]{4}-){6}[A-Z2-7]{2}", code)
    other = office.get("clerk-1", office.fine()).json()["access_code"]
    missing = office.post("applicant-1", f"{FINES}/{uuid4()}/appeal_to_authority", {})
    for given in ({}, {"code": ""}, {"code": other}, {"code": code[:-1]}, {"code": None}):
        answer = office.post("applicant-1", appeal, {}, **given)
        assert (answer.status_code, answer.json()["type"]) == (404, missing.json()["type"])
    assert office.post("applicant-1", appeal, {}, code=5).status_code == 422
    assert office.post("finance-1", f"{path}/record_payment", {"amount": 1}, code=code).status_code == 422
    assert office.post("applicant-1", appeal, {}, code=code.lower().replace("-", " ")).status_code == 200
    assert "access_code" not in office.get("clerk-1", path).json(), "now it names somebody"
    assert office.post("applicant-2", f"{path}/withdraw_appeal", {}, code=code).status_code == 404
    assert office.post("applicant-1", f"{path}/withdraw_appeal", {}).status_code == 200


def test_the_same_key_and_body_get_the_same_answer_and_one_step(office: Any) -> None:
    path = office.fine()
    first, second = (office.post("finance-1", f"{path}/record_payment", {"amount": 100}, key="pay") for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert office.get("auditor-1", path).json()["sequence"] == 1
    opened = [office.post("clerk-1", FINES, {"amount": 5}, key="open") for _ in range(2)]
    assert opened[0].headers["location"] == opened[1].headers["location"]
    assert len(office.get("auditor-1", FINES).json()["cases"]) == 2


def test_a_refusal_is_an_answer_that_stays(office: Any) -> None:
    path = office.fine()
    refused = office.post("finance-1", f"{path}/refund", {"amount": 1}, key="too-soon")
    assert (refused.status_code, refused.json()["rule"]) == (409, "not_in_state")
    office.post("finance-1", f"{path}/record_payment", {"amount": 3_501})
    again = office.post("finance-1", f"{path}/refund", {"amount": 1}, key="too-soon")
    assert (again.status_code, again.json()) == (409, refused.json())
    assert office.post("finance-1", f"{path}/refund", {"amount": 1}).status_code == 200


def test_a_key_is_for_one_body_and_one_caller(office: Any) -> None:
    path = office.fine()
    assert office.post("finance-1", f"{path}/record_payment", {"amount": 100}, key="k").status_code == 200
    other = office.post("finance-1", f"{path}/record_payment", {"amount": 101}, key="k")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/invalid-input")
    assert office.post("clerk-1", f"{path}/send_notice", {}, key="k").status_code != 422
    assert office.post("finance-1", f"{office.fine()}/record_payment", {"amount": 100}, key="k").status_code == 422


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "k" * 201, "\t"])
def test_without_a_key_nothing_is_done(office: Any, key: str) -> None:
    path = office.fine()
    headers = [(name, value) for name, value in office.headers("finance-1").items() if name != "Idempotency-Key"]
    if key:
        headers.append(("Idempotency-Key", key.encode()))
    answer = office.client.post(f"{path}/record_payment", json={"payload": {"amount": 100}}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert office.get("auditor-1", path).json()["sequence"] == 0


def test_who_acts_on_what_he_saw_is_told_that_it_moved(office: Any) -> None:
    path = office.fine()
    seen = office.get("clerk-1", path).headers["etag"]
    assert office.get("clerk-1", path, headers={"If-None-Match": seen}).status_code == 304
    moved = office.post("finance-1", f"{path}/record_payment", {"amount": 100}, headers={"If-Match": seen})
    assert moved.status_code == 200
    late = office.post("finance-1", f"{path}/record_payment", {"amount": 100}, headers={"If-Match": seen})
    assert (late.status_code, late.json()["type"]) == (412, "/problems/precondition-failed")
    assert office.get("clerk-1", path, headers={"If-None-Match": seen}).status_code == 200
    wrong = office.post("finance-1", f"{path}/record_payment", {"amount": 100}, headers={"If-Match": '"abc"'})
    assert wrong.status_code == 412


def test_roles_count_from_the_next_request_on(office: Any) -> None:
    path = office.fine()
    assert office.post("finance-1", f"{path}/record_payment", {"amount": 1}).status_code == 200
    finance = Identity(office.issuer.trusted().issuer, "finance-1")
    with office.ledger.begin() as unit:
        unit.members.enrol(finance, Member("finance-1", ()))
        unit.commit()
    assert office.post("finance-1", f"{path}/record_payment", {"amount": 1}).status_code == 403
    assert office.get("finance-1", path).status_code == 403


def test_somebody_with_two_roles_says_in_which_he_acts(office: Any) -> None:
    both = Identity(office.issuer.trusted().issuer, "clerk-2")
    with office.ledger.begin() as unit:
        unit.members.enrol(both, Member("clerk-2", ("clerk", "finance")))
        unit.commit()
    path = office.fine()
    assert office.post("clerk-2", f"{path}/record_payment", {"amount": 1}).status_code == 200
    assert office.post("clerk-2", f"{path}/record_payment", {"amount": 1}, role="finance").status_code == 200
    for role in ("clerk", "approver", "emperor"):
        assert office.post("clerk-2", f"{path}/record_payment", {"amount": 1}, role=role).status_code == 403


def test_an_applicant_cannot_set_the_clock_and_an_officer_only_within_days(office: Any) -> None:
    assert office.post("applicant-1", PERMITS, {}, occurred_at="2026-01-01T00:00:00Z").status_code == 403
    for moment, status in (("2019-01-01T00:00:00Z", 409), ("2199-01-01T00:00:00Z", 409), ("yesterday", 422)):
        assert office.post("clerk-1", FINES, {"amount": 1}, occurred_at=moment).status_code == status


def test_another_applicants_case_is_not_there(office: Any) -> None:
    path = office.permit("applicant-1")
    missing = f"{PERMITS}/00000000-0000-4000-8000-000000000000"
    for foreign, nothing in (
        (office.get("applicant-2", path), office.get("applicant-2", missing)),
        (office.get("applicant-2", f"{path}/events"), office.get("applicant-2", f"{missing}/events")),
        (office.post("applicant-2", f"{path}/withdraw"), office.post("applicant-2", f"{missing}/withdraw")),
    ):
        assert foreign.status_code == nothing.status_code == 404
        assert foreign.text.replace(path.rpartition("/")[2], "") == nothing.text.replace(missing.rpartition("/")[2], "")
    assert [each["case_id"] for each in office.get("applicant-1", PERMITS).json()["cases"]] == [path.rpartition("/")[2]]
    assert office.get("applicant-2", PERMITS).json()["cases"] == []
    assert office.get("administrator-1", path).status_code == 403


def test_64_at_once_on_one_case_take_it_exactly_one_step_each(office: Any) -> None:
    path = office.fine(amount=1_000)

    def pay(_: int) -> Any:
        return office.post("finance-1", f"{path}/record_payment", {"amount": 100})

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(pay, range(64)))
    taken = [each for each in answers if each.status_code == 200]
    assert len(taken) == 10
    assert sorted(each.json()["sequence"] for each in taken) == list(range(1, 11))
    assert {each.json()["rule"] for each in answers if each.status_code == 409} <= {
        "payment_although_settled", "not_in_state", "more_than_due",
    }  # fmt: skip
    assert office.get("auditor-1", path).json()["state"] == "settled"


def test_a_commit_of_unknown_outcome_is_said_and_the_same_key_tells(office: Any, monkeypatch: Any) -> None:
    from ledger_automation.store.unit_of_work import SqlUnitOfWork  # noqa: PLC0415

    path, commit = office.fine(), SqlUnitOfWork.commit

    def torn(unit: SqlUnitOfWork) -> None:
        commit(unit)
        raise Unreachable("The database left while it committed.", outcome="unknown")

    monkeypatch.setattr(SqlUnitOfWork, "commit", torn)
    lost = office.post("finance-1", f"{path}/record_payment", {"amount": 100}, key="torn")
    monkeypatch.setattr(SqlUnitOfWork, "commit", commit)
    assert (lost.status_code, lost.json()["outcome"]) == (503, "unknown")
    again = office.post("finance-1", f"{path}/record_payment", {"amount": 100}, key="torn")
    assert (again.status_code, again.json()["sequence"]) == (200, 1)
    assert office.get("auditor-1", path).json()["sequence"] == 1


def test_a_group_in_which_somebody_was_faster_is_decided_one_by_one(office: Any, monkeypatch: Any) -> None:
    from ledger_automation.store.cases import SqlCases  # noqa: PLC0415

    paths, record = [office.fine() for _ in range(8)], SqlCases.record

    def overtaken(cases: SqlCases, steps: Any) -> None:
        if len(steps) > 1:
            raise Conflict("Somebody was faster.")
        record(cases, steps)

    monkeypatch.setattr(SqlCases, "record", overtaken)
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda path: office.post("finance-1", f"{path}/record_payment", {"amount": 100}), paths)
        assert [each.status_code for each in answers] == [200] * 8
