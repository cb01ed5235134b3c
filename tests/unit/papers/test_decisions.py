"""What a notice says of a step: every row is a row of its law, terms are the law's to the day, nothing is invented."""

import pytest

from ledger_automation.errors import InvalidInput, NotFound
from ledger_automation.orchestrator.transition import Standing
from ledger_automation.papers.decisions import DECISIONS, Remedy, decided
from ledger_automation.study import wismar
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import names, workflow
from support.grants import CASE, FINAL, Town, of_wismar, step


def town(name: str) -> Town:
    found = Town()
    found.standing = Standing(CASE, workflow(name), Level.LOGGED)
    return found


def test_every_decision_is_a_step_of_its_law() -> None:
    for name, action in DECISIONS:
        assert action in workflow(name).transitions
    assert {name for name, _ in DECISIONS} == {*names()} & {"permit", "parking_fine", "subsidy"}


def test_the_grant_is_told_with_its_amount_rate_and_period() -> None:
    found = decided(of_wismar().rows, 4)
    assert found.heading == "Zuwendungsbescheid"
    assert found.particulars == (
        ("Betrag", "1.192.210,49\u00a0€"), ("Vorauszahlung bis", "250.000,00\u00a0€"), ("Fördersatz", "65\u00a0%"),
        ("Beginn", "01.10.2019"), ("Ende", "30.09.2024"),
    )  # fmt: skip
    assert found.remedy is None, "the law of a subsidy knows no term of appeal"


def test_a_payment_names_the_last_day_to_prove_its_use() -> None:
    found = decided(of_wismar().rows, 7)
    assert ("Verwendung nachzuweisen bis", "16.03.2020") in found.particulars
    assert ("Betrag", "250.000,00\u00a0€") in found.particulars


def test_a_reclaim_has_its_reason_and_a_closure_none() -> None:
    rows = of_wismar(wismar.STEPS, *FINAL).rows
    assert decided(rows, 15).reasons == ("vouchers 30 and 31 lie outside the period",)
    assert decided(rows, 18).reasons == ()


def test_a_condition_says_which_tranche_waits_for_it() -> None:
    given = {**wismar.STEPS[4].command.payload, "conditions": [{"name": "Zweckbindung", "from_tranche": 2}]}
    rows = of_wismar(wismar.STEPS[:4], step("2019-09-02", "approver-1", "approver", "grant", **given)).rows
    assert decided(rows, 4).conditions == ("Zweckbindung (vor Teilbetrag 2)",)


def test_a_fine_s_term_ends_on_the_last_working_day() -> None:
    """Served on Friday, 17 April 2026: two weeks end on 1 May, a holiday before a weekend, so on Monday the 4th."""
    case = town("parking_fine").take(
        step("2026-04-01", "c", "clerk", "record_fine", amount=3_500),
        step("2026-04-01", "c", "clerk", "send_hearing"),
        step("2026-04-15", "c", "clerk", "send_notice", expense=2_850),
        step("2026-04-17", "c", "clerk", "record_service"),
    )
    served = decided(case.rows, 3)
    assert served.remedy == Remedy("Einspruch", served.remedy.sentence if served.remedy else "", "2026-05-04")
    assert ("Insgesamt zu zahlen", "63,50\u00a0€") in served.particulars
    sent = decided(case.rows, 2)
    assert sent.remedy is not None
    assert sent.remedy.last_day is None
    assert "14 Tage ab der Zustellung" in sent.remedy.sentence
    assert ("Auslagen", "28,50\u00a0€") in sent.particulars
    assert decided(case.rows, 1).remedy is None


def test_a_permit_s_objection_takes_a_month() -> None:
    case = town("permit").take(
        step("2026-03-02", "applicant-1", "applicant", "submit_application", subject="house"),
        step("2026-03-03", "c", "clerk", "acknowledge"),
        step("2026-03-04", "c", "clerk", "determine_advice_need", needed=False),
        step("2026-03-04", "c", "clerk", "propose_decision", outcome="refused"),
        step("2026-03-05", "p", "approver", "refuse", reason="too high"),
        step("2026-03-06", "c", "clerk", "notify"),
    )
    assert decided(case.rows, 4).reasons == ("too high",)
    remedy = decided(case.rows, 5).remedy
    assert remedy is not None
    assert (remedy.name, remedy.last_day) == ("Widerspruch", "2026-04-07"), "the 6th is Easter Monday"


@pytest.mark.parametrize("sequence", [0, 2, 5, 17, -1])
def test_no_letter_is_written_about_what_the_office_did_not_decide(sequence: int) -> None:
    with pytest.raises(NotFound):
        decided(of_wismar().rows, sequence)


def test_an_erased_or_an_unlawful_trail_is_no_decision() -> None:
    rows = of_wismar().rows
    with pytest.raises(NotFound):
        decided([rows[0]._replace(canonical=None), *rows[1:]], 4)
    with pytest.raises(InvalidInput):
        decided([rows[0], *rows[2:]], 4)
