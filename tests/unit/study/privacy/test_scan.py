"""The search finds every form of every text, says where and how it is written, and nothing that is not there."""

import base64
import json
import unicodedata
from collections.abc import Callable
from hashlib import md5, sha1, sha256
from random import Random
from typing import Any, Final
from urllib.parse import quote, quote_plus

import pytest

from ledger_automation.study.privacy.forms import compact
from ledger_automation.study.privacy.register import Person, register
from ledger_automation.study.privacy.scan import Artefact, Field, Scanner
from ledger_automation.workflows._enforcement import keccak256

PEOPLE: Final = register(40, 2019)
SOMEBODY: Final = PEOPLE[17]
Written = Callable[[Person], bytes]


def url_safe(person: Person) -> bytes:
    return base64.urlsafe_b64encode(b"\xfb\xff" + person.document.encode())


LEAKS: Final[dict[str, tuple[str, str, str, Written]]] = {
    "a plate in calldata": ("calldata", "plate", "UTF-8", lambda p: b"\0" * 22 + p.plate.encode()),
    "a plate in small letters": ("event", "plate", "UTF-8", lambda p: p.plate.lower().encode()),
    "a plate without its space": ("state", "plate", "UTF-8", lambda p: compact(p.plate).encode()),
    "a name in a log line": ("journal", "name", "UTF-8", lambda p: f'{{"event": "{p.name}"}}'.encode()),
    "a name in capitals": ("journal", "name", "UTF-8", lambda p: p.name.upper().encode()),
    "a name in decomposed letters": ("note", "name", "UTF-8", lambda p: unicodedata.normalize("NFD", p.name).encode()),
    "a name in JSON's escapes": ("webhook", "name", "JSON's escapes", lambda p: json.dumps(p.name).encode()),
    "a name in UTF-16": ("manifest", "name", "UTF-16", lambda p: p.name.encode("utf-16-le")),
    "a name in UTF-16, the other order": ("manifest", "name", "UTF-16", lambda p: p.name.encode("utf-16-be")),
    "an address in a URL": ("journal", "address", "percent", lambda p: quote(p.address).encode()),
    "an address in a form": ("journal", "address", "percent", lambda p: quote_plus(p.address).encode()),
    "a birthday in a receipt": ("receipt", "born", "UTF-8", lambda p: p.born.encode()),
    "an account in a problem document": ("problem document", "iban", "UTF-8", lambda p: compact(p.iban).encode()),
    "an address for mail in hexadecimal": ("code", "email", "hexadecimal", lambda p: p.email.encode().hex().encode()),
    "a file in capital hexadecimal": ("block", "file", "hexadecimal", lambda p: p.file.encode().hex().upper().encode()),
    "a name in base64": ("figures", "name", "base64", lambda p: base64.b64encode(p.name.encode())),
    "a name in base64, one byte on": ("figures", "name", "base64", lambda p: base64.b64encode(b"x" + p.name.encode())),
    "a name in base64, two on": ("figures", "name", "base64", lambda p: base64.b64encode(b"xy" + p.name.encode())),
    "a login as a title": ("process title", "login", "UTF-8", lambda p: b"ledger\0" + p.login.encode()),
    "a digest as a case's key": ("calldata", "plate", "SHA-256 of plate:text",
                                 lambda p: sha256(f"plate:{p.plate}".encode()).digest()[:16]),
    "a digest of a line": ("tile", "plate", "SHA-256 of the text with a line's end",
                           lambda p: sha256(f"{p.plate}\n".encode()).digest()),
    "a digest of small letters": ("tile", "name", "SHA-1 of the text case-folded",
                                  lambda p: sha1(p.name.casefold().encode(), usedforsecurity=False).digest()),
    "a digest in hexadecimal": ("webhook", "iban", "MD5 of the text without spaces, hexadecimal",
                                lambda p: md5(compact(p.iban).encode(), usedforsecurity=False).hexdigest().encode()),
    "a digest in base64": ("note", "email", "SHA-256 of the text, base64",
                           lambda p: base64.b64encode(sha256(p.email.encode()).digest())),
    "a digest cut to 20 bytes": ("event", "login", "Keccak-256 of the text",
                                 lambda p: keccak256(p.login.encode())[:20]),
    "a digest as an address": ("transaction", "login", "Keccak-256 of the text, last 20 bytes, hexadecimal",
                               lambda p: b"0x" + keccak256(p.login.encode())[12:].hex().encode()),
    "a document's digest": ("answer", "document", "SHA-256 of the text, hexadecimal",
                            lambda p: sha256(p.document.encode()).hexdigest().encode()),
}  # fmt: skip


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner(PEOPLE)


@pytest.mark.parametrize(("kind", "entry", "encoding", "written"), LEAKS.values(), ids=LEAKS)
def test_a_leak_is_found_with_artefact_encoding_and_place(
    scanner: Scanner, kind: str, entry: str, encoding: str, written: Written
) -> None:
    noise = Random(3)
    leak, before = written(SOMEBODY), noise.randbytes(1_001)
    hits = scanner.scan(Artefact(kind, "somewhere", before + leak + noise.randbytes(500)))
    found = [each for each in hits if (each.entry, each.encoding) == (entry, encoding)]
    assert len(found) == 1, hits
    (hit,) = found
    assert (hit.artefact, hit.place, hit.person) == (kind, "somewhere", SOMEBODY.number)
    assert len(before) <= hit.offset < len(before) + len(leak)
    assert {each.person for each in hits} == {SOMEBODY.number}
    assert hit.in_words().startswith(f"{kind}, somewhere, byte {hit.offset}: {entry} of person 17, as {encoding}")


def test_url_safe_base64_is_found_where_it_differs(scanner: Scanner) -> None:
    content = url_safe(SOMEBODY)
    assert scanner.scan(Artefact("webhook", "somewhere", content))


def test_a_sentence_about_a_hit_does_not_repeat_what_it_found(scanner: Scanner) -> None:
    (hit, *_) = scanner.scan(Artefact("journal", "line 1", SOMEBODY.document.encode()))
    assert not [text for text in SOMEBODY.entries().values() if text in hit.in_words()]


def test_chance_alone_finds_nothing(scanner: Scanner) -> None:
    noise = Random(5).randbytes(400_000)
    for content in (noise, noise.hex().encode(), base64.b64encode(noise)):
        assert scanner.scan(Artefact("state", "noise", content)) == []


def test_what_is_somebodys_own_is_his_alone(scanner: Scanner) -> None:
    both = f"{SOMEBODY.plate} {PEOPLE[18].plate}".encode()
    hits = scanner.scan(Artefact("receipt", "somewhere", both, frozenset({SOMEBODY.number})))
    assert {each.person for each in hits} == {18}


def test_what_was_searched_is_counted(scanner: Scanner) -> None:
    before = scanner.searched["return"]
    scanner.scan(Artefact("return", "a", b"12345"))
    scanner.find(Artefact("return", "b", b"12345"))
    assert scanner.searched["return"] == before + 5
    assert scanner.artefacts["return"] >= 1


FIELDS: Final[dict[str, tuple[Field, str]]] = {
    "a number": (Field("member's number", "a", sha256(SOMEBODY.login.encode()).digest()[:4]), "login"),
    "a party": (Field("party", "a", sha256(SOMEBODY.name.encode()).digest()[12:16], 12), "name"),
    "a blinded text": (Field("blinded text", "a", keccak256(f"iban:{SOMEBODY.iban}".encode())[:6]), "iban"),
}


@pytest.mark.parametrize(("field", "entry"), FIELDS.values(), ids=FIELDS)
def test_short_fields_are_compared_as_they_are_cut(scanner: Scanner, field: Field, entry: str) -> None:
    (hit,) = scanner.fields([field, Field(field.what, "b", b"\1" * len(field.content), field.start)])
    assert (hit.artefact, hit.place, hit.entry, hit.person) == (field.what, "a", entry, SOMEBODY.number)


def test_short_fields_from_elsewhere_in_a_digest_are_others(scanner: Scanner) -> None:
    cut: Any = sha256(SOMEBODY.login.encode()).digest()[1:5]
    assert scanner.fields([Field("member's number", "a", cut)]) == []
