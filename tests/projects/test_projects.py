"""What the housekeeper asks of projects, on a running grid."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from server import Server

from deployr.errors import PermissionDenied
from deployr.grid.client import SocketGrid
from deployr.projects.projects import Projects
from deployr.projects.records import ClosingOptions
from deployr.store.database import Database
from deployr.users.caller import Caller

CALLER = Caller(http_session="digest-of-a-session", username="testuser", roles=frozenset({"POWER_USER"}))


@pytest.fixture
async def grid(server: Server) -> AsyncIterator[SocketGrid]:
    grid = SocketGrid(server.settings.grid_socket)
    yield grid
    await grid.aclose()


@pytest.fixture
def projects(server: Server, grid: SocketGrid) -> Iterator[Projects]:
    database = Database(server.settings.database_url)
    yield Projects(database, grid, server.settings)
    database.close()


async def test_a_session_that_ends_takes_its_temporary_projects_along(projects: Projects) -> None:
    project = await projects.create(CALLER)
    assert not await projects.is_busy(CALLER.http_session)
    await projects.leave(CALLER.http_session)
    with pytest.raises(PermissionDenied):
        await projects.about(CALLER, project.project)


@pytest.mark.parametrize(("save", "files"), [(True, ["a.txt"]), (False, [])])
async def test_a_session_that_ends_saves_its_persistent_projects(
    projects: Projects, grid: SocketGrid, save: bool, files: list[str]
) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"text"

    project = (await projects.create(CALLER, name="Kept")).project
    await grid.write_file(project, "a.txt", content(), descr="described")
    await projects.leave(CALLER.http_session, save=save)
    assert not (await projects.ping(CALLER, project)).live
    async with projects.using(CALLER, project):
        infos = await grid.list_files(project)
    assert [info.filename for info in infos] == files
    assert all(info.descr == "described" for info in infos)
    await projects.delete(CALLER, project)


async def test_projects_whose_sessions_are_lost_are_forgotten(projects: Projects, grid: SocketGrid) -> None:
    temporary, persistent = await projects.create(CALLER), await projects.create(CALLER, name="Kept")
    for project in (temporary, persistent):
        await grid.close(project.project)
    await projects.forget_lost()
    with pytest.raises(PermissionDenied):
        projects.find(CALLER, temporary.project)
    assert projects.find(CALLER, persistent.project).name == "Kept"
    await projects.delete(CALLER, persistent.project)


async def test_closing_twice_is_harmless_for_a_persistent_project(projects: Projects) -> None:
    project = (await projects.create(CALLER, name="Kept")).project
    for _ in range(2):
        assert not (await projects.close(CALLER, project, ClosingOptions())).live
    await projects.delete(CALLER, project)


async def test_a_failed_restore_leaves_no_session_behind(projects: Projects, grid: SocketGrid, server: Server) -> None:
    project = (await projects.create(CALLER, name="Broken")).project
    await projects.close(CALLER, project, ClosingOptions())
    manifest = server.settings.home / "projects" / f"{project}.json"
    manifest.write_text(manifest.read_text().replace('"workspace":"', '"workspace":"00'))
    with pytest.raises(OSError, match="No such file"):
        async with projects.using(CALLER, project):
            pass
    assert await grid.sessions(sessions=[project]) == []
    await projects.delete(CALLER, project)
