"""Snapshots of sessions of the 9.x API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "mlserver_snapshots",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("runtime", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of its zip"),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("runtime IN ('R', 'Python')", name=op.f("ck_mlserver_snapshots_runtime")),
        sa.ForeignKeyConstraint(["owner"], ["users.username"], name="fk_mlserver_snapshots_owner", onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_mlserver_snapshots"),
    )
    op.create_index("ix_mlserver_snapshots_owner", "mlserver_snapshots", ["owner"])
    op.create_index("ix_mlserver_snapshots_sha256", "mlserver_snapshots", ["sha256"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("mlserver_snapshots")
