"""A pytest plugin that notes which way each branch of instrumented contracts was taken, on eth-tester.

`instrument` puts a call of a made-up precompile around every condition; py-evm, which runs in this process, is taught
to answer it. Written as JSON to the file that BRANCHES names: place -> the ways it went.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from eth.vm.computation import BaseComputation
from eth.vm.forks.spurious_dragon import computation as spurious_dragon

from support.solidity import Condition, conditions, trees, wrapped

TOLD_TO = 0xC0DE
STEPS = int(os.environ.get("BRANCH_STEPS", "6000"))
PROBE = f"""// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;
function hit(uint256 branch, bool holds) pure returns (bool) {{
    _pure(_tell)(branch << 1 | (holds ? 1 : 0));
    return holds;
}}
function _tell(uint256 what) view {{
    assembly ("memory-safe") {{
        let free := mload(0x40)
        mstore(free, what)
        pop(staticcall(gas(), {TOLD_TO}, free, 32, 0, 0))
    }}
}}
function _pure(function(uint256) view told) pure returns (function(uint256) pure untold) {{
    assembly {{ untold := told }}
}}
"""
YUL = f""" function hit(branch, holds) -> same {{
    let free := add(mload(0x40), 0x200)
    mstore(free, or(shl(1, branch), iszero(iszero(holds))))
    pop(staticcall(gas(), {TOLD_TO}, free, 32, 0, 0))
    same := holds
}} """

seen: set[int] = set()


def instrument(root: Path) -> list[Condition]:
    """Change the contracts below a copy so that they tell; return the conditions by their numbers."""
    (root / "contracts" / "Probe.sol").write_text(PROBE, "utf-8")
    found: list[Condition] = []
    for path, tree in trees(root).items():
        text = (root / path).read_bytes()
        here = conditions(path, tree)
        up = "../" * (path.count("/") - 1) or "./"
        begins = text.index(b";", text.index(b"pragma")) + 1
        around = [(begins, begins, f'\nimport {{hit}} from "{up}Probe.sol";'.encode(), b"")]
        around += [
            (block + 1, block + 1, YUL.encode(), b"")
            for block in {each.assembly for each in here if each.assembly is not None}
        ]
        around += [
            (each.place.start, each.place.end, f"hit({len(found) + number}, ".encode(), b")")
            for number, each in enumerate(here)
        ]
        if here:
            (root / path).write_bytes(wrapped(text, around))
        found += here
    return found


def _told(computation: Any) -> Any:
    seen.add(int.from_bytes(computation.msg.data_as_bytes, "big"))
    return computation


def pytest_configure() -> None:
    """Teach the chain to listen, and to take contracts that are larger for being instrumented."""
    spurious_dragon.EIP170_CODE_SIZE_LIMIT = 1 << 20
    waiting = [BaseComputation]
    while waiting:
        each = waiting.pop()
        waiting += each.__subclasses__()
        if each._precompiles is not None:
            each._precompiles[TOLD_TO.to_bytes(20, "big")] = _told


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Walk further than the suite does on eth-tester, where it leaves the many steps to Anvil."""
    for item in items:
        if hasattr(item.module, "STEPS"):  # type: ignore[attr-defined]
            item.module.STEPS["tester"] = STEPS  # type: ignore[attr-defined]


def pytest_sessionfinish() -> None:
    Path(os.environ["BRANCHES"]).write_text(json.dumps(sorted(seen)), "utf-8")
