"""Bearer tokens, accounts that an issuer vouches for, and the list of compute nodes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables and the column."""
    issuer = "URL of who vouches for the user; null: a password of this server's own"
    op.add_column("users", sa.Column("issuer", sa.Text(), nullable=True, comment=issuer))
    op.create_table(
        "token_pairs",
        sa.Column("id", sa.Text(), nullable=False, comment="the access token's jti"),
        sa.Column("login", sa.Text(), nullable=False, comment="what all pairs renewed from one login share"),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("refresh_digest", sa.Text(), nullable=False, comment="SHA-256 of the refresh token"),
        sa.Column("expires", sa.BigInteger(), nullable=False, comment="end of the refresh token"),
        sa.Column("renewable", sa.BigInteger(), nullable=False, comment="no pair of the login lives longer"),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["username"],
            ["users.username"],
            name="fk_token_pairs_username",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_token_pairs"),
        sa.UniqueConstraint("refresh_digest", name="uq_token_pairs_refresh_digest"),
    )
    for column in ("login", "username", "expires"):
        op.create_index(f"ix_token_pairs_{column}", "token_pairs", [column])
    op.create_table(
        "compute_nodes",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False, comment="URI or range of URIs, as given"),
        sa.PrimaryKeyConstraint("position", name="pk_compute_nodes"),
        sa.UniqueConstraint("entry", name="uq_compute_nodes_entry"),
    )


def downgrade() -> None:
    """Remove them with all they hold."""
    op.drop_table("compute_nodes")
    op.drop_table("token_pairs")
    with op.batch_alter_table("users") as users:
        users.drop_column("issuer")
