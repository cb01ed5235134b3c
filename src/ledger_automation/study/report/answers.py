"""The first section: one sentence for the town, and for each workflow a table of its steps."""

from collections.abc import Iterable, Sequence

from ledger_automation.study.record import Answer, StudyReport
from ledger_automation.study.report.blocks import Block, Cell, Heading, Paragraph, Section, Table, Tally, columns
from ledger_automation.study.report.language import NOTHING, Language
from ledger_automation.study.report.replays import unequal
from ledger_automation.study.verdict import summary


def answer(report: StudyReport, language: Language) -> Section:
    """Return the answer, and an alarm where the replays do not bear it."""
    said = summary(report.answers)
    town = language.of(said.town) if report.answers else language.say("answer.absent")
    blocks: list[Block] = [Paragraph(town, "lead")]
    if unequal(report.replays):
        blocks.append(Paragraph(language.say("answer.unequal"), "alarm", "replays"))
    if report.answers:
        blocks += [_tally(report.answers, language), _overview(report.answers, language)]
    for workflow, own in said.workflows.items():
        blocks += [Heading(language.name("workflow", workflow)), Paragraph(language.of(own))]
        blocks.append(_steps(workflow, [each for each in report.answers if each.workflow == workflow], language))
    return Section(key="answer", title=language.say("section.answer"), blocks=tuple(blocks))


def _counts(answers: Iterable[Answer]) -> tuple[int, int, int]:
    """Count the steps that need a chain, that need none, and that nothing is enough for."""
    enough = [each for each in answers if each.system]
    chain = sum(each.chain for each in enough)
    return chain, len(enough) - chain, sum(not each.system for each in answers)


def _workflows(answers: Iterable[Answer]) -> list[str]:
    return list(dict.fromkeys(each.workflow for each in answers))


def _tally(answers: Sequence[Answer], language: Language) -> Tally:
    keys = ("tally.with", "tally.without", "tally.nothing")
    counts = zip(keys, _counts(answers), strict=True)
    return Tally(tuple((language.number(count), language.say(key)) for key, count in counts))


def _overview(answers: Sequence[Answer], language: Language) -> Table:
    parts = [
        (language.name("workflow", workflow), [each for each in answers if each.workflow == workflow])
        for workflow in _workflows(answers)
    ]
    if len(parts) > 1:
        parts.append((language.say("answer.total"), list(answers)))
    rows = []
    for name, part in parts:
        chain, without, nothing = _counts(part)
        counts = (len(part), without, chain, nothing)
        rows.append((Cell(text=name), *(Cell(text=language.number(each)) for each in counts)))
    numbers = dict.fromkeys(("steps", "without", "with", "nothing"), "number")
    return Table(
        caption=language.say("answer.overview"),
        columns=columns(language, {"workflow": "text", **numbers}),
        rows=tuple(rows),
    )


def _steps(workflow: str, answers: Iterable[Answer], language: Language) -> Table:
    shapes = {"step": "text", "enough": "text", "chain": "text", "cost": "number", "reasons": "text"}
    rows = []
    for each in answers:
        reasons = tuple(language.of(reason) for reason in each.reasons)
        rows.append(
            (
                Cell(text=each.action, code=True),
                Cell(text=language.system(each.system) if each.system else language.say("answer.none")),
                _needed(each, language),
                Cell(text=language.number(each.cost) if each.system else NOTHING),
                Cell(summary=language.counted("answer.reasons", len(reasons)), folded=reasons) if reasons else Cell(),
            )
        )
    return Table(
        caption=language.say("answer.caption", workflow=language.name("workflow", workflow)),
        columns=columns(language, shapes),
        rows=tuple(rows),
    )


def _needed(given: Answer, language: Language) -> Cell:
    if not given.system:
        return Cell(text=NOTHING)
    return Cell(text=language.say("yes" if given.chain else "no"), symbol="■" if given.chain else "□")
