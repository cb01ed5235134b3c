"""Octets as text: base64 and hexadecimal, of which each value has one spelling here."""

import base64
import binascii

from ledger_automation.errors import InvalidValue


def from_base64(text: str) -> bytes:
    """Read base64 (RFC 4648 section 4); raises InvalidValue for anything but the one way to write it."""
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidValue("A value", text, "base64") from error
    if base64.b64encode(octets).decode() != text:
        raise InvalidValue("A value", text, "base64 without idle bits")
    return octets


def from_hex(text: str) -> bytes:
    """Read hexadecimal; raises InvalidValue for anything but pairs of digits in lower case."""
    try:
        octets = bytes.fromhex(text)
    except ValueError as error:
        raise InvalidValue("A value", text, "hexadecimal") from error
    if octets.hex() != text:
        raise InvalidValue("A value", text, "hexadecimal in lower case")
    return octets
