"""The only home of typst: a template and facts become a PDF/A-3b that is tagged for screen readers (PDF/UA-1).

The same facts give the same bytes, in every process and on every machine:

    fonts     those that lie inside typst, none of the system's
    date      the paper's own; a template that asks for today is told the same
    id        typst derives it from what the document says
    files     none: the templates are read here and handed over as bytes, pictures and attachments travel with the facts

No text of a case is ever read as markup or code: facts travel as one JSON text (``sys.inputs``), the template turns it
into values, and a value that is shown is text. What a font cannot show never reaches typst (`script.shown`), where it
would be an error of PDF/A, or a panic of its text shaping.
"""

import io
import json
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
import segno
import typst
from msgspec.structs import asdict

from ledger_automation.papers.script import shown

NOTICE: Final = "Demonstrator, keine amtliche Website, kein amtliches Schreiben"
"""What stands on every page of every paper."""

_STANDARDS: Final = ("a-3b", "ua-1")
_LEVEL: Final = "m"
"""Of a QR code: what 15 % of damage leaves readable."""


class Office(msgspec.Struct, frozen=True):
    """Who writes: the town or authority, the unit, and its address line by line."""

    name: str
    unit: str = ""
    address: tuple[str, ...] = ()


class Enclosed(msgspec.Struct, frozen=True):
    """A file inside a paper: the data that its figures come from (AFRelationship ``Source``)."""

    name: str
    media_type: str
    description: str
    content: bytes


class Sheet(msgspec.Struct, frozen=True):
    """What every paper has: its title, its day, who writes, the case, and what its QR code says ("": none)."""

    title: str
    day: date
    office: Office
    case_id: str
    code: str = ""
    code_label: str = ""


def typeset(template: str, sheet: Sheet, facts: dict[str, Any], enclosed: Enclosed | None = None) -> bytes:
    """Return a paper as PDF. ``facts`` is a tree of dicts, lists, texts, whole numbers, booleans and None.

    Raises typst.TypstError where a template is wrong, and segno.DataOverflowError for a code longer than a QR code
    holds (2,331 bytes): neither depends on what a case says, but for the code that its caller chose.
    """
    office = asdict(sheet.office)
    told = _shown({**asdict(sheet), **facts, "office": office, "notice": NOTICE, "day": _day(sheet.day)})
    inputs = {"code": _qr(sheet.code) if sheet.code else ""}
    if enclosed is not None:
        inputs["enclosed"] = enclosed.content.decode("utf-8")
        told["enclosed"] = {"name": enclosed.name, "type": enclosed.media_type, "about": enclosed.description}
    inputs["facts"] = json.dumps(told, sort_keys=True)
    made = typst.Compiler(_source(template), font_paths=_fonts(), ignore_system_fonts=True, sys_inputs=inputs).compile(
        format="pdf", pdf_standards=list(_STANDARDS), timestamp=datetime.combine(sheet.day, time(), UTC)
    )
    if not isinstance(made, bytes):
        raise TypeError("typst returns a document of any length as bytes")
    return made


def _day(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def _shown(value: Any) -> Any:
    """Return facts with every text as a paper shows it; names of facts are ours."""
    match value:
        case str():
            return shown(value)
        case dict():
            return {name: _shown(member) for name, member in value.items()}
        case list() | tuple():
            return [_shown(member) for member in value]
        case _:
            return value


def _qr(text: str) -> str:
    """Draw a QR code (ISO/IEC 18004) as SVG, black on white, one unit a module."""
    drawn = io.BytesIO()
    segno.make_qr(text, error=_LEVEL, boost_error=False).save(drawn, kind="svg", border=4, light="white", nl=False)
    return drawn.getvalue().decode("utf-8")


@cache
def _source(template: str) -> bytes:
    """Return the letter's frame with a template behind it: one source, so that no file is asked for."""
    folder = files(__package__).joinpath("templates")
    return folder.joinpath("letter.typ").read_bytes() + folder.joinpath(f"{template}.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
