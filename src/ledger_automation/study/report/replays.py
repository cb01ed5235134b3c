"""What is checked rather than measured: replays of the real logs, figures of two days, and what was left out."""

from collections.abc import Iterable, Sequence

from ledger_automation.study.record import Replay, StudyReport
from ledger_automation.study.report.blocks import Block, Cell, Commands, Paragraph, Section, Table, columns
from ledger_automation.study.report.language import Language, place

_COUNTS = ("read", "accepted", "ignored", "refused")


def unequal(replays: Iterable[Replay]) -> dict[str, list[str]]:
    """Return, for each log on which the runs differ, the counts in which they do."""
    found: dict[str, list[str]] = {}
    for log, runs in _by_log(replays).items():
        different = [name for name in _COUNTS if any(getattr(each, name) != getattr(runs[0], name) for each in runs)]
        if different:
            found[log] = different
    return found


def replays(report: StudyReport, language: Language, commands: Commands) -> Section:
    """Return a table for each log, below the sentence that says whether all runs agree."""
    blocks: list[Block] = []
    different = unequal(report.replays)
    for log, runs in _by_log(report.replays).items():
        if log in different:
            what = language.listed(language.say(f"column.{name}") for name in different[log])
            blocks.append(Paragraph(language.say("replays.unequal", log=log, what=what), "alarm"))
        else:
            blocks.append(Paragraph(language.counted("replays.equal", len(runs), log=log)))
        blocks.append(_runs(log, runs, language, commands))
    blocks = blocks or [Paragraph(language.say("not_measured.sentence"), "quiet")]
    return Section(key="replays", title=language.say("section.replays"), blocks=tuple(blocks))


def _by_log(replays: Iterable[Replay]) -> dict[str, list[Replay]]:
    logs: dict[str, list[Replay]] = {}
    for each in replays:
        logs.setdefault(each.log, []).append(each)
    return {log: sorted(runs, key=lambda run: (place(run.system), run.store)) for log, runs in logs.items()}


def _runs(log: str, runs: Sequence[Replay], language: Language, commands: Commands) -> Table:
    rows = []
    for each in runs:
        rules = tuple(
            language.say("replays.rule", rule=rule, n=language.number(count))
            for rule, count in sorted(each.refused.items())
        )
        refused = Cell(
            text=language.number(sum(each.refused.values())),
            summary=language.counted("replays.rules", len(rules)) if rules else "",
            folded=rules,
        )
        counts = (each.read, each.accepted, each.ignored)
        rows.append(
            (
                Cell(text=language.system(each.system)),
                Cell(text=language.name("store", each.store)),
                *(Cell(text=language.number(count)) for count in counts),
                refused,
                commands.cell([each.command]),
            )
        )
    return Table(
        caption=language.say("replays.caption", log=log),
        columns=columns(
            language, {"system": "text", "store": "text", **dict.fromkeys(_COUNTS, "number"), "command": "mark"}
        ),
        rows=tuple(rows),
    )


def repeated(report: StudyReport, language: Language) -> Section:
    """Return what was measured on two days; what moved furthest comes first, and is said."""
    title = language.say("section.repeated")
    moved = sorted(report.repeated, key=lambda each: -abs(each.moved))
    if not moved:
        sentence = Paragraph(language.say("not_measured.sentence"), "quiet")
        return Section(key="repeated", title=title, blocks=(sentence,))
    most = language.say(
        "repeated.most",
        measure=language.measure(moved[0].measure),
        system=language.system(moved[0].system),
        moved=language.change(moved[0].moved),
    )
    rows = tuple(
        (
            Cell(text=language.measure(each.measure)),
            Cell(text=language.system(each.system)),
            Cell(text=language.name("store", each.store)),
            Cell(text=each.workload),
            Cell(text=language.amount(each.earlier, each.measure), lines=(each.days[0],)),
            Cell(text=language.amount(each.later, each.measure), lines=(each.days[1],)),
            Cell(text=language.change(each.moved)),
        )
        for each in moved
    )
    shapes = dict.fromkeys(("measure", "system", "store", "workload"), "text")
    shapes |= dict.fromkeys(("earlier", "later", "moved"), "number")
    caption = language.say("repeated.caption")
    table = Table(caption=caption, columns=columns(language, shapes), rows=rows)
    return Section(key="repeated", title=title, blocks=(Paragraph(most), table))


def omitted(report: StudyReport, language: Language) -> Section:
    """Return what was left out, by name, and why."""
    title = language.say("section.omitted")
    if not report.omitted:
        nothing = Paragraph(language.say("omitted.nothing"), "quiet")
        return Section(key="omitted", title=title, blocks=(nothing,))
    table = Table(
        caption=language.say("omitted.caption"),
        columns=columns(language, {"what": "text", "why": "text"}),
        rows=tuple((Cell(text=name), Cell(text=why)) for name, why in report.omitted.items()),
    )
    return Section(key="omitted", title=title, blocks=(table,))
