"""The saved state of projects, which was in files beside the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TABLES = ("project_saved_results", "project_saved_executions", "project_saved_files", "project_saves")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "project_saves",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column(
            "workspace", sa.Text(), nullable=True, comment="SHA-256 of the workspace file, null when it was left out"
        ),
        sa.Column(
            "packages",
            sa.Text(),
            nullable=True,
            comment="comma-separated, in the order of the search path; null: R's own",
        ),
        sa.Column(
            "forgotten", sa.BigInteger(), nullable=False, comment="executions that began until then are no history"
        ),
        sa.ForeignKeyConstraint(["project"], ["projects.project"], name="fk_project_saves_project", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project", name="pk_project_saves"),
    )
    op.create_table(
        "project_saved_files",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("descr", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project"], ["project_saves.project"], name="fk_project_saved_files_project", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project", "filename", name="pk_project_saved_files"),
    )
    op.create_index("ix_project_saved_files_sha256", "project_saved_files", ["sha256"])
    op.create_table(
        "project_saved_executions",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("execution", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False, comment="JSON of the grid's record"),
        sa.ForeignKeyConstraint(
            ["project"], ["project_saves.project"], name="fk_project_saved_executions_project", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project", "execution", name="pk_project_saved_executions"),
    )
    op.create_table(
        "project_saved_results",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("execution", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "execution"],
            ["project_saved_executions.project", "project_saved_executions.execution"],
            name="fk_project_saved_results_project_execution",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project", "execution", "filename", name="pk_project_saved_results"),
    )
    op.create_index("ix_project_saved_results_sha256", "project_saved_results", ["sha256"])


def downgrade() -> None:
    """Remove the tables with all they hold."""
    for table in _TABLES:
        op.drop_table(table)
