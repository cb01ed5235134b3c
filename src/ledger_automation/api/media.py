"""Looking into a document before it is kept (R14): what it is says its content, never its name or a header.

    PDF          is kept as it is: it is somebody's document, and its hash is known elsewhere
    PNG, JPEG    are read and written anew, so that what is kept is a picture and nothing else: no place, camera or
                 owner (EXIF), no comment, nothing behind its end; turned as its EXIF said
    plain text   is UTF-8 without control characters

A document's name ends as its type does (`ENDINGS`), so that nobody's computer opens it as something else. Everything
else is refused; archives and office files among it, so that nothing is ever unpacked here but a picture,
whose size in pixels is looked at first. Whoever runs the service may name a scanner for malware besides.
"""

import io
import shlex
import subprocess
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from PIL import Image, ImageOps
from starlette.exceptions import HTTPException

from ledger_automation.errors import InvalidValue, Misconfigured

MOST_PIXELS: Final = 40_000_000
_SECONDS: Final = 30
_PLAIN: Final = frozenset("\t\n\r")
_PDF: Final = "application/pdf"
_TEXT: Final = "text/plain; charset=utf-8"
_PICTURES: Final = {"PNG": "image/png", "JPEG": "image/jpeg"}

ENDINGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    _PDF: (".pdf",),
    _PICTURES["PNG"]: (".png",),
    _PICTURES["JPEG"]: (".jpg", ".jpeg"),
    _TEXT: (".txt",),
})  # fmt: skip
"""How the name of a document of each type ends, in capitals or not."""


class Examined(NamedTuple):
    """A document as it may be kept."""

    media_type: str
    content: bytes


def examine(content: bytes, scanner: str = "") -> Examined:
    """Return a document as it may be kept; raises InvalidValue, HTTPException (415), Misconfigured for no scanner."""
    if scanner:
        _scan(content, scanner)
    if content.startswith(b"%PDF-"):
        if b"%%EOF" not in content[-1024:]:
            raise InvalidValue("A PDF", "what was sent", "whole")
        return Examined(_PDF, content)
    if content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return _picture(content)
    if content and _is_plain(content):
        return Examined(_TEXT, content)
    raise HTTPException(415, "A document is a PDF, a PNG or JPEG picture, or plain text in UTF-8.")


def insist_on_ending(name: str, media_type: str) -> None:
    """Refuse a name that promises another type than the content is of; raises InvalidValue."""
    endings = ENDINGS[media_type]
    if not name.lower().endswith(endings):
        raise InvalidValue("A document's name", name, f"one that ends in {' or '.join(endings)}, as {media_type} does")


def _picture(content: bytes) -> Examined:
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content), formats=list(_PICTURES)) as picture:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if picture.width * picture.height > MOST_PIXELS:
                raise InvalidValue("A picture", f"{picture.width}x{picture.height}", f"at most {MOST_PIXELS} pixels")
            kind = str(picture.format)
            upright = ImageOps.exif_transpose(picture)
            bare = upright.copy()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidValue("A picture", "what was sent", "whole and readable") from error
    bare.info = {name: value for name, value in bare.info.items() if name == "transparency"}
    written = io.BytesIO()
    bare.save(written, kind, **({"quality": 92} if kind == "JPEG" else {}))
    return Examined(_PICTURES[kind], written.getvalue())


def _is_plain(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(letter in _PLAIN or letter.isprintable() or letter.isspace() for letter in text)


def _scan(content: bytes, scanner: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  the operator's own program
            shlex.split(scanner), input=content, capture_output=True, check=False, timeout=_SECONDS
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Misconfigured("Documents cannot be looked at for malware now; nothing was kept.") from error
    if done.returncode:
        raise InvalidValue("A document", "what was sent", "harmless; the scanner says that it is not")
