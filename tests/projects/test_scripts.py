"""Limits of scripts outside of projects, on a running grid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from deployr.errors import AnonymousProjectLimit, BoundaryExceeded
from deployr.grid.client import SocketGrid
from deployr.projects.preparation import Preparing
from deployr.projects.projects import Projects
from deployr.projects.records import ExecutionOptions
from deployr.projects.scripts import Scripts, blackbox_id
from deployr.projects.sources import ScriptSources
from deployr.projects.standard_model import StandardModel
from deployr.projects.storing import Stores
from deployr.repository.blobs import Blobs
from deployr.repository.external import ExternalRepository
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import FileProperties, RepositoryName
from deployr.repository.repositories import Repositories
from deployr.settings import LimitSettings
from deployr.store.database import Database
from deployr.users.caller import Caller
from tests.server import Server
from tests.waiting import eventually

AUTHOR = Caller(http_session="of-the-author", username="testuser", roles=frozenset({"POWER_USER"}))
ANYBODY = Caller(http_session="of-nobody")
ENDLESS = [RepositoryName(filename="endless in scripts.R", author="testuser")]
OPTIONS = ExecutionOptions()


@pytest.fixture
async def grid(server: Server) -> AsyncIterator[SocketGrid]:
    grid = SocketGrid(server.settings.grid_socket)
    yield grid
    await grid.aclose()


@pytest.fixture
async def sources(server: Server) -> AsyncIterator[ScriptSources]:
    """Scripts, with a published one that does not end."""
    database, blobs = Database(server.settings.database_url), Blobs(server.settings.blobs_directory)
    files = RepositoryFiles(database, server.settings)
    name = ENDLESS[0].filename
    files.upload(AUTHOR, name, blobs.put([b"repeat {}"]), properties=FileProperties(published=True))
    yield ScriptSources(Repositories(files, blobs, ExternalRepository(server.settings)))
    files.delete(AUTHOR, [name])
    database.close()


def scripts(server: Server, grid: SocketGrid, sources: ScriptSources, limits: LimitSettings) -> Scripts:
    settings = msgspec.structs.replace(server.settings, limits=limits)
    database, blobs = Database(settings.database_url), Blobs(settings.blobs_directory)
    files = RepositoryFiles(database, settings)
    repositories = Repositories(files, blobs, ExternalRepository(settings))
    preparing = Preparing(Projects(database, grid, settings), grid, repositories, blobs, settings)
    model = StandardModel(grid, preparing, Stores(database, grid, files, blobs, settings))
    return Scripts(grid, sources, model, settings)


@pytest.mark.parametrize("blackbox", [False, True])
async def test_an_anonymous_execution_ends_at_its_time_limit(
    server: Server, grid: SocketGrid, sources: ScriptSources, blackbox: bool
) -> None:
    limited = scripts(server, grid, sources, LimitSettings(anonymous_time=1))
    run = limited.execute_blackbox if blackbox else limited.execute
    with pytest.raises(BoundaryExceeded):
        await run(ANYBODY, ENDLESS, OPTIONS)


async def test_one_anonymous_session_has_a_limit_of_executions(
    server: Server, grid: SocketGrid, sources: ScriptSources
) -> None:
    limited = scripts(server, grid, sources, LimitSettings(anonymous_executions=1))
    caller = Caller(http_session="of-one")
    first = asyncio.create_task(limited.execute(caller, ENDLESS, OPTIONS))
    await eventually(lambda: grid.sessions(owner=caller.owner))
    with pytest.raises(AnonymousProjectLimit):
        await limited.execute(caller, ENDLESS, OPTIONS)
    first.cancel()
    await asyncio.wait([first])


async def test_the_blackbox_ends_with_its_session(server: Server, grid: SocketGrid, sources: ScriptSources) -> None:
    unlimited = scripts(server, grid, sources, LimitSettings())
    await unlimited.execute_blackbox(
        ANYBODY, [RepositoryName(filename="DeployR - Hello World", author="testuser")], OPTIONS
    )
    assert await grid.sessions(sessions=[blackbox_id(ANYBODY.http_session)])
    await unlimited.leave(ANYBODY.http_session)
    assert not await grid.sessions(sessions=[blackbox_id(ANYBODY.http_session)])
