"""Attacking each system, and asking those who might notice: the system itself, an auditor, the chain, an applicant.

Each system keeps the same small town. An attack is made on a copy of its database; then it is asked in this order

    system       whether the step was refused at all (a clerk has nothing but the application)
    auditor      who has the database and the log's public key, and its timestamps where there are any
    chain        the same auditor, with what the chain holds
    applicant    the same, with the checkpoints of receipts from before

and whoever notices first stands in the matrix. Nobody is a result too.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from ledger_automation.audit.event import AuditEvent
from ledger_automation.errors import Contradiction, InvalidInput, TransitionNotAllowed
from ledger_automation.intake.commands import Arrival
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.transition import Intent
from ledger_automation.store.engine import open_engine
from ledger_automation.study.demonstration import challenge
from ledger_automation.study.record import Tampered
from ledger_automation.study.systems import BASELINES, ORIGIN, Place, open_client
from ledger_automation.study.systems.ledger import AnchoredSystem, EnforcedSystem, LoggedSystem
from ledger_automation.study.systems.port import Audited, SystemUnderTest
from ledger_automation.study.systems.rows import open_rows
from ledger_automation.study.systems.stamps import GRAIN
from ledger_automation.study.tamper.changes import CHANGES, RESTORED, UNLAWFUL, Book, Changed, is_lawful
from ledger_automation.study.tamper.hands import book_of_ledger, book_of_rows, unseal, write_ledger, write_rows
from ledger_automation.study.tampering import copy as copied
from ledger_automation.tlog.checkpoint import stated
from ledger_automation.values import CaseId, parse_timestamp
from ledger_automation.verify.verdict import Finding, Sentence
from ledger_automation.workflows import Actor, Command, Workflow

COMMAND: Final = "ledger study tamper"
_ANEW: Final = {"T36", "T21", "T22", "T23", "T24", "T31", "T42"}
"""What a log says that was made anew, or whose leaves no longer lead to what was signed."""

_NAMES: Final = {
    "T01": {"T01", "T02"}, "T02": {"T02"}, "T13": {"T13", "T02"}, "T03": {"T03"}, "T05": {"T05"},
    "T06": {"T06", "T07"}, "T49": {"T49", "T02", "T20"}, "T22": set(),
}  # fmt: skip
"""The classes under which a change may be found by the rows themselves."""


class Noticed(NamedTuple):
    """Who noticed first, what was found, and how long the noticing took."""

    by: str
    findings: tuple[Finding, ...]
    seconds: float


class Town:
    """A system with the town in it, and a back-up of an earlier evening."""

    def __init__(self, place: Place, system: SystemUnderTest, table: Workflow[Any]) -> None:
        self.place = place
        self.system = system
        self.table = table
        self.database = Path(place.url.removeprefix("sqlite:///"))
        self.backup = self.database.with_name("backup.sqlite")
        self.held: tuple[str, ...] = ()
        self.sizes: list[int] = []
        self.places: dict[tuple[str, int], int] = {}

    def fill(self, arrivals: Sequence[Arrival]) -> None:
        """Let it live, in two halves, sealed after each; raises Contradiction where an honest town is no such."""
        half = len(arrivals) // 2
        for number, part in enumerate((arrivals[:half], arrivals[half:])):
            for each in part:
                if each.command and each.at:
                    self._take(each.case, Intent(each.command, each.at))
            self.system.work(now=True)
            self.places = self.system.places()
            self.sizes.append(len(self.places))
            if isinstance(self.system, LoggedSystem):
                newest = self.system.newest()
                self.held += (newest.note,) if newest is not None else ()
            if number == 0:
                copied(self.database, self.backup)
        if isinstance(self.system, LoggedSystem) and self.system.stamper is not None:
            time.sleep(self.system.stamper.tolerance + GRAIN)  # from here on a fresh timestamp is late
        if findings := self.system.audit().findings:
            raise Contradiction(f"An honest {self.system.name} does not hold: {findings[0].sentence}", actual=findings)

    def _take(self, name: str, intent: Intent) -> None:
        if isinstance(self.system, EnforcedSystem):
            self.system.seat(self.table.name, intent.command.actor.id, intent.command.actor.role)
        try:
            self.system.take(name, self.table, intent)
        except (TransitionNotAllowed, InvalidInput):
            return

    def is_place(self, changed: Changed | None, findings: Sequence[Finding]) -> bool:
        """Tell whether findings point to where it was done: the case, or the checkpoint from which the log is another.

        ``changed`` is None for a back-up that was restored: then it is where that ends.
        """
        sizes = sorted(self.sizes)
        if changed is None:
            return any(each.leaf_index in sizes for each in findings)
        first = self.places.get((changed.case_id, self._first_changed(changed)), 0)
        since = max((size for size in sizes if size <= first), default=0)
        return any(each.case_id == changed.case_id or each.leaf_index in {first, since} for each in findings)

    def _first_changed(self, changed: Changed) -> int:
        before = self.book[changed.case_id]
        pairs = enumerate(zip(before, changed.events, strict=False))
        shorter = min(len(before), len(changed.events))
        return next((at for at, (was, now) in pairs if was != now), shorter)

    @cached_property
    def book(self) -> Book:
        """What it keeps."""
        if self.place.system in BASELINES:
            with open_rows(self.place.url) as rows:
                return book_of_rows(rows, ORIGIN)
        return book_of_ledger(self.database, ORIGIN)


def attack(town: Town, instances: int, seed: int, tell: Callable[[str, int, int], None]) -> Iterator[Tampered]:
    """Make every attack so many times on one system; yields a row of the matrix for each change and adversary."""
    book = town.book
    rows = [(each, who) for each in CHANGES for who in ("administrator", "operator")]
    for number, (change, who) in enumerate(rows):
        tell(f"{town.system.name} tampered with", number, len(rows) + 2)
        noticed = [
            _attacked(town, change.make(book, Random(f"{seed}/{change.tampering}/{who}/{each}")), who)  # noqa: S311
            for each in range(instances)
        ]
        yield _row(town, change.tampering, change.what, who, noticed)
    yield _row(town, "T22", RESTORED, "operator", [_restored(town)])
    yield _row(town, UNLAWFUL.tampering, UNLAWFUL.what, "clerk", [(_tried(town), None)])
    tell(f"{town.system.name} tampered with", len(rows) + 2, len(rows) + 2)


def _row(
    town: Town, kind: str, what: Sentence, who: str, noticed: Sequence[tuple[Noticed, Changed | None]]
) -> Tampered:
    found = [(each, changed) for each, changed in noticed if each.by]
    names = _NAMES[kind] | (_ANEW if isinstance(town.system, LoggedSystem) else set())
    by = sorted({each.by for each, _ in found}, key=("system", "auditor", "chain", "applicant").index)
    named = [each for each, _ in found if each.by == "system" or {one.tampering for one in each.findings} & names]
    return Tampered(
        attack=kind,
        what=what,
        adversary=who,
        system=town.system.name,
        store="sqlite",
        injected=len(noticed),
        detected=len(found),
        named=len(named),
        located=sum(1 for each, changed in found if each.by == "system" or town.is_place(changed, each.findings)),
        detected_by=by[-1] if by else "",
        seconds=max((each.seconds for each, _ in noticed), default=0),
        command=COMMAND,
    )


def _attacked(town: Town, changed: Changed, who: str) -> tuple[Noticed, Changed]:
    if isinstance(town.system, EnforcedSystem) and who == "operator" and not is_lawful(changed.events):
        return _relayed(town, town.system), changed
    copy = town.database.with_name("attacked.sqlite")
    copied(town.database, copy)
    if isinstance(town.system, LoggedSystem):
        write_ledger(copy, changed)
        with _over(town.system, copy) as system:
            if who == "operator":
                _reseal(system, copy)
            return _noticed(town, system), changed
    with open_rows(f"sqlite:///{copy}", writer=False) as rows:
        write_rows(rows, changed, chained=town.place.system == "hash_chain")
    return _noticed_in_rows(town, copy), changed


def _restored(town: Town) -> tuple[Noticed, None]:
    copy = town.database.with_name("attacked.sqlite")
    copied(town.backup, copy)
    if not isinstance(town.system, LoggedSystem):
        return _noticed_in_rows(town, copy), None
    with _over(town.system, copy) as system:
        if system.stamper is not None:
            newest = system.newest()
            kept = {size: token for size, token in system.stamper.tokens.items() if newest and size <= newest.tree_size}
            system.stamper.tokens = kept
        return _noticed(town, system), None


def _tried(town: Town) -> Noticed:
    """Ask for an unlawful step through the application: the auditor opens a case that only others may."""
    first: AuditEvent = next(iter(town.book.values()))[0]
    command = Command(first.action, Actor("stranger-1", "auditor"), first.payload)
    started, by = time.perf_counter(), ""
    try:
        town.system.take("unlawful", town.table, Intent(command, parse_timestamp(first.occurred_at)))
    except (TransitionNotAllowed, InvalidInput):
        by = "system"
    return Noticed(by, (), time.perf_counter() - started)


def _relayed(town: Town, system: EnforcedSystem) -> Noticed:
    """Have the operator, who has every key of the house, put an unlawful step to the contract past the application."""
    case_id, events = next((case_id, events) for case_id, events in town.book.items() if len(events) > 1)
    last = events[-1]
    command = Command(last.action, Actor(last.actor.id, "auditor"), last.payload)
    started = time.perf_counter()
    intent = Intent(command, parse_timestamp(last.occurred_at))
    challenge(system.ledger, system.chain, CaseId(case_id), intent, last.actor.id)
    return Noticed("system", (), time.perf_counter() - started)


@contextmanager
def _over(system: LoggedSystem, path: Path) -> Iterator[LoggedSystem]:
    engine = open_engine(f"sqlite:///{path}")
    try:
        yield system.over(engine)
    finally:
        engine.dispose()


def _reseal(system: LoggedSystem, path: Path) -> None:
    """Make the log anew over what is there now, signed at the same sizes, with new timestamps."""
    sizes, done = unseal(path), 0
    ledger = system.ledger
    for size in sizes:
        if sequence(ledger.begin, ledger.recorder, ledger.key, limit=max(size - done, 1), sweep=True) is None:
            break
        done = size
    while sequence(ledger.begin, ledger.recorder, ledger.key, sweep=True) is not None:
        pass
    if system.stamper is not None:
        system.stamper.tokens.clear()
        with ledger.read() as unit:
            for record in list(unit.log.checkpoints(0)):
                system.stamper.stamp(stated(record.note))


def _noticed(town: Town, system: LoggedSystem) -> Noticed:
    audits: list[tuple[str, Callable[[], Audited]]] = [("auditor", lambda: system.audited(system.in_house()))]
    if isinstance(system, AnchoredSystem):
        audits.append(("chain", system.audit))
    audits.append(("applicant", lambda: system.audited(system.with_held(*town.held))))
    started = time.perf_counter()
    for by, ask in audits:
        if findings := ask().findings:
            return Noticed(by, findings, time.perf_counter() - started)
    return Noticed("", (), time.perf_counter() - started)


def _noticed_in_rows(town: Town, path: Path) -> Noticed:
    with open_client(town.place._replace(url=f"sqlite:///{path}")) as system:
        audited = system.audit()
    return Noticed("auditor" if audited.findings else "", audited.findings, audited.seconds)
