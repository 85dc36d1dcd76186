"""Fixtures that all tests share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest
from hypothesis import settings

from deployr.users import passwords
from tests.ldap_server import LdapServer
from tests.postgresql import Postgres, running_postgres
from tests.server import Client, Server, running

# Its own profile for such runs: no example fails because the machine is slow, and each run has the same examples.
settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Hashes made by the tests' processes are quick to verify, by servers too: a hash says itself what it costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server, shared by the tests of this process."""
    with running(tmp_path_factory.mktemp("deployr")) as server:
        yield server


@pytest.fixture
def anonymous(server: Server) -> Iterator[Client]:
    """A client that is not logged in."""
    client = server.client()
    yield client
    client.http.close()


@pytest.fixture
def testuser(server: Server) -> Iterator[Client]:
    """A client of the power user ``testuser``; what it made on the grid ends with the test."""
    client = server.login()
    yield client
    client.http.post("/r/user/logout")
    # The server ends at once when nobody is connected.
    client.http.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, shared by the tests of this process."""
    with running_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="session")
def ldap_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LdapServer]:
    """An LDAP server, shared by the tests of this process."""
    server = LdapServer(tmp_path_factory.mktemp("ldap"))
    yield server
    server.stop()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database of the test's own: SQLite, unless parametrized otherwise."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'deployr.db'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.new_database()


@pytest.fixture
def meeting_place() -> Iterator[Path]:
    """A directory that all sessions can write to, whichever user they run as."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        Path(directory).chmod(0o1777)
        yield Path(directory)
