"""A term's end comes as an argument: what a contract without a calendar insists on, to the unit in which it is counted.

So many days of 24 hours and an hour less, since clocks change; no longer than it must be only where the law says so.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import pytest

from contracts.laws.driver import Law, Question
from contracts.laws.lawful import WORD, chain, count, lawful, refusals
from contracts.laws.test_laws import LAWS
from ledger_automation.chain.connection import Connection
from ledger_automation.workflows._enforcement import moment

__all__ = ["chain"]

SECOND: Final = 1_000_000
HOUR: Final = 3_600 * SECOND
DAY, WEEK, QUARTER = 24 * HOUR, 168 * HOUR, HOUR // 4
LATITUDE: Final = 26 * HOUR
FACTS, ARGUMENTS = 0, 1
NO_PENALTY: Final = 511


class Bits(NamedTuple):
    """A field of a word."""

    of: int  # facts or arguments
    word: int
    bit: int
    width: int


class Term(NamedTuple):
    """Where its end and its length stand, in which units, and how long before the step it is counted from."""

    action: str
    ends: Bits
    unit: int
    lasts: Bits
    each: int
    before: int = 0
    latitude: int | None = None


def _of_fine(action: str, bit: int, rule: int, before: int = 0) -> Term:
    return Term(action, Bits(ARGUMENTS, 0, bit, 40), SECOND, Bits(FACTS, 1, rule, 9), DAY, before)


TERMS: Final[dict[str, tuple[Term, ...]]] = {
    "parking_fine": (
        _of_fine("record_service", 0, 41),
        _of_fine("record_service", 40, 50),
        _of_fine("record_service", 80, 68, DAY),
        _of_fine("record_service", 120, 77, DAY),
        _of_fine("serve_decision", 0, 59),
    ),
    "permit": (
        Term("submit_application", Bits(ARGUMENTS, 0, 64, 34), SECOND, Bits(ARGUMENTS, 0, 128, 12), DAY),
    ),
    "subsidy": (
        Term(
            "disburse_tranche", Bits(ARGUMENTS, 0, 16, 32), QUARTER, Bits(FACTS, 1, 246, 10), WEEK, latitude=LATITUDE,
        ),
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=TERMS)
def law(request: pytest.FixtureRequest, chain: Connection, tmp_path_factory: pytest.TempPathFactory) -> Law:
    return Law(chain, LAWS[request.param], tmp_path_factory.mktemp("law"))


def place(question: Question, bits: Bits) -> int:
    """Return where the word of a field begins in the witness."""
    return (len(question.witness) // WORD - count(question) if bits.of == ARGUMENTS else 0) * WORD + bits.word * WORD


def read(question: Question, bits: Bits) -> int:
    at = place(question, bits)
    return int.from_bytes(question.witness[at : at + WORD], "big") >> bits.bit & (1 << bits.width) - 1


def written(question: Question, bits: Bits, value: int) -> Question:
    at = place(question, bits)
    word = int.from_bytes(question.witness[at : at + WORD], "big")
    word += (value - read(question, bits)) << bits.bit
    return question._replace(witness=question.witness[:at] + word.to_bytes(WORD, "big") + question.witness[at + WORD :])


def edges(question: Question, term: Term) -> Iterator[tuple[Question, str | None]]:
    """Yield the step with the earliest end and one earlier, and with the latest and one later where there is one."""
    least = moment(question.at) - term.before + read(question, term.lasts) * term.each - HOUR
    first = -(-least // term.unit)
    yield written(question, term.ends, first), None
    yield written(question, term.ends, first - 1), "TermTooShort"
    if term.latitude is not None:
        last = (least + term.latitude) // term.unit
        yield written(question, term.ends, last), None
        yield written(question, term.ends, last + 1), "TermTooLong"


def has(term: Term) -> Callable[[Question], bool]:
    """A court's decision opens no term, and some rules know no penalty."""
    return lambda each: each.command.action == term.action and count(each) > 0 and read(each, term.lasts) != NO_PENALTY


def test_a_term_ends_not_a_moment_too_early_or_too_late(law: Law) -> None:
    for term in TERMS[law.table.name]:
        samples = list(filter(has(term), lawful(law.table.name)))
        assert any(read(each, term.lasts) for each in samples), term
        expected = [each for question in samples for each in edges(question, term)]
        found = refusals(law, [question for question, _ in expected])
        assert [each and each[0] for each in found] == [error for _, error in expected], term
