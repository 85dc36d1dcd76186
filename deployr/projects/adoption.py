"""What a session takes over from another project: its objects, files or attached packages (7x-facts 7.2)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from deployr.errors import NotFound
from deployr.grid.client import Grid
from deployr.projects import rdata, session_packages
from deployr.projects.projects import Projects
from deployr.repository.blobs import Blobs
from deployr.users.caller import Caller


class Adoption:
    """Copies parts of a project into a session; of one that is not live as they were saved, and it stays so.

    All methods raise:
        PermissionDenied: the caller may not read the project.
        ProjectBusy: another call runs in it, or in the session.
    """

    def __init__(self, projects: Projects, grid: Grid, blobs: Blobs) -> None:
        self._projects = projects
        self._grid = grid
        self._blobs = blobs

    def check(self, caller: Caller, project_id: str) -> None:
        """Whether the caller may read the project; nothing is copied."""
        self._projects.find(caller, project_id, reading=True)

    async def workspace(self, caller: Caller, project_id: str, session: str) -> None:
        """Copy all objects."""
        async with self._projects.looking_at(caller, project_id) as project:
            if project.live:
                async with rdata.saved(self._grid, project_id, None) as content:
                    await rdata.load(self._grid, session, content)
            elif (blob := (await self._projects.saved(project_id)).workspace) is not None:
                await rdata.load(self._grid, session, self._blobs.stream(blob))

    async def directory(self, caller: Caller, project_id: str, session: str) -> None:
        """Copy all files of the working directory; those of the same name are replaced."""
        async with self._projects.looking_at(caller, project_id) as project:
            if project.live:
                await self._copy_files(project_id, session)
            else:
                await self._copy_saved_files(project_id, session)

    async def packages(self, caller: Caller, project_id: str, session: str) -> None:
        """Attach the packages that are attached there."""
        async with self._projects.looking_at(caller, project_id) as project:
            if project.live:
                wanted: Sequence[str] = await session_packages.attached(self._grid, project_id)
            else:
                wanted = (await self._projects.saved(project_id)).packages or ()
        present = await session_packages.attached(self._grid, session)
        # The last one attached comes first on the search path.
        missing = [name for name in reversed(wanted) if name not in present]
        if missing:
            await session_packages.attach(self._grid, session, missing, None)

    async def _copy_files(self, project_id: str, session: str) -> None:
        for info in await self._grid.list_files(project_id):
            # What the project's code takes away meanwhile is not there.
            with contextlib.suppress(NotFound):
                async with self._grid.read_file(project_id, info.filename) as (_, content):
                    await self._grid.write_file(session, info.filename, content, descr=info.descr, overwrite=True)

    async def _copy_saved_files(self, project_id: str, session: str) -> None:
        for file in (await self._projects.saved(project_id)).files:
            content = self._blobs.stream(file.sha256)
            await self._grid.write_file(session, file.filename, content, descr=file.descr, overwrite=True)
