"""What witnesses said of the log's checkpoints."""

import sqlalchemy as sa
from alembic import op

from ledger_automation.store.dialect import WHOLE

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Go one revision up."""
    op.create_table(
        "cosignature",
        sa.Column("tree_size", WHOLE, sa.ForeignKey("checkpoint.tree_size"), primary_key=True, autoincrement=False),
        sa.Column("witness", sa.String(), primary_key=True),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
    )
    op.create_index("ix_cosignature_witness", "cosignature", ["witness", "tree_size"])


def downgrade() -> None:
    """Go one revision down."""
    op.drop_table("cosignature")
