"""The dictionary opens what a guess can open, and nothing that a salt keeps shut."""

import base64
import hmac
import secrets
from collections.abc import Callable
from hashlib import md5, sha1, sha256
from typing import Final

import pytest

from ledger_automation.canonical import commit
from ledger_automation.merkle import leaf_hash
from ledger_automation.study.privacy.dictionary import Template, attack, targets
from ledger_automation.study.privacy.register import plate
from ledger_automation.study.privacy.scan import Artefact
from ledger_automation.workflows._enforcement import keccak256

GUESSES: Final = 3_000
PLATE: Final = plate(2_019)
BEFORE, AFTER = b'{"offence":"', b'","rules":{}}'
SALT: Final = secrets.token_bytes(32)
TEMPLATE: Final = Template(BEFORE, AFTER, SALT)
TOLD: Final = PLATE.encode()
EVENT: Final = BEFORE + TOLD + AFTER
CONTROL: Final = Artefact("tile", "control", leaf_hash(commit(SALT, EVENT)))

MADE: Final[dict[str, Callable[[], bytes]]] = {
    "SHA-256": lambda: sha256(TOLD).digest(),
    "SHA-1": lambda: sha1(TOLD, usedforsecurity=False).digest(),
    "MD5": lambda: md5(TOLD, usedforsecurity=False).digest(),
    "Keccak-256": lambda: keccak256(TOLD),
    "leaf of SHA-256": lambda: leaf_hash(sha256(TOLD).digest()),
    "HMAC under an empty key": lambda: hmac.digest(b"", TOLD, "sha256"),
    "event without a salt": lambda: sha256(EVENT).digest(),
    "leaf of an event without a salt": lambda: leaf_hash(sha256(EVENT).digest()),
    "event under a salt of zeros": lambda: commit(bytes(32), EVENT),
    "leaf of an event under a salt of zeros": lambda: leaf_hash(commit(bytes(32), EVENT)),
}
SHOWN: Final[dict[str, Callable[[bytes], Artefact]]] = {
    "in a tile": lambda value: Artefact("tile", "there", secrets.token_bytes(64) + value.ljust(32, b"\0")),
    "in calldata": lambda value: Artefact("calldata", "there", b"take" + bytes(32) + value.ljust(32, b"\0")),
    "in hexadecimal": lambda value: Artefact("webhook", "there", b'{"commitment":"' + value.hex().encode() + b'"}'),
    "in base64": lambda value: Artefact("note", "there", b"case-map " + base64.b64encode(value) + b"\n"),
    "in storage": lambda value: Artefact("state", "there", secrets.token_bytes(40) + value.rjust(32, b"\0")),
    "cut to 16 bytes": lambda value: Artefact("calldata", "there", b"take" + value[:16] + bytes(16)),
}


def silent(_: str, __: int, ___: int) -> None:
    """Tell nobody."""


@pytest.mark.parametrize(("formula", "made"), MADE.items(), ids=MADE)
def test_a_value_made_of_a_plate_alone_is_opened(formula: str, made: Callable[[], bytes]) -> None:
    found = attack(targets([Artefact("tile", "there", made()), CONTROL]), TEMPLATE, GUESSES, silent)
    assert [(each.formula, each.guess, each.place) for each in found.matches] == [(formula, PLATE, "there")]


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_wherever_it_stands_outside(shown: Callable[[bytes], Artefact]) -> None:
    found = attack(targets([shown(sha256(TOLD).digest())]), TEMPLATE, GUESSES, silent)
    assert [(each.formula, each.guess, each.place) for each in found.matches] == [("SHA-256", PLATE, "there")]


def test_a_salted_commitment_stays_shut_but_for_who_has_its_salt() -> None:
    other = Artefact("tile", "another's", leaf_hash(commit(secrets.token_bytes(32), EVENT)))
    found = attack(targets([CONTROL, other]), TEMPLATE, GUESSES, silent)
    assert (found.matches, found.controlled, found.guesses) == ((), True, GUESSES)


def test_an_attack_that_does_not_even_find_the_control_says_so() -> None:
    assert not attack(targets([]), TEMPLATE, GUESSES, silent).controlled
    assert not attack(targets([CONTROL]), TEMPLATE, 2_000, silent).controlled


def test_a_plate_that_nobody_guesses_is_not_found() -> None:
    value = Artefact("tile", "there", sha256(b"XX-YY 1").digest())
    assert attack(targets([value, CONTROL]), TEMPLATE, GUESSES, silent).matches == ()


def test_it_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    attack(targets([CONTROL]), TEMPLATE, GUESSES, lambda _, done, of: told.append((done, of)))
    assert told == [(0, GUESSES), (GUESSES, GUESSES)]
