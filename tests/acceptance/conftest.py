"""Fixtures of the acceptance tests: a server as an administrator would set it up for the clients' own suites."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.java import JavaClient
from tests.server import Server, running

Login = Callable[..., JavaClient]


@pytest.fixture(scope="session")
def suite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose repositories hold what ships with it and what these tests add; shell scripts run."""
    with running(tmp_path_factory.mktemp("acceptance"), shell__enabled=True) as server:
        yield server


@pytest.fixture
def login(suite_server: Server) -> Iterator[Login]:
    """Logs clients in, each with an HTTP session of its own that ends with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(logged_in(suite_server, *args, **kwargs))


@pytest.fixture(scope="module")
def user(suite_server: Server) -> Iterator[JavaClient]:
    """``testuser``, with replies in JSON; logged in once for all tests of a module."""
    with logged_in(suite_server) as client:
        yield client


@pytest.fixture(params=["json", "xml"], scope="module")
def either(request: pytest.FixtureRequest, suite_server: Server) -> Iterator[JavaClient]:
    """``testuser``, with replies in JSON and in XML; logged in once for all tests of a module."""
    with logged_in(suite_server, format=request.param) as client:
        yield client


@contextlib.contextmanager
def logged_in(
    server: Server, username: str = "testuser", format: str = "json", save: bool = True
) -> Iterator[JavaClient]:
    """A client with an HTTP session that ends."""
    client = JavaClient(server.url, format)
    client.login(username, save=save)
    yield client
    client.send("/r/user/logout", {"usercookie": None})
    client.http.close()


@pytest.fixture
def nobody(suite_server: Server) -> Iterator[JavaClient]:
    """A client that is not logged in."""
    client = JavaClient(suite_server.url)
    yield client
    client.http.close()


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return f"acceptance {uuid.uuid4().hex[:12]}"


@pytest.fixture
def directory(user: JavaClient, unique: str) -> Iterator[str]:
    """A new directory of testuser, which goes with the test."""
    user.ask("/r/repository/directory/create", directory=unique)
    yield unique
    user.send("/r/repository/directory/delete", {"directory": unique})
