"""The first tables, and triggers that keep history as it was written.

The triggers are hygiene: they stop a careless program, not an administrator, who can drop them. That is what the
verifier is for.
"""

import sqlalchemy as sa
from alembic import op

from ledger_automation.store.dialect import WHOLE

revision = "0001"
down_revision = None

APPEND_ONLY = ("event", "leaf", "node", "checkpoint")


def upgrade() -> None:
    """Go one revision up."""
    _cases()
    _contents()
    _log()
    _outside()
    many_writers = op.get_context().dialect.name == "postgresql"
    if many_writers:
        _for_many_writers()
    for table in APPEND_ONLY:
        if many_writers:
            op.execute(
                f'CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "{table}" '
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
            continue
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f'CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON "{table}" '
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed or deleted'); END"
            )


def _for_many_writers() -> None:
    """What only PostgreSQL needs: which transaction an event is of, and how far a checkpoint has seen (`store.log`)."""
    op.execute("ALTER TABLE event ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()")
    op.execute("CREATE INDEX ix_event_xid ON event (xid)")
    op.execute("ALTER TABLE checkpoint ADD COLUMN horizon xid8")
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE integrity_constraint_violation "
        "USING MESSAGE = 'rows of ' || TG_TABLE_NAME || ' are never changed or deleted'; END $$"
    )


def _cases() -> None:
    """Cases and their events."""
    op.create_table(
        "case",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("workflow", sa.String(), nullable=False),
        sa.Column("workflow_version", WHOLE, nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sequence", WHOLE, nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "event",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("sequence", WHOLE, nullable=False),
        sa.Column("workflow", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("actor_role", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.String(), nullable=False),
        sa.Column("amount", WHOLE, nullable=True),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "sequence"),
        sqlite_autoincrement=True,
    )


def _contents() -> None:
    """What an erasure destroys of an event."""
    op.create_table(
        "content",
        sa.Column("event_id", WHOLE, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("checksum", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
        ),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_table(
        "attachment",
        sa.Column("event_id", WHOLE, nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
        ),
        sa.PrimaryKeyConstraint("event_id", "position"),
    )


def _log() -> None:
    """The log."""
    op.create_table(
        "leaf",
        sa.Column("leaf_index", WHOLE, nullable=False, autoincrement=False),
        sa.Column("event_id", WHOLE, nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("sequence", WHOLE, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index"),
    )
    op.create_index("ix_leaf_event", "leaf", ["event_id"], unique=True)
    op.create_table(
        "node",
        sa.Column("level", WHOLE, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("tree_size", WHOLE, nullable=False, autoincrement=False),
        sa.Column("root_hash", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tree_size"),
    )


def _outside() -> None:
    """What was sent to a chain, and what was read from files."""
    op.create_table(
        "submission",
        sa.Column("transaction", sa.String(), nullable=False),
        sa.Column("tree_size", WHOLE, nullable=False),
        sa.Column("chain_id", WHOLE, nullable=False),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("nonce", WHOLE, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("block_number", WHOLE, nullable=True),
        sa.Column("block_hash", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tree_size"],
            ["checkpoint.tree_size"],
        ),
        sa.PrimaryKeyConstraint("transaction"),
    )
    op.create_table(
        "intake_run",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("cases", WHOLE, nullable=False),
        sa.Column("accepted", WHOLE, nullable=False),
        sa.Column("ignored", WHOLE, nullable=False),
        sa.Column("openings", WHOLE, nullable=False),
        sa.Column("refusals", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )


def downgrade() -> None:
    """Go one revision down."""
    op.drop_table("submission")
    op.drop_table("content")
    op.drop_table("attachment")
    op.drop_table("node")
    op.drop_index("ix_leaf_event", table_name="leaf")
    op.drop_table("leaf")
    op.drop_table("intake_run")
    op.drop_table("event")
    op.drop_table("checkpoint")
    op.drop_table("case")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
