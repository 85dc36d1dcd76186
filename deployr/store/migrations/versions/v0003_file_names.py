"""Files are found by name however many their owner has."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_INDEX = "ix_repository_files_filename_directory"


def upgrade() -> None:
    """Make the index."""
    op.create_index(_INDEX, "repository_files", ["filename", "directory"])


def downgrade() -> None:
    """Remove the index."""
    op.drop_index(_INDEX, "repository_files")
