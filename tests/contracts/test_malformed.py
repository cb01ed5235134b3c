"""What no honest relayer sends, and no law in Python sees: too many arguments, too few, with bits that no field has."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

import pytest

from contracts.laws.driver import BATCH, Law, Question, questions
from contracts.laws.test_laws import LAWS
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.local import open_chain

WALKED, OF_EACH = 4_000, 12
ALL_ONES = b"\xff" * 32
ARGUMENTS, WORD = 216, 32
MAY_BE_LEFT_OUT = {"supplement_documents", "receive_advice"}  # on paper; by the office itself
USES_EVERY_BIT = {"apply"}


@pytest.fixture(scope="module", params=["anvil", "tester"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with open_chain(request.param, tmp_path_factory.mktemp(request.param)) as connection:
        yield connection


@pytest.fixture(scope="module", params=LAWS)
def law(request: pytest.FixtureRequest, chain: Connection, tmp_path_factory: pytest.TempPathFactory) -> Law:
    return Law(chain, LAWS[request.param], tmp_path_factory.mktemp("law"))


def lawful(law: Law) -> list[Question]:
    """Steps of a walk that both sides allow, some of each action."""
    found: defaultdict[str, list[Question]] = defaultdict(list)
    for question in islice(questions(law.table, Random(7), Counter()), WALKED):
        if question.rule is None and len(found[question.command.action]) < OF_EACH:
            found[question.command.action].append(question)
    assert set(found) == set(law.table.transitions)
    return [each for samples in found.values() for each in samples]


def count(question: Question) -> int:
    return question.terms >> ARGUMENTS & 0xFF


def with_arguments(question: Question, number: int, witness: bytes) -> Question:
    terms = question.terms & ~(0xFF << ARGUMENTS) | number << ARGUMENTS
    return question._replace(terms=terms, witness=witness)


def changed(question: Question) -> Iterator[Question]:
    number = count(question)
    yield with_arguments(question, number + 1, question.witness + ALL_ONES)
    if number and question.command.action not in MAY_BE_LEFT_OUT:
        yield with_arguments(question, 0, question.witness[: -number * WORD])
    for place in range(number):
        at = len(question.witness) - (number - place) * WORD
        before, after = question.witness[:at], question.witness[at + WORD :]
        yield with_arguments(question, number, before + ALL_ONES + after)
        if question.command.action not in USES_EVERY_BIT:
            yield with_arguments(question, number, before + b"\x80" + question.witness[at + 1 : at + WORD] + after)


def refusals(law: Law, asked: list[Question]) -> list[str | None]:
    found: list[str | None] = []
    for start in range(0, len(asked), BATCH):
        found += [error for error, _ in law.decide(asked[start : start + BATCH])]
    return found


def test_malformed_arguments_are_refused_by_name(law: Law) -> None:
    samples = lawful(law)
    assert set(refusals(law, samples)) == {None}
    asked = [each for question in samples for each in changed(question)]
    for question, error in zip(asked, refusals(law, asked), strict=True):
        assert error is not None, question
        assert not error.startswith("Panic"), (question, error)
    assert len(asked) > len(samples)


def test_facts_that_were_invented_for_a_new_case_are_not_believed(law: Law) -> None:
    """Nobody signs the facts of a case that is not open: whatever comes along, the same case begins."""
    opening: list[Any] = [each for each in lawful(law) if each.state == 0]
    for words in (1, 2, 3):
        asked = [
            each._replace(terms=each.terms + (words << 208), witness=ALL_ONES * words + each.witness)
            for each in opening
        ]
        assert [after for _, after in law.decide(asked)] == [each.after for each in opening]
