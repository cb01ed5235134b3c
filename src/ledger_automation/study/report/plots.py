"""The plots of speed: time to each state, and throughput by clients.

Each has a title, a description that says the result in words, and a table with the same figures.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final

from ledger_automation.study.record import Figure, StudyReport
from ledger_automation.study.report.blocks import Block, Cell, Commands, Paragraph, Plot, Table, columns
from ledger_automation.study.report.canvas import LINES, MARKERS, canvas, colour, decades, legend, write_numbers
from ledger_automation.study.report.language import NOTHING, Language, place
from ledger_automation.study.report.svg import themed

STATES: Final = ("recorded", "logged", "stamped", "anchored", "final")


def latency(report: StudyReport, language: Language, commands: Commands) -> Iterable[Block]:
    """Return the plot of the time to each state, or say that it was not measured."""
    measures = [f"{state}_{point}" for state in STATES for point in ("p50", "p99")]
    measured = [each for each in report.figures if each.measure in measures]
    figures = _comparable(measured, lambda each: (*_driven(each), each.rate), lambda each: (each.measure, each.system))
    others = _at_other_rates(measured, figures)
    figures += others
    middle = {(each.measure[:-4], each.system): each for each in figures if each.measure.endswith("_p50")}
    tail = {(each.measure[:-4], each.system): each for each in figures if each.measure.endswith("_p99")}
    title = language.say("plot.latency")
    if not middle:
        return _absent(title, language)
    exceptions = [
        language.say(
            "plot.latency.other", system=language.system(each.system), load=language.counted("load.rate", each.rate)
        )
        for each in {each.system: each for each in others}.values()
    ]
    said = language.sentences([*_fastest(middle, language), _setting(figures[0], language), *exceptions])
    return [
        Plot(
            title=title,
            said=said,
            svg=_drawn_latency(middle, tail, language, title, said),
            table=_latency_table(middle, tail, language, commands),
        )
    ]


def throughput(report: StudyReport, language: Language, commands: Commands) -> Iterable[Block]:
    """Return the plot of throughput by clients, or say that it was not measured."""
    figures = _comparable(
        [each for each in report.figures if each.measure == "throughput" and each.clients],
        lambda each: (each.store, each.workload, each.workflow),
        lambda each: (each.system, each.clients),
    )
    title = language.say("plot.throughput")
    if not figures:
        return _absent(title, language)
    setting = language.listed([language.name("store", figures[0].store), figures[0].workload])
    compared = [_faster(own, language) for own in _by_system(figures).values()]
    said = language.sentences([*compared, language.say("plot.setting", setting=setting)])
    return [
        Plot(
            title=title,
            said=said,
            svg=_drawn_throughput(figures, language, title, said),
            table=_throughput_table(figures, language, commands),
        )
    ]


def _absent(title: str, language: Language) -> list[Block]:
    return [Paragraph(language.say("not_measured.named", what=title), "quiet")]


def _comparable(
    figures: Iterable[Figure], setting: Callable[[Figure], Hashable], point: Callable[[Figure], Hashable]
) -> list[Figure]:
    """Return the figures of the setting with most points: one a point, that of the largest log."""
    settings: dict[Hashable, dict[Hashable, Figure]] = {}
    for each in figures:
        if each.rounds:
            points = settings.setdefault(setting(each), {})
            known = points.get(point(each))
            points[point(each)] = each if known is None or each.events > known.events else known
    chosen = max(settings.values(), key=len, default={})
    return sorted(chosen.values(), key=lambda each: (place(each.system), each.clients))


def _driven(figure: Figure) -> tuple[Hashable, ...]:
    """Return what one system was driven with, but for the rate."""
    return figure.store, figure.workload, figure.workflow, figure.clients


def _at_other_rates(measured: Iterable[Figure], shown: Sequence[Figure]) -> list[Figure]:
    """Return the figures of systems that were offered less, since they cannot take as much, at the setting shown."""
    systems = {each.system for each in shown}
    return _comparable(
        (each for each in measured if each.system not in systems and shown and _driven(each) == _driven(shown[0])),
        _driven,
        lambda each: (each.measure, each.system),
    )


def _by_system(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    systems: dict[str, list[Figure]] = {}
    for each in figures:
        systems.setdefault(each.system, []).append(each)
    return systems


def _setting(figure: Figure, language: Language) -> str:
    parts = [language.name("store", figure.store), figure.workload, *language.load(figure)]
    return language.say("plot.setting", setting=", ".join(parts))


def _fastest(middle: dict[tuple[str, str], Figure], language: Language) -> Iterable[str]:
    for state in STATES:
        own = sorted((each for (of, _), each in middle.items() if of == state), key=lambda each: each.median)
        if not own:
            continue
        name, first, last = language.name("state", state), own[0], own[-1]
        low, high = (language.middle(each.rounds, each.measure) for each in (first, last))
        systems = language.system(first.system), language.system(last.system)
        if len(own) == 1:
            yield language.say("plot.latency.only", state=name, system=systems[0], value=low)
        else:
            said = {"fastest": systems[0], "slowest": systems[1], "low": low, "high": high}
            yield language.say("plot.latency.says", state=name, **said)


def _drawn_latency(
    middle: dict[tuple[str, str], Figure],
    tail: dict[tuple[str, str], Figure],
    language: Language,
    title: str,
    said: Sequence[str],
) -> str:
    rows, ticks = _rows(middle)
    height = max(rows.values())
    with canvas("latency", language, height=2.2 + 0.26 * height) as (drawing, axes):
        for system in dict.fromkeys(sorted((system for _, system in rows), key=place)):
            own = {state: middle[state, system] for state in STATES if (state, system) in middle}
            values = [each.median for each in own.values()]
            ends = [tail[state, system].median if (state, system) in tail else 0.0 for state in own]
            above = [max(0.0, end - value) for value, end in zip(values, ends, strict=True)]
            axes.errorbar(
                values, [rows[state, system] for state in own], xerr=[[0.0] * len(own), above], color=colour(system),
                marker=MARKERS[place(system)], markersize=7, capsize=3, linestyle="none",
                label=language.system(system),
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlim(decades(each.median for each in (*middle.values(), *tail.values())))
        write_numbers(axes, language)
        axes.set_yticks(list(ticks.values()), [language.name("state", state) for state in ticks])
        axes.set_ylim(height + 1, -1)
        axes.set_xlabel(language.say("plot.latency.x"))
        axes.grid(visible=False, axis="y")
        legend(drawing, axes)
        return themed(drawing, "plot-latency", title, said)


def _rows(middle: Iterable[tuple[str, str]]) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """Give each state and system its height in the plot, with a gap between states, and each state its middle."""
    rows: dict[tuple[str, str], float] = {}
    ticks, height = {}, 0.0
    for state in STATES:
        systems = sorted((system for of, system in middle if of == state), key=place)
        if systems:
            ticks[state] = height + (len(systems) - 1) / 2
            rows |= {(state, system): height + nth for nth, system in enumerate(systems)}
            height += len(systems) + 1
    return rows, ticks


def _latency_table(
    middle: dict[tuple[str, str], Figure],
    tail: dict[tuple[str, str], Figure],
    language: Language,
    commands: Commands,
) -> Table:
    rows = []
    for state in STATES:
        for system in sorted({system for of, system in middle if of == state}, key=place):
            figure, slow = middle[state, system], tail.get((state, system))
            rows.append(
                (
                    Cell(text=language.name("state", state)),
                    Cell(text=language.system(system)),
                    Cell(text=language.middle(figure.rounds, figure.measure)),
                    Cell(text=language.spread(figure.rounds)),
                    Cell(text=language.middle(slow.rounds, slow.measure) if slow else NOTHING),
                    commands.cell(each.command for each in (figure, slow) if each),
                )
            )
    shapes = {"state": "text", "system": "text", "median": "number", "spread": "number", "p99": "number"}
    return Table(
        caption=language.say("plot.latency"),
        columns=columns(language, {**shapes, "command": "mark"}),
        rows=tuple(rows),
    )


def _faster(own: Sequence[Figure], language: Language) -> str:
    low, high = (language.middle(each.rounds, each.measure) for each in (own[0], own[-1]))
    said = {"system": language.system(own[0].system), "most": language.number(own[-1].clients), "high": high}
    if len(own) == 1:
        return language.say("plot.throughput.one", **said)
    return language.say("plot.throughput.says", low=low, least=language.number(own[0].clients), **said)


def _drawn_throughput(figures: Sequence[Figure], language: Language, title: str, said: Sequence[str]) -> str:
    clients = sorted({each.clients for each in figures})
    systems = _by_system(figures)
    with canvas("throughput", language) as (drawing, axes):
        for nth, (system, own) in enumerate(systems.items()):
            shift = (nth - (len(systems) - 1) / 2) * 0.05
            spread = [
                [each.median - min(each.rounds) for each in own],
                [max(each.rounds) - each.median for each in own],
            ]
            axes.errorbar(
                [clients.index(each.clients) + shift for each in own], [each.median for each in own], yerr=spread,
                color=colour(system), marker=MARKERS[place(system)], markersize=7, capsize=3,
                linestyle=LINES[place(system)], linewidth=1.4, label=language.system(system),
            )  # fmt: skip
        axes.set_yscale("log")
        axes.set_ylim(decades(value for each in figures for value in each.rounds))
        write_numbers(axes, language)
        axes.set_xticks(range(len(clients)), [language.number(each) for each in clients])
        axes.set_xlim(-0.4, len(clients) - 0.6)
        axes.set_xlabel(language.say("plot.throughput.x"))
        axes.set_ylabel(language.say("plot.throughput.y"))
        axes.grid(visible=False, axis="x")
        legend(drawing, axes)
        return themed(drawing, "plot-throughput", title, said)


def _throughput_table(figures: Iterable[Figure], language: Language, commands: Commands) -> Table:
    rows = [
        (
            Cell(text=language.system(each.system)),
            Cell(text=language.number(each.clients)),
            Cell(text=language.middle(each.rounds, each.measure)),
            Cell(text=language.spread(each.rounds)),
            Cell(text=language.number(len(each.rounds))),
            commands.cell([each.command]),
        )
        for each in figures
    ]
    shapes = {"system": "text", "clients": "number", "median": "number", "spread": "number", "rounds": "number"}
    return Table(
        caption=language.say("plot.throughput"),
        columns=columns(language, {**shapes, "command": "mark"}),
        rows=tuple(rows),
    )
