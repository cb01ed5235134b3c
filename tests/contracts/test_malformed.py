"""What no honest relayer sends, and no law in Python sees: too many arguments, too few, with bits that no field has."""

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.laws.driver import Law, Question
from contracts.laws.lawful import WORD, chain, count, lawful, refusals, with_arguments
from contracts.laws.test_laws import LAWS
from ledger_automation.chain.connection import Connection

__all__ = ["chain"]

FACTS = 208
ALL_ONES = b"\xff" * 32
MAY_BE_LEFT_OUT = {"supplement_documents", "receive_advice"}  # on paper; by the office itself
LISTS = {"submit_application", "supplement_documents"}  # of documents, whose numbers may be any
USES_EVERY_BIT = {"apply", *LISTS}


@pytest.fixture(scope="module", params=LAWS)
def law(request: pytest.FixtureRequest, chain: Connection, tmp_path_factory: pytest.TempPathFactory) -> Law:
    return Law(chain, LAWS[request.param], tmp_path_factory.mktemp("law"))


def changed(question: Question) -> Iterator[tuple[int, Question]]:
    """Yield what nobody may bring, and the place of the argument that is wrong."""
    number = count(question)
    yield number, with_arguments(question, number + 1, question.witness + ALL_ONES)
    if number and question.command.action not in MAY_BE_LEFT_OUT:
        yield 0, with_arguments(question, 0, question.witness[: -number * WORD])
    for place in range(number):
        at = len(question.witness) - (number - place) * WORD
        before, after = question.witness[:at], question.witness[at + WORD :]
        yield place, with_arguments(question, number, before + ALL_ONES + after)
        if question.command.action not in USES_EVERY_BIT:
            top = b"\x80" + question.witness[at + 1 : at + WORD]
            yield place, with_arguments(question, number, before + top + after)


def test_malformed_arguments_are_refused_by_name(law: Law) -> None:
    samples = lawful(law.table.name)
    assert set(refusals(law, samples)) == {None}
    asked = [each for question in samples for each in changed(question)]
    assert len(asked) > len(samples)
    actions = list(law.table.transitions)
    for (place, question), refusal in zip(asked, refusals(law, [each for _, each in asked]), strict=True):
        assert refusal is not None, question
        error, facts = refusal
        assert not error.startswith("Panic"), (question, error)
        if error == "WrongArguments":
            assert facts == {"action": actions.index(question.command.action), "actual": count(question)}
        if error == "ArgumentOutOfRange" and question.command.action not in LISTS:
            assert facts["index"] == place, question


def test_facts_of_a_subsidy_that_are_cut_short_are_refused_before_they_are_read(
    chain: Connection, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No head leads to it, so `take` never comes so far; but the subsidy's law reads without asking for each word."""
    law = Law(chain, LAWS["subsidy"], tmp_path_factory.mktemp("law"))
    samples = [each for each in lawful("subsidy") if each.state != 0]
    asked = []
    for each in samples:
        given = each.witness[len(each.witness) - count(each) * WORD :]
        for kept in (1, 2):
            terms = each.terms & ~(0xFF << FACTS) | kept << FACTS
            asked.append(each._replace(terms=terms, witness=each.witness[: kept * WORD] + given))
    for question, refusal in zip(asked, refusals(law, asked), strict=True):
        assert refusal is not None, question
        assert refusal[0] in {"FactsMissing", "TrancheUnknown"}, (question, refusal)


def test_facts_that_were_invented_for_a_new_case_are_not_believed(law: Law) -> None:
    """Nobody signs the facts of a case that is not open: whatever comes along, the same case begins."""
    opening: list[Any] = [each for each in lawful(law.table.name) if each.state == 0]
    for words in (1, 2, 3):
        asked = [
            each._replace(terms=each.terms + (words << 208), witness=ALL_ONES * words + each.witness)
            for each in opening
        ]
        assert [after for _, after in law.decide(asked)] == [each.after for each in opening]
