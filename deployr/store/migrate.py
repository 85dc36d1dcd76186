"""Bring the database to the schema of this version."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from deployr.store import postgresql
from deployr.store.database import create_engine
from deployr.store.errors import UnusableDatabase


def migrate(url: str, *, upgrade: bool = True) -> None:
    """Create or upgrade the tables; concurrent calls wait for one another.

    All steps run in one transaction: a failure leaves the database as it was.

    Args:
        upgrade: false leaves the tables of an earlier server as they are, since it may be using them.

    Raises:
        UnusableDatabase: the server cannot work with the database, or may not upgrade it.
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached or a step failed.
    """
    engine = create_engine(url)
    try:
        with _one_at_a_time(engine.url):
            _prepare(engine)
            with engine.begin() as connection:
                _upgrade(connection, upgrade)
    finally:
        engine.dispose()


def current_revision(connection: sa.Connection) -> str | None:
    """Revision of the database; ``None`` for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str | None:
    """Revision of this version's schema."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _upgrade(connection: sa.Connection, allowed: bool) -> None:
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:
        postgresql.check(connection)
    _check_revision(current_revision(connection), allowed)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if is_postgresql:
        postgresql.compare_by_bytes(connection)


def _check_revision(revision: str | None, may_upgrade: bool) -> None:
    """A later release has migrated what has a revision that is not of this one."""
    head = head_revision()
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise UnusableDatabase(f"The database has schema {revision} of a newer server; this one has {head}.")
    if revision not in (None, head) and not may_upgrade:
        raise UnusableDatabase(f"The database has schema {revision}; the start of this server makes it {head}.")


def _prepare(engine: sa.Engine) -> None:
    """Write-ahead logging is a property of the SQLite file and cannot be set inside of a transaction."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()


@contextlib.contextmanager
def _one_at_a_time(url: sa.URL) -> Iterator[None]:
    """SQLite's own lock does not cover the change to write-ahead logging: a lock file beside the database does."""
    if url.get_backend_name() != "sqlite" or not url.database:
        yield
        return
    with Path(f"{url.database}.migrate").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
