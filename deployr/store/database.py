"""The database: short synchronous transactions over SQLAlchemy Core."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from deployr.store import postgresql

BUSY_TIMEOUT = 10
"""Seconds that a writer of SQLite waits for another one."""

_READ_ONLY = "deployr_read_only"


def now_ms() -> int:
    """The present in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Database:
    """Connections to the database; threads may share it, forked processes may not.

    Args:
        url: SQLAlchemy URL.

    Raises:
        UnusableDatabase: the driver of the database is not installed.
    """

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        is_sqlite = self.engine.dialect.name == "sqlite"
        self._readers = self.engine.execution_options(**{_READ_ONLY: True} if is_sqlite else postgresql.READING)
        self._watcher = self.engine.connect() if is_sqlite and self.engine.url.database else None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A transaction that may write: committed at the end of the block, rolled back when the block raises.

        There is one at a time, so what was read in it stays true until its end.
        """
        with self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads: it sees one state and never waits for writers."""
        with self._readers.connect() as connection:
            yield connection

    def version(self) -> int | None:
        """A number that is another one after each commit, whoever made it; ``None``: the database does not tell."""
        if self._watcher is None:
            return None
        try:
            # Of a connection that itself never writes.
            version: int = self._watcher.connection.cursor().execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            # What is wrong is told by the query that follows.
            return None
        return version

    def close(self) -> None:
        """Close the connections."""
        if self._watcher:
            self._watcher.close()
        self.engine.dispose()


def create_engine(url: str) -> sa.Engine:
    """An engine, whose errors do not tell what was to be stored; SQLite gets its pragmas and explicit transactions.

    Raises:
        UnusableDatabase: the driver of the database is not installed.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return postgresql.create_engine(parsed)
    engine = sa.create_engine(parsed, hide_parameters=True)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions late and commit before DDL; _begin_sqlite does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Writers take the lock first: a reader that turns writer would fail at once instead of waiting."""
    read_only = connection.get_execution_options().get(_READ_ONLY)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
