"""Servers to be crashed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.crash.processes import LiveProject, MakeServer, SavedFile, WholeServer, make_directory
from tests.server import Client


@pytest.fixture(scope="session")
def whole_server() -> Iterator[WholeServer]:
    """A server that the tests of this process share; what they kill it starts again."""
    server = WholeServer(make_directory(), GRID_STATELESS_KEEP=2)
    server.start()
    yield server
    try:
        assert server.stop() == 0
        assert server.all_processes() == []
    finally:
        server.remove()


@pytest.fixture
def new_server() -> Iterator[MakeServer]:
    """Makes servers of a test's own, not started yet."""
    made: list[WholeServer] = []

    def make(**environ: Any) -> WholeServer:
        made.append(WholeServer(make_directory(), **environ))
        return made[-1]

    yield make
    for server in made:
        server.remove()


@pytest.fixture
def client(whole_server: WholeServer) -> Iterator[Client]:
    """A client of testuser on the shared server."""
    client = whole_server.login()
    yield client
    client.logout()
    client.http.close()


@pytest.fixture
def project(client: Client) -> LiveProject:
    """A live temporary project on the shared server."""
    return LiveProject(client)


@pytest.fixture
def saved_project(client: Client) -> Iterator[LiveProject]:
    """A persistent project, saved and closed, whose workspace has ``x``."""
    project = LiveProject(client, projectname="Saved")
    project.run("x <- 'saved'")
    client.succeed("/r/project/close", project=project.id)
    yield project
    client.succeed("/r/project/delete", project=project.id)


@pytest.fixture
def saved_file(client: Client) -> Iterator[SavedFile]:
    """A file in the repository."""
    file = SavedFile(client, "saved.txt", b"content")
    yield file
    file.delete()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for calls that wait."""
    with ThreadPoolExecutor() as pool:
        yield pool
