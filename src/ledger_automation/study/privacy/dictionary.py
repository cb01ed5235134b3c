"""A dictionary of number plates against every value found outside: none of them may be a digest that guessing opens.

Each guess is hashed as it is, and in every way in which this software makes values of texts, but with what keeps them
from being guessed taken out:

    unsalted        SHA-256, SHA-1, MD5 (Keccak-256, which is slow here, of the first million)
    as a leaf       SHA-256(0x00 . SHA-256(guess))
    as a name       HMAC-SHA-256 under an empty key and under zeros: members' numbers, blinded texts, pseudonyms
    as an event     SHA-256(event), SHA-256(zeros . event), and their leaves: by somebody who knows all of an event but
                    for the plate in it

and looked for among the values' first and second 16 bytes, so that pieces cut to 128 bits are found too. Memory is that
of the values; guesses are streamed. As a control, the event is also hashed under its own salt, which whoever holds its
receipt knows: that must be found, once, or the attack itself does not work.

Values cut to 32 bits (members' numbers) are not attacked: among 10^7 guesses some hit a number of 32 bits by chance.
"""

import hashlib
import hmac
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from ledger_automation.merkle import leaf_hash
from ledger_automation.study.privacy.register import plates
from ledger_automation.study.privacy.scan import Artefact
from ledger_automation.workflows._enforcement import keccak256

CONTROL: Final = "event under its own salt (control)"
_CUT: Final = 16
_WORD: Final = 32
_SELECTOR: Final = 4
_SLOW: Final = 1_000_000
_TOLD: Final = 100_000
_ZEROS: Final = bytes(_WORD)
_IN_HEX: Final = re.compile(rb"(?:[0-9a-fA-F]{2}){16,}")
_IN_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{22,}={0,2}")
_BINARY: Final = {"calldata": _SELECTOR, "event": 0, "tile": 0}
"""Artefacts of bare words, and where the first of them begins."""


class Template(NamedTuple):
    """An event that is known but for one text in it, and its salt."""

    before: bytes
    after: bytes
    salt: bytes


class Match(msgspec.Struct, frozen=True):
    """A guess that was confirmed: how it was hashed, and where the value stands."""

    formula: str
    guess: str
    artefact: str
    place: str


class Attack(msgspec.Struct, frozen=True):
    """What came of it; ``controlled`` says that the control was found, and nothing else by it."""

    guesses: int
    targets: int
    matches: tuple[Match, ...]
    controlled: bool


def targets(artefacts: Iterable[Artefact]) -> dict[bytes, tuple[str, str]]:
    """Return the pieces of all values found outside, with where each stands first."""
    found: dict[bytes, tuple[str, str]] = {}
    for each in artefacts:
        for value in _values(each):
            for at in range(0, len(value) - _CUT + 1, _CUT):
                found.setdefault(value[at : at + _CUT], (each.kind, each.place))
    found.pop(_ZEROS[:_CUT], None)
    return found


def attack(
    values: dict[bytes, tuple[str, str]], template: Template, guesses: int, tell: Callable[[str, int, int], None]
) -> Attack:
    """Try so many plates on the values."""
    matches: list[Match] = []
    fast = _formulas(template)
    formulas = (*fast, ("Keccak-256", keccak256))
    for number, guess in enumerate(plates(guesses)):
        octets = guess.encode()
        for name, formula in formulas:
            cut = formula(octets)[:_CUT]
            if cut in values:
                matches.append(Match(name, guess, *values[cut]))
        if not number % _TOLD:
            formulas = formulas if number < _SLOW else fast
            tell("plates guessed", number, guesses)
    tell("plates guessed", guesses, guesses)
    controls = [each for each in matches if each.formula == CONTROL]
    return Attack(guesses, len(values), tuple(each for each in matches if each.formula != CONTROL), len(controls) == 1)


def _formulas(template: Template) -> tuple[tuple[str, Callable[[bytes], bytes]], ...]:
    bare, zeros, salted = (_event(salt + template.before, template.after) for salt in (b"", _ZEROS, template.salt))
    return (
        ("SHA-256", lambda guess: hashlib.sha256(guess).digest()),
        ("SHA-1", lambda guess: hashlib.sha1(guess, usedforsecurity=False).digest()),
        ("MD5", lambda guess: hashlib.md5(guess, usedforsecurity=False).digest()),
        ("leaf of SHA-256", lambda guess: leaf_hash(hashlib.sha256(guess).digest())),
        ("HMAC under an empty key", lambda guess: hmac.digest(b"\0", guess, "sha256")),
        ("event without a salt", bare),
        ("leaf of an event without a salt", lambda guess: leaf_hash(bare(guess))),
        ("event under a salt of zeros", zeros),
        ("leaf of an event under a salt of zeros", lambda guess: leaf_hash(zeros(guess))),
        (CONTROL, lambda guess: leaf_hash(salted(guess))),
    )


def _event(before: bytes, after: bytes) -> Callable[[bytes], bytes]:
    """Return what hashes an event with a guess in its place; what stands before the guess is hashed once."""
    begun = hashlib.sha256(before)

    def digest(guess: bytes) -> bytes:
        hashed = begun.copy()
        hashed.update(guess + after)
        return hashed.digest()

    return digest


def _values(artefact: Artefact) -> Iterator[bytes]:
    content = artefact.content
    if (first := _BINARY.get(artefact.kind)) is not None:
        yield from (content[at : at + _WORD] for at in range(first, len(content), _WORD))
    elif artefact.kind == "state" and content[:1] != b"{":
        yield from (content[:_WORD], content[-_WORD:])
    elif artefact.kind != "code":
        yield from (bytes.fromhex(found.decode()) for found in _IN_HEX.findall(content))
        yield from filter(None, map(_decoded, _IN_BASE64.findall(content)))


def _decoded(text: bytes) -> bytes:
    plain = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    return b64decode(plain + b"=" * (-len(plain) % 4)) if len(plain) % 4 != 1 else b""
