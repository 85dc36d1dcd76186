"""Batches of the 9.x API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "batches",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="of the service, which may be gone"),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("parallel", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("runner", sa.Text(), comment="process that has the batch"),
        sa.Column("lease", sa.BigInteger(), comment="until when it has it"),
        sa.CheckConstraint("state IN ('Pending', 'InProgress', 'Complete', 'Failed')", name=op.f("ck_batches_state")),
        sa.ForeignKeyConstraint(["owner"], ["users.username"], name="fk_batches_owner", onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    for columns in (["ended"], ["state"], ["runner"], ["owner", "name", "version"]):
        op.create_index("_".join(["ix_batches", *columns]), "batches", columns)
    op.create_table(
        "batch_items",
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False, comment="JSON; empty once it has been run"),
        sa.Column("result", sa.Text(), comment="JSON of what came of it"),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name="fk_batch_items_batch", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch", "position", name="pk_batch_items"),
    )
    op.create_table(
        "batch_files",
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch", "position"],
            ["batch_items.batch", "batch_items.position"],
            name="fk_batch_files_batch",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch", "position", "filename", name="pk_batch_files"),
    )
    op.create_index("ix_batch_files_sha256", "batch_files", ["sha256"])


def downgrade() -> None:
    """Remove them."""
    for table in ("batch_files", "batch_items", "batches"):
        op.drop_table(table)
