"""The forms in which a text of a person may stand in an artefact: encodings, and digests without a salt.

    written      as given, case-folded, in capitals; composed and decomposed (NFC, NFD); without spaces and marks
    encoded      UTF-8, UTF-16, JSON's escapes, percent, hexadecimal, base64 at all three alignments, URL-safe too
    digests      SHA-256, SHA-1, MD5, Keccak-256, HMAC without a key; of the text, case-folded, without spaces, with a
                 line's end, and as a `kind:text` that somebody might use for a key; raw, hexadecimal, base64; cut to 8
                 bytes or more, from the front or, as an address is, its last 20

A digest is searched by its first 8 bytes, so any longer piece is found too: a million of them meet by chance in a
gigabyte with probability 10^9 x 10^6 / 2^64, which is 0.0001. By 4 bytes that would be 200,000 false alarms; where
fewer bytes are a field of their own (numbers and blinded texts on chain), `Scanner.fields` compares fields instead.
"""

import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

from ledger_automation.workflows._enforcement import keccak256

LEAST: Final = 8
"""Forms are at least so many bytes; shorter ones would be found by chance."""

_LEAST_DIGITS: Final = 12
"""Digits without anything between them are searched from this length on; shorter ones stand in hex by chance."""

_CUT: Final = 8
_ADDRESS: Final = 12

DIGESTS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "SHA-256": lambda data: hashlib.sha256(data).digest(),
    "SHA-1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    "Keccak-256": keccak256,
    "HMAC-SHA-256 without a key": lambda data: hmac.digest(b"\0", data, "sha256"),
}
"""What a careless program would call a text by; the last is how this one makes members' numbers and blinded texts."""


class Form(NamedTuple):
    """One form: what it is called, its bytes, and whether upper and lower case of ASCII are the same in it."""

    encoding: str
    needle: bytes
    folded: bool = False


def forms(kind: str, text: str) -> Iterator[Form]:
    """Yield every form of a text that is long enough to mean something, each once."""
    seen: set[bytes] = set()
    for form in (*_written(text), *_digested(kind, text)):
        if len(form.needle) >= LEAST and form.needle not in seen:
            seen.add(form.needle)
            yield form


def compact(text: str) -> str:
    """Return a text without spaces and marks.

    >>> compact("HWI-AB 123")
    'HWIAB123'
    """
    return "".join(each for each in text if each.isalnum() or unicodedata.combining(each))


def digests(kind: str, text: str) -> Iterator[tuple[str, bytes]]:
    """Yield the digests of a text without a salt, each with its name."""
    spellings = {
        "the text": text,
        "the text case-folded": text.casefold(),
        "the text without spaces": compact(text),
        "the text with a line's end": f"{text}\n",
        f"{kind}:text": f"{kind}:{text}",
    }
    once = {spelled: spelling for spelling, spelled in reversed(spellings.items())}
    for spelled, spelling in once.items():
        for name, digest in DIGESTS.items():
            yield f"{name} of {spelling}", digest(spelled.encode())


def _written(text: str) -> Iterator[Form]:
    for spelled in _spellings(text):
        octets = spelled.encode()
        wide = spelled.encode("utf-16-le")[:-1]  # without its last zero it stands in both orders of bytes
        yield Form("UTF-8", octets, folded=True)
        yield Form("UTF-16", wide, folded=True)
        yield Form("JSON's escapes", _escaped(spelled), folded=True)
        yield Form("percent", quote(spelled, safe="").encode(), folded=True)
        yield Form("percent", quote_plus(spelled).encode(), folded=True)
        yield Form("hexadecimal", octets.hex().encode(), folded=True)
        yield Form("hexadecimal of UTF-16", wide.hex().encode(), folded=True)
        yield from _base64("base64", octets)


def _spellings(text: str) -> list[str]:
    """Return a text in all spellings that differ by more than the case of ASCII letters."""
    found: dict[str, None] = {}
    for cased in (text, text.casefold(), text.upper()):
        for form in ("NFC", "NFD"):
            spelled = unicodedata.normalize(form, cased)
            found[spelled] = None
            if not compact(spelled).isdecimal() or len(compact(spelled)) >= _LEAST_DIGITS:
                found[compact(spelled)] = None
    return list(found)


def _digested(kind: str, text: str) -> Iterator[Form]:
    for name, digest in digests(kind, text):
        cut = digest[:_CUT]
        yield Form(name, cut)
        yield Form(f"{name}, hexadecimal", cut.hex().encode(), folded=True)
        yield from _base64(f"{name}, base64", digest[: _CUT + 1])
        if len(digest) > 2 * _ADDRESS:
            last = digest[_ADDRESS : _ADDRESS + _CUT]
            yield Form(f"{name}, last 20 bytes", last)
            yield Form(f"{name}, last 20 bytes, hexadecimal", last.hex().encode(), folded=True)


def _base64(name: str, octets: bytes) -> Iterator[Form]:
    """Yield what of the base64 of a longer text depends on these bytes alone, wherever in it they begin."""
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(b"\0" * before + octets)[skipped : (before + len(octets)) * 8 // 6]
        yield Form(name, whole)
        yield Form(f"{name} (URL-safe)", whole.translate(bytes.maketrans(b"+/", b"-_")))


def _escaped(text: str) -> bytes:
    return "".join(each if each.isascii() else f"\\u{ord(each):04x}" for each in text).encode()
