"""Having a snapshot read by two processes, where there are two cores and enough to read.

    this process                                        the other one (`second_reader`)
      starts it                                           says that it is there
      has it begin: one snapshot for both (`snapshots`)   begins to read
      reads the log                                       takes share after share
      takes the shares that are left                      says what it saw, and ends
      puts all shares in order

A pipe holds the numbers of the shares, a byte each: who takes one out has it, so neither waits for the other while
there is work. The other process ends with its standard input, hence with us, however we end; where it ends before its
answer, that is an error and never a verdict. Nothing secret is in its arguments: the database's URL comes in its input.
"""

import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import IO, Final

import msgspec
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError

from ledger_automation import errors
from ledger_automation.errors import LedgerError, Unreachable
from ledger_automation.store import trails
from ledger_automation.store.dialect import dialect
from ledger_automation.verify.shares import Share, Span, look
from ledger_automation.verify.sources import Trail

LEAST: Final = 60_000
"""So many events make up for starting a process, which takes as long as reading thirty thousand."""

PROGRAM: Final = "ledger_automation.store.second_reader"

_WIDTH: Final = 10_000
_MOST: Final = 250
_PATIENCE: Final = 60.0
"""Seconds within which the other process must be there, and begin."""

BEGUN: Final = b"begun\n"
GO: Final = b"go\n"
_GONE: Final = "The audit's second process ended before it had told what it read; nothing is known of its share."


class Job(msgspec.Struct, frozen=True):
    """What the other process is told first. ``tickets`` is where it takes the numbers of shares out."""

    url: str
    origin: str
    spans: list[Span]
    tickets: int


class Answer(msgspec.Struct, frozen=True):
    """What it says last: the shares that it took, or the error that it met (its name and sentence)."""

    shares: list[Share]
    error: tuple[str, str] | None = None


class SqlReaders:
    """Satisfies `verify.shares.Readers`; with one core, or where there is no common snapshot, one process reads."""

    def __init__(
        self, connection: Connection, *, least: int = LEAST, width: int = _WIDTH, cores: int | None = None
    ) -> None:
        self._connection = connection
        self._least = least
        self._width = width
        self._cores = _cores() if cores is None else cores

    @contextmanager
    def begin(self, origin: str) -> "Iterator[SqlReading | None]":
        """Begin to read, with a second process if there can be one; None where there is little to read."""
        where = dialect(self._connection).elsewhere(self._connection)
        spans = self._spans(where)
        if not spans:
            yield None
            return
        taking, putting = os.pipe()
        os.write(putting, bytes(range(len(spans))))
        os.close(putting)
        reading = SqlReading(self._connection, origin, spans, taking)
        try:
            if where is not None and self._cores > 1:
                reading.start(where)
            yield reading
        finally:
            reading.end()
            os.close(taking)

    def _spans(self, where: URL | None) -> list[Span]:
        """Cut the events into spans; none where that does not pay."""
        try:
            last = self._last_event(where)
        except DBAPIError:
            return []  # the audit itself will say what is wrong with the database
        if last < self._least:
            return []
        count = min(_MOST, max(1, last // self._width))
        bounds = [None, *(last * number // count for number in range(1, count)), None]
        return list(pairwise(bounds))

    def _last_event(self, where: URL | None) -> int:
        if where is None:
            return trails.last_event(self._connection)
        with self._connection.engine.connect() as other:  # ours must not begin to read before the second process
            return trails.last_event(other.execution_options(reading=True))


class SqlReading:
    """Satisfies `verify.shares.Reading`."""

    def __init__(self, connection: Connection, origin: str, spans: list[Span], tickets: int) -> None:
        self._connection = connection
        self._origin = origin
        self._spans = spans
        self._tickets = tickets
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, where: URL) -> None:
        """Start the other process, and begin to read together; where that fails, nobody else reads."""
        words = [sys.executable, "-P", "-m", PROGRAM]
        job = Job(where.render_as_string(hide_password=False), self._origin, self._spans, self._tickets)
        agreed = False
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and our own words
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(self._tickets,)
            )
            self._begin(msgspec.json.encode(job).decode())
            agreed = dialect(self._connection).share(self._connection, self._begin)
            if agreed:
                self._say(GO)
        except (OSError, Unreachable):
            agreed = False
        if not agreed:
            self.end()

    def shares(self) -> list[Share]:
        """Take shares until none is left, and wait for those of the other process."""
        own = [
            look(number, trails.share(self._connection, self._spans[number]), self._origin)
            for number in tickets(self._tickets)
        ]
        others = self._answer().shares if self._process is not None else []
        return in_order([*own, *others], len(self._spans))

    def again(self, openings: Sequence[int]) -> Iterator[Trail]:
        """Read some cases once more."""
        return trails.again(self._connection, openings)

    def left_out(self, events: int, records: int) -> Iterator[Trail]:
        """Read what no event opened."""
        return trails.left_out(self._connection, events, records)

    def end(self) -> None:
        """Make sure that the other process is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what it was still to be told
                _open(pipe).close()
        process.wait()

    def _begin(self, line: str) -> None:
        """Tell the other process what to begin with, and wait until it has."""
        self._say(line.encode() + b"\n")
        pipe = _open(self._other.stdout)
        there, _, _ = select.select([pipe], [], [], _PATIENCE)
        if not there or pipe.readline() != BEGUN:
            raise Unreachable(_GONE)

    def _say(self, line: bytes) -> None:
        pipe = _open(self._other.stdin)
        pipe.write(line)
        pipe.flush()

    def _answer(self) -> Answer:
        """Wait for what the other process saw; raises what it met, and Unreachable where it says nothing."""
        told = _open(self._other.stdout).read()
        try:
            answer = msgspec.json.decode(told, type=Answer)
        except msgspec.MsgspecError as error:
            raise Unreachable(_GONE, status=self._other.wait()) from error
        if answer.error is not None:
            raise _as_error(*answer.error)
        return answer

    @property
    def _other(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise AssertionError("reading was started before")
        return self._process


def tickets(pipe: int) -> Iterator[int]:
    """Take the numbers of shares, one after another, until there are none."""
    while number := os.read(pipe, 1):
        yield number[0]


def in_order(shares: list[Share], count: int) -> list[Share]:
    """Put shares in order; raises Unreachable where one is missing."""
    found = {each.number: each for each in shares}
    if len(shares) != count or sorted(found) != list(range(count)):
        raise Unreachable(_GONE, expected=count, actual=len(shares))
    return [found[number] for number in range(count)]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _as_error(name: str, sentence: str) -> LedgerError:
    kind: Callable[[str], LedgerError] = getattr(errors, name, Unreachable)
    return kind(sentence)


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("both ends of the process are pipes")
    return pipe
