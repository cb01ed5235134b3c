"""The law twice, side by side: each step of a walk is decided by the table in Python and by the contract.

Both must allow or refuse it, by the same rule, and come to the same state and the same remembered facts. Steps whose
payload is malformed never reach a contract, nor do those that cannot be enforced; both are counted.
"""

import runpy
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from contracts.laws.walks import Walk
from ledger_automation.chain import artifacts
from ledger_automation.chain.connection import Connection
from ledger_automation.errors import InvalidInput, TransitionNotAllowed
from ledger_automation.rpc.interface import Interface
from ledger_automation.workflows import Case, Command, Workflow
from ledger_automation.workflows._enforcement import Enforcement, moment, pack
from ledger_automation.workflows._table import ROLES, Step

ROOT = Path(__file__).resolve().parents[3]
BATCH = 100
STEPS_A_CASE = 100

_COMPILED: dict[str, artifacts.Artifact] = {}
"""Compiling takes many seconds: once a process is enough."""


class TestNames:
    """Numbers for words, without a secret."""

    __test__ = False

    def member(self, pseudonym: str) -> int:
        return int.from_bytes(sha256(pseudonym.encode()).digest()[:4], "big") if pseudonym else 0

    def blind(self, text: str) -> int:
        return int.from_bytes(sha256(b"case" + text.encode()).digest()[:16], "big")


NAMES = TestNames()


class Question(NamedTuple):
    """A step in words and in numbers, and what the table says of it."""

    command: Command
    at: datetime
    state: int
    terms: int
    witness: bytes
    rule: str | None
    after: tuple[int, tuple[int, ...]] | None


class Law:
    """A workflow's contract, asked without cases and signatures."""

    def __init__(self, connection: Connection, table: Workflow[Any], folder: Path) -> None:
        assert table.enforcement is not None
        self.table, self.connection = table, connection
        artifact = harness(table.enforcement, folder)
        self.interface = Interface(artifact.abi)
        eth = connection.web3.eth
        sent = eth.send_transaction({"from": eth.accounts[0], "data": artifact.bytecode, "gas": 12_000_000})
        self.address = connection.mined(sent.to_0x_hex())["contractAddress"]

    def decide(self, questions: list[Question]) -> list[tuple[str | None, tuple[int, tuple[int, ...]] | None]]:
        """Return, for each step, the rule that refuses it or the state and facts that follow."""
        given = [(each.state, each.terms, each.witness) for each in questions]
        request: Any = {"to": self.address, "data": self.interface.encode("decide", [given]), "gas": 15_000_000}
        (answers,) = self.interface.decode("decide", bytes(self.connection.web3.eth.call(request)))
        return [
            (None, (state, tuple(facts[1:]))) if allowed else (self.interface.error(refusal)[0], None)
            for allowed, state, facts, refusal in answers
        ]


def harness(enforcement: Enforcement, folder: Path) -> artifacts.Artifact:
    """Compile a workflow's contract with `LawHarness` mixed in; three lines of Solidity that no workflow must write."""
    name = enforcement.contract
    if name in _COMPILED:
        return _COMPILED[name]
    (home,) = (path for path in (ROOT / "contracts").rglob(f"{name}.sol"))
    for shared in ("contracts", "node_modules"):
        if not (folder / shared).exists():
            (folder / shared).symlink_to(ROOT / shared)
    source = folder / "law" / f"{name}Law.sol"
    source.parent.mkdir(exist_ok=True)
    source.write_text(
        "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\n"
        f'import {{{name}}} from "../{home.relative_to(ROOT)}";\n'
        'import {LawHarness} from "../contracts/mocks/LawHarness.sol";\n'
        f"contract {name}Law is {name}, LawHarness {{ constructor() {name}(address(1), type(uint64).max) {{}} }}\n",
        "utf-8",
    )
    (_COMPILED[name],) = artifacts.compile_sources(folder, [source])
    return _COMPILED[name]


def questions(table: Workflow[Any], random: Random, counts: Counter[str]) -> Iterator[Question]:
    """Walk through case after case; yields every step that can be asked of a contract."""
    hints = hints_for(table.name)
    while True:
        walk = Walk(table, random, hints)
        for _ in range(STEPS_A_CASE):
            command, at = walk.next()
            try:
                question = in_numbers(table, walk.case, command, at)
            except InvalidInput:
                counts["not a step"] += 1
                continue
            if question.rule == "calendar_unknown":
                continue
            counts[f"{command.action}: {question.rule or 'allowed'}"] += 1
            yield question
            if question.rule is None:
                walk.case, walk.at = table.apply(walk.case, command, at).case, at


def reached(table: Workflow[Any], random: Random) -> dict[str | None, Case | None]:
    """Walk until a case has been in every state; return one case in each, and none for no case."""
    hints, found = hints_for(table.name), dict[str | None, Case | None]({None: None})
    while len(found) <= len(table.states):
        walk = Walk(table, random, hints)
        for _ in range(STEPS_A_CASE):
            command, at = walk.next()
            try:
                walk.case, walk.at = table.apply(walk.case, command, at).case, at
                in_numbers(table, walk.case, command, at)
            except (InvalidInput, TransitionNotAllowed):
                continue
            found.setdefault(walk.case.state, walk.case)
    return found


def in_numbers(table: Workflow[Any], case: Case | None, command: Command, at: datetime) -> Question:
    """Ask the table, and write the same question in the contract's words."""
    enforcement = table.enforcement
    assert enforcement is not None
    row = table.transition(command.action)
    step = Step(case.state if case else None, command.actor, table.typed(row, command.payload), at)
    arguments = enforcement.arguments.get(command.action, lambda *_: ())(case.data if case else None, step, NAMES)
    facts = (moment(case.at), *enforcement.facts(case.data, NAMES)) if case else ()
    terms = pack(
        (moment(at), 64),
        (0, 64),
        (NAMES.member(command.actor.id), 32),
        (case.sequence + 1 if case else 0, 32),
        (list(table.transitions).index(command.action), 8),
        (ROLES.index(command.actor.role), 8),
        (len(facts), 8),
        (len(arguments), 8),
    )
    witness = b"".join(word.to_bytes(32, "big") for word in (*facts, *arguments))
    rule, after = None, None
    try:
        applied = table.apply(case, command, at)
        after = (enforcement.states.index(applied.case.state) + 1, enforcement.facts(applied.case.data, NAMES))
    except TransitionNotAllowed as refusal:
        rule = refusal.rule
    return Question(command, at, enforcement.states.index(case.state) + 1 if case else 0, terms, witness, rule, after)


def compare(law: Law, asked: Iterable[Question], steps: int) -> int:
    """Ask both for so many steps; returns how many disagree with nothing. Raises AssertionError at the first."""
    barred = {bar.rule for row in law.table.transitions.values() for bar in row.barred} | {"not_in_state"}
    waiting = iter(asked)
    agreed = 0
    while agreed < steps and (batch := list(islice(waiting, min(BATCH, steps - agreed)))):
        for question, (error, after) in zip(batch, law.decide(batch), strict=True):
            expected = (
                None if question.rule is None else "NotInState" if question.rule in barred else camel(question.rule)
            )
            assert (error, after) == (expected, question.after), (question, error, after)
            agreed += 1
    return agreed


def camel(rule: str) -> str:
    return "".join(word.capitalize() for word in rule.split("_"))


def hints_for(name: str) -> dict[str, tuple[Any, ...]]:
    path = Path(__file__).with_name(f"hints_{name}.py")
    return runpy.run_path(str(path))["HINTS"] if path.exists() else {}
