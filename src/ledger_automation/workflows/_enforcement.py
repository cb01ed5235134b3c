"""What a contract must know of a workflow: the same law in numbers instead of words.

A workflow that can be enforced names its contract and two projections. `Enforcement.facts` writes what the law
remembers of a case as words of 256 bits, `Enforcement.arguments` what it must know of a step. States, actions and roles
become their numbers: a state its place in ``states`` plus one (0 is a case that is not open), an action its row in the
table, a role its place in `ROLES`. Both sides must come to the same words; the tests compare them step by step.

Pseudonyms and names become numbers through `Names`, which a stranger cannot reverse. What a contract cannot hold (a
moment before 1970, a ninth officer) raises InvalidValue, before anything is signed: such a case cannot be enforced.

What this does not do: it knows no chain and no signature; see `audit.enforced`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import msgspec
from Crypto.Hash import keccak as _keccak

from ledger_automation.errors import InvalidValue
from ledger_automation.workflows._table import Step

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Word = int
"""256 bits."""


class Names(Protocol):
    """Turns words into numbers; the same word always into the same one."""

    def member(self, pseudonym: str) -> int:
        """Return a member's number on chain (32 bits, not 0); 0 for the empty pseudonym."""
        ...

    def blind(self, text: str) -> int:
        """Return 128 bits that stand for a text within one case, and mean nothing outside it."""
        ...


class Enforcement(msgspec.Struct, frozen=True, gc=False):
    """How a contract sees a workflow. An action that ``arguments`` does not name has none.

    ``facts`` leaves out the first word, which every contract keeps itself: the link to the past and the moment of the
    last step.
    """

    contract: str
    states: tuple[str, ...]
    facts: Callable[[Any, Names], tuple[Word, ...]]
    arguments: Mapping[str, Callable[[Any, Step, Names], tuple[Word, ...]]]


def keccak256(octets: bytes) -> bytes:
    """Hash as the EVM does (not SHA3-256 of FIPS 202)."""
    return _keccak.new(data=octets, digest_bits=256).digest()


def pack(*fields: tuple[int, int]) -> Word:
    """Pack (value, bits) into a word, the first in the lowest bits; raises InvalidValue for what does not fit."""
    word = offset = 0
    for value, bits in fields:
        if not 0 <= value < 1 << bits:
            raise InvalidValue("A number in an enforced step", value, f"from 0 to 2^{bits}-1")
        word |= value << offset
        offset += bits
    return word


def moment(at: datetime | None) -> int:
    """Return microseconds since 1970, 0 for no moment; raises InvalidValue for an earlier one."""
    if at is None:
        return 0
    microseconds = (at - _EPOCH) // _MICROSECOND
    if microseconds <= 0:
        raise InvalidValue("The moment of an enforced step", at.isoformat(), "after 1970-01-01")
    return microseconds
