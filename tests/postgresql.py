"""A private PostgreSQL server for tests: on a socket of its own, in a directory that goes with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deployr.grid import processes
from deployr.store.migrate import migrate

ON_BOTH_DATABASES = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
"""Runs tests that use the fixture ``database_url``, or one that does, with both."""

_PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=Path())
_USER = "postgres" if os.geteuid() == 0 else None
"""PostgreSQL refuses to be root."""

_TEMPLATE = "migrated"
_START_SECONDS = 90
# Listings of a database with rules of a language would come in another order than SQLite's.
_CLUSTER = ("-U", "deployr", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--no-sync")
_SERVER = ("fsync=off", "autovacuum=off", "shared_buffers=16MB", "listen_addresses=")


class Postgres:
    """A running server that tests may kill and start again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        command = [_PROGRAMS / "initdb", "-D", directory / "data", *_CLUSTER, "--icu-locale=en-US"]
        subprocess.run(command, user=_USER, cwd="/", check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Start the server and wait until it serves."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._serves():
            # It does not start while processes of one that was killed are there yet.
            if self._process is None or self._process.poll() is not None:
                self._spawn()
            assert time.monotonic() < deadline, (self._directory / "log").read_text()
            time.sleep(0.05)

    def stop(self, signum: int = signal.SIGQUIT) -> None:
        """End the server."""
        assert self._process
        self._process.send_signal(signum)
        self._process.wait()

    def new_database(self) -> str:
        """URL of a migrated database."""
        name = f"test_{uuid.uuid4().hex}"
        with self._administrator() as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_TEMPLATE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {_TEMPLATE}")
                migrate(self.url(_TEMPLATE))
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self.url(name)

    def new_empty_database(self, options: str = "") -> str:
        """URL of a database without tables, made with options of ``CREATE DATABASE``."""
        name = f"test_{uuid.uuid4().hex}"
        with self._administrator() as connection:
            connection.execute(f"CREATE DATABASE {name} {options}".encode())
        return self.url(name)

    def url(self, database: str) -> str:
        """URL of a database."""
        return f"postgresql://deployr@/{database}?host={self._directory}"

    def _administrator(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self._directory), user="deployr", dbname="postgres", autocommit=True)

    def _spawn(self) -> None:
        settings = [word for setting in _SERVER for word in ("-c", setting)]
        command = [_PROGRAMS / "postgres", "-D", self._directory / "data", "-k", self._directory, *settings]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, user=_USER, cwd="/", stderr=log, preexec_fn=lambda: processes.die_with_parent(signal.SIGQUIT)
            )

    def _serves(self) -> bool:
        try:
            self._administrator().close()
        except psycopg.OperationalError:
            return False
        return True


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server; not below a directory of pytest, which nobody else may enter."""
    directory = Path(tempfile.mkdtemp(prefix="deployr-postgres-"))
    try:
        if _USER:
            shutil.chown(directory, _USER)
        postgres = Postgres(directory)
        postgres.start()
        yield postgres
        postgres.stop()
    finally:
        shutil.rmtree(directory)
