"""Fixtures that all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import Client, Server, running


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
