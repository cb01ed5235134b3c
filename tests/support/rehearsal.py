"""Rehearse a log: apply every command to its case in memory and count, without writing anything.

    accepted + refused + ignored == events of the file

This is what ``ledger replay`` does, minus the ledger: tests judge mappings and generators with it.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ledger_automation.errors import InvalidValue, TransitionNotAllowed
from ledger_automation.intake.commands import MALFORMED, OPENING, Arrival, commands
from ledger_automation.intake.log_file import survey, traces
from ledger_automation.intake.mapping import Mapping
from ledger_automation.workflows import Case, workflow


class Tally(msgspec.Struct):
    """The three counts that add up; refusals by rule, and by rule and activity; ``openings`` are no events."""

    events: int = 0
    cases: int = 0
    openings: int = 0
    accepted: int = 0
    ignored: Counter[str] = msgspec.field(default_factory=Counter)
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    where: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)

    @property
    def share_accepted(self) -> float:
        """The share of all events of the file that the law accepts."""
        return self.accepted / self.events if self.events else 1.0


def rehearse(path: Path, mapping: Mapping) -> Tally:
    """Survey a log, then judge each of its events; raises UnreadableFile and UnmappedActivities."""
    survey(path, mapping)
    return judge(commands(traces(path, mapping), mapping), mapping.workflow)


def judge(arrivals: Iterable[Arrival], workflow_name: str) -> Tally:
    """Apply arrivals to their cases and count what the law says to each."""
    law = workflow(workflow_name)
    cases: dict[str, Case] = {}
    tally = Tally()
    for arrival in arrivals:
        opening = arrival.number == OPENING
        tally.openings += opening
        tally.events += not opening
        if arrival.ignored:
            tally.ignored[arrival.activity] += 1
            continue
        try:
            if arrival.flaw is not None or arrival.command is None or arrival.at is None:
                raise arrival.flaw or InvalidValue("The event", arrival.number, "complete")
            applied = law.apply(cases.get(arrival.case), arrival.command, arrival.at)
        except (TransitionNotAllowed, InvalidValue) as refusal:
            rule = refusal.rule if isinstance(refusal, TransitionNotAllowed) else MALFORMED
            tally.refused[rule] += 1
            tally.where[rule, arrival.activity] += 1
            continue
        tally.accepted += not opening
        cases[arrival.case] = applied.case
    tally.cases = len(cases)
    return tally
