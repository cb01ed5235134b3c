"""Single fields of arguments and of facts, set to what the law's edges are, on steps that are lawful otherwise.

The harness asks the law without cases, so the facts can be set too: nine who checked, a list that is full.
"""

from typing import NamedTuple

import pytest

from contracts.laws.attacks import ADVISED, NEVER_PENALISED, taken
from contracts.laws.driver import Law, Question
from contracts.laws.lawful import WORD, chain, count, lawful, refusals, with_arguments
from contracts.laws.test_laws import LAWS
from ledger_automation.chain.connection import Connection

__all__ = ["chain"]

MOST = 2**53 - 1
FACTS, ARGUMENTS = "facts", "arguments"


class Field(NamedTuple):
    """Bits of a word of the arguments or facts of an action, what they are set to, and the error that follows."""

    action: str
    what: str
    word: int
    bit: int
    width: int
    value: int
    error: str


FIELDS: dict[str, tuple[Field, ...]] = {
    "subsidy": (
        Field("open_programme", ARGUMENTS, 0, 0, 176, 1, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 0, 251, 5, 16, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 1, 240, 16, 1 << 15, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 0, 208, 14, 10_001, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 0, 222, 14, 10_001, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 0, 236, 10, 0, "ArgumentOutOfRange"),
        Field("open_programme", ARGUMENTS, 0, 236, 10, 521, "ArgumentOutOfRange"),
        Field("apply", ARGUMENTS, 0, 0, 56, MOST + 1, "ArgumentOutOfRange"),
        Field("apply", ARGUMENTS, 0, 56, 56, 0, "ArgumentOutOfRange"),
        Field("apply", ARGUMENTS, 0, 112, 32, 0, "ArgumentOutOfRange"),
        Field("check_application", FACTS, 3, 0, 256, int("00000009" * 8, 16), "ListFull"),
        Field("grant", ARGUMENTS, 0, 56, 56, MOST + 1, "ArgumentOutOfRange"),
        Field("grant", ARGUMENTS, 0, 0, 56, 0, "ArgumentOutOfRange"),
        Field("request_tranche", ARGUMENTS, 0, 0, 16, 0, "ArgumentOutOfRange"),
        Field("request_tranche", ARGUMENTS, 0, 0, 16, 1_001, "ArgumentOutOfRange"),
        Field("request_tranche", ARGUMENTS, 0, 16, 56, 0, "ArgumentOutOfRange"),
        Field("request_tranche", ARGUMENTS, 0, 72, 32, 0, "ArgumentOutOfRange"),
        Field("request_tranche", ARGUMENTS, 0, 104, 56, MOST + 1, "ArgumentOutOfRange"),
        Field("disburse_tranche", ARGUMENTS, 0, 16, 32, 1, "TermTooShort"),
        Field("disburse_tranche", ARGUMENTS, 0, 16, 32, 2**32 - 1, "TermTooLong"),
        Field("prove_use", ARGUMENTS, 0, 16, 53, 0, "ArgumentOutOfRange"),
        Field("prove_use", FACTS, 1, 168, 64, 2**64 - 1, "ArgumentOutOfRange"),
        Field("submit_final_proof", FACTS, 1, 168, 64, 2**64 - 1, "FinalProofBelowTranches"),
        Field("reduce_grant", ARGUMENTS, 0, 0, 256, 0, "ArgumentOutOfRange"),
    ),
    "parking_fine": (
        Field("record_fine", ARGUMENTS, 0, 88, 53, 0, "ArgumentOutOfRange"),
        Field("record_fine", ARGUMENTS, 0, 0, 32, 1, "ArgumentOutOfRange"),
        Field("correct_amount", ARGUMENTS, 0, 0, 256, 0, "ArgumentOutOfRange"),
        Field("send_notice", ARGUMENTS, 0, 0, 256, MOST + 1, "ArgumentOutOfRange"),
        Field("record_service", ARGUMENTS, 0, 0, 40, 1, "TermTooShort"),
        Field("record_service", ARGUMENTS, 0, 40, 40, 1, "TermTooShort"),
        Field("record_service", ARGUMENTS, 0, 120, 40, 1, "TermTooShort"),
        Field("decide_appeal", ARGUMENTS, 0, 0, 256, 2, "ArgumentOutOfRange"),
        Field("record_payment", ARGUMENTS, 0, 0, 256, 0, "ArgumentOutOfRange"),
    ),
    "permit": (
        Field("submit_application", ARGUMENTS, 0, 128, 12, 0, "ArgumentOutOfRange"),
        Field("submit_application", ARGUMENTS, 0, 128, 12, 3_661, "ArgumentOutOfRange"),
        Field("submit_application", ARGUMENTS, 0, 99, 4, 13, "ArgumentOutOfRange"),
        Field("submit_application", ARGUMENTS, 0, 64, 34, 1, "TermTooShort"),
        Field("request_advice", ARGUMENTS, 0, 0, 256, 0, "ArgumentOutOfRange"),
        Field("request_advice", ARGUMENTS, 0, 0, 256, 5 << 32 | 9, "ArgumentOutOfRange"),
        Field("notify", ARGUMENTS, 0, 0, 256, 1, "TermTooShort"),
    ),
}


@pytest.fixture(scope="module")
def laws(chain: Connection, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Law]:
    return {name: Law(chain, LAWS[name], tmp_path_factory.mktemp(name)) for name in FIELDS}


def with_field(question: Question, field: Field) -> Question:
    facts = len(question.witness) // WORD - count(question)
    at = (field.word if field.what == FACTS else facts + field.word) * WORD
    word = int.from_bytes(question.witness[at : at + WORD], "big")
    mask = ((1 << field.width) - 1) << field.bit
    changed = ((word & ~mask) | field.value << field.bit).to_bytes(WORD, "big")
    return question._replace(witness=question.witness[:at] + changed + question.witness[at + WORD :])


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_at_the_edge_is_refused_by_name(laws: dict[str, Law], name: str) -> None:
    law = laws[name]
    samples = lawful(name)
    for field in FIELDS[name]:
        asked = [with_field(each, field) for each in samples if each.command.action == field.action]
        found = {each[0] if each else None for each in refusals(law, asked)}
        assert found == {field.error}, field


def test_a_penalty_that_the_rules_do_not_know_has_no_day_and_nobody_gives_no_advice(laws: dict[str, Law]) -> None:
    for attack, field in (
        (NEVER_PENALISED, Field("record_service", ARGUMENTS, 0, 80, 40, 1, "ArgumentOutOfRange")),
        (ADVISED, Field("receive_advice", ARGUMENTS, 0, 0, 256, 0, "ArgumentOutOfRange")),
    ):
        law = laws["permit" if attack is ADVISED else "parking_fine"]
        *_, last = taken(law.table, [attack])
        found = [each[0] if each else None for each in refusals(law, [last, with_field(last, field)])]
        assert found == [None, field.error]


def test_lists_end(laws: dict[str, Law]) -> None:
    """A hundred conditions and tranches, each condition of a tranche that can be; eight parties that owe advice."""
    samples = {each.command.action: each for each in lawful("subsidy")}
    granting, requesting = samples["grant"], samples["request_tranche"]
    facts = granting.witness[: -count(granting) * WORD]
    given = granting.witness[len(facts) :][:WORD]
    kept, argument = requesting.witness[: 3 * WORD], requesting.witness[-WORD:]
    asked = [
        with_arguments(granting, 102, facts + given + condition(1) * 101),
        requesting._replace(terms=with_facts(requesting, 103), witness=kept + condition(1) * 100 + argument),
        *(with_arguments(granting, 2, facts + given + condition(first)) for first in (0, 1_001)),
    ]
    found = [each[0] if each else None for each in refusals(laws["subsidy"], asked)]
    assert found == ["ListFull", "ListFull", "ArgumentOutOfRange", "ArgumentOutOfRange"]
    requesting = next(each for each in lawful("permit") if each.command.action == "request_advice")
    eight = sum((100 + place) << 32 * place for place in range(8)).to_bytes(WORD, "big")
    ninth = requesting.witness[: 2 * WORD] + eight + (9).to_bytes(WORD, "big")
    full = requesting._replace(terms=with_facts(requesting, 3), witness=ninth)
    assert [each[0] if each else None for each in refusals(laws["permit"], [full])] == ["TooManyParties"]


def condition(first: int) -> bytes:
    return (first << 16 | 7 << 32).to_bytes(WORD, "big")


def with_facts(question: Question, number: int) -> int:
    return (question.terms & ~(0xFF << 208)) | number << 208
