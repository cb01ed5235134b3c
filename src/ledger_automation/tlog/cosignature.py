"""Cosignatures after C2SP tlog-cosignature (Ed25519): what a witness says of a checkpoint, and when.

    — <witness's key name> <base64 of (4-byte key id || 8-byte moment, big-endian || 64-byte Ed25519 signature)>

What is signed is not the note's text but this message, so that no cosignature is ever a signature of a log:

    cosignature/v1
    time 1679315147                                         seconds since 1970, no leading zero
    wismar.example/ledger                                   the note's text, whole, from here on
    34724
    ...

It says that the witness had, at that moment, seen no larger tree of this log, and that every tree it saw before is a
part of this one. Of the lines behind the first three (the case map's root) it says nothing.

What this does not do: the post-quantum kind (0x06), whose keys nothing here can make or hold yet.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger_automation.errors import InvalidValue
from ledger_automation.tlog.note import (
    SEED_BYTES,
    SIGNATURE_BYTES,
    SignatureLine,
    VerifierKey,
    read_note,
    signature_line,
    signers,
)

_MOMENT_BYTES: Final = 8
_LATEST: Final = 2**63 - 1


class WitnessKey(VerifierKey):
    """A witness's public key (kind 0x04)."""

    kind: ClassVar = b"\x04"

    def holds(self, text: str, signature: bytes) -> bool:
        """Tell whether a moment and a signature are this witness's cosignature over a note's text."""
        moment = int.from_bytes(signature[:_MOMENT_BYTES], "big")
        if len(signature) != _MOMENT_BYTES + SIGNATURE_BYTES or moment > _LATEST:
            return False
        return self._signed(_message(text, moment), signature[_MOMENT_BYTES:])


class Cosigner:
    """A witness's private key with its name."""

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise InvalidValue("An Ed25519 seed", len(seed), f"{SEED_BYTES} bytes long")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = WitnessKey(name, self._private.public_key())

    def cosign(self, text: str, moment: int) -> str:
        """Return the signature line over a note's text at a moment, in seconds since 1970."""
        if not 0 <= moment <= _LATEST:
            raise InvalidValue("A cosignature's moment", moment, f"within 0..{_LATEST}")
        signature = self._private.sign(_message(text, moment))
        stamped = moment.to_bytes(_MOMENT_BYTES, "big") + signature
        return signature_line(self.verifier.name, self.verifier.key_id, stamped)


def cosigned_at(line: SignatureLine) -> int:
    """Return the moment that a cosignature's line tells, in seconds since 1970."""
    return int.from_bytes(line.signature[:_MOMENT_BYTES], "big")


def witnesses_of(note: str, keys: Sequence[WitnessKey]) -> list[VerifierKey]:
    """Return those of the witnesses who cosigned a note; raises NoteError where a line of one of them does not hold."""
    return signers(*read_note(note), keys)


def _message(text: str, moment: int) -> bytes:
    return f"cosignature/v1\ntime {moment}\n{text}".encode()
