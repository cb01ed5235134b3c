"""Contracts and tables with one thing changed: an operator, a constant, a refusal left out, a right too many.

What this does not do: it runs no test. ``scripts/mutation.py`` does, and insists that one turns red.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from ledger_automation.workflows import Workflow, names, workflow
from ledger_automation.workflows._table import ROLES
from support.solidity import Place, line, nodes, place, trees

_SWAPPED: Final = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+", "&&": "||", "||": "&&",
    "&": "|", "|": "&",
}  # fmt: skip
_CALLED: Final = re.compile(r"_?require[A-Z]\w*")


class Mutant(NamedTuple):
    """A place in a contract, and what stands there instead."""

    place: Place
    line: int
    before: str
    after: str

    def within(self, text: bytes) -> bytes:
        return text[: self.place.start] + self.after.encode() + text[self.place.end :]


def of_contracts(root: Path) -> list[Mutant]:
    """Return every mutant of the measured files, in the order of the sources."""
    found = []
    for path, tree in trees(root).items():
        text = (root / path).read_bytes()
        for where, after in sorted(set(_changes(path, tree, text))):
            found.append(Mutant(where, line(text, where.start), where.within(text), after))
    return found


def _changes(path: str, tree: dict[str, Any], text: bytes) -> Iterator[tuple[Place, str]]:
    for node in nodes(tree):
        kind = node["nodeType"]
        if kind == "BinaryOperation" and node["operator"] in _SWAPPED:
            left, right = place(path, node["leftExpression"]), place(path, node["rightExpression"])
            between = text[left.end : right.start].decode()
            at = left.end + len(between[: between.rindex(node["operator"])].encode())
            yield Place(path, at, at + len(node["operator"])), _SWAPPED[node["operator"]]
        elif _refuses(node):
            yield _statement(place(path, node), text), "{}"
        elif kind == "Literal" and node["kind"] == "number" and _is_plain(node["value"]):
            yield place(path, node), str(int(node["value"], 0) + 1)


def _statement(found: Place, text: bytes) -> Place:
    """Take in the semicolon, which the compiler does not count: a block and a semicolon would be no Solidity."""
    return found if text[found.end - 1 : found.end] == b"}" else found._replace(end=text.index(b";", found.end) + 1)


def _refuses(node: dict[str, Any]) -> bool:
    """Whether a statement does nothing but refuse, or call what does."""
    if node["nodeType"] == "IfStatement":
        return _only_reverts(node["trueBody"]) and not node.get("falseBody")
    return node["nodeType"] == "ExpressionStatement" and _CALLED.fullmatch(_called(node["expression"])) is not None


def _only_reverts(body: dict[str, Any]) -> bool:
    statements = body.get("statements", [body])
    return [each["nodeType"] for each in statements] == ["RevertStatement"]


def _called(expression: dict[str, Any]) -> str:
    named: dict[str, Any] = expression.get("expression", {})
    return str(named.get("name") or named.get("memberName") or "")


def _is_plain(value: str) -> bool:
    return re.fullmatch(r"0x[0-9a-f]+|\d+", value) is not None


class Changed(NamedTuple):
    """A table with a guard less, a role or a source state more."""

    workflow: str
    action: str
    what: str
    value: str


def of_tables() -> list[Changed]:
    """Return every mutant of every shipped table."""
    found = []
    for name in names():
        table = workflow(name)
        if table.enforcement is None:
            continue
        for action, row in table.transitions.items():
            found += [Changed(name, action, "without the guard", guard.rule) for guard in row.guards]
            found += [Changed(name, action, "with the role", each) for each in ROLES if each not in row.roles]
            if row.sources:
                more = sorted(table.states - set(row.sources))
                found += [Changed(name, action, "from the state", each) for each in more]
    return found


def change(table: Workflow[Any], mutant: Changed) -> None:
    """Change a table in this process."""
    row = table.transitions[mutant.action]
    if mutant.what == "without the guard":
        row = replace(row, guards=tuple(each for each in row.guards if each.rule != mutant.value))
    elif mutant.what == "with the role":
        row = replace(row, roles=(*row.roles, mutant.value))
    else:
        row = replace(row, sources=(*row.sources, mutant.value))
    table.transitions = {**table.transitions, mutant.action: row}


def pytest_configure() -> None:
    """As a plugin of pytest: change the table that TABLE_MUTANT names, fields apart by a bar."""
    if told := os.environ.get("TABLE_MUTANT"):
        mutant = Changed(*told.split("|"))
        change(workflow(mutant.workflow), mutant)


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Walk less far than the suite does: most mutants fall at once."""
    steps = os.environ.get("MUTANT_STEPS")
    for item in items:
        if steps and hasattr(item.module, "STEPS"):
            item.module.STEPS["anvil"] = int(steps)
