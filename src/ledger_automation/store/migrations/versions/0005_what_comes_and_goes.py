"""Documents that were sent and wait for their step, who is told of what happens, and what each audit found."""

import sqlalchemy as sa
from alembic import op

from ledger_automation.store.dialect import WHOLE

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go one revision up."""
    op.create_table(
        "upload",
        sa.Column("actor_id", sa.String(), primary_key=True),
        sa.Column("sha256", sa.LargeBinary(), primary_key=True),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
    )
    op.create_index("ix_upload_at", "upload", ["at"])
    op.create_table(
        "webhook",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("failures", WHOLE, nullable=False),
        sa.Column("due_at", sa.String(), nullable=False),
        sa.Column("last", sa.String(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "audit_run",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """Go one revision down."""
    op.drop_table("audit_run")
    op.drop_table("webhook")
    op.drop_table("upload")
