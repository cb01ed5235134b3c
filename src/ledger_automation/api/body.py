"""Reading what was sent, strictly: `application/json`, not encoded, of bounded size, in the profile of `canonical`.

The size is checked before and while reading, so that nobody fills the memory (R12); the strict reader refuses what two
JSON readers could read differently: a key twice, NaN, 1e400, a lone surrogate (R09; RFC 8259 leaves them open).
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ledger_automation.api.schemas import DIGEST, MOST_DOCUMENTS, NAME
from ledger_automation.canonical import parse
from ledger_automation.errors import CanonicalError, InvalidValue
from ledger_automation.orchestrator.uploads import Wanted
from ledger_automation.values import Digest

MOST_JSON: Final = 2**20
_JSON: Final = re.compile(r"application/json\s*(;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")


async def octets(request: Request, most: int = MOST_JSON) -> bytes:
    """Read a body of bounded size; raises 413 without reading on."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > most:
        raise HTTPException(413, f"At most {most} bytes are read.")
    read = bytearray()
    async for block in request.stream():
        read += block
        if len(read) > most:
            raise HTTPException(413, f"At most {most} bytes are read.")
    return bytes(read)


async def json_object(request: Request) -> tuple[bytes, dict[str, Any]]:
    """Read a JSON object; returns it with its bytes. Raises 413, 415, CanonicalError."""
    if not _JSON.fullmatch(request.headers.get("content-type", "")) or "content-encoding" in request.headers:
        raise HTTPException(415, "Send application/json in UTF-8, not encoded.")
    text = await octets(request)
    value = parse(text)
    if not isinstance(value, dict):
        raise CanonicalError("The JSON text must be an object.")
    return text, value


def members(value: dict[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    """Refuse every member that nobody may send (R02); raises InvalidValue."""
    if unknown := sorted(value.keys() - allowed):
        raise InvalidValue("A member", unknown[0], f"one of {', '.join(sorted(allowed))}")
    return value


def text(value: Any, what: str, default: str = "") -> str:
    """Return a text; raises InvalidValue."""
    if value is None:
        return default
    if not isinstance(value, str):
        raise InvalidValue(what, value, "a text")
    return value


def moment(value: Any) -> datetime | None:
    """Read a moment (RFC 3339); raises InvalidValue."""
    if value is None:
        return None
    expected = "RFC 3339, such as 2026-01-31T12:00:00+01:00"
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise InvalidValue("occurred_at", value, expected)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidValue("occurred_at", value, expected) from error


def documents(value: Any) -> tuple[Wanted, ...]:
    """Read the documents that a step names; raises InvalidValue."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_DOCUMENTS:
        raise InvalidValue("documents", type(value).__name__, f"a list of at most {MOST_DOCUMENTS} documents")
    return tuple(map(_document, value))


def _document(value: Any) -> Wanted:
    if not isinstance(value, dict) or value.keys() != {"name", "sha256"}:
        raise InvalidValue("A document", value, "its name and its sha256")
    name, digest = text(value["name"], "A document's name"), text(value["sha256"], "A document's sha256")
    if not re.search(NAME["pattern"], name):
        raise InvalidValue("A document's name", name, "1 to 200 characters, without any for control or for a path")
    if not re.fullmatch(DIGEST["pattern"], digest):
        raise InvalidValue("A document's sha256", digest, "64 hex digits in lower case")
    return Wanted(name, Digest(bytes.fromhex(digest)))
