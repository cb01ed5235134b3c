"""Signed steps on their way to the contract that enforces their law, and the cases whose law is enforced."""

import sqlalchemy as sa
from alembic import op

from ledger_automation.store.dialect import WHOLE

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go one revision up."""
    op.create_table(
        "held_step",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("call", sa.String(), nullable=False),
        sa.Column("sequence", WHOLE, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("documents", sa.LargeBinary(), nullable=False),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "call"),
    )
    op.create_index(
        "ix_held_step_case",
        "held_step",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("NOT refused"),
        postgresql_where=sa.text("NOT refused"),
    )
    op.create_index(
        "ix_case_enforced",
        "case",
        ["case_id"],
        sqlite_where=sa.text("level = 'enforced'"),
        postgresql_where=sa.text("level = 'enforced'"),
    )


def downgrade() -> None:
    """Go one revision down."""
    op.drop_index("ix_case_enforced", table_name="case")
    op.drop_index("ix_held_step_case", table_name="held_step")
    op.drop_table("held_step")
