"""What our service is measured against: the same route without evidence, as fast as we can write it, and naively.

    audit    one prepared statement: the answer's key, the case, an audit row; psycopg's asynchronous connections
    naive    a SQLModel session a request: get, add, commit, as tutorials have it
    empty    the framework alone: it answers, and does nothing

All three check the same token, read the same body strictly into the same type and, but for the last, keep an answer for
each Idempotency-Key, since ours does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec
import psycopg
from fastapi import FastAPI, Request, Response
from sqlalchemy import create_engine
from sqlmodel import Field, Session, SQLModel

from ledger_automation.api.tokens import TokenVerifier
from ledger_automation.canonical import parse
from ledger_automation.orchestrator.asked import Identity

CONNECTIONS: Final = 16
SCHEMA: Final = """
    CREATE TABLE plain_case (case_id varchar PRIMARY KEY, state varchar NOT NULL, due bigint NOT NULL,
        sequence bigint NOT NULL);
    CREATE TABLE plain_audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_id varchar NOT NULL,
        sequence bigint NOT NULL, action varchar NOT NULL, actor_id varchar NOT NULL, actor_role varchar NOT NULL,
        occurred_at timestamptz NOT NULL DEFAULT now(), payload jsonb NOT NULL, UNIQUE (case_id, sequence));
    CREATE TABLE plain_answer (key bytea PRIMARY KEY, fingerprint bytea NOT NULL, sequence bigint,
        answered_at timestamptz NOT NULL DEFAULT now());
"""
_STEP: Final = """
    WITH fresh AS (
        INSERT INTO plain_answer (key, fingerprint) VALUES (%s, %s) ON CONFLICT (key) DO NOTHING RETURNING key
    ), moved AS (
        UPDATE plain_case SET due = due - %s, sequence = sequence + 1,
            state = CASE due WHEN %s THEN 'settled' ELSE state END
        WHERE case_id = %s AND due >= %s AND EXISTS (SELECT FROM fresh) RETURNING case_id, sequence, state
    )
    INSERT INTO plain_audit (case_id, sequence, action, actor_id, actor_role, payload)
    SELECT case_id, sequence, 'record_payment', %s, 'finance', %s::jsonb FROM moved
    RETURNING sequence, (SELECT state FROM moved)
"""
_BEFORE: Final = "SELECT fingerprint, sequence FROM plain_answer WHERE key = %s"

Step = Callable[["Sent"], Awaitable[tuple[int, str] | None]]


class Payment(msgspec.Struct, forbid_unknown_fields=True):
    """What is paid, in cents."""

    amount: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """A request's body."""

    payload: Payment


class Sent(msgspec.Struct):
    """One request, as it was understood."""

    case: str
    caller: Identity
    key: bytes
    fingerprint: bytes
    amount: int
    text: bytes


async def _sent(request: Request, tokens: TokenVerifier) -> Sent:
    caller = await tokens.verify(request.headers["authorization"].partition(" ")[2])
    text = await request.body()
    body = msgspec.convert(parse(text), Body)
    key = sha256("\0".join((*caller, request.headers["idempotency-key"])).encode()).digest()
    return Sent(request.path_params["case"], caller, key, sha256(text).digest(), body.payload.amount, text)


def _application(tokens: TokenVerifier, step: Step, lifespan: Any = None) -> FastAPI:
    app = FastAPI(lifespan=lifespan, openapi_url=None)

    async def pay(request: Request) -> Response:
        sent = await _sent(request, tokens)
        taken = await step(sent)
        if taken is None:
            return Response(b'{"type":"/problems/conflict"}', 409, media_type="application/problem+json")
        body = {"case_id": sent.case, "sequence": taken[0], "action": "record_payment", "state": taken[1]}
        return Response(msgspec.json.encode(body), 200, media_type="application/json")

    app.add_api_route("/workflows/parking_fine/cases/{case}/record_payment", pay, methods=["POST"])
    return app


def audit(tokens: TokenVerifier, url: str) -> FastAPI:
    """Return the route as a good engineer would write it, without evidence."""
    pool: asyncio.LifoQueue[Any] = asyncio.LifoQueue()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for _each in range(CONNECTIONS):
            pool.put_nowait(await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=0))
        yield
        while not pool.empty():
            await (await pool.get()).close()

    async def step(sent: Sent) -> tuple[int, str] | None:
        values = (
            sent.key, sent.fingerprint, sent.amount, sent.amount, sent.case, sent.amount, sent.caller.subject,
            sent.text.decode(),
        )  # fmt: skip
        connection = await pool.get()
        try:
            return await (await connection.execute(_STEP, values)).fetchone()  # type: ignore[no-any-return]
        finally:
            pool.put_nowait(connection)

    return _application(tokens, step, lifespan)


class NaiveCase(SQLModel, table=True):
    """A case."""

    __tablename__ = "plain_case"

    case_id: str = Field(primary_key=True)
    state: str
    due: int
    sequence: int


class NaiveAudit(SQLModel, table=True):
    """A row of the audit table."""

    __tablename__ = "naive_audit"

    id: int | None = Field(default=None, primary_key=True)
    case_id: str
    sequence: int
    action: str
    actor_id: str
    payload: str


class NaiveAnswer(SQLModel, table=True):
    """An answer."""

    __tablename__ = "naive_answer"

    key: str = Field(primary_key=True)
    fingerprint: str
    sequence: int


def naive(tokens: TokenVerifier, url: str) -> FastAPI:
    """Return the route with a session of the ORM a request."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=CONNECTIONS)
    SQLModel.metadata.create_all(engine, tables=[NaiveAudit.__table__, NaiveAnswer.__table__])  # type: ignore[attr-defined]

    def work(sent: Sent) -> tuple[int, str] | None:
        with Session(engine) as session:
            if session.get(NaiveAnswer, sent.key.hex()):
                return None
            case = session.get(NaiveCase, sent.case, with_for_update=True)
            if case is None or case.due < sent.amount:
                return None
            case.due, case.sequence = case.due - sent.amount, case.sequence + 1
            session.add(case)
            session.add(
                NaiveAudit(
                    case_id=sent.case, sequence=case.sequence, action="record_payment", actor_id=sent.caller.subject,
                    payload=sent.text.decode(),
                )
            )  # fmt: skip
            session.add(NaiveAnswer(key=sent.key.hex(), fingerprint=sent.fingerprint.hex(), sequence=case.sequence))
            session.commit()
            session.refresh(case)
            return case.sequence, case.state

    return _application(tokens, lambda sent: asyncio.to_thread(work, sent))


def empty(tokens: TokenVerifier, _: str) -> FastAPI:
    """Return the framework, with nothing behind it."""

    async def step(_sent: Sent) -> tuple[int, str] | None:
        return 1, "recorded"

    return _application(tokens, step)
