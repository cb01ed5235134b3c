"""Two API processes and four workers on one PostgreSQL, RabbitMQ and Anvil, killed at random while clients ask.

Where RabbitMQ is not installed, the broker is Redis, which forgets everything whenever it dies. Whatever dies is
started again, and nobody lends a hand beyond that. In the end everything that was acknowledged is there, once, in a log
that is anchored and audited ``final``. ``CHAOS_SECONDS`` sets how long (``make chaos``: 600), and ``CHAOS_FILE`` where
the figures go. The database has no second one beside it: it is killed once, after the time in which availability is
counted.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from ledger_automation.errors import Unreachable
from ledger_automation.study.measurement import machine
from ledger_automation.verify.verdict import Verdict
from support import brokers, servers
from support.brokers import Broker, free_port
from support.chaos import LONGEST, Book, Clients, Supervised, issuing
from support.town import enrol
from support.towns import Town, end_anvil, town
from support.works import Works

SECONDS = float(os.environ.get("CHAOS_SECONDS", "12"))
FILE = os.environ.get("CHAOS_FILE", "")
SEED = 20261128
CLIENTS, WORKERS = 8, 4
DEEPER_THAN_THE_STATE_INTERVAL = 8
TOWN: dict[str, Any] = {
    "sequence_seconds": 0.5, "anchor_seconds": 10, "settle_seconds": 1, "sweep_seconds": 10,
    "confirmations": DEEPER_THAN_THE_STATE_INTERVAL, "requests_a_second": 1e6,
}  # fmt: skip
PATIENCE = 60
DURABLE = {"max_connections": "150"}


class Fleet:
    """Everything that runs, and what may befall it."""

    def __init__(self, works: Works, broker: Broker, database: servers.Server, ports: list[int]) -> None:
        self.random, self.deaths = Random(SEED), Counter[str]()
        self._works, self._broker, self._database = works, broker, database
        apis = [Supervised("api", lambda port=port: works.serve(port)) for port in ports]
        workers = [Supervised("worker", lambda: works.worker(wait=False)) for _ in range(WORKERS)]
        beat = Supervised("beat", works.beat)
        self._programs = [*apis, *workers, beat]
        fates: list[tuple[Callable[[], None], int]] = [
            *((each.kill, 4) for each in apis), *((each.kill, 3) for each in workers), (beat.kill, 2),
            (self._kill_anvil, 3), (self._kill_broker, 1),
        ]  # fmt: skip
        self._fates = [fate for fate, often in fates for _ in range(often)]

    def strike(self) -> None:
        """Kill something."""
        fate = self.random.choice(self._fates)
        fate()
        owner = getattr(fate, "__self__", self)
        self.deaths[owner.name if isinstance(owner, Supervised) else fate.__name__.removeprefix("_kill_")] += 1

    def live(self, seconds: float) -> None:
        """Let time pass; start again what is dead."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for each in self._programs:
                each.look()
            time.sleep(0.1)

    def end(self) -> None:
        """End all programs."""
        self._works.end()

    def kill_database(self) -> None:
        self._database.crash()
        self._database.start()
        self.deaths["database"] += 1

    def _kill_anvil(self) -> None:
        end_anvil(self._works.home)

    def _kill_broker(self) -> None:
        self._broker.kill()
        self._broker.start()


@contextmanager
def everything(home: Path) -> Iterator[tuple[Town, Fleet, Clients, Book]]:
    """Start all of it; end all that is left of it."""
    with ExitStack() as stack:
        database = stack.enter_context(servers.postgresql(settings=DURABLE))
        broker = stack.enter_context(brokers.broker("rabbitmq" if brokers.installed()["rabbitmq"] else "redis"))
        issuer = stack.enter_context(issuing())
        stack.callback(end_anvil, home)
        opened = stack.enter_context(town(home, database.fresh(), broker_url=broker.url, **TOWN))
        enrol(opened.ledger, issuer)
        works = Works(opened, broker, issuers=json.dumps([issuer.trusted().issuer]), **TOWN)
        stack.callback(works.end)
        ports, book = [free_port(), free_port()], Book()
        fleet = Fleet(works, broker, database, ports)
        works.until(lambda: works.said().count(" ready.") == WORKERS and works.said().count("startup complete") == 2)
        yield opened, fleet, Clients(ports, issuer, book, SEED, CLIENTS), book


def test_killed_at_random_nothing_is_lost_and_somebody_always_answers(tmp_path: Path) -> None:
    with everything(tmp_path / "home") as (opened, fleet, clients, book):
        started = time.monotonic()
        with clients:
            while time.monotonic() - started < SECONDS:
                fleet.live(fleet.random.uniform(1, 8))
                fleet.strike()
            fleet.live(LONGEST)
            counted = (len(book.seconds), book.availability(), quantiles(book.seconds), book.failed_tries)
            fleet.kill_database()
            fleet.live(LONGEST)
        ended = time.monotonic()
        clients.ask_again()
        with suppress(Unreachable):  # what this process's own pool has to learn about the database
            opened.pending()
        wait(fleet, lambda: not opened.pending(), opened)
        size = opened.size()  # the log goes on: it writes down now and then that nothing happened
        wait(fleet, lambda: max((each or 0 for each in opened.anchored()), default=0) >= size, opened)
        settled = time.monotonic() - ended
        assert book.told.keys() == book.asked.keys()
        assert all_there(opened, book) == len(book.asked), "something was taken twice, or by nobody's wish"
        fleet.end()
        with ExitStack() as stack:
            place = opened.place(stack)
            opened.seal(place)
            report = opened.audit(place)
        assert (report.verdict, report.findings) == (Verdict.FINAL, ())
        kept(fleet.deaths, counted, {"late": len(book.late), "events": report.events, "settled_seconds": settled})
        assert counted[1] >= 0.999, (counted, fleet.deaths)


def wait(fleet: Fleet, holds: Callable[[], bool], opened: Town) -> None:
    """Let everything go on, with nobody's help, until something holds."""
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up, (opened.submitted()[-3:], opened.pending(), opened.alarms())
        fleet.live(1)


def all_there(opened: Town, book: Book) -> int:
    """Insist on every step that was acknowledged; return how many steps those cases have."""
    with opened.ledger.read() as unit:
        found = {
            (row.case_id, row.sequence): bytes(row.commitment).hex()
            for _, _, trail in unit.cases.trails(0, 0)
            for row in trail
        }
    for told in book.told.values():
        assert found.get((told.case_id, told.sequence)) == told.commitment, told
    assert len({(told.case_id, told.sequence) for told in book.told.values()}) == len(book.told)
    cases = {told.case_id for told in book.told.values()}
    return sum(case_id in cases for case_id, _ in found)


def quantiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    places = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    return {name: ordered[int(part * len(ordered))] for name, part in places.items()} | {"most": ordered[-1]}


def kept(deaths: Counter[str], counted: tuple[Any, ...], more: dict[str, Any]) -> None:
    if FILE:
        answered, availability, waits, failed = counted
        figures = {
            "seed": SEED, "seconds": SECONDS, "clients": CLIENTS, "killed": dict(deaths), "answered": answered,
            "availability": availability, "answer_seconds": waits, "failed_tries": failed, **more, **machine(),
        }  # fmt: skip
        Path(FILE).write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
