"""Who may act, whose case a case is, and what a request was answered."""

import sqlalchemy as sa
from alembic import op

from ledger_automation.store.dialect import WHOLE

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Go one revision up."""
    op.create_table(
        "member",
        sa.Column("actor_id", sa.String(), primary_key=True),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_table(
        "party",
        sa.Column("actor_id", sa.String(), primary_key=True),
        sa.Column("case_id", sa.String(), primary_key=True),
    )
    op.create_table(
        "answer",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("sequence", WHOLE, nullable=True),
        sa.Column("refusal", sa.String(), nullable=False),
        sa.Column("answered_at", sa.String(), nullable=False),
    )
    op.create_index("ix_answer_answered_at", "answer", ["answered_at"])


def downgrade() -> None:
    """Go one revision down."""
    op.drop_table("answer")
    op.drop_table("party")
    op.drop_table("member")
