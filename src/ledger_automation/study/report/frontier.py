"""What evidence costs: each system by its cost per case and its share of detected attacks, and the frontier of them.

A system is on the frontier if no other detects more for the same or less, nor as much for less. Its cost is the median
of its costs per case over the workflows, which spread from ``low`` to ``high``.
"""

from collections.abc import Iterable, Sequence
from math import floor, log10
from statistics import median
from typing import Final

import msgspec
from matplotlib.axes import Axes

from ledger_automation.study.record import StudyReport
from ledger_automation.study.report.blocks import Block, Cell, Commands, Paragraph, Plot, Table, columns
from ledger_automation.study.report.canvas import MARKERS, canvas, colour, legend, write_numbers
from ledger_automation.study.report.costs import counted, spent
from ledger_automation.study.report.language import Language, place
from ledger_automation.study.report.svg import INK, themed

_DEFAULT_FLOOR: Final = 0.01


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A system, what it costs a case, and how many of the injected attacks were detected on it."""

    system: str
    cost: float
    low: float
    high: float
    detected: int
    injected: int
    commands: tuple[str, ...]

    @property
    def share(self) -> float:
        """Return the share of detected attacks."""
        return self.detected / self.injected


def points(report: StudyReport) -> list[Point]:
    """Return the systems that have both a cost and attacks, cheapest first."""
    found, known = [], spent(report)
    for system in dict.fromkeys(each.system for each in report.tampered):
        tried = [each for each in report.tampered if each.system == system and each.injected]
        priced = {name: of[system].total for name, of in known.items() if system in of and not of[system].missing}
        if not (priced and tried):
            continue
        sources = [each.command for name in priced for each in counted(report, name, system)]
        point = Point(
            system=system,
            cost=median(priced.values()),
            low=min(priced.values()),
            high=max(priced.values()),
            detected=sum(each.detected for each in tried),
            injected=sum(each.injected for each in tried),
            commands=(*sources, *(each.command for each in tried)),
        )
        found.append(point)
    return sorted(found, key=lambda each: (each.cost, -each.share))


def unbeaten(ordered: Iterable[Point]) -> list[Point]:
    """Return the points of the frontier; the points come cheapest first, and of one price the strongest first."""
    best: list[Point] = []
    for each in ordered:
        if not best or each.share > best[-1].share:
            best.append(each)
    return best


def frontier(report: StudyReport, language: Language, commands: Commands) -> Iterable[Block]:
    """Return the plot, or say that it was not measured."""
    title, shown = language.say("plot.frontier"), points(report)
    if not shown:
        yield Paragraph(language.say("not_measured.named", what=title), "quiet")
        return
    said = language.sentences(_described(shown, language))
    yield Plot(
        title=title,
        said=said,
        svg=_drawn(shown, language, title, said),
        table=_table(shown, language, commands),
    )


def _described(shown: Sequence[Point], language: Language) -> list[str]:
    best = unbeaten(shown)
    beaten = [each for each in shown if each not in best]
    said = [language.say("plot.frontier.says", points=language.listed(_named(each, language) for each in best))]
    if beaten:
        listed = language.listed(_named(each, language) for each in beaten)
        said.append(language.say("plot.frontier.beaten", points=listed))
    return said


def _named(point: Point, language: Language) -> str:
    cost, share = language.say("euro", amount=language.number(point.cost)), language.percent(point.share)
    return language.say("plot.frontier.point", system=language.system(point.system), cost=cost, share=share)


def _drawn(shown: Sequence[Point], language: Language, title: str, said: Sequence[str]) -> str:
    with canvas("frontier", language) as (drawing, axes):
        best = unbeaten(shown)
        steps = [(each.cost, 100 * each.share) for each in best]
        axes.step(*zip(*steps, strict=True), where="post", color=INK, linestyle="--", linewidth=1, zorder=1)
        axes.plot([], [], color=INK, linestyle="--", linewidth=1, label=language.say("plot.frontier.line"))
        for each in shown:
            tint = colour(each.system)
            spread = [[max(0, each.cost - each.low)], [max(0, each.high - each.cost)]]
            axes.errorbar(
                each.cost, 100 * each.share, xerr=spread, color=tint, marker=MARKERS[place(each.system)],
                markersize=9, capsize=3, linestyle="none", label=language.system(each.system),
            )  # fmt: skip
        _scale(axes, [value for each in shown for value in (each.low, each.high)])
        axes.set_ylim(-4, 104)
        axes.set_xlabel(language.say("plot.frontier.x"))
        axes.set_ylabel(language.say("plot.frontier.y"))
        write_numbers(axes, language)
        legend(drawing, axes)
        return themed(drawing, "plot-frontier", title, said)


def _scale(axes: Axes, costs: Iterable[float]) -> None:
    """Lay the cost on a logarithmic axis that also has a place for nothing."""
    positive = [each for each in costs if each > 0]
    least = 10.0 ** floor(log10(min(positive))) if positive else _DEFAULT_FLOOR
    most = 10.0 ** (floor(log10(max(positive))) + 1) if positive else 1.0
    axes.set_xscale("symlog", linthresh=least, linscale=0.5)
    axes.set_xlim(-least / 4, most)
    axes.set_xticks([0, *(10.0**power for power in range(floor(log10(least)), floor(log10(most)) + 1))])
    axes.minorticks_off()


def _table(shown: Iterable[Point], language: Language, commands: Commands) -> Table:
    rows = [
        (
            Cell(text=language.system(each.system)),
            Cell(text=language.number(each.cost)),
            Cell(text=language.spread((each.low, each.high))),
            Cell(text=language.say("of", n=language.number(each.detected), total=language.number(each.injected))),
            Cell(text=language.percent(each.share)),
            commands.cell(each.commands),
        )
        for each in shown
    ]
    numbers = dict.fromkeys(("cost", "cost_spread", "detected", "share"), "number")
    return Table(
        caption=language.say("plot.frontier"),
        columns=columns(language, {"system": "text", **numbers, "command": "mark"}),
        rows=tuple(rows),
    )
