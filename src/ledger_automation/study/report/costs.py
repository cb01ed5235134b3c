"""What a case costs on each system, at the report's own prices: computed by `prices`, shown here."""

from ledger_automation.errors import InvalidDefinition
from ledger_automation.study.prices import Cost, convert, costs
from ledger_automation.study.record import Figure, StudyReport
from ledger_automation.study.report.blocks import Cell, Commands, Table, columns
from ledger_automation.study.report.language import NOTHING, Language, place

_PARTS = ("hosting", "storage", "timestamps", "gas", "total")
_COUNTED = ("events_case", "storage", "gas_checkpoint", "gas_case")


def spent(report: StudyReport) -> dict[str, dict[str, Cost]]:
    """Return the costs of a case by workflow and system; none where the report has no sound prices."""
    try:
        prices = convert(report.prices, "of the report")
    except InvalidDefinition:
        return {}
    measured = {each.system for each in report.figures}
    systems = sorted(measured, key=lambda name: (place(name), name))
    workflows = dict.fromkeys(each.workflow for each in report.figures if each.workflow in prices.cases_year)
    return {name: costs(report.figures, prices, name, systems) for name in workflows}


def counted(report: StudyReport, workflow: str, system: str) -> list[Figure]:
    """Return the figures that a cost is computed from."""
    own = [each for each in report.figures if each.workflow in {workflow, ""} and each.measure in _COUNTED]
    return [each for each in own if each.system == system or each.measure == "events_case"]


def cost_table(report: StudyReport, workflow: str, language: Language, commands: Commands) -> Table | None:
    """Return the costs of a case of a workflow, by part; nothing where none is known."""
    known = spent(report).get(workflow)
    if not known:
        return None
    rows = []
    for system, cost in known.items():
        parts = [language.number(getattr(cost, name)) for name in _PARTS]
        total = Cell(text=parts.pop())
        if cost.missing:
            parts = [NOTHING] * len(parts)
            what = language.listed(language.measure(each) for each in cost.missing)
            total = Cell(text=NOTHING, lines=(language.say("cost.missing", what=what),))
        named = commands.cell(each.command for each in counted(report, workflow, system))
        rows.append((Cell(text=language.system(system)), *(Cell(text=each) for each in parts), total, named))
    return Table(
        caption=language.say("cost.caption", workflow=language.name("workflow", workflow)),
        columns=columns(language, {"system": "text", **dict.fromkeys(_PARTS, "number"), "command": "mark"}),
        rows=tuple(rows),
    )
