"""What a scan came to, in words."""

from collections.abc import Iterable, Iterator
from typing import Final

from ledger_automation.study.privacy.audit import Scan
from ledger_automation.study.privacy.linkability import Area

_SHOWN: Final = 50


def in_words(scan: Scan) -> Iterator[str]:
    """Say it, hits first."""
    yield from (hit.in_words() for hit in scan.hits[:_SHOWN])
    if len(scan.hits) > _SHOWN:
        yield f"... and {len(scan.hits) - _SHOWN} more."
    for each in scan.dictionary.matches[:_SHOWN]:
        yield f"{each.artefact}, {each.place}: {each.guess} is guessed, by {each.formula}."
    artefacts, octets = (
        sum(getattr(each, name) for each in scan.searched.values()) for name in ("artefacts", "octets")
    )
    yield (
        f"{scan.cases} cases, {scan.events} events: {len(scan.hits)} hits of {scan.register} people"
        f" in {scan.forms} forms, in {artefacts} artefacts of {octets} bytes."
    )
    attack = scan.dictionary
    yield f"{attack.guesses} plates guessed against {attack.targets} values: {len(attack.matches)} opened."
    yield "What an observer can tell (0.5: nothing, 1.0: everything; in brackets, how many best guesses are right):"
    yield from _linked(scan)


def _linked(scan: Scan) -> Iterable[str]:
    found = scan.linkability
    for level, area in found.case_by_time.items():
        yield f"  {level}, by time: one case {_figure(area)}, one person {_figure(found.actor_by_time[level])}"
    yield f"  enforced, on chain: one case {_figure(found.case_by_number)}, one person {_figure(found.actor_by_number)}"
    by_chance = f"{found.leaves_by_chance:.1f} by chance"
    yield f"  enforced steps whose leaf is found: {found.leaves_found} of {found.steps} ({by_chance})"


def _figure(area: Area) -> str:
    return f"{area.area:.2f} ({area.nearest:.1%})"
