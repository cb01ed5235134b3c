"""Driving a system with many clients: each a process with its own connection and its own cases, all starting at once.

    closed loop   a client takes the next step as soon as the last one is durable: throughput
    open loop     steps come at a stated rate, whether the last one is done or not: latency to each state

In an open loop a step's time runs from the moment it was due, not from when its client came to it, so that a system
that stalls is charged for everything that had to wait (coordinated omission). What a client does before `warm` is
over is not counted. The work in the background runs in this process, beside the clients, on the same cores.
"""

import multiprocessing as mp
import os
import signal
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import count
from statistics import quantiles
from threading import BrokenBarrierError, Thread
from typing import Any, Final, NamedTuple

from ledger_automation.errors import InvalidInput, LedgerError, TransitionNotAllowed, Unreachable
from ledger_automation.orchestrator.transition import Intent
from ledger_automation.study.systems import Place, open_client, open_system
from ledger_automation.study.systems.ledger import EnforcedSystem
from ledger_automation.study.systems.port import RECORDED, SystemUnderTest
from ledger_automation.workflows import Workflow

_LOOK: Final = 0.05
_PATIENCE: Final = 120.0
_NEVER: Final = 2**63
_ALONE: Final = 4
"""Cases that the enforced system gets, again and again: each actor must be seated first, which takes a block."""

Offer = tuple[str, Intent]
"""A case, by a name of the driver's, and what is asked of it."""


class Load(NamedTuple):
    """How a system is driven: ``rate`` is steps a second of all clients together, 0 for a closed loop."""

    clients: int
    seconds: float
    warm: float = 0.5
    rate: float = 0


class Taken(NamedTuple):
    """One step that was accepted: where it is, when it was due and when it was durable (monotonic seconds)."""

    case_id: str
    sequence: int
    due: float
    done: float


class Driven(NamedTuple):
    """What came of a load: accepted steps a second, and by state the latency of each step in milliseconds."""

    throughput: float
    latencies: dict[str, list[float]]
    steps: int
    refused: int


def percentiles(latencies: Sequence[float]) -> tuple[float, float]:
    """Return median and 99th percentile."""
    if len(latencies) == 1:
        return latencies[0], latencies[0]
    cuts = quantiles(latencies, n=100, method="inclusive")
    return cuts[49], cuts[98]


def drive(place: Place, table: Workflow[Any], offers: Sequence[Offer], load: Load) -> Driven:
    """Drive a system; raises what it raises, Unreachable where a client ended without a word."""
    if place.system == "enforced":
        return _drive_alone(place, table, offers, load)
    with open_client(place):
        pass  # the tables are made before anybody comes
    context = mp.get_context("fork")
    start, told = context.Barrier(load.clients + 1), context.Queue()
    processes = [
        context.Process(target=_client, args=(place, _Part(table, share, load), start, told), daemon=True)
        for share in shares(offers, load.clients)
    ]
    for process in processes:
        process.start()
    try:
        with open_system(place) as system:
            _start(system, start, told)
            taken, refused, seen = _watch(system, processes, told)
            return _evaluated(taken, refused, seen, _finished(system, taken, seen), load)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def shares(offers: Sequence[Offer], clients: int) -> list[list[Offer]]:
    """Deal the cases out to clients, each case whole and in its order."""
    owners: dict[str, int] = {}
    dealt: list[list[Offer]] = [[] for _ in range(clients)]
    for name, intent in offers:
        dealt[owners.setdefault(name, len(owners) % clients)].append((name, intent))
    return dealt


def _endless(offers: Sequence[Offer]) -> Iterator[Offer]:
    """Begin anew with other cases when all are through."""
    for turn in count():
        for name, intent in offers:
            yield f"{turn}/{name}", intent


def _client(place: Place, part: "_Part", start: Any, told: Any) -> None:
    mind_the_parent()
    try:
        with open_client(place) as system:
            start.wait(_PATIENCE)
            told.put(_steps(system, part))
    except LedgerError as error:
        told.put(error.sentence)
        start.abort()  # who waits for us need not


def mind_the_parent() -> None:
    """Do, in a forked process, what its parent wants: end at SIGTERM, leave Ctrl-C to the parent, and end with it.

    The parent may catch SIGTERM, to tidy up; here is nothing to tidy.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(mp.parent_process(),), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


class _Part(NamedTuple):
    """What one client does."""

    table: Workflow[Any]
    offers: list[Offer]
    load: Load


def _steps(system: SystemUnderTest, part: _Part) -> tuple[list[Taken], int]:
    """Take steps until the time is over; returns those after the warm-up, and how many were refused."""
    table, offers, load = part
    taken: list[Taken] = []
    refused, pause = 0, load.clients / load.rate if load.rate else 0
    due = time.monotonic()
    warm, end = due + load.warm, due + load.warm + load.seconds
    for name, intent in _endless(offers):
        if pause:
            due += pause
            if (ahead := due - time.monotonic()) > 0:
                time.sleep(ahead)
        else:
            due = time.monotonic()
        if due >= end:
            break
        try:
            case_id, sequence = system.take(name, table, intent)
        except (TransitionNotAllowed, InvalidInput):
            refused += 1
        else:
            if due >= warm:
                taken.append(Taken(case_id, sequence, due, time.monotonic()))
    return taken, refused


def _start(system: SystemUnderTest, start: Any, told: Any) -> None:
    """Wait until every client is there; raises Unreachable where one is not."""
    try:
        start.wait(_PATIENCE)
    except BrokenBarrierError as error:
        why = told.get() if not told.empty() else "one of them ended without a word."
        raise Unreachable(f"The clients of {system.name} did not start: {why}") from error


def _watch(
    system: SystemUnderTest, processes: Sequence[Any], told: Any
) -> tuple[list[Taken], int, list[tuple[float, dict[str, int]]]]:
    """Do the background work until every client has told what it did."""
    taken: list[Taken] = []
    seen: list[tuple[float, dict[str, int]]] = []
    refused, open_clients = 0, len(processes)
    while open_clients:
        states = system.work()
        seen.append((time.monotonic(), states))
        while not told.empty():
            answer = told.get()
            if isinstance(answer, str):
                raise Unreachable(f"A client of {system.name} gave up: {answer}")
            taken += answer[0]
            refused += answer[1]
            open_clients -= 1
        if open_clients and not any(each.is_alive() for each in processes) and told.empty():
            raise Unreachable(f"{open_clients} clients of {system.name} ended without a word.")
        time.sleep(_LOOK)
    return taken, refused, seen


def _finished(
    system: SystemUnderTest, taken: list[Taken], seen: list[tuple[float, dict[str, int]]]
) -> dict[tuple[str, int], int]:
    """Go on at the usual pace until every step that was taken has every state; return the place of each."""
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        states = system.work()
        seen.append((time.monotonic(), states))
        places = system.places()
        last = max((places.get((each.case_id, each.sequence), _NEVER) for each in taken), default=-1)
        if all(size > last for size in states.values()):
            return places
        time.sleep(_LOOK)
    raise Unreachable(f"Not every step of {system.name} reached its last state within {_PATIENCE:.0f} seconds.")


def _evaluated(
    taken: list[Taken], refused: int, seen: list[tuple[float, dict[str, int]]],
    places: dict[tuple[str, int], int], load: Load,
) -> Driven:  # fmt: skip
    latencies = {RECORDED: [(each.done - each.due) * 1000 for each in taken]}
    for state in (each for each in seen[-1][1] if each != RECORDED):
        sizes, moments = _rising(seen, state)
        latencies[state] = [
            (max(moments[bisect_left(sizes, places[each.case_id, each.sequence] + 1)], each.done) - each.due) * 1000
            for each in taken
        ]
    return Driven(len(taken) / load.seconds, latencies, len(taken), refused)


def _rising(seen: list[tuple[float, dict[str, int]]], state: str) -> tuple[list[int], list[float]]:
    sizes, moments = [0], [seen[0][0]]
    for moment, states in seen:
        if states[state] > sizes[-1]:
            sizes.append(states[state])
            moments.append(moment)
    return sizes, moments


def _drive_alone(place: Place, table: Workflow[Any], offers: Sequence[Offer], load: Load) -> Driven:
    """Drive the enforced system, whose steps wait for the chain in this process: one client, and the work between."""
    with open_system(place) as system:
        if not isinstance(system, EnforcedSystem):
            raise TypeError(system.name)
        names = list(dict.fromkeys(name for name, _ in offers))[:_ALONE]
        some = [each for each in offers if each[0] in names]
        for _, intent in some:
            system.seat(table.name, intent.command.actor.id, intent.command.actor.role)
        taken, refused = _steps(system, _Part(table, some, load))
        seen = [(time.monotonic(), system.work())]
        return _evaluated(taken, refused, seen, _finished(system, taken, seen), load)
