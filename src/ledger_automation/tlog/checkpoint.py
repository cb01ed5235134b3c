"""A checkpoint: what the log says of itself at one size (C2SP tlog-checkpoint, with one extension line).

    wismar.example/ledger                                   origin
    34724                                                   tree size, decimal, no leading zero
    base64 of 32 bytes                                      root hash
    case-map base64 of 32 bytes                             root of the case map

Size and root are always taken together from one signed note: a bare proof does not bind the size. Checkpoints of other
logs have other lines behind the first three, or none; a witness reads those three alone (`tree_head`).
"""

import base64
from typing import Final

import msgspec

from ledger_automation.errors import NoteError
from ledger_automation.tlog.note import SignerKey, VerifierKey, open_note
from ledger_automation.tlog.root_signature import sign_root, verify_root_line
from ledger_automation.tlog.tree_head import read_head, read_root

_CASE_MAP: Final = "case-map "
_LINES: Final = 4


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
        """Return the signed note, with the line that makes COSE receipts."""
        return key.sign(self.text()) + sign_root(key, self.root_hash)


def open_checkpoint(note: str, origin: str, keys: list[VerifierKey]) -> Checkpoint:
    """Return the checkpoint of a note that a pinned key signed for this origin; raises NoteError."""
    checkpoint = _read(open_note(note, keys))
    verify_root_line(note, keys)
    if checkpoint.origin != origin:
        raise NoteError("The checkpoint is of another log.", expected=origin, actual=checkpoint.origin)
    return checkpoint


def stated(note: str) -> Checkpoint:
    """Return what a note of our own says, whoever signed it; raises NoteError."""
    return _read(note.rpartition("\n\n")[0] + "\n")


def _read(text: str) -> Checkpoint:
    lines = text.removesuffix("\n").split("\n")
    if len(lines) != _LINES:
        raise NoteError("A checkpoint has four lines.", expected=_LINES, actual=len(lines))
    head = read_head(text)
    if not lines[3].startswith(_CASE_MAP):
        raise NoteError("The case map's line is missing.", expected=_CASE_MAP, actual=lines[3])
    return Checkpoint(*head, read_root(lines[3].removeprefix(_CASE_MAP)))
