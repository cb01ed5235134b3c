"""A small town's ledger, sealed and anchored on a real chain in process, and copies of it for an attacker to spoil.

    Town     a ledger in memory: built once a session through the real use cases, never changed by a test
    Copy     one copy of a town's database with triggers dropped and foreign keys off: what an administrator has
    Lab      makes attacks at seeded random places and holds what the audit finds against what was done

An attack is a function ``(copy, random) -> Place``: it spoils the copy and says what must be found, and where.
"""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest

from ledger_automation.audit.encoding import decode
from ledger_automation.chain.anchoring import AnchoringChain, anchoring
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.local import open_chain
from ledger_automation.intake import mapping as mappings
from ledger_automation.intake.commands import commands
from ledger_automation.intake.generator import follows, generate
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.announce import announce_key
from ledger_automation.orchestrator.replay import Plan, replay
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.sequence import record_heartbeat, sequence
from ledger_automation.orchestrator.transition import Intent, Recorder, advance, open_case
from ledger_automation.store.engine import migrate
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.study.measurement import machine
from ledger_automation.tlog.note import SignerKey
from ledger_automation.values import CaseId
from ledger_automation.verify.auditor import AuditReport
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import DocumentRecord
from ledger_automation.workflows import Actor, Command, workflow
from support.copies import Copy, Impossible, PostgresCopy, SqliteCopy, compact, engine_on, memory, template
from support.layers import found_by
from support.servers import Server, postgresql

START = datetime(2025, 3, 3, 8, tzinfo=UTC)
SQLITE, POSTGRESQL = "sqlite", "postgresql"
FULL = os.environ.get("LEDGER_TAMPERING") == "full"
"""Whether all of the matrix is made (``make tampering``)."""

FEW = 5
"""So many places of each class on SQLite otherwise; on PostgreSQL each attack is made once."""

RESULTS = Path(__file__).resolve().parents[3] / "benchmarks" / "tampering.json"

Place = dict[str, Any]
Attack = Callable[["Copy", Random], Place]


class Town:
    """A ledger of its own origin; several share one chain, whose registry keeps origins apart."""

    def __init__(self, name: str, chain: AnchoringChain) -> None:
        self.origin = f"{name}.example/ledger"
        self.chain = chain
        self.raw = memory()
        self.engine = engine_on(self.raw)
        migrate(self.engine)
        self.key = SignerKey(self.origin, sha256(name.encode()).digest())
        self.recorder = Recorder(self.origin, self._clock)
        self.now = START + timedelta(days=400)
        self.policy = VerificationPolicy(
            self.origin, (self.key.verifier.text,), Level.ANCHORED, chain.identity(), confirmations=1
        )
        self.backups: dict[int, sqlite3.Connection] = {}
        self.between: dict[int, sqlite3.Connection] = {}
        self.actors: dict[str, datetime] = {}
        self.keys = [self.key]

    def _clock(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def begin(self) -> Any:
        return SqlUnitOfWork.open(self.engine)

    def open(self, name: str, action: str, actor: str, *names: str, level: Level = Level.LOGGED, **payload: Any) -> str:
        """Open a case; ``actor`` is ``role`` or ``role:name``, ``names`` are the documents that come along."""
        intent = self._intent(action, actor, START, names, payload)
        step = open_case(self.begin, self.recorder, workflow(name), level, intent)
        self.actors[step.case.case_id] = START
        return step.case.case_id

    def act(self, case_id: str, action: str, actor: str, *names: str, days: float = 1, **payload: Any) -> None:
        at = self.actors[case_id] = self.actors[case_id] + timedelta(days=days)
        advance(self.begin, self.recorder, CaseId(case_id), self._intent(action, actor, at, names, payload))

    def _intent(self, action: str, actor: str, at: datetime, names: Iterable[str], payload: Any) -> Intent:
        role, _, name = actor.partition(":")
        documents = tuple(
            DocumentRecord(each, "application/pdf" if number % 2 else "text/plain", f"{each} {at} ".encode() * 9)
            for number, each in enumerate(names)
        )
        return Intent(Command(action, Actor(name or f"{role}-1", role), payload), at, documents)

    def replay(self, process: str, cases: int, seed: int, level: Level = Level.LOGGED) -> None:
        mapping = mappings.shipped(follows(process).mapping)
        arrivals = sorted(
            commands(generate(process, cases=cases, seed=seed), mapping),
            key=lambda each: (each.at or START, each.number),
        )
        plan = Plan(f"{process}/{cases}/{seed}/{level}", workflow(mapping.workflow), level)
        replay(self.begin, self.recorder, plan, arrivals, lambda _: None)

    def sequence(self, limit: int = 100_000) -> int:
        """Bring pending events into the log under a signed checkpoint, without anchoring it; keeps a backup."""
        done = sequence(self.begin, self.recorder, self.key, limit=limit, sweep=True)
        return self._back_up(done.checkpoint.tree_size, self.between) if done else 0

    def seal(self) -> int:
        """Seal and anchor; keeps a backup of that moment."""
        size = seal(self.begin, self.recorder, self.key, Anchorer(self.begin, self.chain, self.policy)).tree_size
        return self._back_up(size, self.backups)

    def _back_up(self, size: int, kept: dict[int, sqlite3.Connection]) -> int:
        kept[size] = memory()
        self.raw.backup(kept[size])
        return size

    def copy(self, of: sqlite3.Connection | None = None) -> Copy:
        return SqliteCopy(self, of or self.raw)


def at(row: Any, column: str | None = None) -> Place:
    """The place of an event's row."""
    place = {"case_id": row["case_id"], "sequence": row["sequence"], "leaf_index": row["leaf_index"]}
    return place if column is None else {**place, "column": column}


def small(chain: AnchoringChain) -> Town:
    """Fourteen cases over all three workflows, with documents and money, seven checkpoints, five of them anchored."""
    town = Town("klein", chain)
    subsidies = [_apply(town) for _ in range(3)]
    permits = [_submit(town, f"applicant-{number}") for number in range(3)]
    town.seal()
    for case_id in subsidies[:2]:
        _grant(town, case_id)
    for case_id in permits:
        town.act(case_id, "acknowledge", "clerk:anna")
        town.act(case_id, "request_documents", "clerk:anna", missing="site plan")
    town.sequence()
    town.replay("traffic_fines", 5, 1)
    town.seal()
    for number, case_id in enumerate(permits[:2]):
        town.act(case_id, "supplement_documents", f"applicant:applicant-{number}", "plan.pdf", "note.txt", days=3)
        town.act(case_id, "propose_decision", "clerk:anna", outcome="granted")
        town.act(case_id, "grant", "approver:paul", conditions="fence")
        town.act(case_id, "notify", "clerk:anna", "letter.txt")
    town.replay("receipt", 3, 2)
    town.seal()
    _pay(town, subsidies[0], 1, 40_000)
    record_heartbeat(town.begin, town.recorder)
    town.sequence()
    _pay(town, subsidies[1], 1, 30_000)
    town.act(permits[0], "object", "applicant:applicant-0", "objection.txt", reason="too high")
    town.seal()
    town.act(permits[0], "reject_objection", "approver:petra", reason="as planned")
    town.act(subsidies[0], "accept_use", "auditor:rita", number=1)
    town.seal()
    return town


def _apply(town: Town) -> str:
    case_id = town.open("subsidy", "open_programme", "clerk:olga", title="Modellprojekte")
    plan = [{"item": "strategy", "year": 2025, "amount": 199_995}, {"item": "rest", "year": 2026, "amount": 5}]
    town.act(
        case_id, "apply", "applicant:wismar-1", "form.pdf", "plan.txt", "resolution.pdf",
        applicant="wismar", kind="municipality", planned=200_000, own_share=20_000, budget_emergency=True,
        cost_plan=plan, own_share_proof="VO/2019/3113",
    )  # fmt: skip
    town.act(case_id, "check_application", "clerk:olga")
    return case_id


def _submit(town: Town, applicant: str) -> str:
    return town.open("permit", "submit_application", f"applicant:{applicant}", "form.txt", "map.pdf", subject="carport")


def _grant(town: Town, case_id: str) -> None:
    town.act(case_id, "grant", "approver:paul", amount=100_000, rate=9_000, advance=60_000)


def _pay(town: Town, case_id: str, number: int, amount: int) -> None:
    asked = {"number": number, "amount": amount, "payee": "wismar-account"}
    town.act(case_id, "request_tranche", "applicant:wismar-1", "call.txt", **asked)
    town.act(case_id, "approve_tranche", "approver:paul", number=number)
    town.act(case_id, "disburse_tranche", "finance:frieda", number=number)
    proof = {"number": number, "expenditure": amount + 1, "reference": "VN 1"}
    town.act(case_id, "prove_use", "applicant:wismar-1", "bills.pdf", "list.txt", **proof)


def tall(chain: AnchoringChain) -> Town:
    """More than two full tiles of leaves, so that nodes are stored, under several checkpoints."""
    town = Town("gross", chain)
    town.replay("traffic_fines", 150, 3)
    for limit in (100, 200, 150):
        town.sequence(limit)
    town.seal()
    town.replay("receipt", 6, 4)
    town.seal()
    return town


def rotated(chain: AnchoringChain) -> Town:
    """Two announced changes of the log's key, with checkpoints of each; all three keys are pinned."""
    town = Town("wechsel", chain)
    keys = [town.key, *(SignerKey(town.origin, sha256(f"wechsel {number}".encode()).digest()) for number in (2, 3))]
    pinned = tuple(each.verifier.text for each in reversed(keys))
    town.policy = msgspec.structs.replace(town.policy, log_keys=pinned)
    for coming in (*keys[1:], None):
        for _ in range(3):
            _submit(town, "applicant-1")
            town.seal()
        if coming is not None:
            announce_key(town.begin, town.recorder, town.key, coming.verifier)
            town.key = coming
    town.keys = keys
    return town


class Copies(NamedTuple):
    """Copies of one town on one database, as many as are asked for."""

    store: str
    fresh: Callable[[], Copy]


class Lab:
    """Makes attacks and keeps count: the catalogue's matrix, by class and database."""

    def __init__(self) -> None:
        self.matrix: dict[str, dict[str, Counter[str]]] = {}
        self.layers: dict[str, Counter[str]] = {}
        self.left_out: dict[str, dict[str, str]] = {}

    def run(self, kind: str, attacks: list[Attack], copies: Copies, times: int = 20) -> None:
        """Make each attack at random places, ``times`` in all; every one must be found, named and located.

        Without `FULL` there are few places: as many as attacks on PostgreSQL, at least `FEW` on SQLite.
        """
        wrong = []
        if not FULL:
            times = 0 if copies.store == POSTGRESQL else min(times, FEW)
        for number in range(max(times, len(attacks))):
            attack, copy = attacks[number % len(attacks)], copies.fresh()
            try:
                place = attack(copy, Random(f"{kind}/{number}"))
                level = place.pop("level", Level.ANCHORED)
                held = place.pop("held", ())
                place["also"] = (*place.get("also", ()), *(("T25",) if copy.loosened else ()))
                verdict = self.judge(kind, place, copy.audit(level, held=held), copies.store)
                if FULL and copies.store == SQLITE:
                    self.compare(kind, copy)
            except Impossible as reason:
                self.left_out.setdefault(kind, {})[f"{copies.store}: {attack.__name__}"] = str(reason)
                verdict = ""
            finally:
                copy.close()
            if verdict:
                wrong.append(f"{attack.__name__} #{number} {place}: {verdict}")
        assert not wrong, "\n".join([f"{len(wrong)} wrong", *wrong[:12]])

    def compare(self, kind: str, copy: Copy) -> None:
        """Count which auditors, each with one kind of evidence more than the one before, find anything."""
        ((held,),) = copy.town.raw.execute("SELECT note FROM checkpoint ORDER BY tree_size DESC LIMIT 1").fetchall()
        found = found_by(copy, held)
        self.layers.setdefault(kind, Counter()).update({"injected": 1, **found})

    def judge(self, kind: str, place: Place, report: AuditReport, store: str = SQLITE) -> str:
        """Count one attack; returns what is wrong with what the audit found, empty when nothing is."""
        named = place.pop("kind", kind)
        also = {named, *place.pop("also", ())}
        hits = [each for each in report.findings if each.tampering == named]
        located = [each for each in hits if all(getattr(each, name) == value for name, value in place.items())]
        self.count(kind, store, found=bool(report.findings), named=bool(hits), located=bool(located))
        said = [(each.tampering, each.case_id, each.sequence, each.leaf_index, each.column) for each in report.findings]
        if not located:
            return f"expected {named}, found {said[:9]}"
        strange = [each for each in said if each[0] not in also]
        return f"besides {named} also {strange[:9]}" if strange else ""

    def count(self, kind: str, store: str = SQLITE, *, found: bool, named: bool, located: bool) -> None:
        counts = self.matrix.setdefault(kind, {}).setdefault(store, Counter())
        counts.update(injected=1, found=found, named=named, located=located)


@pytest.fixture(scope="session")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with open_chain("tester", tmp_path_factory.mktemp("chain")) as opened:
        yield opened


@pytest.fixture(scope="session")
def chain(connection: Connection, tmp_path_factory: pytest.TempPathFactory) -> AnchoringChain:
    return anchoring(connection, tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def klein(chain: AnchoringChain) -> Town:
    return small(chain)


@pytest.fixture(scope="session")
def gross(chain: AnchoringChain) -> Town:
    return tall(chain)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with postgresql() as running:
        yield running


def copies_of(town: Town, server: Server, *, backups: bool = True) -> Copies:
    """Return copies on PostgreSQL: the same rows, in a template for the town and one for each of its back-ups."""
    name = town.origin.partition(".")[0].replace("-", "_")
    kept = town.backups | town.between if backups else {}
    templates = {size: template(server, raw, f"{name}_{size}") for size, raw in kept.items()}
    found: dict[int | None, str] = {None: template(server, town.raw, name), **templates}
    return Copies(POSTGRESQL, lambda: PostgresCopy(town, server, found))


@pytest.fixture(scope="session")
def small_copies(klein: Town, server: Server) -> dict[str, Copies]:
    return {SQLITE: Copies(SQLITE, klein.copy), POSTGRESQL: copies_of(klein, server)}


@pytest.fixture(scope="session")
def tall_copies(gross: Town, server: Server) -> dict[str, Copies]:
    return {SQLITE: Copies(SQLITE, gross.copy), POSTGRESQL: copies_of(gross, server)}


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> str:
    """The database on which a test's attacks are made."""
    return str(request.param)


@pytest.fixture
def small_town(small_copies: dict[str, Copies], store: str) -> Copies:
    return small_copies[store]


@pytest.fixture(scope="session")
def rotated_copies(chain: AnchoringChain, server: Server) -> dict[str, Copies]:
    town = rotated(chain)
    return {SQLITE: Copies(SQLITE, town.copy), POSTGRESQL: copies_of(town, server, backups=False)}


@pytest.fixture
def rotated_town(rotated_copies: dict[str, Copies], store: str) -> Copies:
    """A town whose log changed its key twice."""
    return rotated_copies[store]


@pytest.fixture
def tall_town(tall_copies: dict[str, Copies], store: str) -> Copies:
    return tall_copies[store]


@pytest.fixture(scope="session")
def found_town(chain: AnchoringChain) -> Callable[[str], Town]:
    """Found a town of a name nobody else has."""
    return lambda name: Town(name, chain)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    if FULL:
        figures = {
            "about": {**machine(), "sqlite": sqlite3.sqlite_version, "postgresql": "18"},
            "classes": dict(sorted(lab.matrix.items())),
            "found with": {kind: dict(counts) for kind, counts in sorted(lab.layers.items())},
            "left out": dict(sorted(lab.left_out.items())),
        }
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n")


__all__ = ["Attack", "Copies", "Copy", "Lab", "Place", "Town", "at", "compact", "decode"]
