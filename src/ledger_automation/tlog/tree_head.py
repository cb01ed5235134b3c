"""What every log's checkpoint says, in its first three lines (C2SP tlog-checkpoint): origin, tree size, root hash."""

import re
from typing import Final, NamedTuple

from ledger_automation.errors import InvalidValue, NoteError
from ledger_automation.tlog.octets import from_base64
from ledger_automation.values import MAX_INTEGER

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_LINES: Final = 2
"""Behind the origin."""

_HASH_BYTES: Final = 32


class TreeHead(NamedTuple):
    """Origin, size in leaves, and the root of 32 bytes."""

    origin: str
    tree_size: int
    root_hash: bytes


def read_head(text: str) -> TreeHead:
    """Read the lines that every log's checkpoint has from a note's text; raises NoteError."""
    origin, *lines = text.removesuffix("\n").split("\n")
    if not origin or len(lines) < _LINES or not all(lines):
        raise NoteError("A checkpoint has three lines and no empty one.", expected="origin, size, root", actual=text)
    if not _SIZE.fullmatch(lines[0]) or int(lines[0]) > MAX_INTEGER:
        raise NoteError("The tree size is malformed.", expected="a decimal without leading zeros", actual=lines[0])
    return TreeHead(origin, int(lines[0]), read_root(lines[1]))


def read_root(text: str) -> bytes:
    """Read a root's one spelling; raises NoteError."""
    try:
        octets = from_base64(text)
    except InvalidValue as error:
        raise NoteError("A root is not the base64 of 32 bytes.", expected="base64 of 32 bytes", actual=text) from error
    if len(octets) != _HASH_BYTES:
        raise NoteError("A root is not the base64 of 32 bytes.", expected="base64 of 32 bytes", actual=text)
    return octets
