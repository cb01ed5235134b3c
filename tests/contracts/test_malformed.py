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

WALKED, OF_EACH = 20_000, 12
ALL_ONES = b"\xff" * 32
ARGUMENTS, WORD = 216, 32
MAY_BE_LEFT_OUT = {"supplement_documents", "receive_advice"}  # on paper; by the office itself
LISTS = {"submit_application", "supplement_documents"}  # of documents, whose numbers may be any
USES_EVERY_BIT = {"apply", *LISTS}


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


def refusals(law: Law, asked: list[Question]) -> list[tuple[str, dict[str, Any]] | None]:
    """Return each step's error with its facts, None for one that is allowed."""
    found: list[tuple[str, dict[str, Any]] | None] = []
    for start in range(0, len(asked), BATCH):
        given = [(each.state, each.terms, each.witness) for each in asked[start : start + BATCH]]
        request: Any = {"to": law.address, "data": law.interface.encode("decide", [given]), "gas": 15_000_000}
        (answers,) = law.interface.decode("decide", bytes(law.connection.web3.eth.call(request)))
        found += [None if allowed else law.interface.error(refusal) for allowed, _, _, refusal in answers]
    return found


def test_malformed_arguments_are_refused_by_name(law: Law) -> None:
    samples = lawful(law)
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


def test_facts_that_were_invented_for_a_new_case_are_not_believed(law: Law) -> None:
    """Nobody signs the facts of a case that is not open: whatever comes along, the same case begins."""
    opening: list[Any] = [each for each in lawful(law) if each.state == 0]
    for words in (1, 2, 3):
        asked = [
            each._replace(terms=each.terms + (words << 208), witness=ALL_ONES * words + each.witness)
            for each in opening
        ]
        assert [after for _, after in law.decide(asked)] == [each.after for each in opening]
