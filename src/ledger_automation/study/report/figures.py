"""The figures: three plots at a glance, then every figure of every workflow, in tables by kind.

A plot shows one setting (workload, store, clients, ...): the one that was measured for most systems; it says which.
The tables leave nothing out.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from ledger_automation.study.record import MEASURES, Figure, StudyReport
from ledger_automation.study.report.blocks import Block, Cell, Commands, Heading, Paragraph, Section, Table, columns
from ledger_automation.study.report.costs import cost_table
from ledger_automation.study.report.frontier import frontier
from ledger_automation.study.report.language import Language, place
from ledger_automation.study.report.plots import latency, throughput

_GROUPS: Final = {
    "latency": tuple(name for name in MEASURES if name.endswith(("_p50", "_p99"))),
    "throughput": ("throughput",),
    "storage": ("storage", "events_case"),
    "gas": ("gas_checkpoint", "gas_event", "gas_case"),
    "audit": ("audit_full", "audit_incremental", "proof", "recovery"),
}
_ORDER: Final = tuple(MEASURES)


def figures(report: StudyReport, language: Language, commands: Commands) -> Section:
    """Return the plots, and the tables of each workflow."""
    blocks: list[Block] = [Heading(language.say("figures.overview"))]
    for drawn in (frontier, latency, throughput):
        blocks.extend(drawn(report, language, commands))
    for workflow in dict.fromkeys(sorted((each.workflow for each in report.figures), key=lambda name: not name)):
        name = language.name("workflow", workflow) if workflow else language.say("figures.unbound")
        own = [each for each in report.figures if each.workflow == workflow]
        blocks.append(Heading(name))
        cost = cost_table(report, workflow, language, commands)
        blocks.extend([cost] if cost else [])
        blocks.extend(_tables(workflow, name, own, language, commands))
    return Section(key="figures", title=language.say("section.figures"), blocks=tuple(blocks))


def _tables(workflow: str, name: str, own: Sequence[Figure], language: Language, commands: Commands) -> Iterable[Block]:
    missing = []
    for group in (*_GROUPS, "other"):
        title = language.say(f"group.{group}")
        part = [each for each in own if _group(each.measure) == group]
        if part:
            caption = language.say("figures.caption", workflow=name, group=title)
            yield _table(caption, part, language, commands)
        elif group != "other" and workflow:
            missing.append(title)
    if missing:
        yield Paragraph(language.say("not_measured.groups", groups=language.listed(missing)), "quiet")


def _group(measure: str) -> str:
    return next((group for group, names in _GROUPS.items() if measure in names), "other")


def _rank(figure: Figure) -> tuple[int, int, str, str, int, float, int]:
    measure = _ORDER.index(figure.measure) if figure.measure in _ORDER else len(_ORDER)
    system = place(figure.system)
    return measure, system, figure.store, figure.workload, figure.clients, figure.rate, figure.events


def _table(caption: str, own: Iterable[Figure], language: Language, commands: Commands) -> Table:
    rows = [
        (
            Cell(text=language.system(each.system)),
            Cell(text=language.measure(each.measure)),
            Cell(text=language.name("store", each.store)),
            Cell(text=each.workload, lines=tuple(language.load(each))),
            Cell(text=language.middle(each.rounds, each.measure)),
            Cell(text=language.spread(each.rounds)),
            Cell(text=language.number(len(each.rounds))),
            commands.cell([each.command]),
        )
        for each in sorted(own, key=_rank)
    ]
    shapes = {"system": "text", "measure": "text", "store": "text", "load": "text"}
    shapes |= {"median": "number", "spread": "number", "rounds": "number", "command": "mark"}
    return Table(
        caption=caption,
        columns=columns(language, shapes),
        rows=tuple(rows),
    )
