"""Documents are what their content says, and a picture that is kept is a picture and nothing else."""

import io
import sys
from pathlib import Path

import pytest
from PIL import Image
from starlette.exceptions import HTTPException

from ledger_automation.api import media
from ledger_automation.errors import InvalidValue, Misconfigured

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
PLACE = b"54.0865N"


def picture(kind: str, size: tuple[int, int] = (40, 20), **more: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind, **more)
    return file.getvalue()


def with_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = PLACE.decode()  # what the picture shows, in words
    return picture("JPEG", exif=exif, comment=b"taken by somebody")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "application/pdf"),
        (picture("PNG"), "image/png"),
        (picture("JPEG"), "image/jpeg"),
        ("Größe: 3 m²\r\n".encode(), "text/plain; charset=utf-8"),
    ],
)
def test_what_it_is_says_its_content(content: bytes, kind: str) -> None:
    assert media.examine(content).media_type == kind


def test_a_pdf_and_a_text_are_kept_to_the_byte() -> None:
    assert media.examine(PDF).content == PDF
    assert media.examine(b"plain").content == b"plain"


def test_a_picture_loses_its_exif_comment_and_tail_and_is_turned_upright() -> None:
    sent = with_exif(6) + b"PK\x03\x04 a second file behind the picture"
    assert PLACE in sent
    kept = media.examine(sent).content
    for secret in (PLACE, b"Exif", b"taken by somebody", b"PK\x03\x04"):
        assert secret not in kept
    with Image.open(io.BytesIO(kept)) as shown:
        assert (shown.format, shown.size) == ("JPEG", (20, 40))
        assert not shown.getexif()


def test_a_png_loses_its_texts() -> None:
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415

    texts = PngInfo()
    texts.add_text("Author", "Erika Mustermann")
    sent = picture("PNG", pnginfo=texts)
    assert b"Mustermann" in sent
    assert b"Mustermann" not in media.examine(sent).content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04" + bytes(100),
        b"\x1f\x8b\x08" + bytes(100),
        b"7z\xbc\xaf\x27\x1c" + bytes(100),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100),
        b"GIF89a" + bytes(50),
        b"MZ" + bytes(50),
        b"<svg xmlns='http://www.w3.org/2000/svg'>\0</svg>",
        b"\x1b[2J gone",
        b"\xff\xfeh\0i\0",
    ],
)
def test_everything_else_is_refused(content: bytes) -> None:
    with pytest.raises(HTTPException) as refused:
        media.examine(content)
    assert refused.value.status_code == 415


@pytest.mark.parametrize("content", [picture("PNG")[:60], picture("JPEG")[:100], b"\xff\xd8\xff" + bytes(400)])
def test_half_a_picture_is_none(content: bytes) -> None:
    with pytest.raises(InvalidValue, match="whole and readable"):
        media.examine(content)


def test_half_a_pdf_is_none() -> None:
    with pytest.raises(InvalidValue, match="whole"):
        media.examine(b"%PDF-1.7 and no end")


def test_a_picture_of_too_many_pixels_is_not_unpacked() -> None:
    file = io.BytesIO()
    Image.new("1", (8_000, 8_000)).save(file, "PNG")
    assert len(file.getvalue()) < 100_000
    with pytest.raises(InvalidValue, match="pixels"):
        media.examine(file.getvalue())


def test_a_pictures_texts_are_not_unpacked_without_a_bound() -> None:
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415

    texts = PngInfo()
    texts.add_text("Comment", "x" * 70_000_000, zip=True)
    sent = picture("PNG", pnginfo=texts)
    assert len(sent) < 100_000
    with pytest.raises(InvalidValue, match="whole and readable"):
        media.examine(sent)


def test_a_scanner_decides_and_without_it_nothing_is_kept(tmp_path: Path) -> None:
    scanner = tmp_path / "scan.py"
    scanner.write_text("import sys; sys.exit(b'EICAR' in sys.stdin.buffer.read())", "utf-8")
    words = f"{sys.executable} {scanner}"
    assert media.examine(b"harmless", words).content == b"harmless"
    with pytest.raises(InvalidValue, match="scanner"):
        media.examine(b"EICAR", words)
    with pytest.raises(Misconfigured):
        media.examine(b"harmless", str(tmp_path / "missing"))
