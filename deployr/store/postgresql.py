"""What makes PostgreSQL behave as the domain expects of its database, which SQLite does by itself.

Writers take turns, a reader sees one state, and texts compare by their bytes. What went wrong tells within seconds:
web workers ask the database on their event loops.
"""

from __future__ import annotations

import sys

import sqlalchemy as sa

from deployr.store.errors import UnusableDatabase

DRIVERS = ("postgresql", "postgresql+psycopg")
"""What URLs may begin with; both mean Psycopg 3."""

WAIT_SECONDS = 10
"""How long a writer waits for another one, as with SQLite, and anybody for a free connection."""

READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""Execution options of transactions that only read."""

_OLDEST = 13
_WRITERS = 0x6465706C
"""Key of the advisory lock of writers."""

# A server that is told nothing waits two hours for a client whose machine is gone, and the lock with it.
_SESSION = f"-c lock_timeout={WAIT_SECONDS}s -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5"
_CONNECTION = {
    "application_name": "deployr",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "options": f"{_SESSION} -c tcp_keepalives_count=3",
    "tcp_user_timeout": "10000",
}
"""Parameters of libpq; those of the URL count before them."""

_TEXTS = sa.text(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' ORDER BY table_name, column_name"
)


def create_engine(url: sa.URL) -> sa.Engine:
    """An engine whose transactions that may write take turns, from all processes and machines.

    Raises:
        UnusableDatabase: the driver is another one or is not installed.
    """
    if url.drivername not in DRIVERS:
        raise UnusableDatabase(f"The URL of a database begins with sqlite or {DRIVERS[0]}, not {url.drivername}.")
    full = url.set(drivername=DRIVERS[-1], query={**_CONNECTION, **url.query})
    try:
        # A connection that a restart of the database has cut is noticed before it is used.
        engine = sa.create_engine(full, pool_pre_ping=True, pool_timeout=WAIT_SECONDS, hide_parameters=True)
        from deployr.store import postgresql_texts
    except ImportError as ex:
        install = f"{sys.executable} -m pip install 'psycopg[binary]'"
        raise UnusableDatabase(f"The driver of PostgreSQL is not installed. Run `{install}`.") from ex
    sa.event.listen(engine, "connect", postgresql_texts.prepare)
    sa.event.listen(engine, "begin", _take_turn)
    return engine


def check(connection: sa.Connection) -> None:
    """Look whether the server can work with the database.

    Raises:
        UnusableDatabase: it is too old, or cannot hold all texts.
    """
    if int(connection.execute(sa.text("SHOW server_version_num")).scalar_one()) < _OLDEST * 10000:
        raise UnusableDatabase(f"PostgreSQL {_OLDEST} or newer is needed.")
    encoding = connection.scalar(sa.text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise UnusableDatabase(f"The database's encoding is {encoding}. Make one with `createdb -E UTF8 -T template0`.")


def compare_by_bytes(connection: sa.Connection) -> None:
    """Let all texts of the schema compare by their bytes, whatever the database's own rules are.

    Listings then have one order on every server, and no update of the operating system's rules spoils an index.
    """
    quote = connection.dialect.identifier_preparer.quote
    for table, column in connection.execute(_TEXTS).all():
        change = f'ALTER TABLE {quote(table)} ALTER COLUMN {quote(column)} TYPE text COLLATE "C"'
        connection.execute(sa.text(change))


def _take_turn(connection: sa.Connection) -> None:
    """The lock ends with the transaction, after its changes are there for all to see."""
    if not connection.get_execution_options().get("postgresql_readonly"):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS)))
