"""A COSE receipt as text that fits into QR codes: compressed, in the alphabet that QR codes pack best, in frames.

    LA1:5B1F00C2:1/3:<base45>

``LA1`` is the format, ``5B1F00C2`` the beginning of what all frames together hash to (SHA-256), ``1/3`` the first of
three. Behind it is a part of the base45 (RFC 9285) of the compressed receipt (RFC 1950). All of it is in the
alphanumeric alphabet of QR codes (ISO/IEC 18004). Frames may come in any order, and more than once.
"""

import re
import zlib
from hashlib import sha256
from typing import Final

from ledger_automation.errors import InvalidValue

MAGIC: Final = b"LA1:"

CHARACTERS: Final = 900
"""Of base45 in a frame: a QR code of level M with 93 modules a side, which a telephone reads from a screen or paper."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_FRAME: Final = re.compile(r"LA1:([0-9A-F]{8}):([1-9][0-9]{0,2})/([1-9][0-9]{0,2}):([0-9A-Z $%*+\-./:]+)")
_MOST_BYTES: Final = 1 << 20
"""Of a receipt that was compressed: frames are for a few steps, and nobody unpacks more."""


def to_frames(octets: bytes) -> list[str]:
    """Return the frames of a receipt, in order."""
    packed = zlib.compress(octets, 9)
    text, digest = to_base45(packed), sha256(packed).hexdigest()[:8].upper()
    parts = [text[at : at + CHARACTERS] for at in range(0, len(text), CHARACTERS)]
    return [f"LA1:{digest}:{number}/{len(parts)}:{part}" for number, part in enumerate(parts, 1)]


def from_frames(text: str) -> bytes:
    """Return the receipt of frames, one a line; raises InvalidValue for what is missing, mixed or damaged."""
    lines = [line for line in text.replace("\r", "").split("\n") if line.strip()]
    frames = [_FRAME.fullmatch(line) for line in lines]
    found = {int(each[2]): each[4] for each in frames if each}
    if not frames or not all(frames) or len({(each[1], each[3]) for each in frames if each}) != 1:
        raise InvalidValue("The text of QR codes", text[:40], "frames of one receipt, one a line")
    digest, count = (frames[0][1], int(frames[0][3])) if frames[0] else ("", 0)
    if missing := [number for number in range(1, count + 1) if number not in found]:
        raise InvalidValue("The text of QR codes", f"without {missing[0]} of {count}", "all frames of a receipt")
    packed = from_base45("".join(found[number] for number in range(1, count + 1)))
    if len(found) != count or sha256(packed).hexdigest()[:8].upper() != digest:
        raise InvalidValue("The text of QR codes", text[:40], "frames as they were made")
    return _unpacked(packed)


def to_base45(octets: bytes) -> str:
    """Write octets in base45 (RFC 9285): two become three characters, a last one two."""
    found = []
    for at in range(0, len(octets), 2):
        pair = octets[at : at + 2]
        value = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            value, digit = divmod(value, 45)
            found.append(_ALPHABET[digit])
    return "".join(found)


def from_base45(text: str) -> bytes:
    """Read base45 (RFC 9285); raises InvalidValue for anything but the one way to write it."""
    octets = bytearray()
    try:
        for at in range(0, len(text), 3):
            group = text[at : at + 3]
            value = sum(_VALUES[character] * 45**place for place, character in enumerate(group))
            octets += value.to_bytes(len(group) - 1, "big")
    except (KeyError, OverflowError) as error:
        raise InvalidValue("A value", text[:40], "base45") from error
    if to_base45(bytes(octets)) != text:
        raise InvalidValue("A value", text[:40], "base45")
    return bytes(octets)


def _unpacked(packed: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        octets = stream.decompress(packed, _MOST_BYTES)
    except zlib.error as error:
        raise InvalidValue("The text of QR codes", str(error), "a compressed receipt") from error
    if not stream.eof or stream.unused_data:
        raise InvalidValue("The text of QR codes", len(packed), f"a compressed receipt of at most {_MOST_BYTES} bytes")
    return octets
