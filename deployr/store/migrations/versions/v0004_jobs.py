"""Jobs, and the leases of the processes that run them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "jobs",
        sa.Column("id", _ID, nullable=False, comment="in the order of submission"),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("descr", sa.Text(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=True),
        sa.Column("store_project", sa.Boolean(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=True, comment="JSON of the call's parameters as sent"),
        sa.Column("parameters_blob", sa.Text(), nullable=True, comment="SHA-256 of the same when it is long"),
        sa.Column("schedstart", sa.BigInteger(), nullable=False),
        sa.Column("schedrepeat", sa.BigInteger(), nullable=False),
        sa.Column("schedinterval", sa.BigInteger(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False, comment="that have ended"),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("queued", sa.BigInteger(), nullable=True, comment="since when; orders the queue"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_msg", sa.Text(), nullable=True),
        sa.Column("project", sa.Text(), nullable=True, comment="may have been deleted since"),
        sa.Column("time_start", sa.BigInteger(), nullable=False),
        sa.Column("time_code", sa.BigInteger(), nullable=False),
        sa.Column("time_total", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("runner", sa.Text(), nullable=True, comment="process that has the job"),
        sa.Column("lease", sa.BigInteger(), nullable=True, comment="until when it has it"),
        sa.Column("session", sa.Text(), nullable=True, comment="on the grid, of the present run"),
        sa.CheckConstraint("priority IN ('low', 'medium', 'high')", name=op.f("ck_jobs_priority")),
        sa.CheckConstraint(
            "status IN ('Scheduled', 'Queued', 'Running', 'Cancelling', 'Completed', 'Failed', 'Aborted', "
            "'Interrupted', 'Cancelled')",
            name=op.f("ck_jobs_status"),
        ),
        sa.ForeignKeyConstraint(["owner"], ["users.username"], name="fk_jobs_owner", onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("job", name="uq_jobs_job"),
    )
    op.create_index("ix_jobs_owner", "jobs", ["owner"])
    op.create_index("ix_jobs_status_due", "jobs", ["status", "due"])
    op.create_index("ix_jobs_parameters_blob", "jobs", ["parameters_blob"])
    op.create_index("ix_jobs_runner", "jobs", ["runner"])
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def downgrade() -> None:
    """Remove the tables with all they hold."""
    op.drop_table("leases")
    op.drop_table("jobs")
