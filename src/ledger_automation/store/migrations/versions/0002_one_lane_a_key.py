"""Submissions for steps as well as checkpoints, several for one nonce, and alarms.

What was stored keeps its bytes and its state. Going down loses what the older program cannot read: steps and alarms.
"""

import sqlalchemy as sa
from alembic import op

from ledger_automation.store.dialect import WHOLE

revision = "0002"
down_revision = "0001"

INDICES = {
    "ix_submission_subject": ["subject"],
    "ix_submission_state": ["state"],
    "ix_submission_nonce": ["sender", "nonce"],
}


def upgrade() -> None:
    """Go one revision up."""
    with op.batch_alter_table("submission") as batch:
        batch.alter_column("tree_size", existing_type=WHOLE, nullable=True)
        batch.add_column(sa.Column("subject", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("case_id", sa.String(), nullable=True))
        batch.add_column(sa.Column("sequence", WHOLE, nullable=True))
        batch.add_column(sa.Column("call", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("attempt", WHOLE, nullable=False, server_default="1"))
        batch.add_column(sa.Column("sent_block", WHOLE, nullable=False, server_default="0"))
    # An old row says nothing of when it was sent: at its block at the latest, else it is stuck, which asking finds out.
    op.execute("UPDATE submission SET subject = 'checkpoint/' || tree_size, sent_block = coalesce(block_number, 0)")
    with op.batch_alter_table("submission") as batch:
        for name in ("subject", "call", "attempt", "sent_block"):
            batch.alter_column(name, server_default=None)
    for name, columns in INDICES.items():
        op.create_index(name, "submission", columns)
    op.create_table(
        "alarm",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("since", sa.String(), nullable=False),
        sa.Column("times", WHOLE, nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_alarm_standing",
        "alarm",
        ["kind", "about"],
        unique=True,
        sqlite_where=sa.text("standing"),
        postgresql_where=sa.text("standing"),
    )


def downgrade() -> None:
    """Go one revision down."""
    op.drop_index("ix_alarm_standing", table_name="alarm")
    op.drop_table("alarm")
    for name in INDICES:
        op.drop_index(name, table_name="submission")
    op.execute("DELETE FROM submission WHERE tree_size IS NULL")
    with op.batch_alter_table("submission") as batch:
        for name in ("subject", "case_id", "sequence", "call", "attempt", "sent_block"):
            batch.drop_column(name)
        batch.alter_column("tree_size", existing_type=WHOLE, nullable=False)
