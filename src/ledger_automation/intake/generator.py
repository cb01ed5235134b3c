"""Synthetic cases that walk as real ones do: a seeded walk over directly-follows counts, judged by the law on its way.

The counts are those of two public logs (``directly_follows/*.json``, with source and licence); nothing else of the logs
is here. Amounts, moments and pseudonyms are invented. A walk over counts has no memory and would soon pay a settled
fine, so each step is put before the law, and one that is refused is drawn again; only the share ``breaches`` of refused
steps stays in, because real logs hold breaches too. What comes out is what `xes.traces` yields, under the same mapping:

    for trace in generate("traffic_fines", cases=300, seed=7): ...
    for trace in generate("receipt", cases=60, seed=7): ...

The same seed gives the same cases, on every machine.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from random import Random
from typing import Any, Final

import msgspec

from ledger_automation.errors import NotFound, TransitionNotAllowed
from ledger_automation.intake import mapping as mappings
from ledger_automation.intake.commands import commands
from ledger_automation.intake.scenery import SCENERIES, Scenery
from ledger_automation.intake.trace import ACTIVITY, TIMESTAMP, LoggedEvent, Trace
from ledger_automation.workflows import Case, Workflow, workflow

_TRIES: Final = 12
_LONGEST: Final = 40


class Follows(msgspec.Struct, frozen=True):
    """How often an activity starts, ends and directly follows another in a log; and which mapping speaks its names."""

    source: str
    licence: str
    mapping: str
    start: Mapping[str, int]
    end: Mapping[str, int]
    follows: Mapping[str, Mapping[str, int]]


@cache
def follows(process: str) -> Follows:
    """Return the committed counts of a process; raises NotFound."""
    folder = resources.files("ledger_automation.intake").joinpath("directly_follows")
    if process not in SCENERIES:
        raise NotFound(f"There is no process {process}; there are {', '.join(sorted(SCENERIES))}.", name=process)
    return msgspec.convert(json.loads(folder.joinpath(f"{process}.json").read_text("utf-8")), Follows)


def generate(
    process: str, *, cases: int, seed: int, first_day: datetime | None = None, breaches: float = 0.02
) -> Iterator[Trace]:
    """Yield synthetic traces in the order of their first events; raises NotFound for an unknown process."""
    counts = follows(process)
    random = Random(f"{process}/{seed}")  # noqa: S311 (reproducible, not secret)
    begin = first_day or datetime(2025, 1, 6, tzinfo=UTC)
    number = 0
    for index in range(cases):
        walk = _Walk(counts, SCENERIES[process], random, breaches)
        opened = begin + timedelta(hours=index * 5, minutes=random.randrange(240))
        attributes = {ACTIVITY: f"{process}-{seed}-{index + 1:05d}"}
        events = [LoggedEvent(number + step, each) for step, each in enumerate(walk.events(attributes, opened), 1)]
        number += len(events)
        yield Trace(attributes, events)


class _Walk:
    """One case on its way: what happened last, and where it stands under the law."""

    def __init__(self, counts: Follows, scenery: Scenery, random: Random, breaches: float) -> None:
        self._counts = counts
        self._scenery = scenery
        self._random = random
        self._breaches = breaches
        self._mapping = mappings.shipped(counts.mapping)
        self._law: Workflow[Any] = workflow(self._mapping.workflow)
        self._case: Case | None = None
        self._facts: dict[str, str] = {}

    def events(self, trace: dict[str, str], opened: datetime) -> Iterator[dict[str, str]]:
        """Yield the attributes of each event, from the first to where the walk ends."""
        activity: str | None = self._draw(self._counts.start)
        at = opened
        for _ in range(_LONGEST):
            if activity is None:
                return
            event = self._event(activity, at)
            self._judge(trace, event)
            yield event
            activity, at = self._next(trace, activity, at)

    def _next(self, trace: dict[str, str], last: str, at: datetime) -> tuple[str | None, datetime]:
        """Draw until the law agrees, a breach is wanted, or the case ends."""
        choices = {**self._counts.follows.get(last, {}), "": self._counts.end.get(last, 0)}
        for _ in range(_TRIES):
            drawn = self._draw(choices)
            if not drawn:
                return None, at
            later = self._scenery.later(self._random, drawn, at, self._case)
            if self._allowed(trace, self._event(drawn, later)) or self._random.random() < self._breaches:
                return drawn, later
        return None, at

    def _event(self, activity: str, at: datetime) -> dict[str, str]:
        if self._facts.get(ACTIVITY) != activity or self._facts.get(TIMESTAMP) != at.isoformat():
            drawn = self._scenery.attributes(self._random, activity, self._case)
            self._facts = {ACTIVITY: activity, TIMESTAMP: at.isoformat(), **drawn}
        return self._facts

    def _allowed(self, trace: dict[str, str], event: dict[str, str]) -> bool:
        before = self._case
        accepted = self._judge(trace, event)
        self._case = before
        return accepted

    def _judge(self, trace: dict[str, str], event: dict[str, str]) -> bool:
        (arrival,) = commands([Trace(trace, [LoggedEvent(1, event)])], self._mapping)
        if arrival.command is None or arrival.at is None:
            return bool(arrival.ignored)
        try:
            self._case = self._law.apply(self._case, arrival.command, arrival.at).case
        except TransitionNotAllowed:
            return False
        return True

    def _draw(self, counts: Mapping[str, int]) -> str:
        names = sorted(counts)
        weights = [counts[name] for name in names]
        return self._random.choices(names, weights)[0] if any(weights) else ""
