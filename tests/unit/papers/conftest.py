"""A town's paper, and how a reader of PDF sees it."""

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pikepdf
import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader

from ledger_automation.papers.typesetting import Office, Sheet
from support.grants import CASE

OFFICE = Office("Musterstadt am Meer", "Amt für Finanzen", ("Am Markt 1", "23900 Musterstadt"))
LABEL = "Mit diesem Code prüft man den Fall."
URL = "https://stadt.example/verify.html#5b1f00c2"


class Seen:
    """A PDF as it is read: its structure, its text in the order of reading, its codes as a camera sees them."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.pdf = pikepdf.open(io.BytesIO(octets))

    @property
    def text(self) -> str:
        """All text, spaces and line ends as one space, breaks without width taken out, soft hyphens closed."""
        pages = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(self.octets)).pages)
        return " ".join(pages.replace("\u200b", "").replace("\u00a0", " ").split())

    @property
    def codes(self) -> list[str]:
        pages = pypdfium2.PdfDocument(self.octets)
        pictures = [page.render(scale=3).to_pil().convert("L") for page in pages]
        return [each.text for picture in pictures for each in zxingcpp.read_barcodes(picture)]

    @property
    def files(self) -> dict[str, bytes]:
        return {name: spec.get_file().read_bytes() for name, spec in self.pdf.attachments.items()}

    def tags(self) -> list[str]:
        """Every structure element's type, in the order of the document."""
        found: list[str] = []

        def walk(node: Any) -> None:
            if isinstance(node, pikepdf.Array):
                for each in node:
                    walk(each)
            elif isinstance(node, pikepdf.Dictionary):
                if "/S" in node:
                    found.append(str(node.S).lstrip("/"))
                if "/K" in node:
                    walk(node.K)

        walk(self.pdf.Root.StructTreeRoot)
        return found

    def in_order(self, *parts: str) -> bool:
        """Tell whether texts stand one behind the other."""
        at = 0
        for part in parts:
            at = self.text.find(part, at)
            if at < 0:
                return False
            at += len(part)
        return True


@pytest.fixture
def sheet() -> Callable[..., Sheet]:
    def made(title: str = "Bescheid", **more: Any) -> Sheet:
        given = {"code": URL, "code_label": LABEL, **more}
        return Sheet(title, date(2026, 3, 2), OFFICE, str(CASE), **given)

    return made


@pytest.fixture
def seen() -> Callable[[bytes], Seen]:
    return Seen
