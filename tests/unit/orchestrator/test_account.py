"""The account of a grant: the public figures of Wismar, every way a case may stop, and the law's own sums."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_automation.audit.encoding import decode, encode
from ledger_automation.errors import InvalidInput
from ledger_automation.orchestrator.account import account
from ledger_automation.orchestrator.account_lines import Account, Finding, written
from ledger_automation.study import wismar
from ledger_automation.verify.sources import DocumentRecord
from ledger_automation.workflows.money import share_of
from support.grants import FINAL, SPENT, TRIES, Tries, of_wismar, step, walked

GRANT = 119_221_049


def facts(found: Account, rule: str) -> list[dict[str, Any]]:
    return [each.facts for each in found.findings if each.rule == rule]


def test_wismar_s_application_reads_as_its_council_paper() -> None:
    found = account(of_wismar(wismar.STEPS[:2]).rows)
    assert found.applied is not None
    assert (found.applied.planned, found.applied.own_share, found.applied.own_share_expected) == (
        183_416_998, 18_341_701, 18_341_700,
    )  # fmt: skip
    assert found.council is not None
    assert (found.council.paper, found.council.due, found.council.expected, found.council.resolved) == (
        "VO/2019/3113", "2019-06-24", "2019-06-27", None,
    )  # fmt: skip
    assert [(each.year, each.planned, each.actual) for each in found.years] == [
        (2020, 45_854_249, None), (2021, 45_854_249, None), (2022, 45_854_249, None), (2023, 45_854_251, None),
    ]  # fmt: skip
    assert [each.name for each in found.papers] == ["VO-2019-3113.txt"]
    assert found.findings == (
        Finding("own_share_differs", {"expected": 18_341_700, "actual": 18_341_701, "difference": 1}),
        Finding("resolution_expected_late", {"due": "2019-06-24", "day": "2019-06-27", "days": 3}),
    )
    assert found.sums.grant == 0
    assert not found.ended


def test_the_resolution_that_came_is_late_too() -> None:
    found = account(of_wismar(wismar.STEPS[:4]).rows)
    assert facts(found, "resolution_taken_late") == [{"due": "2019-06-24", "day": "2019-06-27", "days": 3}]
    assert found.council is not None
    assert found.council.resolved == "2019-06-27"


def test_every_cent_of_wismar_s_grant_is_somewhere() -> None:
    found = account(of_wismar().rows)
    sums = found.sums
    assert (sums.grant, sums.disbursed, sums.open, sums.cancelled) == (GRANT, 50_000_000, GRANT - 50_000_000, 0)
    assert (sums.proven, sums.earned, sums.reclaimed, sums.repaid, sums.waiting) == (
        54_800_000, 49_320_000, 1_250_000, 1_250_000, 0,
    )  # fmt: skip
    assert sums.unearned == 0
    assert sums.accepted == 50_000_000 - 1_250_000
    assert facts(found, "funding_does_not_meet_plan") == [
        {"expected": 183_416_998, "actual": GRANT + 18_341_701, "difference": GRANT + 18_341_701 - 183_416_998}
    ]


def test_tranches_are_shared_at_the_rate_of_their_payment() -> None:
    first, second = account(of_wismar().rows).tranches
    assert (first.rate, first.expenditure, first.share, first.own) == (6_500, 27_800_000, 18_070_000, 9_730_000)
    assert (second.rate, second.expenditure, second.share, second.own) == (9_000, 27_000_000, 24_300_000, 2_700_000)
    assert (first.advance, first.accepted, first.stage) == (25_000_000, 25_000_000, "accepted")
    # proven by then 278,000.00 at 90 %, which is 250,200.00; in all 500,000.00 were paid
    assert (second.advance, second.reclaimed, second.repaid) == (24_980_000, 1_250_000, 1_250_000)
    assert second.accepted == 23_750_000
    assert second.proofs == ("vouchers 15-31",)
    assert second.reasons == ("vouchers 30 and 31 lie outside the period",)


def test_a_tranche_names_everybody_who_signed_for_it() -> None:
    first, second = account(of_wismar().rows).tranches
    assert [(each.action, each.actor, each.role) for each in first.acts] == [
        ("request_tranche", "wismar-treasury", "applicant"),
        ("approve_tranche", "approver-2", "approver"),
        ("disburse_tranche", "cashier-1", "finance"),
        ("prove_use", "wismar-treasury", "applicant"),
        ("accept_use", "auditor-1", "auditor"),
    ]
    paid = second.by("disburse_tranche")
    assert paid is not None
    assert (paid.at, paid.sequence, paid.leaf_index) == ("2020-05-18T10:00:00.000000Z", 13, 13)
    assert second.by("accept_use") is None


def test_rates_have_their_reasons_and_a_change_between_approval_and_payment_is_told() -> None:
    found = account(of_wismar().rows)
    assert [(each.rate, each.reason, each.act.actor) for each in found.rates] == [
        (6_500, None, "approver-1"),
        (9_000, "budget emergency recognised by the supervisory authority", "approver-1"),
    ]
    assert facts(found, "paid_at_another_rate") == [{"tranche": 2, "rate_approved": 6_500, "rate_paid": 9_000}]


def test_the_final_proof_stands_beside_the_plan_and_its_vouchers_are_looked_through() -> None:
    found = account(of_wismar(wismar.STEPS, *FINAL).rows)
    assert next((each.item, each.planned, each.actual) for each in found.items) == (
        "strategy and implementation 2020", 45_854_249, SPENT[0],
    )  # fmt: skip
    assert [(each.year, each.planned, each.actual) for each in found.years][:2] == [
        (2019, 0, 200_000), (2020, 45_854_249, 54_800_000),
    ]  # fmt: skip
    assert found.proof is not None
    assert sum(each.amount for each in found.proof.vouchers) == sum(SPENT)
    assert facts(found, "voucher_outside_period") == [{"voucher": "32", "day": "2019-09-30", "amount": 200_000}]
    assert (found.state, found.ended) == ("closed", True)
    assert (found.sums.open, found.sums.cancelled) == (0, GRANT - 50_000_000)
    assert [(each.amount, each.reason, each.act.action) for each in found.cuts] == [(GRANT - 50_000_000, None, "close")]
    assert [each.name for each in found.papers] == ["VO-2019-3113.txt", "Sachbericht.pdf"]


def spent(*actual: int, item: str = "rest", vouchers: tuple[str, ...] = ("a", "b")) -> Any:
    lines = [("strategy and implementation 2020", 45_854_249, actual[0]), (item, 0, actual[1])]
    return step(
        "2020-09-01", "wismar-treasury", "applicant", "submit_final_proof", report="r",
        figures=[{"item": name, "planned": planned, "actual": spent} for name, planned, spent in lines],
        vouchers=[{"number": number, "paid_on": "2020-05-05", "amount": amount}
                  for number, amount in zip(vouchers, actual, strict=True)],
    )  # fmt: skip


@pytest.mark.parametrize(("actual", "beyond"), [(55_025_098, False), (55_025_100, True), (55_025_099, False)])
def test_a_category_may_exceed_its_plan_by_a_fifth_and_no_cent_more(actual: int, beyond: bool) -> None:
    found = account(of_wismar(wismar.STEPS, spent(actual, 1_000)).rows)
    assert bool(facts(found, "item_beyond_plan")) is beyond
    assert facts(found, "item_not_planned") == [{"item": "rest", "actual": 1_000}]


def test_a_voucher_that_is_listed_twice_is_told_once() -> None:
    found = account(of_wismar(wismar.STEPS, spent(54_800_000, 5, vouchers=("7", "7"))).rows)
    assert facts(found, "voucher_twice") == [{"voucher": "7", "amount": 5}]


def test_a_final_proof_that_was_returned_says_why() -> None:
    back = step("2020-09-08", "auditor-1", "auditor", "return_final_proof", reason="the report is missing")
    found = account(of_wismar(wismar.STEPS, FINAL[0], back).rows)
    assert found.proof is not None
    assert found.proof.returned == "the report is missing"
    again = step("2020-09-15", *FINAL[0].command.actor.id.split(), "applicant", "submit_final_proof",
                 **FINAL[0].command.payload)  # fmt: skip
    found = account(of_wismar(wismar.STEPS, FINAL[0], back, again).rows)
    assert found.proof is not None
    assert found.proof.returned is None


def test_a_use_is_unproven_from_its_term_on_and_late_when_it_is_proven_then() -> None:
    paid = of_wismar(wismar.STEPS[:8])
    ends = paid.law.tranches[0].use_ends  # six weeks from 2020-02-03
    assert facts(account(paid.rows, ends - timedelta(seconds=1)), "use_unproven") == []
    assert facts(account(paid.rows, ends), "use_unproven") == [{"tranche": 1, "due": "2020-03-16", "days": 1}]
    assert account(paid.rows).tranches[0].use_ends == "2020-03-16T23:00:00.000000Z"
    late = step("2020-03-18", "wismar-treasury", "applicant", "prove_use", number=1, expenditure=1, reference="v")
    found = account(paid.take(late).rows, ends + timedelta(days=900))
    assert facts(found, "use_proven_late") == [{"tranche": 1, "due": "2020-03-16", "days": 2}]
    assert facts(found, "use_unproven") == []


def test_what_is_reclaimed_and_not_repaid_or_open_after_the_period_is_told() -> None:
    rows = of_wismar(wismar.STEPS[:-1]).rows
    found = account(rows, datetime(2024, 9, 30, 21, 59, tzinfo=UTC))
    assert facts(found, "reclaim_unpaid") == [
        {"tranche": 2, "reclaimed": 1_250_000, "repaid": 0, "difference": 1_250_000}
    ]
    assert facts(found, "open_after_period") == []
    after = account(rows, datetime(2024, 9, 30, 22, 0, tzinfo=UTC))
    assert facts(after, "open_after_period") == [{"ends": "2024-09-30", "difference": GRANT - 50_000_000}]


def test_money_that_was_paid_and_never_proven_is_told_when_the_grant_is_revoked() -> None:
    gone = step("2020-02-10", "approver-1", "approver", "revoke", reason="the project was given up")
    found = account(of_wismar(wismar.STEPS[:8], gone).rows)
    assert found.decision == "the project was given up"
    assert facts(found, "paid_beyond_earned") == [{"paid": 25_000_000, "earned": 0, "difference": 25_000_000}]
    assert (found.sums.open, found.sums.cancelled) == (0, GRANT - 25_000_000)
    running = account(of_wismar(wismar.STEPS[:8]).rows)
    assert facts(running, "paid_beyond_earned") == [], "an advance that the grant allows is none"


def test_a_tranche_that_was_returned_keeps_its_past_and_no_figure_of_it() -> None:
    back = step("2020-01-22", "clerk-1", "clerk", "return_tranche", number=1, reason="too much")
    rows = of_wismar(wismar.STEPS[:6], back).rows
    (line,) = account(rows).tranches
    assert (line.stage, line.reasons, line.disbursed) == ("returned", ("too much",), 0)
    again = step("2020-01-23", "wismar-treasury", "applicant", "request_tranche", number=1, amount=5, payee="account")
    found = account(of_wismar(wismar.STEPS[:6], back, again).rows)
    (line,) = found.tranches
    assert (line.stage, line.requested, line.reasons) == ("requested", 5, ("too much",))
    assert [each.action for each in line.acts] == ["request_tranche", "return_tranche", "request_tranche"]
    assert found.sums.waiting == 5


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (step("2019-09-02", "approver-1", "approver", "refuse", reason="no funds are left"), "refused"),
        (step("2019-09-02", "wismar-treasury", "applicant", "withdraw_application", reason="another one"), "withdrawn"),
        (step("2019-09-02", "approver-1", "approver", "return_application", reason="a page is missing"), "returned"),
    ],
)
def test_a_case_that_was_not_granted_says_why_and_has_no_money(last: Any, state: str) -> None:
    found = account(of_wismar(wismar.STEPS[:4], last).rows)
    assert (found.state, found.decision) == (state, last.command.payload["reason"])
    assert found.sums == type(found.sums)()
    assert found.tranches == ()
    assert found.rates == ()


def test_a_programme_that_nobody_applied_to_is_an_account_of_a_title() -> None:
    found = account(of_wismar(wismar.STEPS[:1]).rows)
    assert (found.title, found.applied, found.council, found.findings) == (
        "Modellprojekte Smart Cities", None, None, (),
    )  # fmt: skip


def test_an_erased_case_says_so_and_names_only_who_acted() -> None:
    rows = [row._replace(canonical=None, salt=None, checksum=None) for row in of_wismar().rows]
    found = account(rows)
    assert (found.erased, found.read_to, found.title, found.applied) == (17, -1, "", None)
    assert found.findings == (Finding("content_erased", {"sequence": 0}),)
    assert len(found.acts) == 17
    assert found.state == "granted"


def test_behind_an_erased_step_no_figure_is_read() -> None:
    rows = of_wismar().rows
    rows[9] = rows[9]._replace(canonical=None, salt=None, checksum=None)
    found = account(rows)
    assert (found.erased, found.read_to, found.sums.disbursed) == (1, 8, 25_000_000)
    assert found.findings[0] == Finding("content_erased", {"sequence": 9})
    assert len(found.acts) == 17


@pytest.mark.parametrize("at", range(17))
def test_where_events_and_law_part_the_booking_stops(at: int) -> None:
    rows = of_wismar().rows
    assert rows[at].canonical is not None
    rows[at] = rows[at]._replace(canonical=rows[at].canonical.replace(b'"sequence":', b'"sequence":9'))
    found = account(rows)
    assert found.findings[0] == Finding("trail_diverges", {"sequence": at, "rule": "sequence"})
    assert found.read_to == at - 1
    rows[at] = rows[at]._replace(canonical=b"{}")
    assert account(rows).findings[0].facts == {"sequence": at, "rule": "unreadable"}


def test_what_is_reclaimed_without_a_proof_leaves_nothing_accepted() -> None:
    back = step("2020-02-10", "auditor-1", "auditor", "reclaim", number=1, amount=1_000, reason="not needed")
    (line,) = account(of_wismar(wismar.STEPS[:8], back).rows).tranches
    assert (line.stage, line.disbursed, line.reclaimed, line.accepted) == ("reclaimed", 25_000_000, 1_000, 0)
    later = step("2020-07-07", "auditor-1", "auditor", "reclaim", number=1, amount=1_000, reason="later")
    line, _ = account(of_wismar(wismar.STEPS[:16], later).rows).tranches
    assert line.accepted == 24_999_000, "what was accepted is less by what is asked back later"


def test_an_amended_application_has_no_reason_of_its_return_left() -> None:
    back = step("2019-06-04", "clerk-1", "clerk", "return_application", reason="a page is missing")
    again = step("2019-06-05", "wismar-treasury", "applicant", "apply", **wismar.STEPS[1].command.payload)
    town = of_wismar(wismar.STEPS[:3], back)
    assert account(town.rows).decision == "a page is missing"
    assert account(town.take(again).rows).decision is None


def test_a_request_that_is_approved_or_asked_for_again_keeps_waiting_with_its_papers() -> None:
    assert account(of_wismar(wismar.STEPS[:7]).rows).sums.waiting == 25_000_000
    quote = DocumentRecord("quote.pdf", "application/pdf", b"%PDF-1.7")
    given = {"number": 1, "amount": 5, "payee": "account"}
    town = of_wismar(
        wismar.STEPS[:5],
        step("2020-01-20", "wismar-treasury", "applicant", "request_tranche", quote, **given),
        step("2020-01-21", "clerk-1", "clerk", "return_tranche", number=1, reason="r"),
        step("2020-01-22", "wismar-treasury", "applicant", "request_tranche", **given),
    )
    (line,) = account(town.rows).tranches
    assert [(each.sequence, each.name, each.size) for each in line.papers] == [(5, "quote.pdf", 8)]


def test_equal_categories_and_years_of_the_plan_add_up() -> None:
    plan = [{"item": "a", "year": 2020, "amount": 183_416_990}, {"item": "a", "year": 2020, "amount": 8}]
    given = {**wismar.STEPS[1].command.payload, "cost_plan": plan, "resolution_expected": "2019-06-24"}
    found = account(of_wismar(wismar.STEPS[:1], step("2019-05-16", "w", "applicant", "apply", **given)).rows)
    assert [(each.item, each.planned) for each in found.items] == [("a", 183_416_998)]
    assert [(each.year, each.planned) for each in found.years] == [(2020, 183_416_998)]
    assert facts(found, "resolution_expected_late") == [], "on the last day is in time"


def test_after_the_period_nothing_is_open_where_all_is_cancelled_or_the_case_has_ended() -> None:
    late = datetime(2030, 1, 1, tzinfo=UTC)
    rest = step("2020-09-01", "approver-1", "approver", "cancel_rest", reason="nothing more is needed")
    assert facts(account(of_wismar(wismar.STEPS, rest).rows, late), "open_after_period") == []
    assert facts(account(of_wismar(wismar.STEPS, *FINAL).rows, late), "open_after_period") == []
    refused = step("2019-09-02", "approver-1", "approver", "refuse", reason="no funds are left")
    assert facts(account(of_wismar(wismar.STEPS[:4], refused).rows, late), "open_after_period") == []


def test_a_plan_that_the_proof_states_otherwise_is_told() -> None:
    given = spent(54_800_000, 1).command.payload
    given["figures"][0]["planned"] = 60_000_000
    proof = step("2020-09-01", "wismar-treasury", "applicant", "submit_final_proof", **given)
    found = account(of_wismar(wismar.STEPS, proof).rows)
    assert facts(found, "plan_restated") == [
        {"item": "strategy and implementation 2020", "expected": 45_854_249, "actual": 60_000_000}
    ]
    assert facts(account(of_wismar(wismar.STEPS, *FINAL).rows), "plan_restated") == []


def test_an_event_of_another_law_is_none_of_a_grant() -> None:
    rows = of_wismar().rows
    event = decode(rows[0].canonical or b"")
    other = msgspec.structs.replace(event, workflow="permit", action="submit_application", payload={})
    rows[0] = rows[0]._replace(canonical=encode(other))
    assert account(rows).findings == (Finding("trail_diverges", {"sequence": 0, "rule": "workflow"}),)


def test_a_payment_that_the_law_forbids_is_not_booked() -> None:
    rows = of_wismar().rows
    del rows[6]
    found = account(rows)
    assert found.read_to == 5
    assert found.sums.disbursed == 0


def test_only_a_subsidy_has_an_account() -> None:
    with pytest.raises(InvalidInput):
        account([])
    with pytest.raises(InvalidInput):
        account([row._replace(workflow="permit") for row in of_wismar().rows])


def test_the_same_trail_is_the_same_bytes_and_reads_back() -> None:
    found = account(of_wismar(wismar.STEPS, *FINAL).rows)
    assert written(found) == written(account(of_wismar(wismar.STEPS, *FINAL).rows))
    assert msgspec.json.decode(written(found), type=Account) == found


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["pro_rata", "first"]), TRIES)
def test_whatever_happens_the_account_says_what_the_law_remembers(own_funds: str, tries: Tries) -> None:
    town = walked(own_funds, tries)
    found, law = account(town.rows), town.law
    money, sums = law.grant, found.sums
    assert (sums.grant, sums.disbursed, sums.open, sums.cancelled) == (
        money.amount, money.disbursed, money.open, money.cancelled,
    )  # fmt: skip
    assert sums.grant == sums.disbursed + sums.open + sums.cancelled
    assert sums.proven == law.proven
    assert sums.earned == law.ceiling(money.rate, 0)
    assert found.rates[-1].rate == money.rate
    assert {each.name for each in found.conditions if each.evidence is not None} == {*law.met}
    for line in found.tranches:
        mine = law.tranche(line.number)
        assert (line.stage, line.requested, line.expenditure, line.reclaimed, line.repaid) == (
            mine.stage, mine.amount, mine.expenditure, mine.reclaimed, mine.repaid,
        )  # fmt: skip
        assert line.share + line.own == line.expenditure
        assert 0 <= line.accepted <= line.disbursed - line.reclaimed
        assert 0 <= line.advance <= line.disbursed
        if own_funds == "pro_rata" and line.rate is not None:
            assert line.share == share_of(line.expenditure, line.rate)
    if own_funds == "first":
        assert sum(each.share for each in found.tranches) == max(0, law.proven - 12_000)
    assert found.state == town.standing.case.state if town.standing.case else False
    assert found.read_to == len(town.rows) - 1
