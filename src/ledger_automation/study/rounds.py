"""Where a round runs, and what is written down of it: one line a cell, so that a run that was killed goes on.

Cell       one thing that was measured, in one round
Journal    the file of cells that are done
Round      makes room for a fresh run of a system, on SQLite or on a server's new database, and gives it back
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from sqlalchemy import make_url

from ledger_automation.errors import InvalidDefinition, Misconfigured, Unreachable
from ledger_automation.orchestrator.durable import write
from ledger_automation.study.authority import Authority
from ledger_automation.study.plan import StudyPlan, workloads
from ledger_automation.study.systems import Place
from ledger_automation.study.systems.ledger import Intervals

Values = dict[str, Any]


class Cell(msgspec.Struct, frozen=True):
    """One thing that was measured: what, on which store and system, under which workload, in which round."""

    kind: str
    store: str
    system: str
    workload: str
    at: int
    round: int
    values: Values = {}

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from others."""
        return (self.kind, self.store, self.system, self.workload, self.at, self.round)


class Journal:
    """The file of cells that are done; a line is written whole or not at all."""

    def __init__(self, path: Path, plan: StudyPlan) -> None:
        self._path = path
        self.cells: dict[tuple[Any, ...], Cell] = {}
        head = msgspec.json.encode(plan)
        if path.exists():
            first, *lines = path.read_bytes().split(b"\n")
            if first != head:
                sentence = f"{path} is of another round; name another folder with --out, or remove it."
                raise InvalidDefinition(sentence, path=str(path))
            for line in lines[:-1]:  # what follows the last line's end was being written when the run died
                cell = msgspec.json.decode(line, type=Cell)
                self.cells[cell.key] = cell
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, b"\n".join([head, *map(msgspec.json.encode, self.cells.values())]) + b"\n")

    def add(self, cell: Cell) -> None:
        """Write down a cell."""
        self.cells[cell.key] = cell
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(cell) + b"\n")
            file.flush()
            os.fsync(file.fileno())


class Round:
    """Where a round runs: a folder for what systems need, a server's URL for PostgreSQL, and the logs."""

    def __init__(self, plan: StudyPlan, folder: Path, server: str, logs: Path, authority: Authority | None) -> None:
        self.plan = plan
        self.authority = authority
        self.workloads = workloads(plan, logs)
        self._folder = folder
        self._server = server
        self._numbers = count()
        if "postgresql" in plan.stores and not server.startswith("postgresql://"):
            raise Misconfigured("The round asks for PostgreSQL; name a server with --db postgresql://... .")

    @property
    def systems(self) -> list[str]:
        """Those of the plan that can be had here."""
        return [each for each in self.plan.systems if self.authority or each != "timestamped_log"]

    @contextmanager
    def place(self, store: str, system: str) -> Iterator[Place]:
        """Make room for a fresh run of a system, and give it back."""
        home = self._folder / f"{system}-{next(self._numbers)}"
        home.mkdir(parents=True)
        plan = self.plan
        intervals = Intervals(plan.sequence_every, plan.stamp_every, plan.anchor_every)
        authority = (self.authority.url, self.authority.certificate) if self.authority else None
        with ExitStack() as stack:
            if store == "sqlite":
                url = f"sqlite:///{home / 'study.sqlite'}"
            else:
                url = stack.enter_context(_database(self._server, f"study_{os.getpid()}_{home.name.replace('-', '_')}"))
            yield Place(system, home, url, plan.chain, intervals, authority)


@contextmanager
def _database(server: str, name: str) -> Iterator[str]:
    _told(server, f'CREATE DATABASE "{name}"')
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _told(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _told(server: str, statement: str) -> None:
    try:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(statement)
    except psycopg.Error as error:
        where = make_url(server).render_as_string(hide_password=True)
        raise Unreachable(f"The server {where} cannot be used for a study: {str(error).strip()}.") from error
