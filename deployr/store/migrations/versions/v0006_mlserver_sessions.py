"""Sessions of the 9.x API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "mlserver_sessions",
        sa.Column("id", sa.Text(), nullable=False, comment="of the session on the grid"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("runtime", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("runtime IN ('R', 'Python')", name=op.f("ck_mlserver_sessions_runtime")),
        sa.ForeignKeyConstraint(
            ["owner"], ["users.username"], name="fk_mlserver_sessions_owner", onupdate="CASCADE", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mlserver_sessions"),
    )
    op.create_index("ix_mlserver_sessions_owner", "mlserver_sessions", ["owner"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("mlserver_sessions")
