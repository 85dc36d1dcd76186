"""How often each item of a batch was tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column."""
    column = sa.Column("attempts", sa.Integer(), nullable=False, server_default="0", comment="to run it, so far")
    op.add_column("batch_items", column)


def downgrade() -> None:
    """Remove it."""
    with op.batch_alter_table("batch_items") as table:
        table.drop_column("attempts")
