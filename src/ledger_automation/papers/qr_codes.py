"""A receipt's frames as QR codes (ISO/IEC 18004), one below the other, in one SVG that prints on a page."""

from collections.abc import Sequence
from typing import Final

import segno

_LEVEL: Final = "m"
"""What 15 % of damage leaves readable."""

_MODULE: Final = 4
_GAP: Final = 40


def svg(frames: Sequence[str]) -> str:
    """Draw one QR code for each frame; black on white with a quiet zone, whatever is around it."""
    codes = [segno.make_qr(frame, error=_LEVEL, boost_error=False) for frame in frames]
    drawn, top, width = [], 0, 0
    for number, code in enumerate(codes, 1):
        across, down = (int(side) for side in code.symbol_size(scale=_MODULE))
        picture = code.svg_inline(scale=_MODULE, light="white", svgclass=None, lineclass=None, omitsize=True)
        drawn.append(f'<svg y="{top}" width="{across}" height="{down}" role="img" aria-label="{number}/{len(codes)}">')
        drawn += [picture, "</svg>"]
        top, width = top + down + _GAP, max(width, across)
    height = top - _GAP
    whole = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    return "\n".join([whole, f'<rect width="{width}" height="{height}" fill="white"/>', *drawn, "</svg>", ""])
