"""Steps that both sides allow, to be spoilt in one place; and the errors that a contract finds in what came of it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import islice
from random import Random
from typing import Any

import pytest

from contracts.laws.driver import BATCH, Law, Question, questions
from contracts.laws.test_laws import LAWS
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.local import open_chain

WALKED, OF_EACH = 20_000, 12
ARGUMENTS, WORD = 216, 32


@pytest.fixture(scope="module", params=["anvil", "tester"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with open_chain(request.param, tmp_path_factory.mktemp(request.param)) as connection:
        yield connection


@cache
def lawful(name: str) -> list[Question]:
    """Steps of a walk through a workflow that both sides allow, some of each action."""
    table = LAWS[name]
    found: defaultdict[str, list[Question]] = defaultdict(list)
    for question in islice(questions(table, Random(7), Counter()), WALKED):
        if question.rule is None and len(found[question.command.action]) < OF_EACH:
            found[question.command.action].append(question)
    assert set(found) == set(table.transitions)
    return [each for samples in found.values() for each in samples]


def count(question: Question) -> int:
    return question.terms >> ARGUMENTS & 0xFF


def with_arguments(question: Question, number: int, witness: bytes) -> Question:
    terms = question.terms & ~(0xFF << ARGUMENTS) | number << ARGUMENTS
    return question._replace(terms=terms, witness=witness)


def refusals(law: Law, asked: list[Question]) -> list[tuple[str, dict[str, Any]] | None]:
    """Return each step's error with its facts, None for one that is allowed."""
    found: list[tuple[str, dict[str, Any]] | None] = []
    for start in range(0, len(asked), BATCH):
        given = [(each.state, each.terms, each.witness) for each in asked[start : start + BATCH]]
        request: Any = {"to": law.address, "data": law.interface.encode("decide", [given]), "gas": 15_000_000}
        (answers,) = law.interface.decode("decide", bytes(law.connection.web3.eth.call(request)))
        found += [None if allowed else law.interface.error(refusal) for allowed, _, _, refusal in answers]
    return found
