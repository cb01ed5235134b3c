"""The case map's tiles; those of a log that is there already are made from its leaves when it next grows."""

import sqlalchemy as sa
from alembic import op

from ledger_automation.store.dialect import WHOLE

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Go one revision up."""
    op.create_table(
        "map_tile",
        sa.Column("path", sa.String(), primary_key=True),
        sa.Column("tree_size", WHOLE, primary_key=True),
        sa.Column("tile", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """Go one revision down."""
    op.drop_table("map_tile")
