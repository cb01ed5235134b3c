"""Is a table sound? Asked once for each workflow, when it is made; a table that contradicts itself never runs.

One initial state, no exit from a final state, every state reachable and reaching an end, only known roles, and nothing
barred that the table allows.
"""

from collections.abc import Iterable

from ledger_automation.workflows._table import ROLES, Transition


def flaws(rows: tuple[Transition, ...], states: frozenset[str], final: frozenset[str]) -> list[str]:
    """Return what is wrong with a table, in words; nothing for a sound one."""
    edges = {(source, target) for each in rows for source in each.sources for target in each.targets}
    start = {target for each in rows if not each.sources for target in each.targets}
    findings = {
        "an action stands twice": len({each.action for each in rows}) != len(rows),
        "there must be exactly one initial state": len(start) != 1,
        "a final state has an exit": any(
            source in final and source not in each.targets for each in rows for source in each.sources
        ),
        "a transition has no role or an unknown one": any(
            not each.roles or set(each.roles) - set(ROLES) for each in rows
        ),
        "several targets and resolve go together": any(
            (len(each.targets) > 1) != (each.resolve is not None) for each in rows
        ),
        "a barred state is unknown or a source": any(
            set(bar.states) - states or set(bar.states) & set(row.sources) for row in rows for bar in row.barred
        ),
        "a state is out of reach": bool(states - _closure(start, edges)),
        "a state reaches no end": bool(states - _closure(final, {(target, source) for source, target in edges})),
    }
    return [flaw for flaw, found in findings.items() if found]


def _closure(start: Iterable[str], edges: set[tuple[str, str]]) -> set[str]:
    """Return every state that can be reached from ``start`` along ``edges``."""
    reached, frontier = set(start), list(start)
    while frontier:
        here = frontier.pop()
        for source, target in edges:
            if source == here and target not in reached:
                reached.add(target)
                frontier.append(target)
    return reached
