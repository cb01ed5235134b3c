"""What a passkey answers is believed only where it is what it was asked for; and the contract's verifier reads it."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from eth_abi.abi import decode

from ledger_automation.errors import NotSigned
from ledger_automation.web.webauthn import (
    LONGEST_AUTHENTICATOR_DATA,
    LONGEST_CLIENT_DATA,
    Assertion,
    Wanted,
    asserted,
    registered,
    unpadded,
)
from support.passkeys import ATTESTED, ORDER, PRESENT, VERIFIED, Authenticator, text

CHALLENGE = bytes(range(32))
WANTED = Wanted.on("http://127.0.0.1:8000", CHALLENGE)
GOOD = PRESENT | VERIFIED


@pytest.fixture(scope="module")
def device() -> Authenticator:
    return Authenticator()


def answer(device: Authenticator, challenge: bytes = CHALLENGE, **changed: Any) -> Assertion:
    made = device.asserted(challenge, **changed)
    return Assertion(made["client"], made["authenticator"], made["signature"])


@pytest.mark.parametrize("high", [False, True])
def test_an_assertion_is_encoded_as_the_verifier_decodes_it_with_a_low_s(device: Authenticator, high: bool) -> None:
    given = answer(device, high=high)
    kinds = ("bytes32", "bytes32", "uint256", "uint256", "bytes", "string")
    r, s, challenge_at, type_at, data, client = decode(kinds, asserted(device.key, given, WANTED))
    assert int.from_bytes(r, "big") < ORDER
    assert int.from_bytes(s, "big") <= ORDER // 2, "OpenZeppelin's P256 takes no other"
    assert (data, client.encode()) == (given.authenticator, given.client)
    assert client[challenge_at:].startswith(f'"challenge":"{unpadded(CHALLENGE)}"')
    assert client[type_at:].startswith('"type":"webauthn.get"')


ASSERTIONS: dict[str, Callable[[Authenticator], Assertion]] = {
    "another digest": lambda own: answer(own, b"\1" * 32),
    "another kind": lambda own: answer(own, client=own.client("webauthn.create", CHALLENGE)),
    "another origin": lambda own: answer(own, client=own.client("webauthn.get", CHALLENGE, origin="http://127.0.0.1")),
    "another scheme": lambda own: answer(
        own, client=own.client("webauthn.get", CHALLENGE, origin="https://127.0.0.1:8000")
    ),
    "within another site": lambda own: answer(own, client=own.client("webauthn.get", CHALLENGE, crossOrigin=True)),
    "another host": lambda own: answer(own, data=own.data(GOOD, host="evil.example")),
    "nobody present": lambda own: answer(own, data=own.data(VERIFIED)),
    "nobody verified": lambda own: answer(own, data=own.data(PRESENT)),
    "backed up and not eligible": lambda own: answer(own, data=own.data(GOOD | 0x10)),
    "cut off": lambda own: answer(own, data=own.data(GOOD)[:36]),
    "a key in it": lambda own: answer(own, data=own.data(GOOD | ATTESTED, own.attested())),
    "more without extensions": lambda own: answer(own, data=own.data(GOOD, b"\xa0")),
    "too much of extensions": lambda own: answer(
        own, data=own.data(GOOD | 0x80, bytes(LONGEST_AUTHENTICATOR_DATA - 36))
    ),
    "a key twice": lambda own: answer(
        own, client=own.client("webauthn.get", b"\1" * 32)[:-1] + f',"challenge":"{text(CHALLENGE)}"}}'.encode()
    ),
    "a type twice": lambda own: answer(
        own, client=own.client("webauthn.create", CHALLENGE)[:-1] + b',"type":"webauthn.get"}'
    ),
    "no object": lambda own: answer(own, client=b'["webauthn.get"]'),
    "no JSON": lambda own: answer(own, client=b"\xff"),
    "spaced": lambda own: answer(own, client=own.client("webauthn.get", CHALLENGE).replace(b":", b": ", 2)),
    "too long": lambda own: answer(own, client=own.client("webauthn.get", CHALLENGE, more="x" * LONGEST_CLIENT_DATA)),
    "another's signature": lambda own: answer(own)._replace(signature=answer(Authenticator()).signature),
    "no signature": lambda own: answer(own)._replace(signature=b""),
    "a signature in raw bytes": lambda own: answer(own)._replace(signature=bytes(63) + b"\1"),
    "something after the signature": lambda own: answer(own)._replace(signature=answer(own).signature + b"\0"),
    "other data than were signed": lambda own: answer(own)._replace(authenticator=own.data(GOOD)[:-1] + b"\1"),
}


@pytest.mark.parametrize("name", ASSERTIONS)
def test_an_assertion_of_something_else_is_none(device: Authenticator, name: str) -> None:
    with pytest.raises(NotSigned):
        asserted(device.key, ASSERTIONS[name](device), WANTED)


def test_of_extensions_a_little_is_taken(device: Authenticator) -> None:
    assert asserted(device.key, answer(device, data=device.data(GOOD | 0x80, b"\xa0")), WANTED)


def new(device: Authenticator, challenge: bytes = CHALLENGE, *, flags: int = GOOD | ATTESTED, **changed: Any) -> Any:
    """Return a new passkey's client data and authenticator's data."""
    client = changed.pop("client", b"") or device.client("webauthn.create", challenge)
    return client, device.data(flags, changed.pop("more", b"") or device.attested(), **changed)


def test_a_new_passkey_gives_its_credential_and_its_key(device: Authenticator) -> None:
    assert registered(*new(device), WANTED) == (device.credential, device.key)
    extended = new(device, flags=GOOD | ATTESTED | 0x80, more=device.attested() + b"\xa0")
    assert registered(*extended, WANTED) == (device.credential, device.key)


def p384() -> bytes:
    numbers = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    x, y = (each.to_bytes(48, "big") for each in (numbers.x, numbers.y))
    return bytes.fromhex("a501020338222002215830") + x + bytes.fromhex("225830") + y


REGISTRATIONS: dict[str, Callable[[Authenticator], Any]] = {
    "another challenge": lambda own: new(own, b"\1" * 32),
    "an answer to get": lambda own: new(own, client=own.client("webauthn.get", CHALLENGE)),
    "another origin": lambda own: new(own, client=own.client("webauthn.create", CHALLENGE, origin="https://a.example")),
    "another host": lambda own: new(own, host="a.example"),
    "nobody present": lambda own: new(own, flags=VERIFIED | ATTESTED),
    "nobody verified": lambda own: new(own, flags=PRESENT | ATTESTED),
    "no key": lambda own: new(own, flags=GOOD),
    "another curve": lambda own: new(own, more=own.attested(p384())),
    "a curve under the name of another": lambda own: new(own, more=own.attested(own.cose(curve=2))),
    "a point off the curve": lambda own: new(own, more=own.attested(own.cose(own.key[:-1] + b"\0"))),
    "the point at infinity": lambda own: new(own, more=own.attested(own.cose(bytes(64)))),
    "a coordinate beyond the field": lambda own: new(own, more=own.attested(own.cose(b"\xff" * 64))),
    "another algorithm": lambda own: new(own, more=own.attested(own.cose().replace(b"\x03\x26", b"\x03\x27", 1))),
    "cut off in the key": lambda own: new(own, more=own.attested()[:-1]),
    "cut off in the credential": lambda own: new(own, more=own.attested()[:20]),
    "cut off before it": lambda own: new(own, more=bytes(10)),
    "no credential": lambda own: new(own, more=bytes(18) + own.cose()),
    "a credential too long": lambda own: new(own, more=own.attested(credential=bytes(1_024))),
    "more after the key": lambda own: new(own, more=own.attested() + b"\0"),
    "a key twice": lambda own: new(
        own, client=own.client("webauthn.create", CHALLENGE)[:-1] + b',"origin":"http://127.0.0.1:8000"}'
    ),
}


@pytest.mark.parametrize("name", REGISTRATIONS)
def test_a_new_passkey_that_is_not_what_was_asked_for_is_none(device: Authenticator, name: str) -> None:
    with pytest.raises(NotSigned):
        registered(*REGISTRATIONS[name](device), WANTED)
