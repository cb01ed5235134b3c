"""A receipt as a file or a text, in whichever encoding it came: JSON, COSE, or the frames of QR codes."""

from enum import StrEnum
from pathlib import Path
from typing import Final

from ledger_automation.errors import CanonicalError, InvalidValue, NotFound, UnreadableFile
from ledger_automation.tlog import cose_receipt, frames, receipt
from ledger_automation.tlog.receipt import Absence, Receipt


class Encoding(StrEnum):
    """How a receipt is written."""

    JSON = "json"
    COSE = "cose"
    FRAMES = "frames"


MEDIA_TYPES: Final = {
    Encoding.JSON: "application/json",
    Encoding.COSE: "application/cose",
    Encoding.FRAMES: "text/plain",
}
"""RFC 8259, RFC 9052 section 11.3.2."""


def write(issued: Receipt | Absence, encoding: Encoding = Encoding.JSON) -> bytes:
    """Write a receipt; raises NotFound or InvalidValue for one that has no COSE encoding (`cose_receipt.encode`)."""
    if encoding is Encoding.JSON:
        return receipt.write(issued)
    if isinstance(issued, Absence):
        raise InvalidValue("An absence", encoding.value, "written as JSON: it includes nothing that COSE could prove")
    octets = cose_receipt.encode(issued)
    return octets if encoding is Encoding.COSE else "".join(f"{each}\n" for each in frames.to_frames(octets)).encode()


def read(path: Path) -> Receipt | Absence:
    """Read a receipt's file, or one that says that there is no such case; raises NotFound or UnreadableFile."""
    try:
        return decode(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.") from error
    except (OSError, CanonicalError, InvalidValue) as error:
        raise UnreadableFile(path, f"it is not a receipt ({str(error).removesuffix('.')})") from error


def is_receipt(octets: bytes) -> bool:
    """Tell a receipt in any encoding, good or bad, from a text of another kind."""
    return octets.lstrip().startswith((b"{", cose_receipt.MAGIC, frames.MAGIC))


def decode(octets: bytes) -> Receipt | Absence:
    """Read a receipt in any of its encodings; raises CanonicalError or InvalidValue."""
    if octets.startswith(cose_receipt.MAGIC):
        return cose_receipt.decode(octets)
    if octets.startswith(frames.MAGIC):
        return cose_receipt.decode(frames.from_frames(octets.decode("ascii", "replace")))
    return receipt.decode(octets)
