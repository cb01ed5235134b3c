"""How a measure grows with the log: points and fitted slope on log-log axes, one plot a measure."""

from collections.abc import Iterable, Sequence
from math import exp, log
from statistics import mean
from typing import Final

from ledger_automation.study.record import Growth, StudyReport
from ledger_automation.study.report.blocks import Block, Cell, Commands, Paragraph, Plot, Section, Table, columns
from ledger_automation.study.report.canvas import LINES, MARKERS, canvas, colour, decades, legend, write_numbers
from ledger_automation.study.report.language import Language, place
from ledger_automation.study.report.svg import themed

_BOUNDS: Final = {"falls": -0.1, "constant": 0.1, "slower": 0.9, "linear": 1.1}
"""What a slope below each bound is called; above the last one, it grows faster than the log."""


def growth(report: StudyReport, language: Language, commands: Commands) -> Section:
    """Return a plot for each measure that was taken at several sizes of the log."""
    blocks: list[Block] = [Paragraph(language.say("growth.intro"))]
    for nth, measure in enumerate(dict.fromkeys(each.measure for each in report.growth), 1):
        own = sorted(
            (each for each in report.growth if each.measure == measure),
            key=lambda each: (place(each.system), each.store),
        )
        key, title = f"plot-growth-{nth}", language.say("plot.growth", measure=language.measure(measure))
        said = language.sentences(_grows(each, language) for each in own)
        svg = _drawn(own, language, key, title, said)
        table = _table(title, own, language, commands)
        blocks.append(Plot(title=title, said=said, svg=svg, table=table))
    if not report.growth:
        blocks = [Paragraph(language.say("not_measured.sentence"), "quiet")]
    return Section(key="growth", title=language.say("section.growth"), blocks=tuple(blocks))


def _series(each: Growth, language: Language) -> str:
    return f"{language.system(each.system)}, {language.name('store', each.store)}"


def _grows(each: Growth, language: Language) -> str:
    how = next((name for name, bound in _BOUNDS.items() if each.slope < bound), "faster")
    said = {"system": _series(each, language), "how": language.say(f"growth.{how}")}
    return language.say("plot.growth.says", slope=language.slope(each.slope), **said)


def _drawn(own: Sequence[Growth], language: Language, key: str, title: str, said: Sequence[str]) -> str:
    stores = sorted({each.store for each in own})
    with canvas(key, language) as (drawing, axes):
        for each in own:
            shown = [(size, value) for size, value in each.points if size > 0 and value > 0]
            if not shown:
                continue
            sizes, values = zip(*shown, strict=True)
            level = mean(map(log, values)) - each.slope * mean(map(log, sizes))
            ends = (min(sizes), max(sizes))
            tint, which = colour(each.system), place(each.system)
            slope = language.slope(each.slope)
            axes.plot(
                sizes, values, color=tint, linestyle="none", marker=MARKERS[which], markersize=7,
                fillstyle="full" if each.store == stores[0] else "none",
            )  # fmt: skip
            axes.plot(ends, [exp(level) * size**each.slope for size in ends], color=tint, linestyle=LINES[which])
            axes.plot(
                [], [], color=tint, linestyle=LINES[which], marker=MARKERS[which],
                fillstyle="full" if each.store == stores[0] else "none",
                label=language.say("plot.growth.legend", system=_series(each, language), slope=slope),
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(decades(size for each in own for size, _ in each.points))
        axes.set_ylim(decades(value for each in own for _, value in each.points))
        write_numbers(axes, language)
        axes.set_xlabel(language.say("plot.growth.x"))
        measure, unit = language.measure(own[0].measure), language.unit(own[0].measure)
        axes.set_ylabel(language.say("plot.growth.y", measure=measure, unit=unit))
        legend(drawing, axes, columns=1)
        return themed(drawing, key, title, said)


def _table(caption: str, own: Iterable[Growth], language: Language, commands: Commands) -> Table:
    rows = []
    for each in own:
        points = tuple(
            f"{language.counted('load.events', size)}: {language.amount(value, each.measure)}"
            for size, value in each.points
        )
        rows.append(
            (
                Cell(text=language.system(each.system)),
                Cell(text=language.name("store", each.store)),
                Cell(lines=points),
                Cell(text=language.slope(each.slope)),
                commands.cell([each.command]),
            )
        )
    shapes = {"system": "text", "store": "text", "value": "text", "slope": "number"}
    return Table(
        caption=caption,
        columns=columns(language, {**shapes, "command": "mark"}),
        rows=tuple(rows),
    )
