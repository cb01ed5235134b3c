"""What is asked of a witness: the body of ``POST /add-checkpoint`` (C2SP tlog-witness), read strictly.

    old 20852014                                            the size that the witness is thought to have cosigned last
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=            at most 63 hashes, from that size to the checkpoint's
    <blank line>
    <the checkpoint: a signed note>

Nothing is verified here, and nothing is mended: what can be read in two ways is refused.
"""

import re
from typing import Final, NamedTuple

from ledger_automation.errors import InvalidValue, NoteError
from ledger_automation.tlog.note import SignatureLine, read_note
from ledger_automation.tlog.octets import from_base64
from ledger_automation.tlog.tree_head import TreeHead, read_head

MOST_HASHES: Final = 63
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,15})")
_HASH_BYTES: Final = 32


class Submission(NamedTuple):
    """A checkpoint on its way to a cosignature: ``text`` is what is signed, ``note`` is all that was sent of it."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str
    text: str
    lines: tuple[SignatureLine, ...]
    head: TreeHead


def read_submission(body: bytes) -> Submission:
    """Read a request's body; raises InvalidValue."""
    try:
        opening, blank, note = body.decode().partition("\n\n")
        old, *hashes = opening.split("\n")
        text, lines = read_note(note)
        head = read_head(text)
    except UnicodeDecodeError as error:
        raise InvalidValue("A request", "bytes", "UTF-8") from error
    except NoteError as error:
        raise InvalidValue("A checkpoint", error.sentence, "a signed note of three lines or more") from error
    size = _OLD.fullmatch(old)
    if not blank or size is None:
        raise InvalidValue("The first line", old, "'old' and a decimal without leading zeros")
    if len(hashes) > MOST_HASHES:
        raise InvalidValue("A consistency proof", len(hashes), f"of at most {MOST_HASHES} hashes")
    return Submission(int(size[1]), tuple(map(_hash, hashes)), note, text, tuple(lines), head)


def _hash(line: str) -> bytes:
    try:
        octets = from_base64(line)
    except InvalidValue as error:
        raise InvalidValue("A line of the proof", line, "base64 of 32 bytes") from error
    if len(octets) != _HASH_BYTES:
        raise InvalidValue("A line of the proof", line, "base64 of 32 bytes")
    return octets
