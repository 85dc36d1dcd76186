"""The tables. A change here needs a migration beside it in ``deployr/store/migrations/versions``.

Times are milliseconds since 1970. File contents are blobs, rows hold their SHA-256 in lower-case hex.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts up only a primary key of the type INTEGER, which has 64 bits there.
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _user(name: str, *, nullable: bool = False, primary_key: bool = False) -> sa.Column[str]:
    """A column that names a user; users with content are disabled, not removed."""
    reference = sa.ForeignKey("users.username", onupdate="CASCADE")
    return sa.Column(name, sa.Text, reference, nullable=nullable, primary_key=primary_key)


def _flag(name: str, *, default: bool = False) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, default=default)


users = sa.Table(
    "users",
    metadata,
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("displayname", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    _flag("default_password"),
    _flag("enabled", default=True),
    _flag("expired"),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("locked_until", sa.BigInteger),
    sa.Column("cookie", sa.Text),
    sa.Column("last_modified", sa.BigInteger, nullable=False),
    sa.Column("issuer", sa.Text, comment="URL of who vouches for the user; null: a password of this server's own"),
)

roles = sa.Table(
    "roles",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("descr", sa.Text),
    _flag("system"),
)

user_roles = sa.Table(
    "user_roles",
    metadata,
    sa.Column(
        "username",
        sa.Text,
        sa.ForeignKey("users.username", onupdate="CASCADE", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("role", sa.Text, sa.ForeignKey("roles.name", onupdate="CASCADE", ondelete="CASCADE"), primary_key=True),
)

http_sessions = sa.Table(
    "http_sessions",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True, comment="SHA-256 of the JSESSIONID"),
    sa.Column(
        "username", sa.Text, sa.ForeignKey("users.username", onupdate="CASCADE", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False, index=True),
    _flag("autosave", default=True),
    _flag("relative_urls"),
)

token_pairs = sa.Table(
    "token_pairs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="the access token's jti"),
    sa.Column("login", sa.Text, nullable=False, index=True, comment="what all pairs renewed from one login share"),
    sa.Column(
        "username",
        sa.Text,
        sa.ForeignKey("users.username", onupdate="CASCADE", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("refresh_digest", sa.Text, nullable=False, unique=True, comment="SHA-256 of the refresh token"),
    sa.Column("expires", sa.BigInteger, nullable=False, index=True, comment="end of the refresh token"),
    sa.Column("renewable", sa.BigInteger, nullable=False, comment="no pair of the login lives longer"),
    _flag("replaced"),
)

mlserver_sessions = sa.Table(
    "mlserver_sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="of the session on the grid"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column(
        "owner",
        sa.Text,
        sa.ForeignKey("users.username", onupdate="CASCADE", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("runtime", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.CheckConstraint("runtime IN ('R', 'Python')", "runtime"),
)

mlserver_snapshots = sa.Table(
    "mlserver_snapshots",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    _user("owner"),
    sa.Column("runtime", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, index=True, comment="of its zip"),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.CheckConstraint("runtime IN ('R', 'Python')", "runtime"),
    sa.Index(None, "owner"),
)

compute_nodes = sa.Table(
    "compute_nodes",
    metadata,
    sa.Column("position", _Id, primary_key=True),
    sa.Column("entry", sa.Text, nullable=False, unique=True, comment="URI or range of URIs, as given"),
)

services = sa.Table(
    "services",
    metadata,
    sa.Column("id", _Id, primary_key=True, comment="in the order of publication"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    _user("owner"),
    sa.Column("runtime", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("init_code", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("operation_id", sa.Text),
    sa.Column("inputs", sa.Text, nullable=False, comment="JSON: names and types"),
    sa.Column("outputs", sa.Text, nullable=False, comment="JSON: names and types"),
    sa.Column("output_files", sa.Text, nullable=False, comment="JSON: names"),
    sa.Column("snapshot_id", sa.Text, comment="of the snapshot that was copied, which may be gone"),
    sa.Column("snapshot", sa.Text, index=True, comment="SHA-256 of its zip"),
    sa.Column("model", sa.Text, index=True, comment="SHA-256 of a realtime service's model"),
    sa.Column("revision", sa.Text, nullable=False, comment="another one after each change"),
    sa.UniqueConstraint("name", "version"),
    sa.CheckConstraint("runtime IN ('R', 'Python', 'Realtime')", "runtime"),
)

service_pools = sa.Table(
    "service_pools",
    metadata,
    sa.Column("service", _Id, sa.ForeignKey("services.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("initial", sa.Integer, nullable=False, comment="sessions that wait"),
    sa.Column("most", sa.Integer, nullable=False, comment="sessions at one time; 0 for no limit"),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service", _Id, sa.ForeignKey("services.id", ondelete="CASCADE"), nullable=False),
    _user("owner"),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger, index=True),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("parallel", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("runner", sa.Text, index=True, comment="process that has the batch"),
    sa.Column("lease", sa.BigInteger, comment="until when it has it"),
    sa.CheckConstraint("state IN ('Pending', 'InProgress', 'Complete', 'Failed')", "state"),
    sa.Index(None, "service", "owner"),
)

batch_items = sa.Table(
    "batch_items",
    metadata,
    sa.Column("batch", sa.Text, sa.ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("inputs", sa.Text, nullable=False, comment="JSON; empty once it has been run"),
    sa.Column("result", sa.Text, comment="JSON of what came of it"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="to run it, so far"),
)

batch_files = sa.Table(
    "batch_files",
    metadata,
    sa.Column("batch", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("filename", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False, index=True),
    sa.ForeignKeyConstraint(["batch", "position"], ["batch_items.batch", "batch_items.position"], ondelete="CASCADE"),
)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("descr", sa.Text),
    sa.Column("longdescr", sa.Text),
    _user("author", nullable=True),
    _flag("shared"),
    sa.Column("cookie", sa.Text),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("lastmodified", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("http_session", sa.Text, index=True, comment="digest of the HTTP session that made it"),
    sa.CheckConstraint("kind IN ('temporary', 'blackbox', 'persistent')", "kind"),
)

project_authors = sa.Table(
    "project_authors",
    metadata,
    sa.Column("project", sa.Text, sa.ForeignKey("projects.project", ondelete="CASCADE"), primary_key=True),
    _user("username", primary_key=True),
    sa.Index(None, "username"),
)

project_saves = sa.Table(
    "project_saves",
    metadata,
    sa.Column("project", sa.Text, sa.ForeignKey("projects.project", ondelete="CASCADE"), primary_key=True),
    sa.Column("workspace", sa.Text, comment="SHA-256 of the workspace file, null when it was left out"),
    sa.Column("packages", sa.Text, comment="comma-separated, in the order of the search path; null: R's own"),
    sa.Column("forgotten", sa.BigInteger, nullable=False, comment="executions that began until then are no history"),
)

project_saved_files = sa.Table(
    "project_saved_files",
    metadata,
    sa.Column("project", sa.Text, sa.ForeignKey("project_saves.project", ondelete="CASCADE"), primary_key=True),
    sa.Column("filename", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False, index=True),
    sa.Column("descr", sa.Text),
)

project_saved_executions = sa.Table(
    "project_saved_executions",
    metadata,
    sa.Column("project", sa.Text, sa.ForeignKey("project_saves.project", ondelete="CASCADE"), primary_key=True),
    sa.Column("execution", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("record", sa.Text, nullable=False, comment="JSON of the grid's record"),
)

project_saved_results = sa.Table(
    "project_saved_results",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("execution", sa.Text, primary_key=True),
    sa.Column("filename", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False, index=True),
    sa.ForeignKeyConstraint(
        ["project", "execution"],
        ["project_saved_executions.project", "project_saved_executions.execution"],
        ondelete="CASCADE",
    ),
)

repository_directories = sa.Table(
    "repository_directories",
    metadata,
    _user("owner", primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
)

repository_files = sa.Table(
    "repository_files",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    _user("author"),
    sa.Column("directory", sa.Text, nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("descr", sa.Text),
    sa.Column("tags", sa.Text),
    sa.Column("restricted", sa.Text, comment="comma-separated roles"),
    _flag("shared"),
    _flag("published"),
    sa.Column("inputs", sa.Text),
    sa.Column("outputs", sa.Text),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("author", "directory", "filename"),
    sa.Index(None, "filename", "directory"),
)

repository_file_authors = sa.Table(
    "repository_file_authors",
    metadata,
    sa.Column("file_id", _Id, sa.ForeignKey("repository_files.id", ondelete="CASCADE"), primary_key=True),
    _user("username", primary_key=True),
    sa.Index(None, "username"),
)

repository_versions = sa.Table(
    "repository_versions",
    metadata,
    sa.Column("id", _Id, primary_key=True, comment="the greatest of a file is the latest version"),
    sa.Column("file_id", _Id, sa.ForeignKey("repository_files.id", ondelete="CASCADE"), nullable=False),
    sa.Column("version", sa.Text, nullable=False, comment="holds a dot, which no directory name does"),
    sa.Column("sha256", sa.Text, nullable=False, index=True),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("message", sa.Text),
    _user("latestby"),
    sa.Column("lastmodified", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("file_id", "version"),
    sa.Index(None, "file_id", "id"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", _Id, primary_key=True, comment="in the order of submission"),
    sa.Column("job", sa.Text, nullable=False, unique=True),
    _user("owner"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("descr", sa.Text),
    sa.Column("tag", sa.Text),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("cluster", sa.Text),
    _flag("store_project", default=True),
    sa.Column("parameters", sa.Text, comment="JSON of the call's parameters as sent"),
    sa.Column("parameters_blob", sa.Text, index=True, comment="SHA-256 of the same when it is long"),
    sa.Column("schedstart", sa.BigInteger, nullable=False),
    sa.Column("schedrepeat", sa.BigInteger, nullable=False),
    sa.Column("schedinterval", sa.BigInteger, nullable=False),
    sa.Column("runs", sa.BigInteger, nullable=False, comment="that have ended"),
    sa.Column("due", sa.BigInteger, nullable=False),
    sa.Column("queued", sa.BigInteger, comment="since when; orders the queue"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("status_msg", sa.Text),
    sa.Column("project", sa.Text, comment="may have been deleted since"),
    sa.Column("time_start", sa.BigInteger, nullable=False),
    sa.Column("time_code", sa.BigInteger, nullable=False),
    sa.Column("time_total", sa.BigInteger, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("runner", sa.Text, index=True, comment="process that has the job"),
    sa.Column("lease", sa.BigInteger, comment="until when it has it"),
    sa.Column("session", sa.Text, comment="on the grid, of the present run"),
    sa.CheckConstraint("priority IN ('low', 'medium', 'high')", "priority"),
    sa.CheckConstraint(
        "status IN ('Scheduled', 'Queued', 'Running', 'Cancelling', 'Completed', 'Failed', 'Aborted', "
        "'Interrupted', 'Cancelled')",
        "status",
    ),
    sa.Index(None, "owner"),
    sa.Index(None, "status", "due"),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
)

BLOB_COLUMNS: tuple[sa.Column[str], ...] = (
    repository_versions.c.sha256,
    project_saves.c.workspace,
    project_saved_files.c.sha256,
    project_saved_results.c.sha256,
    jobs.c.parameters_blob,
    mlserver_snapshots.c.sha256,
    services.c.snapshot,
    services.c.model,
    batch_files.c.sha256,
)
"""All columns that hold the SHA-256 of a blob. A blob that none of them names is removed after a day: a new table with
such a column adds it here."""
