"""Who is signed in by a browser."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Go one revision up."""
    op.create_table(
        "session",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("begun_at", sa.String(), nullable=False),
        sa.Column("used_at", sa.String(), nullable=False),
    )
    op.create_index("ix_session_begun_at", "session", ["begun_at"])


def downgrade() -> None:
    """Go one revision down."""
    op.drop_table("session")
