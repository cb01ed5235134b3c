"""Submissions, alarms and replays as rows: the only rows besides cases that are updated, each by its own fact."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, false, func, or_, select, true, tuple_, update

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.ports import IntakeRun
from ledger_automation.orchestrator.submission import (
    OPEN,
    Alarm,
    AlarmKind,
    SignedSubmission,
    State,
    Subject,
    Submission,
)
from ledger_automation.store.dialect import dialect
from ledger_automation.store.tables import IS_STANDING, AlarmRow, IntakeRunRow, SubmissionRow, table

_SUBMISSION, _ALARM, _RUN = table(SubmissionRow), table(AlarmRow), table(IntakeRunRow)
_ORDER = (_SUBMISSION.c.sender, _SUBMISSION.c.nonce, _SUBMISSION.c.attempt)
_IS_OPEN = _SUBMISSION.c.state.in_(OPEN)
_UPDATE = (
    update(_SUBMISSION)
    .where(_SUBMISSION.c.transaction == bindparam("_transaction"))
    .values({name: bindparam(f"_{name}") for name in ("state", "block_number", "block_hash", "sent_block")})
)


class SqlAnchors:
    """Satisfies `orchestrator.ports.AnchorStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, submission: Submission) -> None:
        """Insert a submission; one process after another, since what admits it is what the others have sent.

        eth-tester's chains are all alike: what was sent to a lost one may be signed again, byte for byte.
        """
        dialect(self._connection).take_turn(self._connection, "submission")
        self._admit(submission)
        row = _as_row(submission)
        lost = _SUBMISSION.c.state == State.LOST
        known = dialect(self._connection).upsert(_SUBMISSION).values(row)
        self._connection.execute(known.on_conflict_do_update(index_elements=["transaction"], set_=row, where=lost))

    def update(self, before: Sequence[Submission], after: Sequence[Submission]) -> bool:
        """Update the submissions of one nonce, as one compare-and-swap."""
        dialect(self._connection).take_turn(self._connection, "submission")
        first = before[0]
        standing = [row for row in self.unsettled(first.chain_id) if _lane(row) == _lane(first)]
        if standing != list(before):
            return False
        names = ("transaction", "state", "block_number", "block_hash", "sent_block")
        rows = [_as_row(each) for each in after]
        self._connection.execute(_UPDATE, [{f"_{name}": row[name] for name in names} for row in rows])
        return True

    def of(self, subject: Subject) -> list[Submission]:
        """Read all submissions for a subject."""
        return self._read(_SUBMISSION.c.subject == subject.key)

    def unsettled(self, chain_id: int) -> list[Submission]:
        """Read what may still change, and what has the nonce of such a one."""
        lanes = select(_SUBMISSION.c.sender, _SUBMISSION.c.nonce).where(_IS_OPEN, _SUBMISSION.c.chain_id == chain_id)
        sibling = and_(_SUBMISSION.c.state == State.REPLACED, tuple_(*_ORDER[:2]).in_(lanes))
        return self._read(and_(_SUBMISSION.c.chain_id == chain_id, or_(_IS_OPEN, sibling)))

    def last_final(self, chain_id: int) -> Submission | None:
        """Read the highest final submission."""
        wanted = and_(_SUBMISSION.c.chain_id == chain_id, _SUBMISSION.c.state == State.FINAL)
        highest = select(func.max(_SUBMISSION.c.block_number)).where(wanted).scalar_subquery()
        return next(iter(self._read(and_(wanted, _SUBMISSION.c.block_number == highest))), None)

    def last_anchored(self, chain_id: int) -> int:
        """Read the largest final size."""
        wanted = and_(_SUBMISSION.c.chain_id == chain_id, _SUBMISSION.c.state == State.FINAL)
        largest = select(func.coalesce(func.max(_SUBMISSION.c.tree_size), 0)).where(wanted)
        return int(self._connection.execute(largest).scalar_one())

    def lose(self, chain_id: int) -> None:
        """Update all submissions to a chain that is gone."""
        self._connection.execute(update(_SUBMISSION).where(_SUBMISSION.c.chain_id == chain_id).values(state=State.LOST))

    def ring(self, alarm: Alarm, at: str) -> bool:
        """Insert an alarm, or count it, in one statement: two processes may find the same at once."""
        facts = msgspec.json.encode(alarm.facts).decode()
        row = {**msgspec.structs.asdict(alarm), "facts": facts, "since": at, "times": 1, "standing": True}
        wanted = dialect(self._connection).upsert(_ALARM).values(row)
        counted = wanted.on_conflict_do_update(
            index_elements=["kind", "about"], index_where=IS_STANDING, set_={"times": _ALARM.c.times + 1}
        )
        return bool(self._connection.execute(counted.returning(_ALARM.c.times)).scalar_one() == 1)

    def alarms(self) -> list[Alarm]:
        """Read the standing alarms."""
        wanted = select(_ALARM).where(_ALARM.c.standing.is_(true())).order_by(_ALARM.c.id)
        rows = self._connection.execute(wanted).mappings()
        return [
            Alarm(AlarmKind(row["kind"]), row["about"], row["sentence"], msgspec.json.decode(row["facts"]))
            for row in rows
        ]

    def quiet(self, kind: AlarmKind, about: str) -> None:
        """Update an alarm."""
        wanted = and_(_ALARM.c.kind == kind, _ALARM.c.about == about)
        self._connection.execute(update(_ALARM).where(wanted).values(standing=false()))

    def _admit(self, new: Submission) -> None:
        """Refuse a second effect for a subject and a second subject for a nonce: two processes may have signed."""
        standing = self._read(
            and_(
                _SUBMISSION.c.chain_id == new.chain_id,
                or_(_IS_OPEN, _SUBMISSION.c.state == State.FINAL),
                or_(
                    _SUBMISSION.c.subject == new.subject.key,
                    and_(_SUBMISSION.c.sender == new.signed.sender, _SUBMISSION.c.nonce == new.signed.nonce),
                ),
            )
        )
        for row in standing:
            if _lane(row) != _lane(new) or row.subject != new.subject or row.state is State.FINAL:
                raise Conflict(
                    f"Another process was faster: nonce {row.signed.nonce} is for {row.subject.key} already.",
                    subject=new.subject.key,
                    nonce=row.signed.nonce,
                )

    def _read(self, where: Any) -> list[Submission]:
        rows = self._connection.execute(select(_SUBMISSION).where(where).order_by(*_ORDER)).mappings()
        return [_from_row(row) for row in rows]


def _lane(row: Submission) -> tuple[str, int]:
    return row.signed.sender, row.signed.nonce


def _as_row(submission: Submission) -> dict[str, Any]:
    fields = msgspec.structs.asdict(submission)
    signed, subject = fields.pop("signed"), fields.pop("subject")
    return {**fields, **msgspec.structs.asdict(signed), **msgspec.structs.asdict(subject), "subject": subject.key}


def _from_row(row: Any) -> Submission:
    return Submission(
        signed=SignedSubmission(*(row[name] for name in SignedSubmission.__struct_fields__)),
        subject=Subject(*(row[name] for name in Subject.__struct_fields__)),
        **{name: row[name] for name in Submission.__struct_fields__ if name not in ("signed", "subject", "state")},
        state=State(row["state"]),
    )


class SqlIntake:
    """Satisfies `orchestrator.ports.IntakeStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, source: str) -> IntakeRun | None:
        """Read a run."""
        row = self._connection.execute(select(_RUN).where(_RUN.c.source == source)).mappings().one_or_none()
        if row is None:
            return None
        return msgspec.convert({**row, "refusals": msgspec.json.decode(row["refusals"])}, IntakeRun)

    def save(self, run: IntakeRun) -> None:
        """Insert or update a run."""
        row = {**msgspec.structs.asdict(run), "refusals": msgspec.json.encode(run.refusals).decode()}
        known = dialect(self._connection).upsert(_RUN).values(row)
        self._connection.execute(known.on_conflict_do_update(index_elements=["source"], set_=row))
