"""Signed notes after C2SP signed-note: a text, a blank line, and one line for each signature.

    <text, ending in a newline>
    <blank line>
    — <key name> <base64 of (4-byte key id || signature)>

Keys are Ed25519 (RFC 8032). A key id is the first four bytes of ``SHA-256(name || 0x0A || 0x01 || public key)``; it
only tells which key to try. A verifier ignores lines of keys it does not know, and refuses a line of a key that it
knows when the signature does not hold.
"""

import base64
import binascii
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger_automation.errors import InvalidValue, NoteError

_ED25519: Final = b"\x01"
_DASH: Final = "\u2014 "
_ID_BYTES: Final = 4
_SEED_BYTES: Final = 32
_MAX_SIGNATURES: Final = 100


class VerifierKey:
    """A public key with its name, written as ``name+id+key`` (a "vkey")."""

    def __init__(self, name: str, public: Ed25519PublicKey) -> None:
        if not name or any(mark in name for mark in " +\n"):
            raise InvalidValue("A key name", name, "text without spaces and '+'")
        self.name = name
        self._public = public
        raw = public.public_bytes_raw()
        self.key_id = sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:_ID_BYTES]
        self.text = f"{name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + raw).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a vkey; raises InvalidValue."""
        name, _, rest = text.strip().partition("+")
        _, _, encoded = rest.partition("+")
        try:
            octets = base64.b64decode(encoded, validate=True)
            key = cls(name, Ed25519PublicKey.from_public_bytes(octets[1:]))
        except (binascii.Error, ValueError) as error:
            raise InvalidValue("A verifier key", text, "name+id+key as C2SP signed-note writes it") from error
        if key.text != text.strip():
            raise InvalidValue("A verifier key", text, "a key whose id belongs to it")
        return key

    def holds(self, text: str, signature: bytes) -> bool:
        """Tell whether a signature over the note's text is this key's."""
        try:
            self._public.verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


class SignerKey:
    """A private key with its name. The seed never leaves this object but to be stored by its owner."""

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != _SEED_BYTES:
            raise InvalidValue("An Ed25519 seed", len(seed), f"{_SEED_BYTES} bytes long")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._private.public_key())

    def sign(self, text: str) -> str:
        """Return the note: the text with this key's signature line."""
        if not text.endswith("\n"):
            raise InvalidValue("A note's text", text, "text that ends in a newline")
        signature = base64.b64encode(self.verifier.key_id + self._private.sign(text.encode())).decode()
        return f"{text}\n{_DASH}{self.verifier.name} {signature}\n"


def open_note(note: str, keys: list[VerifierKey]) -> str:
    """Return the text of a note that at least one of the keys signed; raises NoteError."""
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n") or not text:
        raise NoteError("The note has no signature block.", expected="a blank line and signatures", actual=note[-80:])
    text += "\n"
    known = {(key.name, key.key_id): key for key in keys}
    signed = False
    for line in _signature_lines(lines):
        name, key_id, signature = _signature(line)
        key = known.get((name, key_id))
        if key is None:
            continue
        if not key.holds(text, signature):
            raise NoteError("A signature does not belong to the note.", expected=key.name, actual=line)
        signed = True
    if not signed:
        raise NoteError("No pinned key signed the note.", expected=[key.text for key in keys], actual=lines.strip())
    return text


def _signature_lines(block: str) -> list[str]:
    lines = block.removesuffix("\n").split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise NoteError("The note has too many signatures.", expected=_MAX_SIGNATURES, actual=len(lines))
    return lines


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        octets = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("A signature line is malformed.", expected="base64", actual=line) from error
    exact = base64.b64encode(octets).decode() == encoded
    if not line.startswith(_DASH) or not name or len(octets) <= _ID_BYTES or not exact:
        raise NoteError("A signature line is malformed.", expected="a dash, a key name, base64", actual=line)
    return name, octets[:_ID_BYTES], octets[_ID_BYTES:]
