"""Fixtures of the scenarios."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deployr.store.database import Database
from deployr.users.accounts import Accounts
from tests.scenarios.strangers import Strangers
from tests.server import Client, Server

_PASSWORD = "Password1"
OTHER = "stranger"
"""A power user who has no part in anything."""

Login = Callable[[], Client]
Script = Callable[..., dict[str, Any]]
"""Stores code as a script, published unless told otherwise; the parameters that name it."""


@pytest.fixture(scope="session")
def accounts(server: Server) -> None:
    """The account of the other user."""
    database = Database(server.settings.database_url)
    Accounts(database, server.settings).create(OTHER, _PASSWORD, roles=["POWER_USER"])
    database.close()


@pytest.fixture
def other(server: Server, accounts: None) -> Iterator[Client]:
    """The other user."""
    client = server.login(OTHER, _PASSWORD)
    yield client
    client.logout()
    client.http.close()


@pytest.fixture(scope="session")
def strangers(server: Server, accounts: None) -> Iterator[Strangers]:
    """The other user, an administrator, and somebody who is not logged in."""
    nobody = server.client()
    nobody.get("/r/server/info")
    clients = {OTHER: server.login(OTHER, _PASSWORD), "admin": server.login("admin"), "anonymous": nobody}
    yield Strangers(server, clients)
    for client in clients.values():
        client.http.close()


@pytest.fixture
def login(server: Server) -> Iterator[Login]:
    """Clients of testuser, each with an HTTP session of its own."""
    clients: list[Client] = []

    def new() -> Client:
        clients.append(server.login())
        return clients[-1]

    yield new
    for client in clients:
        client.post("/r/user/logout")
        client.http.close()


@pytest.fixture(params=["anonymous", "testuser"])
def caller(request: pytest.FixtureRequest, anonymous: Client, login: Login) -> Client:
    """Who executes: somebody who is not logged in, or a user."""
    client = anonymous if request.param == "anonymous" else login()
    client.get("/r/server/info")
    return client


@pytest.fixture
def script(testuser: Client) -> Iterator[Script]:
    """Scripts of testuser that go with the test."""
    written: list[str] = []

    def write(code: str, published: str = "true") -> dict[str, Any]:
        name = f"scenario-{uuid.uuid4()}.R"
        testuser.succeed("/r/repository/file/upload", filename=name, published=published, files={"file": code.encode()})
        written.append(name)
        return {"filename": name, "author": "testuser"}

    yield write
    testuser.succeed("/r/repository/file/delete", filename=",".join(written))
