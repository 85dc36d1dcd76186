"""Projects and the sessions that hold them, on a running grid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from deployr.errors import PermissionDenied, SessionLost
from deployr.grid.client import SocketGrid
from deployr.grid.protocol import Execution, FileArea, FileInfo, SessionSpec
from deployr.projects import values
from deployr.projects.projects import Projects
from deployr.projects.records import ClosingOptions, ProjectChanges
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.schema import project_saves
from deployr.users.caller import Caller
from tests.server import Server
from tests.waiting import eventually

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


class _Vanishing(SocketGrid):
    """A grid whose sessions take away a file between its listing and its reading."""

    async def list_files(self, session: str, area: FileArea = "directory") -> list[FileInfo]:
        infos = await super().list_files(session, area)
        await self.delete_files(session, [infos[0].filename])
        return infos


async def test_a_file_that_vanishes_while_a_project_is_saved_costs_nothing_else(server: Server) -> None:
    grid, database = _Vanishing(server.settings.grid_socket), Database(server.settings.database_url)
    projects = Projects(database, grid, server.settings)
    project = (await projects.create(CALLER, name="Kept")).project
    code = Execution(execution="EXEC-1", code="writeLines('a', 'a.txt'); writeLines('b', 'b.txt')")
    await grid.execute(project, code, values.execution_arguments({}, []))
    await projects.close(CALLER, project, ClosingOptions())
    assert [file.filename for file in (await projects.saved(project)).files] == ["b.txt"]
    await projects.delete(CALLER, project)
    await grid.aclose()
    database.close()


async def test_projects_whose_sessions_are_lost_are_forgotten(projects: Projects, grid: SocketGrid) -> None:
    temporary, persistent = await projects.create(CALLER), await projects.create(CALLER, name="Kept")
    for project in (temporary, persistent):
        await grid.close(project.project)
    await projects.forget_lost()
    with pytest.raises(PermissionDenied):
        projects.find(CALLER, temporary.project)
    assert projects.find(CALLER, persistent.project).name == "Kept"
    await projects.delete(CALLER, persistent.project)


async def test_the_loss_of_a_session_costs_no_other_project(projects: Projects, grid: SocketGrid) -> None:
    mine, lost = [(await projects.create(CALLER)).project for _ in range(2)]
    await grid.close(lost)
    with pytest.raises(SessionLost):
        async with projects.using(CALLER, mine), grid.hold(mine):
            await grid.console(lost)
    assert (await projects.ping(CALLER, mine)).live
    await projects.leave(CALLER.http_session)


async def test_sessions_that_no_http_session_has_are_saved_if_they_can_be_and_closed(
    projects: Projects, grid: SocketGrid, server: Server
) -> None:
    settings = Settings.load(flags={"home": server.settings.home, "server.session_timeout": 1})
    database = Database(settings.database_url)
    # No HTTP session has the caller's digest.
    left = (await projects.create(CALLER, name="Left")).project
    code = Execution(execution="EXEC-1", code="x <- 42")
    await grid.execute(left, code, values.execution_arguments({}, []))
    half_made = await grid.open(SessionSpec(session="PROJECT-half-made", owner=CALLER.owner))
    job = await grid.open(SessionSpec(session="PROJECT-job", owner=CALLER.owner, purpose="asynchronous"))

    async def are_gone(projects: Projects) -> bool:
        await projects.end_abandoned()
        return not await grid.sessions(sessions=[left, half_made.session])

    assert not await are_gone(projects)
    await eventually(lambda: are_gone(Projects(database, grid, settings)))
    assert (await projects.saved(left)).workspace
    assert await grid.close(job.session)
    await projects.delete(CALLER, left)
    database.close()


async def test_closing_twice_is_harmless_for_a_persistent_project(projects: Projects) -> None:
    project = (await projects.create(CALLER, name="Kept")).project
    for _ in range(2):
        assert not (await projects.close(CALLER, project, ClosingOptions())).live
    await projects.delete(CALLER, project)


async def test_a_failed_restore_leaves_no_session_behind(projects: Projects, grid: SocketGrid, server: Server) -> None:
    project = (await projects.create(CALLER, name="Broken")).project
    await projects.close(CALLER, project, ClosingOptions())
    database = Database(server.settings.database_url)
    with database.transaction() as connection:
        connection.execute(project_saves.update().where(project_saves.c.project == project).values(workspace="0" * 64))
    database.close()
    with pytest.raises(OSError, match="No such file"):
        async with projects.using(CALLER, project):
            pass
    assert await grid.sessions(sessions=[project]) == []
    await projects.delete(CALLER, project)


async def test_a_restore_that_was_cut_short_is_begun_anew(projects: Projects, grid: SocketGrid) -> None:
    project = (await projects.create(CALLER, name="Whole")).project
    code = Execution(execution="EXEC-1", code="writeLines('a', 'a.txt')")
    await grid.execute(project, code, values.execution_arguments({}, []))
    await projects.close(CALLER, project, ClosingOptions())
    await grid.open(SessionSpec(session=project, owner=CALLER.owner))
    async with projects.using(CALLER, project):
        assert [info.filename for info in await grid.list_files(project)] == ["a.txt"]
    await projects.delete(CALLER, project)


async def test_release_leaves_a_busy_persistent_project_live(projects: Projects, grid: SocketGrid) -> None:
    busy = (await projects.create(CALLER, name="Busy")).project
    code = Execution(execution="EXEC-1", code="repeat Sys.sleep(0.01)")
    running = asyncio.create_task(grid.execute(busy, code, values.execution_arguments({}, [])))
    await eventually(lambda: projects.is_busy(CALLER.http_session))
    await projects.release(CALLER)
    assert (await projects.ping(CALLER, busy)).live
    await grid.interrupt(busy)
    await running
    await projects.release(CALLER)
    assert not (await projects.ping(CALLER, busy)).live
    await projects.delete(CALLER, busy)


async def test_a_named_project_no_longer_ends_by_itself(projects: Projects, grid: SocketGrid) -> None:
    named = (await projects.create(CALLER)).project
    # Nothing ends while it is held.
    async with grid.hold(named):
        await grid.amend(named, context="", idle_timeout=1)
        await projects.update(CALLER, named, ProjectChanges(name="Named"))
    nameless = (await projects.create(CALLER)).project
    await grid.amend(nameless, context="", idle_timeout=1)

    async def is_gone() -> bool:
        return not await grid.sessions(sessions=[nameless])

    await eventually(is_gone)
    [info] = await grid.sessions(sessions=[named])
    assert info.context == "Project: Named"
    await projects.delete(CALLER, named)


async def test_a_project_whose_session_is_lost_is_not_named(projects: Projects, grid: SocketGrid) -> None:
    project = (await projects.create(CALLER)).project
    await grid.close(project)
    with pytest.raises(SessionLost):
        await projects.update(CALLER, project, ProjectChanges(name="Named"))
    with pytest.raises(PermissionDenied):
        projects.find(CALLER, project)
