"""From Matplotlib's drawing to SVG that belongs to the page: its colours, its font, its names for assistive technology.

Matplotlib writes a document of its own with style attributes, which the page's content security policy forbids, fixed
colours, which a dark page cannot change, and ids that two drawings share. Here styles become attributes, the colours
of `INK`, `GRID` and `system_colour` become classes of the page's stylesheet, ids get the drawing's key before them, and
`title` and `desc` come first, as the SVG specification asks (SVG 2, clause 5.7).
"""

from collections.abc import Iterable
from io import StringIO
from typing import Final
from xml.etree import ElementTree as ET

from matplotlib.figure import Figure

INK: Final = "#000001"
GRID: Final = "#000002"
_SYSTEM: Final = "#0000f"
_SVG: Final = "{http://www.w3.org/2000/svg}"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_DROPPED: Final = {f"{_SVG}metadata", f"{_SVG}style"}


def system_colour(place: int) -> str:
    """Return the colour that stands for a system's class in the stylesheet (`.s0` to `.s6`)."""
    return f"{_SYSTEM}{place}"


def themed(drawing: Figure, key: str, title: str, said: Iterable[str]) -> str:
    """Return the drawing as an `svg` element of the page."""
    written = StringIO()
    drawing.savefig(written, format="svg", metadata={"Date": None})
    root = ET.fromstring(written.getvalue())  # noqa: S314 - what Matplotlib has just written
    used = {value.removeprefix("url(").strip("#)") for each in root.iter() for value in _references(each)}
    for parent in root.iter():
        for child in [each for each in parent if each.tag in _DROPPED]:
            parent.remove(child)
    for element in root.iter():
        _restyle(element)
        _rename(element, key, used)
        element.tag = element.tag.removeprefix(_SVG)
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "class": "plot",
        "role": "img",
        "aria-labelledby": f"{key}-title {key}-desc",
        "stroke-linejoin": "round",
    }
    for place, (tag, text) in enumerate((("title", title), ("desc", " ".join(said)))):
        named = ET.Element(tag, {"id": f"{key}-{tag}"})
        named.text = text
        root.insert(place, named)
    return ET.tostring(root, encoding="unicode")


def _references(element: ET.Element) -> list[str]:
    return [value for name, value in element.attrib.items() if name == _HREF or value.startswith("url(")]


def _restyle(element: ET.Element) -> None:
    """Write each declaration of the style as an attribute; the font's family is the page's, only its size stays."""
    for declaration in filter(None, element.attrib.pop("style", "").split(";")):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            name, value = "font-size", next(part for part in value.split() if part.endswith("px"))
        element.set(name, value)
    for name in ("fill", "stroke"):
        colour = element.get(name, "")
        if colour == GRID:
            element.set("class", "grid")
        elif colour.startswith(_SYSTEM):
            element.set("class", f"s{colour.removeprefix(_SYSTEM)}")
        if colour.startswith("#0000"):
            element.set(name, "currentColor")


def _rename(element: ET.Element, key: str, used: set[str]) -> None:
    """Keep an id only where something refers to it, and put the drawing's key before it."""
    name = element.attrib.pop("id", None)
    if name in used:
        element.set("id", f"{key}-{name}")
    for attribute, value in list(element.attrib.items()):
        if attribute == _HREF:
            del element.attrib[attribute]
            element.set("href", f"#{key}-{value.lstrip('#')}")
        elif value.startswith("url(#"):
            element.set(attribute, f"url(#{key}-{value.removeprefix('url(#')}")
