"""The server that cases are run against."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployr.store.database import Database
from deployr.users.accounts import Accounts
from tests.conformance.case_runs import PASSWORDS, Callers
from tests.server import Server, running

_SETTINGS = {
    "limits__live_projects": 4,
    "limits__anonymous_executions": 1,
    "limits__anonymous_time": 6,
    "security__lock_failures": 3,
    "shell__enabled": True,
}
_ACCOUNTS = ("disabled", "expired", "locked", "spare")
"""Users who cannot log in, each for a reason of its own, and one whose account cases may change."""


@pytest.fixture(scope="session")
def conformance_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with limits that cases reach, and with shell scripts, which are off by default."""
    with running(tmp_path_factory.mktemp("conformance"), **_SETTINGS) as server:
        _create_accounts(server)
        yield server


@pytest.fixture(scope="session")
def callers(conformance_server: Server) -> Iterator[Callers]:
    """Clients of that server."""
    callers = Callers(conformance_server)
    yield callers
    callers.close()


def _create_accounts(server: Server) -> None:
    database = Database(server.settings.database_url)
    accounts = Accounts(database, server.settings)
    for name in _ACCOUNTS:
        accounts.create(name, PASSWORDS["spare"])
    accounts.disable("disabled")
    accounts.expire_password("expired")
    database.close()
    for _ in range(server.settings.security.lock_failures):
        server.client().post("/r/user/login", username="locked", password="wrong")
