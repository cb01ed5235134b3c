"""Replaying somebody else's log through the law: every event is accepted, refused by a rule, or ignored by the mapping.

Events and the position in the file are committed together, in chunks. Killed at any moment, the same call goes on at
the last committed position: nothing acknowledged is lost, nothing is doubled. Case ids are derived from the file's case
names with a secret of the run, so that they tell nothing and are found again.
"""

import hmac
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from ledger_automation.errors import InvalidInput, TransitionNotAllowed
from ledger_automation.orchestrator.ports import Begin, IntakeRun, RecordedStep, UnitOfWork
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.values import CaseId, Salt
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import Command, Workflow

CHUNK: Final = 1_024
MALFORMED: Final = "malformed_event"
"""The rule under which an event is counted that cannot be made a command, or carries what the law cannot read."""


class Arrival(Protocol):
    """One event of a file: a command with its moment, or a reason to ignore it, or neither (a flaw).

    ``number`` is 0 for an opening step that the mapping adds and the file does not hold.
    """

    @property
    def number(self) -> int:
        """The event's place in the file, from 1."""
        ...

    @property
    def case(self) -> str:
        """The file's name for the case."""
        ...

    @property
    def at(self) -> datetime | None:
        """When it happened."""
        ...

    @property
    def command(self) -> Command | None:
        """What it stands for."""
        ...

    @property
    def ignored(self) -> str:
        """Why the mapping ignores it; empty when it does not."""
        ...


class Plan(NamedTuple):
    """What is to be replayed: the file's SHA-256 with mapping and level in hex, the law, the level of its cases."""

    source: str
    table: Workflow[Any]
    level: Level


def replay(
    begin: Begin, recorder: Recorder, plan: Plan, arrivals: Iterable[Arrival], after_chunk: Callable[[IntakeRun], None]
) -> IntakeRun:
    """Replay what of a file is not replayed yet; ``after_chunk`` is called after every commit."""
    with begin() as unit:
        run = unit.intake.run(plan.source) or IntakeRun(plan.source, Salt.random())
    rest = islice(arrivals, run.position, None)
    while chunk := list(islice(rest, CHUNK)):
        with begin() as unit:
            run = _Chunk(unit, recorder, plan, run).take(chunk)
            unit.commit()
        after_chunk(run)
    return run


class _Chunk:
    """One transaction of a replay."""

    def __init__(self, unit: UnitOfWork, recorder: Recorder, plan: Plan, run: IntakeRun) -> None:
        self._unit = unit
        self._recorder = recorder
        self._plan = plan
        self._run = run

    def take(self, arrivals: list[Arrival]) -> IntakeRun:
        """Judge and store a chunk; returns the run as it stands afterwards."""
        refusals = Counter(self._run.refusals)
        ignored = sum(1 for arrival in arrivals if arrival.ignored)
        added = 0
        steps = []
        for arrival, step in self._judge(arrivals, refusals):
            added += arrival.number == 0
            steps.append(step)
        self._unit.cases.record(steps)
        run = msgspec.structs.replace(
            self._run,
            position=self._run.position + len(arrivals),
            cases=self._run.cases + sum(1 for step in steps if step.event.sequence == 0),
            accepted=self._run.accepted + len(steps) - added,
            openings=self._run.openings + added,
            ignored=self._run.ignored + ignored,
            refusals=dict(refusals),
        )
        self._unit.intake.save(run)
        return run

    def _judge(self, arrivals: list[Arrival], refusals: Counter[str]) -> Iterator[tuple[Arrival, RecordedStep]]:
        standings = self._begin({arrival.case for arrival in arrivals if not arrival.ignored})
        for arrival in arrivals:
            if arrival.ignored:
                continue
            if arrival.command is None or arrival.at is None:
                refusals[MALFORMED] += 1
                continue
            try:
                step, after = self._recorder.step(standings[arrival.case], Intent(arrival.command, arrival.at))
            except TransitionNotAllowed as refusal:
                refusals[refusal.rule] += 1
            except InvalidInput:
                refusals[MALFORMED] += 1
            else:
                standings[arrival.case] = after
                yield arrival, step

    def _begin(self, names: set[str]) -> dict[str, Standing]:
        """Find out where the cases of the chunk stand; most are new."""
        ids = {name: _case_id(self._run.secret, name) for name in names}
        known = self._unit.cases.known(list(ids.values()))
        return {
            name: Standing.of(known[case_id])
            if case_id in known
            else Standing(case_id, self._plan.table, self._plan.level)
            for name, case_id in ids.items()
        }


def _case_id(secret: bytes, name: str) -> CaseId:
    """Derive a case id that only the run's secret connects with the file's name for the case."""
    return CaseId(str(uuid.UUID(bytes=hmac.digest(secret, name.encode(), "sha256")[:16], version=4)))
