"""Measure the service beside plain ones, with one client, on one PostgreSQL; writes ``benchmarks/load.json``.

    ours    a step of a case at level anchored; another process sequences and anchors meanwhile
    audit   the same route with rows of a plain audit table, as fast as we can write it
    naive   the same with a session of SQLModel a request
    empty   the framework alone

All run at once, each in a process of its own, and are asked in turn: rounds of a few seconds at 1, 8 and 32 clients.
Tokens, validation and Idempotency-Keys are on in all. ``scripts/load.py [ROUNDS [SECONDS]]``.
"""

import asyncio
import json
import multiprocessing as mp
import os
import socket
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Self

import psycopg
import uvicorn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from ledger_automation.api.dev_issuer import DevIssuer  # noqa: E402
from ledger_automation.api.tokens import TokenVerifier  # noqa: E402
from ledger_automation.asgi import application  # noqa: E402
from ledger_automation.bootstrap import open_ledger  # noqa: E402
from ledger_automation.journal import open_journal  # noqa: E402
from ledger_automation.settings import Settings  # noqa: E402
from ledger_automation.study.measurement import machine, reference  # noqa: E402
from ledger_automation.values import CaseId, parse_timestamp  # noqa: E402
from ledger_automation.worker.in_process import InProcess  # noqa: E402
from support import plain_services, servers  # noqa: E402
from support.brokers import free_port  # noqa: E402
from support.http_load import Make, load, request  # noqa: E402
from support.town import NoChain, enrol  # noqa: E402
from support.towns import end_anvil  # noqa: E402

CLIENTS, DUE = (1, 8, 32), 10**9
DURABLE = {"max_connections": "100", "shared_buffers": "256MB"}
SYSTEMS = ("ours", "audit", "naive", "empty")
WAITS = """SELECT leaf_index, event.recorded_at, (SELECT created_at FROM checkpoint WHERE tree_size > leaf_index
    ORDER BY tree_size LIMIT 1) FROM event JOIN leaf ON leaf.event_id = event.id"""
ANCHORED = "SELECT coalesce(max(tree_size), 0) FROM submission WHERE state IN ('anchored', 'final')"
INTERVAL, LOOK = 15, 0.25
"""Seconds from anchor to anchor, and between two looks at what is anchored."""


def serve(system: str, port: int, issuer: DevIssuer, settings: Settings, url: str) -> None:
    """Serve one of them until the process is ended; a line a request goes to a file, in each one's own way."""
    _write_to(settings.home / f"{system}.log")
    with ExitStack() as stack:
        if system == "ours":
            open_journal()
            app: Any = application(stack.enter_context(open_ledger(settings)), NoChain(), issuer)
            own: dict[str, Any] = {"log_config": None, "access_log": False}
        else:
            app, own = getattr(plain_services, system)(TokenVerifier([issuer.trusted()], issuer), url), {}
        uvicorn.run(app, port=port, loop="uvloop", http="httptools", **own)


def _write_to(path: Path) -> None:
    with path.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def sequence(settings: Settings) -> None:
    """Do the work in the background until the process is ended."""
    _write_to(settings.home / "background.log")
    open_journal()
    with open_ledger(settings) as ledger, InProcess(ledger):
        time.sleep(10**6)


def requests(system: str, port: int, issuer: DevIssuer, url: str, clients: int) -> list[Make]:
    """Give each client a case of its own; return what writes its requests."""
    makes = []
    for _ in range(clients):
        case = opened(port, issuer) if system == "ours" else CaseId.random()
        if system in {"audit", "naive"}:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("INSERT INTO plain_case VALUES (%s, 'recorded', %s, 0)", (str(case), DUE))
        path = f"/workflows/parking_fine/cases/{case}/record_payment"
        makes.append(_paying(path, issuer.token("finance-1"), str(CaseId.random())))
    return makes


def _paying(path: str, token: str, series: str) -> Make:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return lambda number: request(
        path, headers | {"Idempotency-Key": f"{series}-{number}"}, b'{"payload":{"amount":1}}'
    )


def opened(port: int, issuer: DevIssuer) -> str:
    """Open a fine that many cents may be paid of."""
    found: list[str] = []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        headers = {
            "Authorization": f"Bearer {issuer.token('clerk-1')}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(CaseId.random()),
            "Connection": "close",
        }
        body = json.dumps({"payload": {"amount": DUE, "rules": {"hearing_required": False}}}).encode()
        writer.write(request("/workflows/parking_fine/cases", headers, body))
        answer = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])
        found.append(answer["case_id"])
        writer.close()

    asyncio.run(ask())
    return found[0]


class Watch:
    """Looks how much of the log is on the chain, for as long as the block lasts."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: list[tuple[datetime, int]] = []

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._over.wait(LOOK):
                (size,) = connection.execute(ANCHORED).fetchone() or (0,)
                if not self.seen or size > self.seen[-1][1]:
                    self.seen.append((datetime.now(UTC), size))


def lags(url: str, watch: Watch) -> dict[str, Any]:
    """Return how long events waited for the checkpoint that covers them, and for its anchor, in seconds."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(WAITS).fetchall()
    sizes = [size for _, size in watch.seen]
    logged, anchored = [], []
    for leaf, at, done in rows:
        recorded, place = parse_timestamp(at), bisect_right(sizes, leaf)
        logged.append((parse_timestamp(done) - recorded).total_seconds())
        if place < len(sizes):
            anchored.append((watch.seen[place][0] - recorded).total_seconds())
    return {
        "recorded_to_logged_seconds": _spread(logged),
        "recorded_to_anchored_seconds": {
            **_spread(anchored),
            "interval": INTERVAL,
            "not_yet": len(rows) - len(anchored),
        },
    }


def _spread(waits: list[float]) -> dict[str, float]:
    ordered = sorted(waits)
    at = {"p50": median(ordered), "p99": ordered[int(0.99 * len(ordered))], "most": ordered[-1]}
    return {"events": len(ordered), **at}


def main() -> None:
    """Serve all, ask in turn, write."""
    rounds, seconds = (int(each) for each in (*sys.argv[1:], *("5", "4")[len(sys.argv) - 1 :]))
    issuer = DevIssuer("http://127.0.0.1:8000/dev", "ledger")
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.postgresql(settings=DURABLE) as server,
    ):
        url, plain = server.fresh(), server.fresh()
        settings = Settings(
            home=Path(folder), database_url=url, chain="anvil", requests_a_second=10**9, anchor_seconds=INTERVAL
        )
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(plain_services.SCHEMA)
        with open_ledger(settings) as ledger:
            enrol(ledger, issuer)
        ports = {system: free_port() for system in SYSTEMS}
        started = [
            mp.Process(target=serve, args=(system, port, issuer, settings, plain), daemon=True)
            for system, port in ports.items()
        ]
        started.append(mp.Process(target=sequence, args=(settings,), daemon=True))
        for each in started:
            each.start()
        for port in ports.values():
            await_port(port)
        with Watch(url) as watch:
            results = measure(ports, issuer, plain, rounds, seconds)
            time.sleep(2 * INTERVAL)
        waits = lags(url, watch)
        for each in started:
            each.kill()
            each.join()
        end_anvil(settings.home)
    facts = {"date": datetime.now(UTC).isoformat(timespec="minutes"), **machine(), "rounds": rounds, "seconds": seconds}
    report = {**facts, **waits, "clients": results}
    (ROOT / "benchmarks" / "load.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    print(json.dumps(report["clients"], indent=1))


def await_port(port: int) -> None:
    """Wait until somebody listens."""
    give_up = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)
        else:
            return


def measure(ports: dict[str, int], issuer: DevIssuer, url: str, rounds: int, seconds: int) -> dict[str, Any]:
    """Ask all in turn; return rates and times by the number of clients, and what ours is of the others."""
    found: dict[str, Any] = {}
    for clients in CLIENTS:
        runs: dict[str, list[dict[str, float]]] = {system: [] for system in SYSTEMS}
        for each in range(rounds + 1):
            for system in SYSTEMS if each % 2 else SYSTEMS[::-1]:
                run = asyncio.run(load(ports[system], requests(system, ports[system], issuer, url, clients), seconds))
                if run.refused:
                    sys.exit(f"{system} refused {len(run.refused)} requests: {set(run.refused)}")
                if each:  # the first round is for caches and prepared statements
                    row = {"rate": run.rate, "p50": run.quantile(0.5), "p99": run.quantile(0.99)}
                    runs[system].append({**row, "reference": reference()})
        middle = {
            system: {name: median(run[name] for run in rows) for name in rows[0]} for system, rows in runs.items()
        }
        ratios = {
            f"{name} of {other}": median(a[name] / b[name] for a, b in zip(runs["ours"], runs[other], strict=True))
            for other in SYSTEMS[1:]
            for name in ("rate", "p99")
        }
        found[str(clients)] = {"median": middle, "ours": ratios}
        print(clients, json.dumps(found[str(clients)]), flush=True)
    return found


if __name__ == "__main__":
    mp.set_start_method("fork")
    main()
