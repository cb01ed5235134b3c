"""Signed notes after C2SP signed-note: a text, a blank line, and one line for each signature.

    <text, ending in a newline>
    <blank line>
    — <key name> <base64 of (4-byte key id || signature)>

Keys are Ed25519 (RFC 8032). A key id is the first four bytes of ``SHA-256(name || 0x0A || kind || public key)``, where
the kind is 0x01 for a key that signs the text itself; it only tells which key to try. A verifier ignores lines of keys
it does not know, and refuses a line of a key that it knows when the signature does not hold. Witnesses' keys are
another kind (`cosignature`).
"""

import base64
import binascii
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import ClassVar, Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger_automation.errors import InvalidValue, NoteError
from ledger_automation.tlog.octets import from_base64

SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
_DASH: Final = "\u2014 "
_ID_BYTES: Final = 4
_MAX_SIGNATURES: Final = 100
_UNFIT_IN_A_NAME: Final = re.compile(r"[\s+]")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class SignatureLine(NamedTuple):
    """One line of a note's signatures, not verified: ``text`` is the line itself, without its newline."""

    text: str
    name: str
    key_id: bytes
    signature: bytes


class VerifierKey:
    """A public key with its name, written as ``name+id+key`` (a "vkey"); ``kind`` is its byte in C2SP signed-note."""

    kind: ClassVar = b"\x01"

    def __init__(self, name: str, public: Ed25519PublicKey) -> None:
        if not name or _UNFIT_IN_A_NAME.search(name):
            raise InvalidValue("A key name", name, "text without spaces and '+'")
        self.name = name
        self._public = public
        self.raw = public.public_bytes_raw()
        self.key_id = sha256(name.encode() + b"\n" + self.kind + self.raw).digest()[:_ID_BYTES]
        self.text = f"{name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.raw).decode()}"

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

    def pem(self) -> bytes:
        """Write the key as others read it (RFC 8410)."""
        return self._public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def holds(self, text: str, signature: bytes) -> bool:
        """Tell whether a signature over the note's text is this key's."""
        return self._signed(text.encode(), signature)

    def _signed(self, message: bytes, signature: bytes) -> bool:
        try:
            self._public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SignerKey:
    """A private key with its name. The seed never leaves this object but to be stored by its owner."""

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise InvalidValue("An Ed25519 seed", len(seed), f"{SEED_BYTES} bytes long")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._private.public_key())

    def sign(self, text: str) -> str:
        """Return the note: the text with this key's signature line."""
        if not text.endswith("\n"):
            raise InvalidValue("A note's text", text, "text that ends in a newline")
        return f"{text}\n{signature_line(self.verifier.name, self.verifier.key_id, self.signature(text.encode()))}"

    def signature(self, message: bytes) -> bytes:
        """Return the key's bare signature of 64 bytes; each kind of message has its own domain."""
        return self._private.sign(message)


def open_note(note: str, keys: Sequence[VerifierKey]) -> str:
    """Return the text of a note that at least one of the keys signed; raises NoteError."""
    text, lines = read_note(note)
    if not signers(text, lines, keys):
        raise NoteError("No pinned key signed the note.", expected=[key.text for key in keys], actual=_shown(lines))
    return text


def read_note(note: str) -> tuple[str, list[SignatureLine]]:
    """Return a note's text and its signature lines, none of which is verified; raises NoteError."""
    text, blank, block = note.rpartition("\n\n")
    if not blank or not block.endswith("\n") or not text:
        raise NoteError("The note has no signature block.", expected="a blank line and signatures", actual=note[-80:])
    if found := _CONTROL.search(note):
        raise NoteError("The note holds a control character.", expected="text", actual=ascii(found[0]))
    return f"{text}\n", read_lines(block)


def read_lines(block: str) -> list[SignatureLine]:
    """Read signature lines, each of which ends in a newline; raises NoteError."""
    lines = block.removesuffix("\n").split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise NoteError("The note has too many signatures.", expected=_MAX_SIGNATURES, actual=len(lines))
    return [_signature(line) for line in lines]


def signers(text: str, lines: Sequence[SignatureLine], keys: Sequence[VerifierKey]) -> list[VerifierKey]:
    """Return those of the keys that signed a text; raises NoteError where a line of one of them does not hold."""
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[str, VerifierKey] = {}
    for line in lines:
        key = known.get((line.name, line.key_id))
        if key is None:
            continue
        if not key.holds(text, line.signature):
            raise NoteError("A signature does not belong to the note.", expected=key.name, actual=line.text)
        found[key.text] = key
    return list(found.values())


def signature_line(name: str, key_id: bytes, signature: bytes) -> str:
    """Write a key's signature as a line, with its newline."""
    return f"{_DASH}{name} {base64.b64encode(key_id + signature).decode()}\n"


def _shown(lines: Sequence[SignatureLine]) -> str:
    return "\n".join(line.text for line in lines)


def _signature(line: str) -> SignatureLine:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        octets = from_base64(encoded)
    except InvalidValue as error:
        raise NoteError("A signature line is malformed.", expected="base64", actual=line) from error
    if not line.startswith(_DASH) or not name or len(octets) <= _ID_BYTES:
        raise NoteError("A signature line is malformed.", expected="a dash, a key name, base64", actual=line)
    return SignatureLine(line, name, octets[:_ID_BYTES], octets[_ID_BYTES:])
