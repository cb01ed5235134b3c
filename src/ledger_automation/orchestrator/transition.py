"""One step of one case: ask the law, write the event, commit once.

`Recorder.step` is pure but for the salt: from where a case stands and a command it makes the event, its canonical bytes
and its commitment. `open_case` and `advance` put one such step into one transaction (T1): case row, event row and
content row together, or nothing. If we die before the commit nothing happened; if we die after it, the sequencer finds
the event.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from ledger_automation.audit.encoding import encode
from ledger_automation.audit.event import SCHEMA, Attachment, AuditEvent
from ledger_automation.canonical import commit
from ledger_automation.errors import NotFound, TransitionNotAllowed
from ledger_automation.orchestrator.ports import Begin, RecordedStep, UnitOfWork
from ledger_automation.values import ActorId, CaseId, Salt, parse_timestamp, timestamp
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import FORGOTTEN, CaseRecord, DocumentRecord
from ledger_automation.workflows import Actor, Case, Command, Workflow, workflow

Clock = Callable[[], datetime]
"""Returns now, aware."""


class Standing(NamedTuple):
    """Where a case stands before its next step; ``case`` and ``head`` are None before the first."""

    case_id: CaseId
    table: Workflow[Any]
    level: Level
    case: Case | None = None
    head: bytes | None = None

    @classmethod
    def of(cls, record: CaseRecord) -> "Standing":
        """Read a stored case; of one that was forgotten the law remembers nothing."""
        table = workflow(record.workflow)
        data = table.thaw(record.data) if record.data != FORGOTTEN else None
        case = Case(record.state, record.sequence, parse_timestamp(record.at), data)
        return cls(CaseId(record.case_id), table, Level(record.level), case, record.head)

    @property
    def is_forgotten(self) -> bool:
        """Tell whether the case's content was destroyed, and what the law remembered of it."""
        return self.case is not None and self.case.data is None


class Intent(NamedTuple):
    """What somebody wants to do, when it happened, and the documents that come with it."""

    command: Command
    at: datetime
    documents: tuple[DocumentRecord, ...] = ()


class Recorder:
    """Makes events for one log."""

    def __init__(self, origin: str, clock: Clock) -> None:
        self.origin = origin
        self.clock = clock

    def at(self, moment: datetime) -> "Recorder":
        """Return one for which it is always that moment: it makes the very same event again."""
        return Recorder(self.origin, lambda: moment)

    def step(self, standing: Standing, intent: Intent) -> tuple[RecordedStep, Standing]:
        """Apply a command; raises what the law raises, and CanonicalError for text that cannot be committed."""
        event, after = self.draft(standing, intent)
        return self.complete(standing, after, event, Salt.random(), intent.documents)

    def draft(self, standing: Standing, intent: Intent) -> tuple[AuditEvent, Case]:
        """Apply a command; return the event, which nobody has signed yet, and the case after it."""
        if standing.is_forgotten:
            raise TransitionNotAllowed("content_destroyed", "What the case was about is destroyed; it does not go on.")
        table = standing.table
        command, at, documents = intent
        command = Command(command.action, Actor(str(command.actor.id), command.actor.role), command.payload)
        applied = table.apply(standing.case, command, at)
        event = AuditEvent(
            schema=SCHEMA,
            origin=self.origin,
            workflow=table.name,
            workflow_version=table.version,
            case_id=str(standing.case_id),
            sequence=applied.case.sequence,
            previous=None if standing.head is None else standing.head.hex(),
            action=command.action,
            from_state=applied.from_state,
            to_state=applied.case.state,
            actor=command.actor,
            occurred_at=timestamp(at),
            recorded_at=timestamp(self.clock()),
            payload=applied.payload,
            attachments=tuple(Attachment.of(*each) for each in documents),
            signature=None,
        )
        return event, applied.case

    def complete(
        self, standing: Standing, case: Case, event: AuditEvent, salt: bytes, documents: tuple[DocumentRecord, ...]
    ) -> tuple[RecordedStep, Standing]:
        """Commit to an event and make it ready to be stored, with the case after it."""
        canonical = encode(event)
        commitment = commit(salt, canonical)
        after = standing._replace(case=case, head=commitment)
        record, parties = _record(after, case, commitment), _new_parties(standing, case)
        return RecordedStep(record, event, canonical, salt, commitment, documents, parties), after


def open_case(begin: Begin, recorder: Recorder, table: Workflow[Any], level: Level, intent: Intent) -> RecordedStep:
    """Open a case under a fresh random id; raises what the law raises."""
    with begin() as unit:
        return _record_one(unit, recorder, Standing(CaseId.random(), table, level), intent)


def advance(begin: Begin, recorder: Recorder, case_id: CaseId, intent: Intent) -> RecordedStep:
    """Take a case one step on; raises NotFound, what the law raises, or Conflict."""
    with begin() as unit:
        record = unit.cases.case(case_id)
        if record is None:
            raise NotFound(f"There is no case {case_id}.", case_id=case_id)
        return _record_one(unit, recorder, Standing.of(record), intent)


def _record_one(unit: UnitOfWork, recorder: Recorder, standing: Standing, intent: Intent) -> RecordedStep:
    step, _ = recorder.step(standing, intent)
    unit.cases.record([step])
    unit.commit()
    return step


def _new_parties(before: Standing, after: Case) -> tuple[str, ...]:
    """Return those whose own case it becomes; without who was one already, and without words that name nobody here."""
    known = before.table.parties(before.case.data) if before.case is not None else ()
    named = dict.fromkeys(before.table.parties(after.data))
    return tuple(each for each in named if each not in known and ActorId.could_be(each))


def _record(standing: Standing, case: Case, head: bytes) -> CaseRecord:
    table = standing.table
    return CaseRecord(
        case_id=standing.case_id,
        workflow=table.name,
        workflow_version=table.version,
        level=standing.level.value,
        state=case.state,
        sequence=case.sequence,
        at=timestamp(case.at),
        head=head,
        data=table.freeze(case.data),
    )
