"""With which passkeys people sign."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Go one revision up."""
    op.create_table(
        "passkey",
        sa.Column("credential", sa.LargeBinary(), primary_key=True),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("registered_at", sa.String(), nullable=False),
    )
    op.create_index("ix_passkey_actor_id", "passkey", ["actor_id"])


def downgrade() -> None:
    """Go one revision down."""
    op.drop_table("passkey")
