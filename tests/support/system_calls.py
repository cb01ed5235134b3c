"""A process dies, or its disk says no, at every system call of one step (spec/faults.md, P11).

One run: a child of this process, which has imported everything, is held until strace has it, then opens a copy of a
database, takes one step, puts it into the log, and closes. After each commit it says so through a pipe: that is the
acknowledgement. At one call of the trace it is killed, or the call fails with EIO or ENOSPC. Then a fresh process holds
what is left against what was acknowledged, and asks the same once more under the same Idempotency-Key.

What this does not do: tear a write in two, or lie about fdatasync; a file system that does is not survived by anybody.
"""

import ctypes
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from ledger_automation.errors import LedgerError
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.transition import Recorder
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.note import SignerKey
from ledger_automation.values import CaseId
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.verdict import Verdict
from support import asking

CALLS: Final = ("pwrite64", "pread64", "fdatasync", "unlink", "openat", "ftruncate", "fcntl", "close", "write")
FAULTS: Final = {"KILL": "signal=KILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}
ORIGIN: Final = "test.example/system-calls"
KEY: Final = SignerKey(ORIGIN, sha256(b"the log key of system calls").digest())
CASE: Final = CaseId("6f0a3f0e-9f6c-4a52-8a3e-0b4d2b6f7a11")
ASKED: Final = asking.paying("the step", CASE)
RECORDER: Final = Recorder(ORIGIN, lambda: datetime.now(UTC))
POLICY: Final = VerificationPolicy(ORIGIN, (KEY.verifier.text,), Level.LOGGED)
_ANYBODY_MAY_TRACE: Final = (0x59616D61, -1)
_BEGUN: Final = re.compile(r"^(?:\d+ +)?(\w+)\(", re.MULTILINE)


class Point(NamedTuple):
    """One call of the trace: its name, and that it is the so-manieth of its name."""

    call: str
    number: int


class Run(NamedTuple):
    """What one run came to; ``told`` is what the process said before its end, ``flaws`` what must not be."""

    point: Point
    fault: str
    struck: bool
    told: tuple[str, ...]
    committed: bool
    flaws: tuple[str, ...]

    @property
    def acknowledged(self) -> bool:
        return any(each.startswith("step") for each in self.told)


def survey(wanted: Callable[[list[Point]], list[Point]] = list) -> tuple[list[Point], list[Run]]:
    """Enumerate the points from a clean trace and strike at the wanted ones with each fault."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = folder / "template.sqlite"
        _found(template)
        warm = _copied(template, folder / "warm")
        _work(warm, os.open(os.devnull, os.O_WRONLY))  # so that nothing is imported late
        _inspected(warm)
        told, trace = _traced(_copied(template, folder / "clean"), [])
        assert told == ("step 1", "log 2"), told
        counts = Counter(each for each in _BEGUN.findall(trace) if each in CALLS)
        points = [Point(call, number + 1) for call in CALLS for number in range(counts[call])]
        runs = [
            _run(template, folder / f"{fault}-{point.call}-{point.number}", point, fault)
            for point in wanted(points)
            for fault in FAULTS
        ]
    return points, runs


def _run(template: Path, folder: Path, point: Point, fault: str) -> Run:
    path = _copied(template, folder)
    inject = ["-e", f"inject={point.call}:{FAULTS[fault]}:when={point.number}"]
    told, trace = _traced(path, inject)
    struck = "(INJECTED)" in trace or "killed by SIGKILL" in trace
    found = _forked(lambda: _inspected(path))
    shutil.rmtree(folder)
    flaws = list(found["flaws"]) + [each for each in told if each.startswith("broke")]
    for word in told:
        kind, _, number = word.partition(" ")
        if kind == "step" and found["before"] is None:
            flaws.append("lost: an acknowledged step")
        if kind == "log" and found["size"] < int(number):
            flaws.append("lost: an acknowledged checkpoint")
    return Run(point, fault, struck, told, found["before"] is not None, tuple(flaws))


def _traced(path: Path, inject: list[str]) -> tuple[tuple[str, ...], str]:
    """Run the work in a child under strace; return what it said, and the trace."""
    out, said = os.pipe()
    waits, go = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(out)
            os.close(go)
            ctypes.CDLL(None).prctl(*_ANYBODY_MAY_TRACE)
            os.write(said, b"\n")
            os.read(waits, 1)
            _work(path, said)
        finally:
            os._exit(0)  # nothing of a child may unwind into what its parent has open
    os.close(said)
    os.close(waits)
    assert os.read(out, 1) == b"\n"  # from here on every call of the child is of the work
    trace = path.with_suffix(".trace")
    words = ["strace", "-f", "-p", str(child), "-o", str(trace), "-e", f"trace={','.join(CALLS)}", *inject]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        attached = tracer.stderr.readline()
        assert "attached" in attached, attached
        os.write(go, b"!")
        os.close(go)
        with os.fdopen(out) as heard:
            told = tuple(heard.read().splitlines())
        os.waitpid(child, 0)
        tracer.stderr.read()
    return told, trace.read_text()


def _work(path: Path, said: int) -> None:
    """Take the step, log it, close; say each as soon as it is durable, and why not."""
    try:
        engine = open_engine(f"sqlite:///{path}", existing=True)
        begin = lambda: SqlUnitOfWork.open(engine)  # noqa: E731
        taken = asking.decider(begin, RECORDER).decide([ASKED])[0].taken
        assert taken is not None
        os.write(said, b"step %d\n" % taken.sequence)
        done = sequence(begin, RECORDER, KEY)
        assert done is not None
        os.write(said, b"log %d\n" % done.checkpoint.tree_size)
        engine.dispose()
    except LedgerError as error:
        os.write(said, f"refused: {error.sentence}\n".encode())
    except OSError:
        pass  # the acknowledgement itself did not get out: nobody was told anything
    except BaseException as error:  # noqa: BLE001  whatever this software did not foresee is a flaw, and is reported
        os.write(said, f"broke: {error!r}\n".encode())


def _inspected(path: Path) -> dict[str, Any]:
    """Hold a database against itself, and ask for the step once more; ``before`` is what had come of it until then."""
    engine = open_engine(f"sqlite:///{path}", existing=True)
    begin = lambda: SqlUnitOfWork.open(engine)  # noqa: E731
    flaws = []
    with SqlUnitOfWork.open(engine, "read") as unit:
        sound = unit._connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
        first = Auditor(POLICY).audit(unit.cases, unit.log)
        size = unit.log.frontier().size
    flaws += [f"inconsistent: {sound}"] if sound != "ok" else []
    flaws += [f"inconsistent: {each.in_words()}" for each in first.findings]
    with begin() as unit:
        before = unit.requests.look([ASKED])[0].taken
    again = asking.decider(begin, RECORDER).decide([ASKED])[0].taken
    if again is None or (before is not None and again != before):
        flaws.append(f"inconsistent: answered {before}, then {again}")
    sequence(begin, RECORDER, KEY)
    with SqlUnitOfWork.open(engine, "read") as unit:
        last = Auditor(POLICY).audit(unit.cases, unit.log)
    if (last.verdict, last.events, last.tree_size) != (Verdict.FINAL, 2, 2):
        flaws.append(f"inconsistent: {last.verdict}, {last.events} events, {last.tree_size} leaves in the end")
    engine.dispose()
    return {"flaws": flaws, "before": before, "size": size}


def _found(path: Path) -> None:
    """Make the database: an officer and a fine, logged."""
    engine = open_engine(f"sqlite:///{path}")
    begin = lambda: SqlUnitOfWork.open(engine)  # noqa: E731
    asking.enrol(begin)
    asking.decider(begin, RECORDER).decide([asking.opening("the fine", CASE)])
    sequence(begin, RECORDER, KEY)
    engine.dispose()


def _copied(template: Path, folder: Path) -> Path:
    folder.mkdir()
    return Path(shutil.copy(template, folder / "ledger.sqlite"))


def _forked(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do something in a process of its own."""
    out, said = os.pipe()
    child = os.fork()
    if not child:
        try:
            found = work()
            found["before"] = None if found["before"] is None else list(found["before"])
            os.write(said, json.dumps(found, default=bytes.hex).encode())
        except BaseException as error:  # noqa: BLE001  a database that cannot be opened again is what is looked for
            os.write(said, json.dumps({"flaws": [f"inconsistent: {error!r}"], "before": None, "size": 0}).encode())
        finally:
            os._exit(0)
    os.close(said)
    with os.fdopen(out) as heard:
        found = json.loads(heard.read())
    os.waitpid(child, 0)
    return dict(found)
