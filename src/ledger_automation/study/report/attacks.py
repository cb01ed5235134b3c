"""The tamper matrix: attack by adversary by system, in symbols and in words, and a summary before it."""

from collections.abc import Iterable, Sequence

from ledger_automation.study.facts import ADVERSARIES
from ledger_automation.study.record import StudyReport, Tampered
from ledger_automation.study.report.blocks import Block, Cell, Column, Commands, Paragraph, Section, Table
from ledger_automation.study.report.language import Language, place


def tampering(report: StudyReport, language: Language, commands: Commands) -> Section:
    """Return the summary, then a matrix for each store."""
    title = language.say("section.tampering")
    if not report.tampered:
        absent = Paragraph(language.say("not_measured.sentence"), "quiet")
        return Section(key="tampering", title=title, blocks=(absent,))
    blocks: list[Block] = [Paragraph(language.say("tampering.intro")), _summary(report.tampered, language, commands)]
    for store in dict.fromkeys(each.store for each in report.tampered):
        name = language.name("store", store)
        own = [each for each in report.tampered if each.store == store]
        blocks.append(_matrix(name, own, language, commands))
    return Section(key="tampering", title=title, blocks=tuple(blocks))


def _systems(tampered: Iterable[Tampered]) -> list[str]:
    return sorted({each.system for each in tampered}, key=lambda name: (place(name), name))


def _rank(adversary: str) -> int:
    return ADVERSARIES.index(adversary) if adversary in ADVERSARIES else len(ADVERSARIES)


def _columns(before: Sequence[str], systems: Iterable[str], language: Language) -> tuple[Column, ...]:
    named = [Column(language.say(f"column.{name}")) for name in before]
    return (
        *named,
        *(Column(language.system(each), "outcome") for each in systems),
        Column(language.say("column.command"), "mark"),
    )


def _summary(tampered: Sequence[Tampered], language: Language, commands: Commands) -> Table:
    systems = _systems(tampered)
    rows = []
    for adversary in sorted({each.adversary for each in tampered}, key=lambda name: (_rank(name), name)):
        own = [each for each in tampered if each.adversary == adversary]
        cells = [_shared([each for each in own if each.system == system], language) for system in systems]
        name = Cell(text=language.name("adversary", adversary))
        rows.append((name, *cells, commands.cell(each.command for each in own)))
    return Table(
        caption=language.say("tampering.summary"),
        columns=_columns(("adversary",), systems, language),
        rows=tuple(rows),
    )


def _shared(own: Sequence[Tampered], language: Language) -> Cell:
    injected, detected = sum(each.injected for each in own), sum(each.detected for each in own)
    if not injected:
        return Cell(text=language.say("tampering.untried"))
    share = language.percent(detected / injected)
    return Cell(text=share, symbol=_how(detected, injected)[0], lines=(_of(detected, injected, language),))


def _matrix(store: str, own: Sequence[Tampered], language: Language, commands: Commands) -> Table:
    systems = _systems(own)
    rows: list[tuple[Cell, ...]] = []
    spanned = set()
    for attack in sorted({each.attack for each in own}):
        of_attack = [each for each in own if each.attack == attack]
        adversaries = sorted({each.adversary for each in of_attack}, key=lambda name: (_rank(name), name))
        for nth, adversary in enumerate(adversaries):
            tried = [each for each in of_attack if each.adversary == adversary]
            row = [Cell(text=language.name("adversary", adversary))]
            row += [_cell([each for each in tried if each.system == system], language) for system in systems]
            row.append(commands.cell(each.command for each in tried))
            if nth:
                spanned.add(len(rows))
            else:
                what = language.of(of_attack[0].what)
                row.insert(0, Cell(text=attack, lines=(what,), rows=len(adversaries)))
            rows.append(tuple(row))
    return Table(
        caption=language.say("tampering.matrix", store=store),
        columns=_columns(("attack", "adversary"), systems, language),
        rows=tuple(rows),
        heads=2,
        spanned=frozenset(spanned),
    )


def _cell(tried: Sequence[Tampered], language: Language) -> Cell:
    """Write what became of an attack; several runs of one attack are counted together, each with its detector."""
    if not tried:
        return Cell(text=language.say("tampering.untried"))
    injected, detected = sum(each.injected for each in tried), sum(each.detected for each in tried)
    symbol, how = _how(detected, injected)
    lines = [_by(each, language) for each in tried if each.detected]
    if detected:
        named, located = (language.number(sum(getattr(each, name) for each in tried)) for name in ("named", "located"))
        lines.append(language.say("tampering.place", named=named, located=located))
    words = language.say(f"tampering.{how}", of=_of(detected, injected, language))
    return Cell(text=words, symbol=symbol, lines=tuple(dict.fromkeys(lines)))


def _by(each: Tampered, language: Language) -> str:
    by = language.name("by", each.detected_by)
    return language.say("tampering.by", by=by, seconds=language.number(each.seconds))


def _how(detected: int, injected: int) -> tuple[str, str]:
    if not detected:
        return "○", "none"
    return ("●", "all") if detected >= injected else ("◐", "some")


def _of(count: int, total: int, language: Language) -> str:
    return language.say("of", n=language.number(count), total=language.number(total))
