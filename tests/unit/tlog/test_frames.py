"""The text of QR codes: RFC 9285's examples, any receipt there and back, and what is no longer one."""

import zlib
from collections.abc import Callable
from random import Random

import pytest
import segno
import zxingcpp
from PIL import Image

from ledger_automation.errors import InvalidValue
from ledger_automation.papers.qr_codes import svg
from ledger_automation.tlog.frames import CHARACTERS, from_base45, from_frames, to_base45, to_frames

OCTETS = Random(45).randbytes(2_000)
FRAMES = to_frames(OCTETS)
TEXT = "\n".join(FRAMES)


@pytest.mark.parametrize(
    ("octets", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)
def test_the_examples_of_rfc_9285(octets: bytes, text: str) -> None:
    assert to_base45(octets) == text
    assert from_base45(text) == octets


@pytest.mark.parametrize("text", ["GGW", "ZZZ", ":::", "A", "AAAA", "bb8", "B\u00df8", "5R", "ZZ"])
def test_what_is_no_base45_is_refused(text: str) -> None:
    """``GGW`` is 65,536, one more than two octets hold (RFC 9285 section 6)."""
    with pytest.raises(InvalidValue, match="base45"):
        from_base45(text)


def test_frames_come_in_any_order_and_more_than_once() -> None:
    random = Random(7)
    for size in (0, 1, 2, 450, 700, 5_000):
        octets = random.randbytes(size)
        frames = to_frames(octets)
        assert all(len(each) <= CHARACTERS + len("LA1:00000000:99/99:") for each in frames)
        mixed = random.sample(frames * 2, 2 * len(frames))
        assert from_frames("\n\n".join(mixed)) == from_frames("\r\n".join([*frames, ""])) == octets


BROKEN: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "one missing": lambda: "\n".join(FRAMES[1:]),
    "two receipts": lambda: "\n".join([*FRAMES[:-1], to_frames(OCTETS[1:])[-1]]),
    "a number beyond the count": lambda: f"{TEXT}\n{FRAMES[0].replace(':1/', ':9/', 1)}",
    "another digest": lambda: TEXT.replace(FRAMES[0][4:12], "00000000"),
    "one character": lambda: TEXT[:-1] + ("A" if TEXT[-1] != "A" else "B"),
    "lower case": TEXT.lower,
    "another format": lambda: TEXT.replace("LA1", "LA2"),
    "not compressed": lambda: framed(b"hello"),
    "cut": lambda: framed(zlib.compress(OCTETS)[:-1]),
    "something behind": lambda: framed(zlib.compress(OCTETS) + b"\x00"),
    "a bomb": lambda: "\n".join(to_frames(bytes(1 << 24))),
}


def framed(packed: bytes) -> str:
    """Return the frames of what was compressed in another way, if at all."""
    from hashlib import sha256  # noqa: PLC0415

    return f"LA1:{sha256(packed).hexdigest()[:8].upper()}:1/1:{to_base45(packed)}"


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_not_all_of_one_receipt_is_refused(how: str) -> None:
    with pytest.raises(InvalidValue):
        from_frames(BROKEN[how]())


def test_a_photographed_code_is_read_again() -> None:
    """Drawn small, turned, with noise, as a telephone sees it."""
    random, seen = Random(9), []
    for frame in FRAMES:
        code = segno.make_qr(frame, error="m", boost_error=False)
        assert (code.mode, code.error) == ("alphanumeric", "M")
        picture = Image.new("L", [4 * side for side in code.symbol_size()], 255)
        picture.putdata([0 if dark else 255 for row in code.matrix_iter(scale=4, border=4) for dark in row])
        photographed = picture.rotate(random.uniform(-8, 8), expand=True, fillcolor=200)
        for _ in range(400):
            photographed.putpixel((random.randrange(photographed.width), random.randrange(photographed.height)), 128)
        seen += [each.text for each in zxingcpp.read_barcodes(photographed)]
    assert from_frames("\n".join(seen)) == OCTETS


def test_the_drawing_has_a_code_for_each_frame_below_the_other() -> None:
    drawn = svg(FRAMES)
    assert drawn.count("<path") == 2 * len(FRAMES) == 2 * drawn.count('role="img"')
    assert drawn.count("<svg") == drawn.count("</svg>")
