"""What a study writes down, `report.json`: what was measured, and the answer that follows from it.

    Figure      one measure of one system under one workload: the value of every round, and the command that makes it
    Replay      how many commands of a real log a system accepted, refused and ignored; equal on all, or the run fails
    Growth      how a measure grows with the log: points, and the slope that fits them on a log-log plot
    Tampered    what became of one class of attack by one adversary on one system
    Answer      the cheapest system that is enough for one step of a workflow, with the reasons

All of it is plain data; whoever has the file can compute the answer anew (`verdict`), and draw it (`report`). A figure
carries its rounds and no average: median and spread are computed where they are read.
"""

from statistics import median
from typing import Any, Final

import msgspec

from ledger_automation.verify.verdict import Sentence

SYSTEMS: Final = ("table", "hash_chain", "merkle_log", "timestamped_log", "anchored", "enforced")
"""The systems under test, each with all that those before it have, and usually at a higher price."""

NAMES: Final = {
    "table": Sentence("Tabelle", "table"),
    "hash_chain": Sentence("Hashkette", "hash chain"),
    "merkle_log": Sentence("Merkle-Protokoll", "Merkle log"),
    "timestamped_log": Sentence("Merkle-Protokoll mit Zeitstempel", "Merkle log with timestamps"),
    "anchored": Sentence("auf der Chain verankert", "anchored on a chain"),
    "enforced": Sentence("vom Vertrag erzwungen", "enforced by a contract"),
}


class Measure(msgspec.Struct, frozen=True):
    """What is measured: its unit, its words, and whether more of it is better."""

    unit: str
    words: Sentence
    more_is_better: bool = False


MEASURES: Final = {
    "throughput": Measure("events/s", Sentence("Durchsatz", "throughput"), more_is_better=True),
    "recorded_p50": Measure("ms", Sentence("bis gespeichert, Median", "until recorded, median")),
    "recorded_p99": Measure("ms", Sentence("bis gespeichert, 99 %", "until recorded, 99 %")),
    "logged_p50": Measure("ms", Sentence("bis im Protokoll, Median", "until logged, median")),
    "logged_p99": Measure("ms", Sentence("bis im Protokoll, 99 %", "until logged, 99 %")),
    "stamped_p50": Measure("ms", Sentence("bis gestempelt, Median", "until timestamped, median")),
    "stamped_p99": Measure("ms", Sentence("bis gestempelt, 99 %", "until timestamped, 99 %")),
    "anchored_p50": Measure("ms", Sentence("bis verankert, Median", "until anchored, median")),
    "anchored_p99": Measure("ms", Sentence("bis verankert, 99 %", "until anchored, 99 %")),
    "final_p50": Measure("ms", Sentence("bis endgültig, Median", "until final, median")),
    "final_p99": Measure("ms", Sentence("bis endgültig, 99 %", "until final, 99 %")),
    "storage": Measure("bytes/event", Sentence("Speicher je Ereignis", "storage per event")),
    "gas_checkpoint": Measure("gas/checkpoint", Sentence("Gas je Kontrollpunkt", "gas per checkpoint")),
    "gas_event": Measure("gas/event", Sentence("Gas je Ereignis", "gas per event")),
    "gas_case": Measure("gas/case", Sentence("Gas je Fall", "gas per case")),
    "events_case": Measure("events/case", Sentence("Ereignisse je Fall", "events per case")),
    "audit_full": Measure("events/s", Sentence("volle Prüfung", "full audit"), more_is_better=True),
    "audit_incremental": Measure("s", Sentence("Prüfung des Neuen", "audit of what is new")),
    "proof": Measure("bytes", Sentence("Größe eines Nachweises", "size of a proof")),
    "recovery": Measure("s", Sentence("Anlauf nach einem Absturz", "recovery after a crash")),
    "integration_memory": Measure("leaves/s", Sentence("Blätter im Speicher", "leaves in memory"), more_is_better=True),
    "integration_durable": Measure("leaves/s", Sentence("Blätter dauerhaft", "leaves durable"), more_is_better=True),
}


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measure of one system; ``rounds`` has one value a round, in the measure's unit.

    ``clients`` are those of a closed loop, ``rate`` the steps a second offered in an open one (0 where there is none),
    ``events`` the size of the log it was measured at, ``beside`` what ran on the same cores.
    """

    measure: str
    system: str
    store: str
    workload: str
    workflow: str
    rounds: tuple[float, ...]
    command: str
    clients: int = 0
    rate: float = 0
    events: int = 0
    beside: str = ""

    @property
    def median(self) -> float:
        """Return the middle of the rounds."""
        return median(self.rounds)


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a system made of a log; ``refused`` counts by the rule that refused."""

    log: str
    system: str
    store: str
    read: int
    accepted: int
    ignored: int
    refused: dict[str, int]
    command: str


class Growth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measure at several sizes of the log: (events, value); ``slope`` 0 is constant, 1 is linear."""

    measure: str
    system: str
    store: str
    points: tuple[tuple[float, float], ...]
    slope: float
    command: str


class Tampered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of one class of attack (T01 to T50) by one adversary on one system.

    ``adversary`` is ``clerk``, ``administrator`` (of the database) or ``operator`` (database, application, log key).
    ``detected_by`` is ``system`` (it was refused), ``auditor``, ``applicant`` (by a receipt), ``chain``, or empty for
    nobody; ``seconds`` is how long the detecting audit took. Of ``injected`` attacks so many were detected, so many
    named by their class, so many located at their place.
    """

    attack: str
    what: Sentence
    adversary: str
    system: str
    store: str
    injected: int
    detected: int
    named: int
    located: int
    detected_by: str
    seconds: float
    command: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cheapest system that is enough for one step; ``system`` is empty where none is.

    ``chain`` tells whether that system needs one. ``cost`` is in euro a case at the prices of the report.
    """

    workflow: str
    action: str
    system: str
    chain: bool
    cost: float
    reasons: tuple[Sentence, ...]


class Repeated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure of two days, and how far it moved: the later median over the earlier one, less one."""

    measure: str
    system: str
    store: str
    workload: str
    earlier: float
    later: float
    moved: float
    days: tuple[str, str]


class StudyReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a study. ``about`` has machine, commit, seed, moment and seconds; ``prices`` and ``facts`` are declared.

    ``durability`` says of each database what has happened when a step returns.
    ``omitted`` says what was left out, by name, and why.
    """

    about: dict[str, Any]
    prices: dict[str, Any]
    facts: dict[str, Any]
    durability: dict[str, str]
    figures: tuple[Figure, ...] = ()
    replays: tuple[Replay, ...] = ()
    growth: tuple[Growth, ...] = ()
    tampered: tuple[Tampered, ...] = ()
    answers: tuple[Answer, ...] = ()
    repeated: tuple[Repeated, ...] = ()
    omitted: dict[str, str] = {}
