"""A small town's ledger, sealed and anchored on a real chain in process, and copies of it for an attacker to spoil.

    Town     a ledger in memory: built once a session through the real use cases, never changed by a test
    Copy     one copy of a town's database with triggers dropped and foreign keys off: what an administrator has
    Lab      makes attacks at seeded random places and holds what the audit finds against what was done

An attack is a function ``(copy, random) -> Place``: it spoils the copy and says what must be found, and where.
"""

# ruff: noqa: S608  table and column names come from the schema, never from outside

import json
import os
import platform
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.trail import Trail
from ledger_automation.canonical import commit
from ledger_automation.chain.anchoring import AnchoringChain, anchoring
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.local import open_chain
from ledger_automation.intake import mapping as mappings
from ledger_automation.intake.commands import commands
from ledger_automation.intake.generator import follows, generate
from ledger_automation.merkle import Frontier, leaf_hash
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.replay import Plan, replay
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.sequence import record_heartbeat, sequence
from ledger_automation.orchestrator.transition import Intent, Recorder, advance, open_case
from ledger_automation.store.engine import migrate
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.note import SignerKey
from ledger_automation.values import CaseId
from ledger_automation.verify.auditor import Auditor, AuditReport, Mark
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import DocumentRecord
from ledger_automation.workflows import Actor, Command, workflow

START = datetime(2025, 3, 3, 8, tzinfo=UTC)
RESULTS = Path(__file__).resolve().parents[3] / "benchmarks" / "tampering.json"

Place = dict[str, Any]
Attack = Callable[["Copy", Random], Place]


def memory() -> sqlite3.Connection:
    raw = sqlite3.connect(":memory:", check_same_thread=False)
    raw.row_factory = sqlite3.Row
    return raw


def engine_on(raw: sqlite3.Connection) -> Any:
    return create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)


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
        self.actors: dict[str, datetime] = {}

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
        """Bring pending events into the log under a signed checkpoint, without anchoring it."""
        done = sequence(self.begin, self.recorder, self.key, limit=limit, sweep=True)
        return done.checkpoint.tree_size if done else 0

    def seal(self) -> int:
        """Seal and anchor; keeps a backup of that moment."""
        size = seal(self.begin, self.recorder, self.key, Anchorer(self.begin, self.chain, self.policy)).tree_size
        self.backups[size] = memory()
        self.raw.backup(self.backups[size])
        return size

    def copy(self, of: sqlite3.Connection | None = None) -> "Copy":
        return Copy(self, of or self.raw)


class Copy:
    """A database in an attacker's hands."""

    def __init__(self, town: Town, of: sqlite3.Connection) -> None:
        self.town = town
        self.raw = memory()
        of.backup(self.raw)
        self.raw.isolation_level = None
        self.sql("PRAGMA foreign_keys=OFF")
        for (name,) in self.sql("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            self.sql(f'DROP TRIGGER "{name}"')

    def sql(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        return self.raw.execute(statement, values).fetchall()

    def set(self, table: str, column: str, value: Any, **where: Any) -> None:
        tests = " AND ".join(f'"{name}" IS ?' for name in where)
        count = self.raw.execute(
            f'UPDATE "{table}" SET "{column}" = ? WHERE {tests}', (value, *where.values())
        ).rowcount
        assert count == 1, f"{table}.{column} of {where}: {count} rows"

    def loosen(self, table: str) -> None:
        """Rebuild a table without types and constraints, so that a column may hold anything."""
        columns = ", ".join(f'"{row["name"]}"' for row in self.sql(f'PRAGMA table_info("{table}")'))
        self.sql("PRAGMA legacy_alter_table=ON")
        self.sql(f'ALTER TABLE "{table}" RENAME TO strict_{table}')
        self.sql(f'CREATE TABLE "{table}" ({columns})')
        self.sql(f'INSERT INTO "{table}" SELECT * FROM strict_{table}')
        self.sql(f"DROP TABLE strict_{table}")

    def events(self, having: str = "1") -> list[sqlite3.Row]:
        """Events with content and leaf, in the order of the log; those of the log's own case only when asked."""
        return self.sql(
            "SELECT e.*, c.salt, c.canonical, c.checksum, l.leaf_index, l.leaf_hash, k.sequence AS last,"
            " (SELECT count(*) FROM attachment a WHERE a.event_id = e.id) AS documents"
            ' FROM event e JOIN content c ON c.event_id = e.id JOIN "case" k USING (case_id)'
            f" JOIN leaf l ON l.event_id = e.id WHERE {having} ORDER BY leaf_index"
        )

    def event(self, random: Random, having: str = "e.workflow <> 'log'") -> sqlite3.Row:
        """Draw one event."""
        row: sqlite3.Row = random.choice(self.events(having))
        return row

    def audit(
        self, level: Level = Level.ANCHORED, *, held: tuple[str, ...] = (), mark: Mark | None = None
    ) -> AuditReport:
        chain = self.town.chain if level is Level.ANCHORED else None
        auditor = Auditor(self.town.policy.at(level), chain, held)
        with SqlUnitOfWork.open(engine_on(self.raw), reading=True) as unit:
            return auditor.audit(unit.cases, unit.log, mark)

    def rewrite(self, event_id: int, change: Callable[[Any], Any], *, checksum: bool = True) -> bytes:
        """Change an event's canonical content, leaving salt, commitment and leaf as they are."""
        (row,) = self.sql("SELECT canonical FROM content WHERE event_id = ?", event_id)
        value = json.loads(row["canonical"])
        change(value)
        canonical = compact(value)
        self.replace(event_id, canonical, checksum=checksum)
        return canonical

    def replace(self, event_id: int, canonical: bytes, *, checksum: bool = True) -> None:
        from zlib import crc32  # noqa: PLC0415

        self.set("content", "canonical", canonical, event_id=event_id)
        if checksum:
            self.set("content", "checksum", crc32(canonical), event_id=event_id)

    def recommit(self, event_id: int) -> bytes:
        """Make commitment and leaf fit the content again."""
        (row,) = self.sql("SELECT salt, canonical FROM content WHERE event_id = ?", event_id)
        commitment = commit(row["salt"], row["canonical"])
        self.set("event", "commitment", bytes(commitment), id=event_id)
        self.sql("UPDATE leaf SET leaf_hash = ? WHERE event_id = ?", leaf_hash(commitment), event_id)
        return bytes(commitment)

    def resign(self, case_id: str, since: int = 0) -> None:
        """Rewrite history as the operator could: chain of the case, leaves, nodes, and every note with the real key."""
        previous: bytes | None = None
        for row in self.sql("SELECT id, sequence, commitment FROM event WHERE case_id = ? ORDER BY sequence", case_id):
            if row["sequence"] > since:
                head = None if previous is None else previous.hex()
                self.rewrite(row["id"], lambda value, head=head: value.update(previous=head))  # type: ignore[misc]
            previous = self.recommit(row["id"]) if row["sequence"] >= since else row["commitment"]
        self.project(case_id)
        self.sign_again()

    def project(self, case_id: str) -> None:
        """Let a case's row say what its events now lead to, as far as the law goes with them."""
        trail, last = Trail(), None
        for last in self.sql(
            "SELECT * FROM event JOIN content ON event_id = id WHERE case_id = ? ORDER BY sequence", case_id
        ):
            if trail.follow(decode(last["canonical"]), last["commitment"]) is not None:
                return
        if last is None or trail.case is None or trail.table is None:
            self.sql('DELETE FROM "case" WHERE case_id = ?', case_id)
            return
        self.sql(
            'UPDATE "case" SET sequence = ?, state = ?, head = ?, at = ?, data = ? WHERE case_id = ?',
            last["sequence"], last["to_state"], last["commitment"], last["occurred_at"],
            trail.table.freeze(trail.case.data), case_id,
        )  # fmt: skip

    def sign_again(self) -> None:
        """Recompute nodes and checkpoints over the leaves as they now are."""
        frontier = Frontier()
        leaves = [row["leaf_hash"] for row in self.sql("SELECT leaf_hash FROM leaf ORDER BY leaf_index")]
        self.sql("DELETE FROM node")
        for (size,) in self.sql("SELECT tree_size FROM checkpoint WHERE tree_size <= ? ORDER BY 1", len(leaves)):
            for node in frontier.extend(leaves[frontier.size : size]):
                self.sql("INSERT INTO node VALUES (?, ?, ?)", *node)
            self.note(size, frontier.root_hash())

    def note(self, size: int, root: bytes, key: SignerKey | None = None) -> None:
        """Put a signed note for a size and root in place of the one of that size."""
        note = Checkpoint(self.town.origin, size, root, EMPTY_MAP_ROOT).sign(key or self.town.key)
        self.sql("UPDATE checkpoint SET root_hash = ?, note = ? WHERE tree_size = ?", root, note, size)

    def sizes(self) -> list[int]:
        return [size for (size,) in self.sql("SELECT tree_size FROM checkpoint ORDER BY 1")]

    def anchored(self) -> list[int]:
        return [size for (size,) in self.sql("SELECT tree_size FROM submission ORDER BY 1")]

    def end(self) -> int:
        return int(self.sql("SELECT max(leaf_index) + 1 FROM leaf")[0][0])


def compact(value: Any) -> bytes:
    """Write JSON as the canonical form does, but of anything."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def at(row: sqlite3.Row, column: str | None = None) -> Place:
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


class Lab:
    """Makes attacks and keeps count: the catalogue's matrix."""

    def __init__(self) -> None:
        self.matrix: dict[str, Counter[str]] = {}

    def run(self, kind: str, attacks: list[Attack], fresh: Callable[[], Copy], times: int = 20) -> None:
        """Make each attack at random places, ``times`` in all; every one must be found, named and located."""
        wrong = []
        for number in range(max(times, len(attacks))):
            attack, copy = attacks[number % len(attacks)], fresh()
            place = attack(copy, Random(f"{kind}/{number}"))
            level = place.pop("level", Level.ANCHORED)
            held = place.pop("held", ())
            report = copy.audit(level, held=held)
            verdict = self.judge(kind, place, report)
            if verdict:
                wrong.append(f"{attack.__name__} #{number} {place}: {verdict}")
        assert not wrong, "\n".join([f"{len(wrong)} wrong", *wrong[:12]])

    def judge(self, kind: str, place: Place, report: AuditReport) -> str:
        """Count one attack; returns what is wrong with what the audit found, empty when nothing is."""
        named = place.pop("kind", kind)
        also = {named, *place.pop("also", ())}
        hits = [each for each in report.findings if each.tampering == named]
        located = [each for each in hits if all(getattr(each, name) == value for name, value in place.items())]
        self.count(kind, found=bool(report.findings), named=bool(hits), located=bool(located))
        said = [(each.tampering, each.case_id, each.sequence, each.leaf_index, each.column) for each in report.findings]
        if not located:
            return f"expected {named}, found {said}"
        strange = [each for each in said if each[0] not in also]
        return f"besides {named} also {strange}" if strange else ""

    def count(self, kind: str, *, found: bool, named: bool, located: bool) -> None:
        counts = self.matrix.setdefault(kind, Counter())
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
def found_town(chain: AnchoringChain) -> Callable[[str], Town]:
    """Found a town of a name nobody else has."""
    return lambda name: Town(name, chain)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    if os.environ.get("LEDGER_WRITE_BENCHMARKS") == "1":
        facts = {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "store": f"SQLite {sqlite3.sqlite_version}",
        }
        classes = {kind: dict(counts) for kind, counts in sorted(lab.matrix.items())}
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps({"about": facts, "classes": classes}, indent=1) + "\n")


__all__ = ["Attack", "Copy", "Lab", "Place", "Town", "at", "compact", "decode"]
