"""Running a round, cell after cell; what is done is in the journal and is not done again.

    closed        throughput of each system at each number of clients
    open          latency to each state at a stated rate
    replay        every log through every system: counts, storage, audit, gas, size of a proof
    growth        audit, storage and proof at several sizes of the log
    integration   leaves into the tree, in memory and durable
    recovery      a client killed in the middle of its steps: how long until the next one is taken
    tamper        the matrix

Systems take turns within a round (A B C A B C), so that a machine that drifts drifts for all. What is measured here
becomes figures in `figures`, and an answer in `verdict`.
"""

import multiprocessing as mp
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final

import msgspec

from ledger_automation.errors import Contradiction, InvalidInput, TransitionNotAllowed
from ledger_automation.intake.commands import Arrival
from ledger_automation.orchestrator.ports import IntakeRun
from ledger_automation.orchestrator.replay import Plan
from ledger_automation.study import drivers
from ledger_automation.study.drivers import Load, drive, mind_the_parent
from ledger_automation.study.measurement import integration_rate
from ledger_automation.study.plan import Workload, first_of_each_law
from ledger_automation.study.record import Tampered
from ledger_automation.study.rounds import Cell, Journal, Round, Values
from ledger_automation.study.systems import Place, open_client, open_system
from ledger_automation.study.systems.port import LOGGED, SystemUnderTest
from ledger_automation.study.tamper.matrix import Town, attack
from ledger_automation.verify.policy import Level

Tell = Callable[[str, int, int], None]
"""Told (what, done, of) while it runs."""

Measure = Callable[[], Values]

SMALL: Final = 24
"""Cases of the town that is tampered with; a sixth of them where each step waits for a block."""

_SLOW: Final = 4
"""How much longer the enforced system is driven, each step of which waits for a block."""

_KILL_AFTER: Final = 0.5


def run(setting: Round, journal: Journal, tell: Tell) -> None:
    """Measure what is not measured yet; raises Contradiction where systems do not judge a log alike."""
    cells = list(_cells(setting, tell))
    for number, (cell, measure) in enumerate(cells):
        tell("study", number, len(cells))
        if cell.key not in journal.cells:
            journal.add(msgspec.structs.replace(cell, values=measure()))
    tell("study", len(cells), len(cells))
    insist_on_equal_counts(list(journal.cells.values()))


def insist_on_equal_counts(cells: list[Cell]) -> None:
    """Raise Contradiction where a log was judged differently by two systems."""
    first: dict[str, Cell] = {}
    for cell in (each for each in cells if each.kind == "replay"):
        before = first.setdefault(cell.workload, cell)
        counts, others = cell.values["counts"], before.values["counts"]
        if counts != others:
            sentence = f"{cell.system} and {before.system} judge {cell.workload} differently."
            raise Contradiction(sentence, expected=others, actual=counts)


def _cells(setting: Round, tell: Tell) -> Iterator[tuple[Cell, Measure]]:
    plan = setting.plan
    for store in plan.stores:
        yield from _replays(setting, store, tell)
        for turn in range(plan.rounds):
            for load in first_of_each_law(setting.workloads):
                yield from _driven(setting, store, load, turn)
        yield from _growing(setting, store)
        name = setting.workloads[0].name
        for turn in range(plan.rounds):
            yield Cell("integration", store, "merkle_log", name, 0, turn), _integrated(setting, store)
        for system in (each for each in setting.systems if each != "enforced"):
            yield Cell("recovery", store, system, setting.workloads[0].name, 0, 0), _recovered(setting, store, system)
    for system in setting.systems:
        yield Cell("tamper", "sqlite", system, setting.workloads[0].name, 0, 0), _tampered(setting, system, tell)


def _driven(setting: Round, store: str, load: Workload, turn: int) -> Iterator[tuple[Cell, Measure]]:
    """Closed loops on the first log only, open ones on one of each workflow."""
    plan = setting.plan
    for clients in plan.clients if load is setting.workloads[0] else ():
        for system in setting.systems:
            if system == "enforced" and clients != 1:
                continue  # one lane sends, whoever asks
            asked = Load(clients, plan.seconds * (_SLOW if system == "enforced" else 1), plan.warm)
            yield Cell("closed", store, system, load.name, clients, turn), _loop(setting, store, system, load, asked)
    for system in setting.systems:
        slow = system == "enforced"
        asked = Load(1, plan.seconds * (_SLOW if slow else 2), plan.warm, min(1, plan.rate) if slow else plan.rate)
        yield Cell("open", store, system, load.name, 0, turn), _loop(setting, store, system, load, asked)


def _loop(setting: Round, store: str, system: str, load: Workload, asked: Load) -> Measure:
    def measure() -> Values:
        with setting.place(store, system) as place:
            driven = drive(place, load.table, load.offers, asked)
        latencies = {state: drivers.percentiles(each) for state, each in driven.latencies.items() if each}
        return {"throughput": driven.throughput, "steps": driven.steps, "rate": asked.rate, "latencies": latencies}

    return measure


def _replays(setting: Round, store: str, tell: Tell) -> Iterator[tuple[Cell, Measure]]:
    plan = setting.plan
    for load in setting.workloads:
        few = f"{load.name}, first {plan.sample} cases"
        for system in setting.systems:
            if system != "enforced":
                whole = Cell("replay", store, system, load.name, 0, 0)
                yield whole, _replayed(setting, store, system, load, None, tell)
            yield Cell("replay", store, system, few, 0, 0), _replayed(setting, store, system, load, plan.sample, tell)


def _replayed(  # noqa: PLR0913, PLR0917
    setting: Round, store: str, system: str, load: Workload, cases: int | None, tell: Tell
) -> Measure:
    def measure() -> Values:
        arrivals = load.arrivals if cases is None else load.sample(cases)

        with setting.place(store, system) as place, open_system(place) as opened:

            def after(done: IntakeRun) -> None:
                tell(f"{load.name} through {system}", done.position, len(arrivals))

            counted = _replay(opened, load, arrivals, after)
            opened.work(now=True)
            return {
                "counts": _counts(counted),
                "cases": counted.cases,
                "events": counted.accepted + counted.openings,
                "gas": opened.gas()._asdict(),
                **_kept(opened),
            }

    return measure


def _replay(
    system: SystemUnderTest, load: Workload, arrivals: Iterable[Arrival], tell: Callable[[IntakeRun], None]
) -> IntakeRun:
    """Replay a log; each chunk of 1,024 gets a checkpoint, as gas is counted by, with all that belongs to it."""

    def after(done: IntakeRun) -> None:
        tell(done)
        if system.name not in _BY_THEMSELVES:
            system.work(now=True)

    return system.replay(_once(system, load), arrivals, after)


def _once(system: SystemUnderTest, load: Workload) -> Plan:
    """Name a replay that is none of any before."""
    level = Level.ANCHORED if system.name == "anchored" else Level.LOGGED
    return Plan(secrets.token_hex(32), load.table, level)


def _counts(counted: IntakeRun) -> Values:
    return {
        "read": counted.position - counted.openings,
        "accepted": counted.accepted,
        "ignored": counted.ignored,
        "refused": dict(sorted(counted.refusals.items())),
    }


def _kept(system: SystemUnderTest) -> Values:
    """What lies there now: its audit, its size, the size of a proof; raises Contradiction for an unsound log."""
    audited = system.audit()
    if audited.findings:
        raise Contradiction(f"The honest {system.name} does not hold: {audited.findings[0].sentence}")
    return {
        "audited": audited.events,
        "audit_seconds": audited.seconds,
        "bytes": system.stored_bytes(),
        "proof": system.proof_bytes(),
        "durability": system.durability,
    }


def _growing(setting: Round, store: str) -> Iterator[tuple[Cell, Measure]]:
    for size in setting.plan.sizes:
        for system in (each for each in setting.systems if each != "enforced"):
            yield (
                Cell("growth", store, system, setting.workloads[0].name, size, 0),
                _grown(setting, store, system, size),
            )


def _grown(setting: Round, store: str, system: str, size: int) -> Measure:
    def measure() -> Values:
        load = setting.workloads[0]
        with setting.place(store, system) as place, open_system(place) as opened:
            for part in _parts(load.arrivals, size):
                _replay(opened, load, part, lambda _: None)
            kept = _kept(opened)
            _replay(opened, load, load.arrivals[:_NEWS], lambda _: None)
            again = opened.audit(again=True)
            return {**kept, "news": _NEWS, "again_seconds": again.seconds}

    return measure


_NEWS: Final = 1_000
_BY_THEMSELVES: Final = ("table", "hash_chain", "enforced")


def _parts(arrivals: list[Arrival], size: int) -> Iterator[list[Arrival]]:
    """Offer a log so many times over that about ``size`` events come of it."""
    while size > 0:
        yield arrivals[:size]
        size -= len(arrivals)


def _integrated(setting: Round, store: str) -> Measure:
    """Time leaves on their way into the tree: in memory alone, and with rows, nodes, map and signed checkpoint."""

    def measure() -> Values:
        load, leaves = setting.workloads[0], setting.plan.leaves
        with setting.place(store, "merkle_log") as place, open_system(place) as opened:
            for part in _parts(load.arrivals, leaves):
                opened.replay(_once(opened, load), part, lambda _: None)
            started = time.perf_counter()
            states = opened.work(now=True)
            seconds = time.perf_counter() - started
        return {"memory": integration_rate(leaves), "durable": states[LOGGED] / seconds, "leaves": states[LOGGED]}

    return measure


def _recovered(setting: Round, store: str, system: str) -> Measure:
    def measure() -> Values:
        load = setting.workloads[0]
        with setting.place(store, system) as place:
            with open_client(place):
                pass
            process = mp.get_context("fork").Process(target=_take_on, args=(place, load), daemon=True)
            process.start()
            try:
                time.sleep(_KILL_AFTER)
            finally:
                process.kill()
                process.join()
            started = time.perf_counter()
            with open_client(place) as client:
                name, intent = load.offers[0]
                client.take(f"after/{name}", load.table, intent)
                seconds = time.perf_counter() - started
            with open_system(place) as opened:
                opened.work(now=True)
                _kept(opened)
        return {"seconds": seconds}

    return measure


def _take_on(place: Place, load: Workload) -> None:
    mind_the_parent()
    with open_client(place) as client:
        while True:
            for name, intent in load.offers:
                with suppress(TransitionNotAllowed, InvalidInput):
                    client.take(name, load.table, intent)


def _tampered(setting: Round, system: str, tell: Tell) -> Measure:
    return lambda: {"rows": msgspec.to_builtins(tampered(setting, system, tell))}


def tampered(setting: Round, system: str, tell: Tell) -> list[Tampered]:
    """Attack a small town on one system; returns its rows of the matrix."""
    load, plan = setting.workloads[0], setting.plan
    with setting.place("sqlite", system) as place, open_system(place) as opened:
        town = Town(place, opened, load.table)
        town.fill(load.sample(SMALL // 6 if system == "enforced" else SMALL))
        return list(attack(town, plan.instances, plan.seed, tell))
