"""Measure one step on PostgreSQL against a plain audit row on the same server; writes ``benchmarks/one-step.json``.

Each client is a process with one connection and a case of its own; commits are durable (fsync is on). What law and
hashing cost is not in it: the steps are made before. The four run in turn, in rounds, since machines are shared:

    row         INSERT of an audit row, a transaction by itself, plain psycopg
    row, case   what a plain application does for a step: read the case, update it, insert the audit row, commit
    ours        one statement for case, event and content, and its commit
    ours, case  the same after reading the case under its lock: all that the service does for a step
"""

import json
import multiprocessing as mp
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from ledger_automation.orchestrator.ports import RecordedStep  # noqa: E402
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing  # noqa: E402
from ledger_automation.store.engine import open_engine  # noqa: E402
from ledger_automation.store.unit_of_work import SqlUnitOfWork  # noqa: E402
from ledger_automation.study.measurement import machine  # noqa: E402
from ledger_automation.values import CaseId  # noqa: E402
from ledger_automation.verify.policy import Level  # noqa: E402
from ledger_automation.workflows import Actor, Command, workflow  # noqa: E402
from support import servers  # noqa: E402

STEPS, ROUNDS, CLIENTS, START = 300, 5, (1, 8, 32), datetime(2026, 3, 2, 8, tzinfo=UTC)
AUDIT = """CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_id varchar, sequence bigint,
    action varchar, actor_id varchar, actor_role varchar, occurred_at varchar, recorded_at varchar, payload bytea);
    CREATE TABLE plain_case (case_id varchar PRIMARY KEY, state varchar, sequence bigint, data bytea)"""
ROW = """INSERT INTO audit (case_id, sequence, action, actor_id, actor_role, occurred_at, recorded_at, payload)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"""


def walk() -> list[RecordedStep]:
    """Make a fine and its payments, a cent each."""
    recorder = Recorder("bench.example/ledger", lambda: START + timedelta(days=2))
    standing = Standing(CaseId.random(), workflow("parking_fine"), Level.ANCHORED)
    rules = {"amount": 3_500, "offence": "parked on the kerb", "rules": {"hearing_required": False}}
    step, standing = recorder.step(standing, Intent(Command("record_fine", Actor("officer-1", "clerk"), rules), START))
    steps, pay = [step], Command("record_payment", Actor("cash-office", "finance"), {"amount": 1})
    while len(steps) <= STEPS:
        step, standing = recorder.step(standing, Intent(pay, START + timedelta(days=1)))
        steps.append(step)
    return steps


def audit_row(step: RecordedStep) -> tuple[Any, ...]:
    """Say of a step what a plain audit table would."""
    event = step.event
    times = (event.occurred_at, event.recorded_at)
    return (event.case_id, event.sequence, event.action, event.actor.id, event.actor.role, *times, step.canonical)


def plain(url: str, *, case: bool) -> Callable[[RecordedStep], None]:
    """Write plain audit rows."""
    connection = psycopg.connect(url, autocommit=True)

    def write(step: RecordedStep) -> None:
        if not case:
            connection.execute(ROW, audit_row(step))
            return
        with connection.transaction():
            row = step.case
            connection.execute("SELECT * FROM plain_case WHERE case_id = %s", (row.case_id,)).fetchone()
            if step.event.sequence == 0:
                connection.execute("INSERT INTO plain_case VALUES (%s, %s, %s, %s)", (row[0], row[4], row[5], row[8]))
            sentence = "UPDATE plain_case SET state = %s, sequence = %s, data = %s WHERE case_id = %s"
            connection.execute(sentence, (row.state, row.sequence, row.data, row.case_id))
            connection.execute(ROW, audit_row(step))

    return write


def ours(url: str, *, case: bool) -> Callable[[RecordedStep], None]:
    """Write steps as the service does."""
    engine = open_engine(url)

    def write(step: RecordedStep) -> None:
        with SqlUnitOfWork.open(engine) as unit:
            if case:
                unit.cases.case(step.case.case_id)
            unit.cases.record([step])
            unit.commit()

    return write


KINDS: dict[str, Callable[[str], Callable[[RecordedStep], None]]] = {
    "row": lambda url: plain(url, case=False),
    "row, case": lambda url: plain(url, case=True),
    "ours": lambda url: ours(url, case=False),
    "ours, case": lambda url: ours(url, case=True),
}


def client(kind: str, url: str, steps: list[RecordedStep], gate: Any, times: Any) -> None:
    """Take one case through its steps; tell when the first and the last were done."""
    write = KINDS[kind](url)
    write(steps[0])
    gate.wait()
    started = time.monotonic()
    for step in steps[1:]:
        write(step)
    times.put((started, time.monotonic()))


def rate(kind: str, url: str, clients: int) -> float:
    """Return steps a second of so many clients."""
    context = mp.get_context("fork")
    gate, times = context.Barrier(clients), context.Queue()
    crowd = [context.Process(target=client, args=(kind, url, walk(), gate, times)) for _ in range(clients)]
    for each in crowd:
        each.start()
    spans = [times.get() for _ in crowd]
    for each in crowd:
        each.join()
    return clients * STEPS / (max(end for _, end in spans) - min(start for start, _ in spans))


def main() -> None:
    """Measure everything on PostgreSQL 18."""
    figures: dict[str, Any] = {"date": datetime.now(UTC).isoformat(timespec="minutes"), **machine(), "steps": STEPS}
    with servers.postgresql("18", {"max_connections": "100", "shared_buffers": "256MB"}) as server:
        url = server.fresh()
        open_engine(url).dispose()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(AUDIT)
        for clients in CLIENTS:
            rounds = [{kind: rate(kind, url, clients) for kind in KINDS} for _ in range(ROUNDS)]
            found: dict[str, Any] = {kind: round(median(each[kind] for each in rounds)) for kind in KINDS}
            for ours_, theirs in (("ours", "row"), ("ours, case", "row, case")):
                ratios = sorted(each[ours_] / each[theirs] for each in rounds)
                found[f"{ours_} / {theirs}"] = [round(each, 2) for each in (median(ratios), ratios[0], ratios[-1])]
            figures[f"{clients} clients"] = found
            print(clients, json.dumps(found), flush=True)
    if len(sys.argv) == 1:
        (ROOT / "benchmarks" / "one-step.json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
