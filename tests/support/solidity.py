"""Places in Solidity sources, by the compiler's own syntax trees: where a branch is decided, what could be otherwise.

A place is a byte range of a file. What is changed is a copy of the checkout, which nobody else sees.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import solcx

from ledger_automation.chain import artifacts, toolchain

ROOT: Final = Path(__file__).resolve().parents[2]
MEASURED: Final = ("CaseLedger.sol", "Members.sol", "CheckpointRegistry.sol", "libraries/*.sol", "workflows/**/*.sol")
_DECIDED: Final = {"IfStatement", "Conditional", "ForStatement", "WhileStatement"}
_IN_ASSEMBLY: Final = {"YulIf": "condition", "YulForLoop": "condition", "YulSwitch": "expression"}


class Place(NamedTuple):
    """A stretch of a source."""

    path: str
    start: int
    end: int

    def within(self, text: bytes) -> str:
        return text[self.start : self.end].decode()


class Condition(NamedTuple):
    """What is decided at a place, in Solidity or in assembly."""

    place: Place
    assembly: int | None  # where its block begins


def measured(root: Path) -> list[Path]:
    """Return the files that count: no interface, no mock, no test."""
    return sorted({path for pattern in MEASURED for path in (root / "contracts").glob(pattern)})


def copied(folder: Path) -> Path:
    """Return a copy of the checkout in which contracts may be changed without anybody seeing it."""
    for name in ("src", "tests", "contracts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    for name in ("pyproject.toml", "package.json", "foundry.toml"):
        shutil.copy(ROOT / name, folder)
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


def trees(root: Path) -> dict[str, dict[str, Any]]:
    """Parse the measured files; nothing is compiled."""
    names = [path.relative_to(root).as_posix() for path in measured(root)]
    request = {
        "language": "Solidity",
        "sources": {name: {"content": (root / name).read_text("utf-8")} for name in names},
        "settings": {**artifacts.SETTINGS, "outputSelection": {"*": {"": ["ast"]}}},
    }
    answer = solcx.compile_standard(request, solc_binary=toolchain.solc(root), base_path=root, allow_paths=[root])
    return {name: answer["sources"][name]["ast"] for name in names}


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every node below a tree, assembly included."""
    if isinstance(tree, dict):
        if "nodeType" in tree:
            yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def place(path: str, node: dict[str, Any]) -> Place:
    start, length, _ = map(int, node["src"].split(":"))
    return Place(path, start, start + length)


def conditions(path: str, tree: dict[str, Any]) -> list[Condition]:
    """Return every condition, and each side of every ``&&`` and ``||``."""
    found: set[Condition] = set()
    for node in nodes(tree):
        kind = node["nodeType"]
        if kind in _DECIDED and node.get("condition"):
            found.add(Condition(place(path, node["condition"]), None))
        elif kind == "BinaryOperation" and node["operator"] in {"&&", "||"}:
            found |= {Condition(place(path, node[side]), None) for side in ("leftExpression", "rightExpression")}
        elif kind == "InlineAssembly":
            begins = place(path, node["AST"]).start
            for each in nodes(node["AST"]):
                if field := _IN_ASSEMBLY.get(each["nodeType"]):
                    found.add(Condition(place(path, each[field]), begins))
    return sorted(found, key=lambda each: each.place)


def wrapped(text: bytes, around: Iterable[tuple[int, int, bytes, bytes]]) -> bytes:
    """Put something before and after each range; an outer range's parts stay outside an inner one's."""
    parts = []
    for start, end, before, after in around:
        parts += [(start, 1, start - end, before), (end, 0, start, after)] if end > start else [(start, 1, 0, before)]
    for at, _, _, part in sorted(parts, key=lambda each: each[:3], reverse=True):
        text = text[:at] + part + text[at:]
    return text


def line(text: bytes, offset: int) -> int:
    return text.count(b"\n", 0, offset) + 1
