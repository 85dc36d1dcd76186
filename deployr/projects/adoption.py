"""What a session takes over from another project: its objects, files or attached packages (7x-facts 7.2)."""

from __future__ import annotations

from deployr.grid.client import Grid
from deployr.projects import rdata, session_packages
from deployr.projects.projects import Projects
from deployr.users.caller import Caller


class Adoption:
    """Copies parts of a project into a session. The project must be readable for the caller, and is made live.

    All methods raise:
        PermissionDenied: the caller may not read the project.
        ProjectBusy: another call runs in it.
    """

    def __init__(self, projects: Projects, grid: Grid) -> None:
        self._projects = projects
        self._grid = grid

    def check(self, caller: Caller, project_id: str) -> None:
        """Whether the caller may read the project; nothing is copied."""
        self._projects.find(caller, project_id, reading=True)

    async def workspace(self, caller: Caller, project_id: str, session: str) -> None:
        """Copy all objects."""
        async with (
            self._projects.using(caller, project_id, reading=True),
            rdata.saved(self._grid, project_id, None) as content,
        ):
            await rdata.load(self._grid, session, content)

    async def directory(self, caller: Caller, project_id: str, session: str) -> None:
        """Copy all files of the working directory; those of the same name are replaced."""
        async with self._projects.using(caller, project_id, reading=True):
            for info in await self._grid.list_files(project_id):
                async with self._grid.read_file(project_id, info.filename) as (_, content):
                    await self._grid.write_file(session, info.filename, content, descr=info.descr, overwrite=True)

    async def packages(self, caller: Caller, project_id: str, session: str) -> None:
        """Attach the packages that are attached there."""
        async with self._projects.using(caller, project_id, reading=True):
            wanted = await session_packages.attached(self._grid, project_id)
        present = await session_packages.attached(self._grid, session)
        # The last one attached comes first on the search path.
        missing = [name for name in reversed(wanted) if name not in present]
        if missing:
            await session_packages.attach(self._grid, session, missing, None)
