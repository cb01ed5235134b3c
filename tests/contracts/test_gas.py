"""What an anchor costs, to the unit of gas, on eth-tester; `test_anvil` compares Anvil's figures with the same file.

Regenerate after a wanted change: ``UPDATE_GAS_SNAPSHOT=1 pytest tests/contracts/test_gas.py``.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.chain import registry as registry_module
from ledger_automation.chain import submitter

SNAPSHOT = Path(__file__).with_name("gas_snapshot.json")
MILLION = 1 << 20
LIMIT = 70_000

# A million leaves less one is the dearest step onto 2^20: a node a level, and two hashes for nearly every node.
STEPS = {
    "second checkpoint, 1 -> 2 leaves": (1, 2),
    "1,001 -> 2,000 leaves": (1_001, 2_000),
    "10,001 -> 10,101 leaves": (10_001, 10_101),
    "100,001 -> 100,101 leaves": (100_001, 100_101),
    "2^20-1000 -> 2^20 leaves": (MILLION - 1000, MILLION),
    "2^20-1 -> 2^20 leaves, the dearest": (MILLION - 1, MILLION),
    "2^20-1 -> 2^20+1 leaves, one level more": (MILLION - 1, MILLION + 1),
    "2^19+1 -> 2^20 leaves": (MILLION // 2 + 1, MILLION),
    "2^19 -> 2^20 leaves, a complete tree doubled": (MILLION // 2, MILLION),
}


@pytest.fixture
def measured(registry: Any, million: Any) -> dict[str, int]:
    """Gas of the whole transaction; every word of storage is overwritten, but for the first checkpoint."""
    used = {}
    for number, (name, (first, second)) in enumerate(STEPS.items()):
        origin = bytes([0xA0 + number]) * 32
        used["first checkpoint"] = registry.anchor(million, 0, first, origin)["gasUsed"]
        nodes = len(million.step(first, second, origin)[-1])
        used[f"{name} ({nodes} nodes)"] = registry.anchor(million, first, second, origin)["gasUsed"]
    return used


def test_gas_is_as_committed(measured: dict[str, int]) -> None:
    if os.environ.get("UPDATE_GAS_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(measured, indent=2) + "\n", "utf-8")
    assert measured == json.loads(SNAPSHOT.read_text("utf-8"))


def test_an_anchor_over_a_million_leaves_stays_below_the_limit(measured: dict[str, int]) -> None:
    overwriting = [gas for name, gas in measured.items() if name != "first checkpoint"]
    assert max(overwriting) <= LIMIT


def test_the_submitters_bound_for_the_purse_covers_the_dearest(measured: dict[str, int]) -> None:
    assert max(measured.values()) <= submitter.DEAREST


def test_the_limits_that_calls_bring_along_cover_what_they_cost(measured: dict[str, int]) -> None:
    """Too low a limit would be found by simulation, at the cost of an estimate."""
    for name, gas in measured.items():
        if name == "first checkpoint":
            assert gas <= registry_module._FIRST
        else:
            nodes = int(name.rsplit("(", 1)[1].split()[0])
            assert gas <= registry_module._LATER + registry_module._GAS_PER_NODE * nodes


def test_cost_does_not_grow_with_history(registry: Any, log: Any) -> None:
    """The same kind of step, 2^k - 1 -> 2^k, after many others: only the proof's length tells."""
    size, costs = 1, {}
    registry.anchor(log, 0, 1)
    for grown in [*range(2, 64), 255, 256]:
        costs[grown] = registry.anchor(log, size, grown)["gasUsed"]
        size = grown
    assert costs[256] - costs[16] < 5 * 1_300
