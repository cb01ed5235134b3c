"""The two systems without evidence outside the database: an audit table, and one whose rows are chained by hashes.

Both judge each step by the same law as the ledger does, and keep the case's row beside it. The table writes the step as
columns and a JSON payload. The hash chain writes the hash of each step as well, which takes in the hash of the case's
previous one: whoever changes a row must compute all that follow anew, which he can, since no key is needed.

Their audit reads everything: sequences without gaps, the law replayed, the case's row, documents by their hashes where
there is a chain. Its findings bear the same classes as the ledger's.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final

import msgspec

from ledger_automation.audit.encoding import encode
from ledger_automation.audit.event import SCHEMA, Attachment, AuditEvent
from ledger_automation.audit.trail import Trail
from ledger_automation.errors import LedgerError, NotFound
from ledger_automation.orchestrator.ports import IntakeRun, RecordedStep
from ledger_automation.orchestrator.replay import Arrival, Plan, replay
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.study.systems.port import RECORDED, Audited, Paid
from ledger_automation.study.systems.rows import CASE, EVENT, Row, Rows
from ledger_automation.values import CaseId, timestamp
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import CaseRecord, DocumentRecord
from ledger_automation.verify.verdict import Finding
from ledger_automation.workflows import Actor, Case, Workflow

_CASE: Final = f"SELECT {', '.join(CASE)} FROM audit_case WHERE case_id = ?"  # noqa: S608
_CHUNK: Final = 500


class PlainRecorder(Recorder):
    """Makes steps that are committed to by nothing, or by a hash over the step and the one before it."""

    def __init__(self, origin: str, clock: Any, *, chained: bool) -> None:
        super().__init__(origin, clock)
        self._chained = chained

    def step(self, standing: Standing, intent: Intent) -> tuple[RecordedStep, Standing]:
        """Apply a command, as the ledger does; nothing is salted, since nothing leaves the database."""
        standing = standing._replace(head=standing.head or None)
        event, after = self.draft(standing, intent)
        return self.complete(standing, after, event, b"", intent.documents)

    def complete(
        self, standing: Standing, case: Case, event: AuditEvent, salt: bytes, documents: tuple[DocumentRecord, ...]
    ) -> tuple[RecordedStep, Standing]:
        """Make a step ready to be stored."""
        head = digest(event) if self._chained else b""
        after = standing._replace(case=case, head=head or None)
        table = standing.table
        record = CaseRecord(
            standing.case_id, table.name, table.version, standing.level.value, case.state, case.sequence,
            timestamp(case.at), head, table.freeze(case.data),
        )  # fmt: skip
        return RecordedStep(record, event, msgspec.json.encode(event.payload), salt, head, documents), after


def digest(event: AuditEvent) -> bytes:
    """Return the hash of a step, over its canonical bytes, which name the step before it."""
    return sha256(encode(event)).digest()


class PlainUnit:
    """One unit of work; satisfies of `orchestrator.ports.UnitOfWork` what `replay` and a step need."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.cases = self
        self.intake = _Runs(rows)

    def case(self, case_id: str) -> CaseRecord | None:
        """Return one case's row."""
        row = self._rows.query(_CASE, (case_id,)).fetchone()
        return _case(row) if row else None

    def known(self, case_ids: Sequence[str]) -> dict[str, CaseRecord]:
        """Return the rows of those cases that there are."""
        found: dict[str, CaseRecord] = {}
        for at in range(0, len(case_ids), _CHUNK):
            some = case_ids[at : at + _CHUNK]
            among = f"{_CASE.rpartition('=')[0]} IN ({', '.join('?' * len(some))})"
            found |= {row[0]: _case(row) for row in self._rows.query(among, some)}
        return found

    def record(self, steps: Sequence[RecordedStep]) -> None:
        """Store steps."""
        if self._rows.one_statement and len(steps) == 1 and not steps[0].documents:
            self._rows.step(steps[0].case, _event(steps[0]))
            return
        first: dict[str, int] = {}
        last: dict[str, CaseRecord] = {}
        for step in steps:
            first.setdefault(step.case.case_id, step.event.sequence)
            last[step.case.case_id] = step.case
        self._rows.steps(
            [tuple(each) for each in last.values() if first[each.case_id] == 0],
            [(tuple(each), first[each.case_id] - 1) for each in last.values() if first[each.case_id] > 0],
            [_event(step) for step in steps],
            [
                (step.event.case_id, step.event.sequence, at, *each)
                for step in steps
                for at, each in enumerate(step.documents)
            ],
        )

    def commit(self) -> None:
        """Nothing: the block's end commits."""


class _Runs:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def run(self, source: str) -> IntakeRun | None:
        """Return how far a replay has come."""
        row = self._rows.query("SELECT run FROM audit_run WHERE source = ?", (source,)).fetchone()
        return msgspec.msgpack.decode(row[0], type=IntakeRun) if row else None

    def save(self, run: IntakeRun) -> None:
        """Write down how far a replay has come."""
        plain = msgspec.structs.replace(run, secret=bytes(run.secret))
        self._rows.save_run(run.source, msgspec.msgpack.encode(plain))


class Baseline:
    """The audit table, or the hash chain."""

    def __init__(self, name: str, rows: Rows, recorder: PlainRecorder, durability: str) -> None:
        self.name = name
        self.durability = durability
        self._rows = rows
        self._recorder = recorder
        self._cases: dict[str, CaseId] = {}

    def take(self, name: str, table: Workflow[Any], intent: Intent) -> tuple[str, int]:
        """Take a case one step on; see the port."""
        with self._begin(single=not intent.documents) as unit:
            case_id = self._cases.get(name)
            if case_id is None:
                standing = Standing(CaseId.random(), table, Level.RECORDED)
            else:
                record = unit.case(case_id)
                if record is None:
                    raise NotFound(f"There is no case {case_id}.", case_id=case_id)
                standing = Standing.of(record)
            step, _ = self._recorder.step(standing, intent)
            unit.record([step])
        self._cases[name] = CaseId(step.event.case_id)
        return step.event.case_id, step.event.sequence

    @contextmanager
    def _begin(self, *, single: bool = False) -> Iterator[PlainUnit]:
        if single and self._rows.one_statement:
            yield PlainUnit(self._rows)
            return
        with self._rows.transaction():
            yield PlainUnit(self._rows)

    def replay(self, plan: Plan, arrivals: Iterable[Arrival], after_chunk: Callable[[IntakeRun], None]) -> IntakeRun:
        """Replay a log; see the port."""
        begin: Any = self._begin  # the port's other stores are the ledger's own
        return replay(begin, self._recorder, plan, arrivals, after_chunk)

    def work(self, *, now: bool = False) -> dict[str, int]:  # noqa: ARG002
        """There is nothing to do: what is recorded is all there will be."""
        return {RECORDED: self._rows.query("SELECT count(*) FROM audit_event").fetchone()[0]}

    def places(self) -> dict[tuple[str, int], int]:
        """Return events by their place; see the port."""
        rows = self._rows.query("SELECT case_id, sequence FROM audit_event ORDER BY id")
        return {(case_id, sequence): place for place, (case_id, sequence) in enumerate(rows)}

    def audit(self, *, again: bool = False) -> Audited:  # noqa: ARG002  nothing here tells what was read before
        """Read and check everything; see the port."""
        started = time.perf_counter()
        audit = _Audit(self._rows, self._recorder.origin, chained=self.name == "hash_chain")
        findings = tuple(audit.run())
        return Audited(audit.events, findings, time.perf_counter() - started)

    def stored_bytes(self) -> int:
        """Return what lies on the disk."""
        return self._rows.stored_bytes()

    def proof_bytes(self) -> int:
        """Nothing here proves anything to anybody outside."""
        return 0

    def gas(self) -> Paid:
        """Nothing is paid."""
        return Paid()


class _Audit:
    """One pass over all cases, in the order of their ids."""

    def __init__(self, rows: Rows, origin: str, *, chained: bool) -> None:
        self._rows = rows
        self._origin = origin
        self._chained = chained
        self.events = 0

    def run(self) -> Iterator[Finding]:
        """Yield everything that does not hold, case by case."""
        cases = {row[0]: _case(row) for row in self._rows.query(_CASE.partition(" WHERE")[0])}
        documents = defaultdict(list)
        query = "SELECT case_id, sequence, name, media_type, content FROM audit_document ORDER BY 1, 2, position"
        for case_id, sequence, *document in self._rows.query(query).fetchall():
            documents[case_id, sequence].append(DocumentRecord(*document))
        trails = defaultdict(list)
        for row in self._rows.query(f"SELECT {', '.join(EVENT)} FROM audit_event ORDER BY case_id, sequence"):  # noqa: S608
            trails[row[0]].append(row)
            self.events += 1
        for case_id in sorted(cases.keys() | trails.keys()):
            yield from self._case(case_id, cases.get(case_id), trails.get(case_id, []), documents)

    def _case(
        self, case_id: str, case: CaseRecord | None, rows: list[Row], documents: dict[Any, list[DocumentRecord]]
    ) -> Iterator[Finding]:
        trail = Trail()
        for row in rows:
            flaw = self._flaw(trail, row, documents.get((row[0], row[1]), []))
            if flaw is not None:
                yield Finding(tampering=flaw[0], sentence=flaw[1], case_id=case_id, sequence=row[1])
                return
        last = (trail.case.state, trail.case.sequence) if trail.case else None
        if case is None or last != (case.state, case.sequence):
            kind, stands = ("T05", None) if case is None else ("T03", (case.state, case.sequence))
            sentence = "The case's row does not stand where its steps lead."
            yield Finding(tampering=kind, sentence=sentence, case_id=case_id, expected=stands, actual=last)

    def _flaw(self, trail: Trail, row: Row, documents: list[DocumentRecord]) -> tuple[str, str] | None:
        """Follow a row; return the class and sentence of what does not hold."""
        try:
            event = event_of(row, self._origin, documents)
            found = digest(event) if self._chained else None
            divergence = trail.follow(event, found or b"")
        except (LedgerError, msgspec.MsgspecError, ValueError) as error:
            return "T02", f"The row is no step: {error}."
        trail.head = found
        if divergence is not None:
            return _UNLAWFUL.get(divergence.rule, "T49"), divergence.sentence
        if self._chained and row[-1] != found:
            return "T02", "The row is not what its hash was made over."
        return None


_UNLAWFUL: Final = {"sequence": "T04", "previous": "T02"}


def event_of(row: Row, origin: str, documents: list[DocumentRecord]) -> AuditEvent:
    """Read a row back as the step that it was; raises MsgspecError, InvalidInput."""
    fields = dict(zip(EVENT, row, strict=True))
    previous = fields["previous"]
    return AuditEvent(
        schema=SCHEMA,
        origin=origin,
        workflow=fields["workflow"],
        workflow_version=fields["workflow_version"],
        case_id=fields["case_id"],
        sequence=fields["sequence"],
        previous=previous.hex() if previous else None,
        action=fields["action"],
        from_state=fields["from_state"],
        to_state=fields["to_state"],
        actor=Actor(fields["actor_id"], fields["actor_role"]),
        occurred_at=fields["occurred_at"],
        recorded_at=fields["recorded_at"],
        payload=msgspec.json.decode(fields["payload"]),
        attachments=tuple(Attachment.of(*each) for each in documents),
        signature=None,
    )


def _event(step: RecordedStep) -> tuple[Any, ...]:
    return row_of(step.event, step.canonical, step.commitment or None)


def row_of(event: AuditEvent, payload: bytes, found: bytes | None) -> tuple[Any, ...]:
    """Write a step as a row; ``found`` is its hash, where it has one."""
    previous = bytes.fromhex(event.previous) if event.previous else None
    return (
        event.case_id, event.sequence, event.workflow, event.workflow_version, event.action, event.from_state,
        event.to_state, event.actor.id, event.actor.role, event.occurred_at, event.recorded_at, payload, previous,
        found,
    )  # fmt: skip


def _case(row: Row) -> CaseRecord:
    record = CaseRecord._make(row)
    return record._replace(head=bytes(record.head or b""), data=bytes(record.data))
