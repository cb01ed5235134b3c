"""The law in Python and the law on chain are one: every cell of the table, and a hundred thousand random steps."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers

from contracts.laws import attacks, stall
from contracts.laws.driver import BATCH, STEPS_A_CASE, Law, compare, in_numbers, questions, reached
from contracts.laws.walks import START
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.local import open_chain
from ledger_automation.workflows import Actor, Command, Workflow, names, workflow
from ledger_automation.workflows._table import ROLES
from support.samples import payload_of

LAWS: dict[str, Workflow[Any]] = {
    stall.WORKFLOW.name: stall.WORKFLOW,
    **{name: workflow(name) for name in names() if workflow(name).enforcement is not None},
}
STEPS = {"anvil": 34_000, "tester": 600}
"""For each workflow; the three shipped ones make more than 100,000 on Anvil."""
WALKS = {"anvil": 60, "tester": 5}
"""Seeds that hypothesis chooses, of `STEPS_A_CASE` steps each; py-evm decides a hundredth as fast as Anvil."""
SEED = 3


@pytest.fixture(scope="module", params=STEPS)
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Connection]]:
    with open_chain(request.param, tmp_path_factory.mktemp(request.param)) as connection:
        yield request.param, connection


@pytest.fixture(scope="module", params=LAWS)
def law(
    request: pytest.FixtureRequest, chain: tuple[str, Connection], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Law]:
    return chain[0], Law(chain[1], LAWS[request.param], tmp_path_factory.mktemp("law"))


def test_both_decide_random_steps_alike(law: tuple[str, Law]) -> None:
    node, contract = law
    counts: Counter[str] = Counter()
    assert compare(contract, questions(contract.table, Random(SEED), counts), STEPS[node]) == STEPS[node]


def test_both_decide_any_walk_alike(law: tuple[str, Law]) -> None:
    node, contract = law

    @settings(max_examples=WALKS[node], deadline=None)
    @given(seed=integers(min_value=0, max_value=2**64))
    def decided_alike(seed: int) -> None:
        walked = questions(contract.table, Random(seed), Counter())
        assert compare(contract, walked, STEPS_A_CASE) == STEPS_A_CASE

    decided_alike()


def test_every_state_action_and_role_is_decided_alike(law: tuple[str, Law]) -> None:
    """PE1, for every workflow: all cells of the table, those of states that the action knows and of all others."""
    _, contract = law
    table = contract.table
    cells = [
        in_numbers(
            table, case, Command(row.action, Actor("somebody", role), payload_of(row)), case.at if case else START
        )
        for case in reached(table, Random(SEED)).values()
        for row in table.transitions.values()
        for role in ROLES
    ]
    assert compare(contract, cells, len(cells)) == (len(table.states) + 1) * len(table.transitions) * len(ROLES)


def test_attacks_by_people_with_a_seat_are_refused_alike(law: tuple[int, Law]) -> None:
    _, contract = law
    tried = list(attacks.asked(contract.table))
    assert compare(contract, tried, len(tried)) == len(tried) >= len(attacks.ATTACKS[contract.table.name])


def test_a_number_that_is_no_action_is_refused(law: tuple[str, Law]) -> None:
    _, contract = law
    table = contract.table
    known = in_numbers(
        table,
        None,
        Command(
            next(iter(table.transitions)),
            Actor("somebody", "clerk"),
            payload_of(next(iter(table.transitions.values()))),
        ),
        START,
    )
    strange = [
        known._replace(terms=known.terms & ~(0xFF << 192) | number << 192, witness=b"")
        for number in range(len(table.transitions), 256)
    ]
    for start in range(0, len(strange), BATCH):
        assert {error for error, _ in contract.decide(strange[start : start + BATCH])} == {"UnknownAction"}
