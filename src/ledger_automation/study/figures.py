"""From the cells of a journal to the figures of a report: rounds gathered, rates and slopes computed, nothing left out.

A figure's rounds are what was measured, in the unit of its measure. Growth is fitted on a log-log plot: a slope of 0
says that a measure does not depend on the log, 1 that it grows with it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import log
from statistics import linear_regression
from typing import Any, Final

import msgspec

from ledger_automation.study.record import SYSTEMS, Figure, Growth, Repeated, Replay, StudyReport, Tampered
from ledger_automation.study.rounds import Cell

_BESIDE: Final = "sequencer, timestamps and anchors of the same system, and the chain where there is one"
_SEVERAL: Final = 2


def figures(cells: Iterable[Cell], workflows: dict[str, str], command: str) -> tuple[Figure, ...]:
    """Gather figures; ``workflows`` has that of each workload, ``command`` makes them again."""
    rounds: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for cell in cells:
        for measure, extra, value in _measured(cell):
            rounds[measure, cell.system, cell.store, cell.workload, *extra].append(value)
    return tuple(
        Figure(
            measure=measure,
            system=system,
            store=store,
            workload=workload,
            workflow=workflows[workload.partition(", first")[0]],
            rounds=tuple(values),
            command=command,
            clients=clients,
            rate=rate,
            events=events,
            beside=_BESIDE if clients or rate else "",
        )
        for (measure, system, store, workload, clients, rate, events), values in rounds.items()
    )


def _measured(cell: Cell) -> Iterator[tuple[str, tuple[int, float, int], float]]:
    """Yield (measure, (clients, rate, events), value)."""
    held = cell.values
    if cell.kind == "closed":
        yield "throughput", (cell.at, 0, 0), held["throughput"]
    if cell.kind == "open":
        for state, (middle, late) in held["latencies"].items():
            yield f"{state}_p50", (0, held["rate"], 0), middle
            yield f"{state}_p99", (0, held["rate"], 0), late
    if cell.kind == "recovery":
        yield "recovery", (0, 0, 0), held["seconds"]
    if cell.kind == "integration":
        yield "integration_memory", (0, 0, held["leaves"]), held["memory"]
        yield "integration_durable", (0, 0, held["leaves"]), held["durable"]
    if cell.kind == "replay":
        yield from _replayed(cell)
    if cell.kind == "growth":
        yield "audit_incremental", (0, 0, cell.at), held["again_seconds"]


def _replayed(cell: Cell) -> Iterator[tuple[str, tuple[int, float, int], float]]:
    held, size = cell.values, (0, 0.0, cell.values["events"])
    yield "events_case", size, held["events"] / held["cases"]
    yield "storage", size, held["bytes"] / held["events"]
    yield "audit_full", size, held["audited"] / held["audit_seconds"]
    if held["proof"]:
        yield "proof", size, held["proof"]
    paid = held["gas"]
    if paid["checkpoints"]:
        yield "gas_checkpoint", size, paid["checkpoint_gas"] / paid["checkpoints"]
        yield "gas_event", size, (paid["checkpoint_gas"] + paid["step_gas"]) / held["events"]
    if paid["steps"]:
        yield "gas_case", size, paid["step_gas"] / held["cases"]


def replays(cells: Iterable[Cell], command: str) -> tuple[Replay, ...]:
    """Return what each system made of each log."""
    return tuple(
        Replay(log=cell.workload, system=cell.system, store=cell.store, command=command, **cell.values["counts"])
        for cell in cells
        if cell.kind == "replay"
    )


def growth(cells: Iterable[Cell], command: str) -> tuple[Growth, ...]:
    """Return how audit, storage and proof grow with the log, where it was measured at several sizes."""
    points: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
    for cell in (each for each in cells if each.kind == "growth"):
        held = cell.values
        values = {"audit_full": held["audit_seconds"], "storage": held["bytes"], "proof": held["proof"]}
        for measure, value in (*values.items(), ("audit_incremental", held["again_seconds"])):
            if value:
                points[measure, cell.system, cell.store].append((held["audited"], value))
    return tuple(
        Growth(measure=measure, system=system, store=store, points=tuple(found), slope=slope(found), command=command)
        for (measure, system, store), found in points.items()
        if len(found) >= _SEVERAL
    )


def slope(points: Iterable[tuple[float, float]]) -> float:
    """Fit a straight line on a log-log plot; return its slope."""
    found = [(log(size), log(value)) for size, value in points]
    return linear_regression([size for size, _ in found], [value for _, value in found]).slope


def tampered(cells: Iterable[Cell]) -> tuple[Tampered, ...]:
    """Return the matrix."""
    rows = [row for cell in cells if cell.kind == "tamper" for row in cell.values["rows"]]
    return tuple(msgspec.convert(row, Tampered) for row in rows)


def durability(cells: Iterable[Cell]) -> dict[str, str]:
    """Return what each store has done when a step returns, as it said itself."""
    return {cell.store: cell.values["durability"] for cell in cells if cell.kind == "replay"}


def repeated(earlier: StudyReport, later: StudyReport) -> tuple[Repeated, ...]:
    """Return how far each figure moved between two reports."""
    before = {_place(each): each for each in earlier.figures}
    days = (str(earlier.about.get("date", "")), str(later.about.get("date", "")))
    return tuple(
        Repeated(
            measure=each.measure,
            system=each.system,
            store=each.store,
            workload=each.workload,
            earlier=before[_place(each)].median,
            later=each.median,
            moved=each.median / before[_place(each)].median - 1,
            days=days,
        )
        for each in sorted(later.figures, key=lambda each: (each.measure, SYSTEMS.index(each.system)))
        if _place(each) in before and before[_place(each)].median
    )


def _place(figure: Figure) -> tuple[Any, ...]:
    return figure.measure, figure.system, figure.store, figure.workload, figure.clients, figure.rate, figure.events
