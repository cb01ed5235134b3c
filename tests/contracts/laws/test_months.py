"""A term of months is as long as the shortest such months in a row, to the second: what a contract without a calendar
can insist on, and no day less."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from contracts.laws.driver import Law, Question, in_numbers
from contracts.laws.walks import START
from ledger_automation.chain.local import open_chain
from ledger_automation.workflows import Actor, Command, workflow
from ledger_automation.workflows._enforcement import moment
from ledger_automation.workflows.deadlines import add_months

MOST, WORD = 12, 32
DAYS = [date(1999, 1, 1) + timedelta(days=each) for each in range(6 * 366)]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Law]:
    with open_chain("tester", tmp_path_factory.mktemp("tester")) as connection:
        yield Law(connection, workflow("permit"), tmp_path_factory.mktemp("law"))


def notified(months: int) -> Question:
    """A decision with so many months for an objection, about to be notified."""
    table, case = workflow("permit"), None
    rules = {"objection_months": months, "four_eyes": False}
    for role, action, payload in (
        ("clerk", "submit_application", {"applicant": "anna", "rules": rules}),
        ("clerk", "acknowledge", {}),
        ("approver", "grant", {}),
    ):
        case = table.apply(case, Command(action, Actor(f"{role}-1", role), payload), START).case
    return in_numbers(table, case, Command("notify", Actor("clerk-1", "clerk"), {}), START)


def ending(question: Question, seconds: int) -> Question:
    return question._replace(witness=question.witness[:-WORD] + seconds.to_bytes(WORD, "big"))


@pytest.mark.parametrize("months", range(MOST + 1))
def test_a_term_is_not_a_second_shorter_than_the_shortest_months(law: Law, months: int) -> None:
    shortest = min(add_months(day, months) - day for day in DAYS)
    question = notified(months)
    least = -(-moment(START + shortest - HOUR) // 1_000_000)
    early, timely = law.decide([ending(question, least - 1), ending(question, least)])
    assert early[0] == "TermTooShort"
    assert timely[0] is None


def test_the_shortest_months_have_so_many_days() -> None:
    shortest = [min(add_months(day, months) - day for day in DAYS) // DAY for months in range(MOST + 1)]
    assert shortest == [0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334, 365]
