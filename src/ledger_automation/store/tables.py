"""The tables, as alembic's migrations make them (a test compares the two).

    case        where each case stands: a projection, rebuilt from its events, and the one row that changes
    event       one row for each step: never changed, never deleted
    content     salt and canonical bytes of an event: the part that an erasure destroys
    attachment  the documents of an event, erased with its content
    leaf        the log's order: never changed, never deleted; an event without a leaf is the outbox
    node        roots of full tiles of 256, so that proofs need few rows
    checkpoint  what the log signed of itself
    map_tile    the case map, four levels a row, as it was at the sizes that it must be proved for: a projection
    cosignature what witnesses said of a checkpoint, each once
    submission  what was sent to a chain, and what became of it
    alarm       what a person should hear of: one row for as long as it stands, kept when it is over
    held_step   a signed step that its contract has not decided yet
    intake_run  how far the replay of a file has come, written in the transaction of its events
    member      who may act in which roles, by the word of which issuer
    party       whose own case a case is: a projection, to list by; the case's data decides
    answer      what a request was answered, written in the transaction of its step, so that one may ask again
    upload      a document that was sent and waits for the step that takes it, two days at most
    webhook     who is told of what happens, and how far along the log that is
    audit_run   what each audit found
    session     who is signed in by a browser, ten hours at most
    passkey     with which passkeys somebody signs, until he removes them

The queryable columns of ``event`` repeat what its canonical bytes say; the verifier compares the two.
"""

from typing import Any, Final

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ledger_automation.store.dialect import WHOLE


def _octets() -> Any:
    return Field(sa_column=Column(LargeBinary, nullable=False))


def _whole(*, nullable: bool = False, key: bool = False, drawn: bool = False, of: str = "") -> Any:
    """Define a number; ``drawn`` by the database where none is given, ``of`` another table's key."""
    constraints = [ForeignKey(of)] if of else []
    column: Any = Column(WHOLE, *constraints, nullable=nullable, primary_key=key, autoincrement=drawn)
    return Field(default=None, sa_column=column) if nullable or drawn else Field(sa_column=column)


def _index(name: str, *columns: str, where: Any, unique: bool = False) -> Index:
    """Define an index of some rows only; both dialects have them, each under a name of its own."""
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


IS_ENFORCED: Final = text("level = 'enforced'")
"""Of a case, in the very words of its index."""

IS_STANDING: Final = text("standing")
"""Of an alarm, likewise."""


class CaseRow(SQLModel, table=True):
    """Where a case stands. ``head`` is the commitment of its last event, ``data`` its law's memory."""

    __tablename__ = "case"
    __table_args__ = (_index("ix_case_enforced", "case_id", where=IS_ENFORCED),)

    case_id: str = Field(primary_key=True)
    workflow: str
    workflow_version: int = _whole()
    level: str
    state: str
    sequence: int = _whole()
    at: str
    head: bytes = _octets()
    data: bytes = _octets()


class EventRow(SQLModel, table=True):
    """One step, in columns that can be asked for, and its commitment."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("case_id", "sequence"), {"sqlite_autoincrement": True})

    id: int | None = _whole(key=True, drawn=True)
    case_id: str
    sequence: int = _whole()
    workflow: str
    action: str
    to_state: str
    actor_id: str
    actor_role: str
    occurred_at: str
    recorded_at: str
    amount: int | None = _whole(nullable=True)
    commitment: bytes = _octets()


class ContentRow(SQLModel, table=True):
    """What opens an event's commitment. ``checksum`` (CRC-32) tells, if it does not, whether the bytes changed."""

    __tablename__ = "content"

    event_id: int = _whole(key=True, of="event.id")
    salt: bytes = _octets()
    canonical: bytes = _octets()
    checksum: int = _whole()


class AttachmentRow(SQLModel, table=True):
    """A document of an event, by its place among the event's attachments."""

    __tablename__ = "attachment"

    event_id: int = _whole(key=True, of="event.id")
    position: int = _whole(key=True)
    name: str
    media_type: str
    content: bytes = _octets()


class LeafRow(SQLModel, table=True):
    """A place in the log. Case and sequence say whose it is, even when the event's row is gone."""

    __tablename__ = "leaf"
    __table_args__ = (Index("ix_leaf_event", "event_id", unique=True),)

    leaf_index: int = _whole(key=True)
    event_id: int = _whole()
    case_id: str
    sequence: int = _whole()
    leaf_hash: bytes = _octets()


class NodeRow(SQLModel, table=True):
    """The root of a full tile."""

    __tablename__ = "node"

    level: int = _whole(key=True)
    number: int = _whole(key=True)
    hash: bytes = _octets()


class CheckpointRow(SQLModel, table=True):
    """A signed note with its two facts as columns."""

    __tablename__ = "checkpoint"

    tree_size: int = _whole(key=True)
    root_hash: bytes = _octets()
    note: str
    created_at: str


class MapTileRow(SQLModel, table=True):
    """Four levels of the case map (`tlog.map_trie`), as they are from the checkpoint of a size on."""

    __tablename__ = "map_tile"

    path: str = Field(primary_key=True)
    tree_size: int = _whole(key=True)
    tile: bytes = _octets()


class CosignatureRow(SQLModel, table=True):
    """One witness's line on one checkpoint; ``witness`` is its verifier key."""

    __tablename__ = "cosignature"
    __table_args__ = (Index("ix_cosignature_witness", "witness", "tree_size"),)

    tree_size: int = _whole(key=True, of="checkpoint.tree_size")
    witness: str = Field(primary_key=True)
    line: str
    at: str


class SubmissionRow(SQLModel, table=True):
    """A signed transaction, stored before it was sent; ``state`` is one of `orchestrator.submission.State`.

    ``subject`` names what it is for: a checkpoint (``tree_size``) or a step (``case_id``, ``sequence``, ``call``).
    """

    __tablename__ = "submission"
    __table_args__ = (
        Index("ix_submission_subject", "subject"),
        Index("ix_submission_state", "state"),
        Index("ix_submission_nonce", "sender", "nonce"),
    )

    transaction: str = Field(primary_key=True)
    subject: str
    tree_size: int | None = _whole(nullable=True, of="checkpoint.tree_size")
    case_id: str | None
    sequence: int | None = _whole(nullable=True)
    call: str
    chain_id: int = _whole()
    contract: str
    sender: str
    nonce: int = _whole()
    attempt: int = _whole()
    raw: bytes = _octets()
    sent_block: int = _whole()
    state: str
    block_number: int | None = _whole(nullable=True)
    block_hash: str | None


class HeldStepRow(SQLModel, table=True):
    """A signed step on its way to the contract that enforces its law; at most one a case, gone once it is decided.

    ``documents`` are the step's attachments (MessagePack), ``data`` the call of ``contract`` that takes it, told from
    others by ``call``. One that was ``refused`` stays for as long as the contract might still take it.
    """

    __tablename__ = "held_step"
    __table_args__ = (_index("ix_held_step_case", "case_id", unique=True, where=text("NOT refused")),)

    case_id: str = Field(primary_key=True)
    call: str = Field(primary_key=True)
    sequence: int = _whole()
    salt: bytes = _octets()
    canonical: bytes = _octets()
    documents: bytes = _octets()
    contract: str
    data: bytes = _octets()
    refused: bool


class AlarmRow(SQLModel, table=True):
    """One alarm; ``facts`` is JSON, ``times`` counts how often it was found while it stood."""

    __tablename__ = "alarm"
    __table_args__ = (_index("ix_alarm_standing", "kind", "about", unique=True, where=IS_STANDING),)

    id: int | None = _whole(key=True, drawn=True)
    kind: str
    about: str
    sentence: str
    facts: str
    since: str
    times: int = _whole()
    standing: bool


class IntakeRunRow(SQLModel, table=True):
    """How far one file was replayed. ``secret`` turns the file's case names into case ids that tell nothing."""

    __tablename__ = "intake_run"

    source: str = Field(primary_key=True)
    secret: bytes = _octets()
    position: int = _whole()
    cases: int = _whole()
    accepted: int = _whole()
    ignored: int = _whole()
    openings: int = _whole()
    refusals: str


class MemberRow(SQLModel, table=True):
    """A member of the office: ``roles`` are words with a space between them."""

    __tablename__ = "member"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    actor_id: str = Field(primary_key=True)
    issuer: str
    subject: str
    roles: str


class PartyRow(SQLModel, table=True):
    """Somebody whose own case it is."""

    __tablename__ = "party"

    actor_id: str = Field(primary_key=True)
    case_id: str = Field(primary_key=True)


class AnswerRow(SQLModel, table=True):
    """One answered request: the step that it led to, or without a ``sequence`` the refusal (JSON)."""

    __tablename__ = "answer"
    __table_args__ = (Index("ix_answer_answered_at", "answered_at"),)

    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    fingerprint: bytes = _octets()
    case_id: str
    sequence: int | None = _whole(nullable=True)
    refusal: str
    answered_at: str


class UploadRow(SQLModel, table=True):
    """A document as it was examined, for the one who sent it."""

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_at", "at"),)

    actor_id: str = Field(primary_key=True)
    sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    media_type: str
    content: bytes = _octets()
    at: str


class WebhookRow(SQLModel, table=True):
    """Somebody who is told: ``position`` is the leaf to tell of next, ``last`` what became of the last attempt."""

    __tablename__ = "webhook"

    id: str = Field(primary_key=True)
    url: str
    position: int = _whole()
    failures: int = _whole()
    due_at: str
    last: str
    ended: bool


class AuditRunRow(SQLModel, table=True):
    """One audit; ``report`` is its whole answer, JSON."""

    __tablename__ = "audit_run"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = _whole(key=True, drawn=True)
    at: str
    verdict: str
    report: bytes = _octets()


class SessionRow(SQLModel, table=True):
    """Somebody who is signed in; ``key`` is the digest of what only his browser has."""

    __tablename__ = "session"
    __table_args__ = (Index("ix_session_begun_at", "begun_at"),)

    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    issuer: str
    subject: str
    begun_at: str
    used_at: str


class PasskeyRow(SQLModel, table=True):
    """A passkey that somebody registered: its credential, and its public key (x . y on P-256)."""

    __tablename__ = "passkey"
    __table_args__ = (Index("ix_passkey_actor_id", "actor_id"),)

    credential: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    key: bytes = _octets()
    actor_id: str
    registered_at: str


def table(row: type[SQLModel]) -> Any:
    """Return the table behind a model: statements are built on tables, never on mapped classes."""
    return row.__table__  # type: ignore[attr-defined]
