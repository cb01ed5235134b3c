"""The values that every layer speaks of, each checked once, where it is made.

They are subclasses of ``str``, ``bytes`` and ``int``: frozen, comparable and storable as they are, and free to use in a
hot path. Holding one means that its form was checked.

    >>> Money.parse("1834169.98")
    Money(183416998)
    >>> str(Money(-5))
    '-0.05'
"""

import re
import secrets
import uuid
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, Self

from ledger_automation.errors import InvalidValue

MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 7493, section 2.2)."""

_ACTOR = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DIGEST_BYTES: Final = 32
_TIMESTAMP_LENGTH: Final = len("2026-01-31T12:00:00.000000Z")


class CaseId(str):
    """A case's random UUID in lower case with hyphens; no business number ever stands in for it."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the form; raises InvalidValue."""
        try:
            canonical = str(uuid.UUID(text))
        except (ValueError, AttributeError, TypeError) as error:
            raise InvalidValue("A case id", text, "a UUID") from error
        if canonical != text:
            raise InvalidValue("A case id", text, "a UUID in lower case with hyphens")
        return super().__new__(cls, text)

    @classmethod
    def random(cls) -> Self:
        """Draw a fresh id (RFC 9562, version 4)."""
        return cls(str(uuid.uuid4()))


class ActorId(str):
    """The pseudonym of whoever acts: lower-case ASCII, at most 64 characters; never a person's name."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the form; raises InvalidValue."""
        if not isinstance(text, str) or not _ACTOR.fullmatch(text):
            raise InvalidValue("An actor", text, "a pseudonym of lower-case letters, digits, '.', '_' and '-'")
        return super().__new__(cls, text)

    @classmethod
    def could_be(cls, text: str) -> bool:
        """Say whether a text is a pseudonym's form."""
        return _ACTOR.fullmatch(text) is not None


class Digest(bytes):
    """A SHA-256 digest: 32 bytes, shown in hexadecimal."""

    __slots__ = ()

    def __new__(cls, octets: bytes) -> Self:
        """Check the length; raises InvalidValue."""
        if len(octets) != _DIGEST_BYTES:
            raise InvalidValue("A digest", octets, f"{_DIGEST_BYTES} bytes")
        return super().__new__(cls, octets)


class Salt(bytes):
    """32 random bytes that keep a commitment from being guessed."""

    __slots__ = ()

    def __new__(cls, octets: bytes) -> Self:
        """Check the length; raises InvalidValue."""
        if len(octets) != _DIGEST_BYTES:
            raise InvalidValue("A salt", octets, f"{_DIGEST_BYTES} bytes")
        return super().__new__(cls, octets)

    @classmethod
    def random(cls) -> Self:
        """Draw a salt from the operating system."""
        return cls(secrets.token_bytes(_DIGEST_BYTES))


class Money(int):
    """An amount in integer cents; within +-(2^53-1), so that canonical JSON keeps it exactly."""

    __slots__ = ()

    def __new__(cls, cents: int) -> Self:
        """Check type and range; raises InvalidValue."""
        if isinstance(cents, bool) or not isinstance(cents, int) or abs(cents) > MAX_INTEGER:
            raise InvalidValue("An amount", cents, "a whole number of cents within +-(2^53-1)")
        return super().__new__(cls, cents)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an amount in euros, such as ``12.50``; a fraction of a cent raises InvalidValue."""
        try:
            cents = Decimal(text) * 100
            whole = int(cents)
        except (InvalidOperation, ValueError, OverflowError, TypeError) as error:
            raise InvalidValue("An amount", text, "a number of euros such as 12.50") from error
        if cents != whole:
            raise InvalidValue("An amount", text, "a number of euros without a fraction of a cent")
        return cls(whole)

    def __str__(self) -> str:
        """Euros with two places."""
        return f"{'-' if self < 0 else ''}{abs(int(self)) // 100}.{abs(int(self)) % 100:02d}"

    def __repr__(self) -> str:
        """Show the cents."""
        return f"Money({int(self)})"


def timestamp(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with microseconds; a moment without a zone raises InvalidValue."""
    if moment.tzinfo is None:
        raise InvalidValue("A moment", moment, "a time with a zone")
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def parse_timestamp(text: str) -> datetime:
    """Read what `timestamp` writes, and nothing else; raises InvalidValue."""
    try:
        moment = datetime.fromisoformat(text)
        # ISO 8601 has more forms of this length, such as week dates; these places hold in RFC 3339 only.
        exact = (
            len(text) == _TIMESTAMP_LENGTH
            and text[7] == "-"
            and text[10] == "T"
            and text[19] == "."
            and text[26] == "Z"
        )
    except (ValueError, TypeError) as error:
        raise InvalidValue("A moment", text, "RFC 3339 in UTC with microseconds") from error
    if not exact:
        raise InvalidValue("A moment", text, "RFC 3339 in UTC with microseconds")
    return moment
