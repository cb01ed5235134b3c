"""The sheet that every plot is drawn on: its size, its type, its axes; and the marker, line and colour of a system.

Systems differ by marker and line style; their colour only repeats that, so that a black and white print says as much.
What a user's own matplotlibrc says does not count: the same report gives the same bytes everywhere.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import ceil, floor, log10
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ledger_automation.study.report.language import Language, place
from ledger_automation.study.report.svg import GRID, INK, system_colour

MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
LINES: Final = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 3)))
_ROOM: Final = 1.6
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
}


@contextmanager
def canvas(salt: str, language: Language, *, height: float = 4.6) -> Iterator[tuple[Figure, Axes]]:
    """Give a drawing and its axes; ids in it follow from the salt alone."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**_SETTINGS, "svg.hashsalt": f"{salt}.{language.code}"})
        drawing = Figure(figsize=(8, height), layout="constrained")
        axes = drawing.add_subplot()
        yield drawing, axes


def colour(system: str) -> str:
    """Return the colour of a system."""
    return system_colour(place(system))


def decades(values: Iterable[float]) -> tuple[float, float]:
    """Return the ends of a logarithmic axis: some room around the values, and at least two powers of ten in between."""
    positive = [each for each in values if each > 0] or [1.0]
    low, high = min(positive) / _ROOM, max(positive) * _ROOM
    if floor(log10(high)) > ceil(log10(low)):
        return low, high
    return 10.0 ** floor(log10(low)), 10.0 ** ceil(log10(high))


def write_numbers(axes: Axes, language: Language) -> None:
    """Write the numbers of both axes as the language does."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: language.number(value, digits=1)))


def legend(drawing: Figure, axes: Axes, columns: int = 2) -> None:
    """Put the legend below the axes."""
    handles, labels = axes.get_legend_handles_labels()
    handles = [each[0] if isinstance(each, ErrorbarContainer) else each for each in handles]
    drawing.legend(handles, labels, loc="outside lower left", ncols=columns, handlelength=3.4)
