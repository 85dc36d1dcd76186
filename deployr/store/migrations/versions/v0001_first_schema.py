"""First schema: accounts, HTTP sessions, projects, repository."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "repository_versions",
    "repository_file_authors",
    "project_authors",
    "user_roles",
    "repository_files",
    "repository_directories",
    "projects",
    "http_sessions",
    "users",
    "roles",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "roles",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("descr", sa.Text(), nullable=True),
        sa.Column("system", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
    )
    op.create_table(
        "users",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("displayname", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("default_password", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("expired", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.Column("cookie", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("username", name="pk_users"),
    )
    op.create_table(
        "http_sessions",
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the JSESSIONID"),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("autosave", sa.Boolean(), nullable=False),
        sa.Column("relative_urls", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["username"], ["users.username"], name="fk_http_sessions_username", onupdate="CASCADE", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_http_sessions"),
    )
    op.create_index("ix_http_sessions_used", "http_sessions", ["used"])
    op.create_table(
        "projects",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("descr", sa.Text(), nullable=True),
        sa.Column("longdescr", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("cookie", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("lastmodified", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("http_session", sa.Text(), nullable=True, comment="digest of the HTTP session that made it"),
        sa.CheckConstraint("kind IN ('temporary', 'blackbox', 'persistent')", name=op.f("ck_projects_kind")),
        sa.ForeignKeyConstraint(["author"], ["users.username"], name="fk_projects_author", onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("project", name="pk_projects"),
    )
    op.create_index("ix_projects_http_session", "projects", ["http_session"])
    op.create_table(
        "repository_directories",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner"], ["users.username"], name="fk_repository_directories_owner", onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner", "name", name="pk_repository_directories"),
    )
    op.create_table(
        "repository_files",
        sa.Column("id", _ID, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("directory", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("descr", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("restricted", sa.Text(), nullable=True, comment="comma-separated roles"),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=True),
        sa.Column("outputs", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["author"], ["users.username"], name="fk_repository_files_author", onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_repository_files"),
        sa.UniqueConstraint("author", "directory", "filename", name="uq_repository_files_author_directory_filename"),
    )
    op.create_table(
        "user_roles",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role"], ["roles.name"], name="fk_user_roles_role", onupdate="CASCADE", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["username"], ["users.username"], name="fk_user_roles_username", onupdate="CASCADE", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("username", "role", name="pk_user_roles"),
    )
    op.create_table(
        "project_authors",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.project"], name="fk_project_authors_project", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["username"], ["users.username"], name="fk_project_authors_username", onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project", "username", name="pk_project_authors"),
    )
    op.create_index("ix_project_authors_username", "project_authors", ["username"])
    op.create_table(
        "repository_file_authors",
        sa.Column("file_id", _ID, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["repository_files.id"], name="fk_repository_file_authors_file_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["username"], ["users.username"], name="fk_repository_file_authors_username", onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "username", name="pk_repository_file_authors"),
    )
    op.create_index("ix_repository_file_authors_username", "repository_file_authors", ["username"])
    op.create_table(
        "repository_versions",
        sa.Column("id", _ID, nullable=False, comment="the greatest of a file is the latest version"),
        sa.Column("file_id", _ID, nullable=False),
        sa.Column("version", sa.Text(), nullable=False, comment="holds a dot, which no directory name does"),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("latestby", sa.Text(), nullable=False),
        sa.Column("lastmodified", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["repository_files.id"], name="fk_repository_versions_file_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["latestby"], ["users.username"], name="fk_repository_versions_latestby", onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_repository_versions"),
        sa.UniqueConstraint("file_id", "version", name="uq_repository_versions_file_id_version"),
    )
    op.create_index("ix_repository_versions_file_id_id", "repository_versions", ["file_id", "id"])
    op.create_index("ix_repository_versions_sha256", "repository_versions", ["sha256"])


def downgrade() -> None:
    """Remove the tables with all they hold."""
    for table in _TABLES:
        op.drop_table(table)
