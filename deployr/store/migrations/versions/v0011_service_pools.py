"""Pools of services that their owners wish for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "service_pools",
        sa.Column("service", _ID, nullable=False),
        sa.Column("initial", sa.Integer(), nullable=False, comment="sessions that wait"),
        sa.Column("most", sa.Integer(), nullable=False, comment="sessions at one time; 0 for no limit"),
        sa.ForeignKeyConstraint(["service"], ["services.id"], name="fk_service_pools_service", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("service", name="pk_service_pools"),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("service_pools")
