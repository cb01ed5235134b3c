"""A checkpoint: what the log says of itself at one size (C2SP tlog-checkpoint, with one extension line).

    wismar.example/ledger                                   origin
    34724                                                   tree size, decimal, no leading zero
    base64 of 32 bytes                                      root hash
    case-map base64 of 32 bytes                             root of the case map

Size and root are always taken together from one signed note: a bare proof does not bind the size.
"""

import base64
import binascii
import re
from typing import Final

import msgspec

from ledger_automation.errors import NoteError
from ledger_automation.tlog.note import SignerKey, VerifierKey, open_note
from ledger_automation.values import MAX_INTEGER

_CASE_MAP: Final = "case-map "
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_LINES: Final = 4
_HASH_BYTES: Final = 32


class Checkpoint(msgspec.Struct, frozen=True):
    """Origin, size in leaves, and two roots of 32 bytes."""

    origin: str
    tree_size: int
    root_hash: bytes
    case_map_root: bytes

    def text(self) -> str:
        """Write the text that is signed."""
        roots = (base64.b64encode(each).decode() for each in (self.root_hash, self.case_map_root))
        return f"{self.origin}\n{self.tree_size}\n{next(roots)}\n{_CASE_MAP}{next(roots)}\n"

    def sign(self, key: SignerKey) -> str:
        """Return the signed note."""
        return key.sign(self.text())


def open_checkpoint(note: str, origin: str, keys: list[VerifierKey]) -> Checkpoint:
    """Return the checkpoint of a note that a pinned key signed for this origin; raises NoteError."""
    lines = open_note(note, keys).removesuffix("\n").split("\n")
    if len(lines) != _LINES:
        raise NoteError("A checkpoint has four lines.", expected=_LINES, actual=len(lines))
    if lines[0] != origin:
        raise NoteError("The checkpoint is of another log.", expected=origin, actual=lines[0])
    if not _SIZE.fullmatch(lines[1]) or int(lines[1]) > MAX_INTEGER:
        raise NoteError("The tree size is malformed.", expected="a decimal without leading zeros", actual=lines[1])
    if not lines[3].startswith(_CASE_MAP):
        raise NoteError("The case map's line is missing.", expected=_CASE_MAP, actual=lines[3])
    return Checkpoint(origin, int(lines[1]), _root(lines[2]), _root(lines[3].removeprefix(_CASE_MAP)))


def _root(text: str) -> bytes:
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("A root is not base64.", expected="base64 of 32 bytes", actual=text) from error
    if len(octets) != _HASH_BYTES or base64.b64encode(octets).decode() != text:
        raise NoteError("A root is not the base64 of 32 bytes.", expected="base64 of 32 bytes", actual=text)
    return octets
