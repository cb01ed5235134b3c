"""The log's signature over its root alone, which makes a COSE receipt (RFC 9942), as one more line of a checkpoint.

    — wismar.example/ledger <base64 of (4-byte key id || 64-byte Ed25519 signature)>

A COSE receipt is signed over a Merkle root and nothing else. The log makes that signature whenever it signs a
checkpoint, with the same key and in another domain: what is signed is a ``Sig_structure`` (RFC 9052 section 4.4), which
begins with 0x84, as no note does. So whoever has a checkpoint, from a receipt, a tile server or a folder, can make COSE
receipts under it, without a key and without the office. The line is of C2SP signed-note's kind 0xff, whose key id is
the receipt's ``kid``; who does not know that kind ignores the line.
"""

from collections.abc import Sequence
from typing import ClassVar, Final, Self

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger_automation.tlog.note import (
    SIGNATURE_BYTES,
    SignatureLine,
    SignerKey,
    VerifierKey,
    read_note,
    signature_line,
    signers,
)
from ledger_automation.tlog.tree_head import read_head

_ALGORITHM, _EDDSA = 1, -8
"""RFC 9052 section 3.1, RFC 9053 section 2.2."""

_KEY_ID: Final = 4
_DATA_STRUCTURE, _RFC9162_SHA256 = 395, 1
"""RFC 9942 sections 4.1 and 5.2."""


class RootKey(VerifierKey):
    """A log's public key where it signs roots alone."""

    kind: ClassVar = b"\xffrfc9942-rfc9162-sha256"

    @classmethod
    def of(cls, key: VerifierKey) -> Self:
        """Return the kind of a log's key that signs roots."""
        return cls(key.name, Ed25519PublicKey.from_public_bytes(key.raw))

    def holds(self, text: str, signature: bytes) -> bool:
        """Tell whether a signature is this key's over the root of a checkpoint's text."""
        return self._signed(_message(self.key_id, read_head(text).root_hash), signature)


def protected_header(key_id: bytes) -> bytes:
    """Write the header that the signature covers: how, by which key, and over which data structure's root."""
    return cbor2.dumps({_ALGORITHM: _EDDSA, _KEY_ID: key_id, _DATA_STRUCTURE: _RFC9162_SHA256}, canonical=True)


def sign_root(key: SignerKey, root_hash: bytes) -> str:
    """Return the line that a log's key adds to a checkpoint with this root."""
    own = RootKey.of(key.verifier)
    return signature_line(own.name, own.key_id, key.signature(_message(own.key_id, root_hash)))


def verify_root_line(note: str, keys: Sequence[VerifierKey]) -> None:
    """Refuse a note whose line of this kind is not the key's that it names; raises NoteError."""
    signers(*read_note(note), [RootKey.of(key) for key in keys])


def root_line(note: str) -> SignatureLine | None:
    """Return a note's line of this kind, not verified: it stands behind the log's own and has the same name."""
    own, *others = read_note(note)[1]
    if others and others[0].name == own.name and len(others[0].signature) == SIGNATURE_BYTES:
        return others[0]
    return None


def _message(key_id: bytes, root_hash: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protected_header(key_id), b"", root_hash])
