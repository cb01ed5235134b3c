"""Figures are what the cells say: each round, its unit, its place; slopes and what moved are computed from them."""

from typing import Any

import msgspec
import pytest

from ledger_automation.study.figures import durability, figures, growth, repeated, replays, slope, tampered
from ledger_automation.study.record import StudyReport
from ledger_automation.study.rounds import Cell

LAWS = {"fines": "parking_fine"}
COUNTS = {"read": 10, "accepted": 8, "ignored": 1, "refused": {"own_case": 1}}
NOTHING = {"checkpoint_gas": 0, "checkpoints": 0, "step_gas": 0, "steps": 0}
REPLAYED = {
    "counts": COUNTS, "cases": 4, "events": 8, "gas": NOTHING, "audited": 8, "audit_seconds": 0.5,
    "bytes": 4_000, "proof": 2_000, "durability": "on the disk",
}  # fmt: skip


def cell(kind: str, values: dict[str, Any], system: str = "anchored", at: int = 0, turn: int = 0) -> Cell:
    return Cell(kind, "sqlite", system, "fines", at, turn, values)


def test_rounds_are_gathered_in_their_order() -> None:
    cells = [cell("closed", {"throughput": value}, at=8, turn=turn) for turn, value in enumerate((3.0, 9.0, 6.0))]
    (found,) = figures(cells, LAWS, "again")
    assert (found.measure, found.rounds, found.median, found.clients) == ("throughput", (3.0, 9.0, 6.0), 6.0, 8)
    assert (found.workflow, found.command) == ("parking_fine", "again")


def test_leaves_are_counted_in_memory_and_durable() -> None:
    found = figures([cell("integration", {"memory": 9.0, "durable": 4.0, "leaves": 500})], LAWS, "again")
    assert {each.measure: (each.median, each.events) for each in found} == {
        "integration_memory": (9.0, 500), "integration_durable": (4.0, 500),
    }  # fmt: skip


def test_latencies_are_a_figure_a_state_and_percentile() -> None:
    values = {"rate": 20.0, "latencies": {"recorded": [1.0, 2.0], "final": [30.0, 40.0]}}
    found = figures([cell("open", values)], LAWS, "again")
    assert {each.measure: each.rounds for each in found} == {
        "recorded_p50": (1.0,), "recorded_p99": (2.0,), "final_p50": (30.0,), "final_p99": (40.0,),
    }  # fmt: skip
    assert {each.rate for each in found} == {20.0}


def test_a_replay_says_what_is_kept_of_an_event() -> None:
    found = {each.measure: each.median for each in figures([cell("replay", REPLAYED)], LAWS, "again")}
    assert found == {"storage": 500, "audit_full": 16, "proof": 2_000, "events_case": 2}
    (counted,) = replays([cell("replay", REPLAYED)], "again")
    assert (counted.read, counted.accepted, counted.ignored, counted.refused) == (10, 8, 1, {"own_case": 1})
    assert durability([cell("replay", REPLAYED)]) == {"sqlite": "on the disk"}


@pytest.mark.parametrize(
    ("paid", "told"),
    [
        ((600, 3, 0, 0), {"gas_checkpoint": 200, "gas_event": 75}),
        ((600, 3, 3_400, 8), {"gas_checkpoint": 200, "gas_event": 500, "gas_case": 850}),
    ],
)
def test_gas_is_told_by_checkpoint_event_and_case(paid: tuple[int, ...], told: dict[str, float]) -> None:
    gas = dict(zip(("checkpoint_gas", "checkpoints", "step_gas", "steps"), paid, strict=True))
    found = figures([cell("replay", {**REPLAYED, "gas": gas})], LAWS, "again")
    assert {each.measure: each.median for each in found if each.measure.startswith("gas")} == told


def test_a_slope_tells_constant_from_linear_from_square() -> None:
    sizes = (10.0, 100.0, 1_000.0)
    assert slope([(size, 7.0) for size in sizes]) == pytest.approx(0)
    assert slope([(size, 7.0 * size) for size in sizes]) == pytest.approx(1)
    assert slope([(size, size * size) for size in sizes]) == pytest.approx(2)


def test_growth_needs_two_sizes_and_leaves_out_what_is_not_there() -> None:
    def grown(size: int) -> Cell:
        values = {"audited": size, "audit_seconds": size / 1_000, "bytes": 64 * size, "proof": 0, "again_seconds": 0.5}
        return cell("growth", values, at=size)

    assert growth([grown(100)], "again") == ()
    found = {each.measure: each for each in growth([grown(100), grown(1_000)], "again")}
    assert {name: each.slope for name, each in found.items()} == {
        "audit_full": pytest.approx(1), "storage": pytest.approx(1), "audit_incremental": pytest.approx(0),
    }  # fmt: skip
    assert found["storage"].points == ((100, 6_400), (1_000, 64_000))


def test_the_matrix_is_what_the_cells_hold() -> None:
    row = {
        "attack": "T01", "what": {"de": "Betrag", "en": "amount"}, "adversary": "operator", "system": "table",
        "store": "sqlite", "injected": 3, "detected": 0, "named": 0, "located": 0, "detected_by": "", "seconds": 0.1,
        "command": "again",
    }  # fmt: skip
    (found,) = tampered([cell("tamper", {"rows": [row]})])
    assert msgspec.to_builtins(found) == row


def test_what_moved_between_two_days_is_told_of_figures_that_both_have() -> None:
    def report(day: str, *values: tuple[int, float]) -> StudyReport:
        cells = [cell("closed", {"throughput": value}, at=clients) for clients, value in values]
        given = figures(cells, LAWS, "again")
        return StudyReport(about={"date": day}, prices={}, facts={}, durability={}, figures=given)

    (moved,) = repeated(report("2026-11-28", (1, 100.0), (8, 50.0)), report("2026-11-30", (1, 125.0), (32, 9.0)))
    assert (moved.earlier, moved.later, moved.moved) == (100.0, 125.0, pytest.approx(0.25))
    assert moved.days == ("2026-11-28", "2026-11-30")
