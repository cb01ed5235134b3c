"""Six systems under test behind one port: what each keeps of a step, and what that costs and shows.

    port        what a system must do
    rows        the baselines' tables on SQLite and PostgreSQL
    baseline    the audit table, and the hash chain
    ledger      the signed log, with timestamps, anchored, and enforced
    stamps      timestamps of checkpoints, and when they are too late
    open        a system by its name, in one place for a run

A place can be opened by several processes at once; only one of them calls `work`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from ledger_automation.bootstrap import open_ledger
from ledger_automation.chain.anchoring import AnchoringChain
from ledger_automation.errors import InvalidValue
from ledger_automation.orchestrator.ports import CheckpointAnchor
from ledger_automation.settings import Settings
from ledger_automation.study.systems.baseline import Baseline, PlainRecorder
from ledger_automation.study.systems.ledger import AnchoredSystem, Anchoring, EnforcedSystem, Intervals, LoggedSystem
from ledger_automation.study.systems.port import SystemUnderTest
from ledger_automation.study.systems.rows import open_rows
from ledger_automation.study.systems.stamps import Stamper
from ledger_automation.verify.policy import Level, VerificationPolicy

BASELINES: Final = ("table", "hash_chain")
ORIGIN: Final = "study.example/ledger"
TOLERANCE: Final = 20.0
"""Seconds: nothing is timestamped later than that, where it is due more often."""

CENTURY: Final = 36_525
"""Days: the contracts take what happened when the real logs were written."""


class Place(NamedTuple):
    """Where one run of one system lies; ``authority`` is the URL and the certificates (PEM) of one, where there is one.

    ``url`` is of an empty database; ``chain`` is ``tester``, ``anvil`` or a node's URL.
    """

    system: str
    home: Path
    url: str
    chain: str = "tester"
    intervals: Intervals = Intervals()
    authority: tuple[str, Path] | None = None


@contextmanager
def open_system(place: Place) -> Iterator[SystemUnderTest]:
    """Open a system with all that belongs to it; raises InvalidValue for a name that is none."""
    durability = durability_of(place.url)
    with ExitStack() as stack:
        if place.system in BASELINES:
            yield stack.enter_context(_baseline(place, durability))
            return
        settings = Settings(home=place.home, database_url=place.url, chain=place.chain, origin=ORIGIN)
        ledger = stack.enter_context(open_ledger(settings))
        if place.system == "merkle_log":
            yield LoggedSystem(place.system, ledger, durability, place.intervals)
        elif place.system == "timestamped_log":
            yield LoggedSystem(place.system, ledger, durability, place.intervals, _stamper(place))
        elif place.system == "anchored":
            anchoring = _anchoring(*stack.enter_context(ledger.chain()))
            yield AnchoredSystem(place.system, ledger, durability, place.intervals, anchoring)
        elif place.system == "enforced":
            chain = stack.enter_context(ledger.enforcing(CENTURY))
            yield EnforcedSystem(place.system, ledger, durability, place.intervals, chain)
        else:
            raise InvalidValue("A system under test", place.system, "one of the six")


@contextmanager
def open_client(place: Place) -> Iterator[SystemUnderTest]:
    """Open a system for a client, who takes steps and leaves the work to another process."""
    if place.system in BASELINES:
        with _baseline(place, "") as baseline:
            yield baseline
        return
    settings = Settings(home=place.home, database_url=place.url, chain=place.chain, origin=ORIGIN)
    with open_ledger(settings) as ledger:
        client = LoggedSystem(place.system, ledger, "", place.intervals)
        client.level = Level.ANCHORED if place.system == "anchored" else Level.LOGGED
        yield client


@contextmanager
def _baseline(place: Place, durability: str) -> Iterator[Baseline]:
    recorder = PlainRecorder(ORIGIN, lambda: datetime.now(UTC), chained=place.system == "hash_chain")
    with open_rows(place.url) as rows:
        yield Baseline(place.system, rows, recorder, durability)


def durability_of(url: str) -> str:
    """Say what a database has done when a commit returns: as it is set, not as it should be."""
    if url.startswith("sqlite:///"):
        return "SQLite, write-ahead log, synchronous=FULL: on the disk when a step returns"
    with psycopg.connect(url) as connection:
        asked = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
        version, *others = (connection.execute(f"SHOW {each}").fetchone() or ("",) for each in asked)
    stated = ", ".join(f"{name}={value}" for name, (value,) in zip(asked[1:], others, strict=True))
    return f"PostgreSQL {version[0].split()[0]}, {stated}"


def _anchoring(chain: CheckpointAnchor, policy: VerificationPolicy) -> Anchoring:
    if not isinstance(chain, AnchoringChain):
        raise TypeError(f"{type(chain)} does not tell what gas was used")
    return Anchoring(chain, policy)


def _stamper(place: Place) -> Stamper:
    if place.authority is None:
        raise InvalidValue("A system with timestamps", place.system, "an authority to ask")
    return Stamper(*place.authority, tolerance=max(TOLERANCE, 4 * place.intervals.stamp))
