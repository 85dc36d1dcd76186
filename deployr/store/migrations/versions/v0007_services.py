"""Published services of the 9.x API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "services",
        sa.Column("id", _ID, nullable=False, comment="in the order of publication"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("runtime", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("init_code", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("operation_id", sa.Text()),
        sa.Column("inputs", sa.Text(), nullable=False, comment="JSON: names and types"),
        sa.Column("outputs", sa.Text(), nullable=False, comment="JSON: names and types"),
        sa.Column("output_files", sa.Text(), nullable=False, comment="JSON: names"),
        sa.Column("snapshot_id", sa.Text(), comment="of the snapshot that was copied, which may be gone"),
        sa.Column("snapshot", sa.Text(), comment="SHA-256 of its zip"),
        sa.Column("model", sa.Text(), comment="SHA-256 of a realtime service's model"),
        sa.Column("revision", sa.Text(), nullable=False, comment="another one after each change"),
        sa.CheckConstraint("runtime IN ('R', 'Python', 'Realtime')", name=op.f("ck_services_runtime")),
        sa.ForeignKeyConstraint(["owner"], ["users.username"], name="fk_services_owner", onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_services"),
        sa.UniqueConstraint("name", "version", name="uq_services_name_version"),
    )
    op.create_index("ix_services_snapshot", "services", ["snapshot"])
    op.create_index("ix_services_model", "services", ["model"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("services")
