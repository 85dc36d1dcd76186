"""The working directory of a project."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence

from deployr.grid.client import Grid
from deployr.grid.protocol import FileInfo
from deployr.projects import downloads
from deployr.projects.projects import Projects
from deployr.projects.records import Download, Project
from deployr.repository import file_types
from deployr.settings import Settings
from deployr.users.caller import Caller


class Directory:
    """Lists, writes, reads and deletes files."""

    def __init__(self, projects: Projects, grid: Grid, settings: Settings) -> None:
        self._projects = projects
        self._grid = grid
        self._blacklist = settings.limits.file_type_blacklist

    async def list_files(
        self, caller: Caller, project_id: str, *, category: str | None = None
    ) -> tuple[Project, list[FileInfo]]:
        """Files by name.

        Args:
            category: only of this one, see :func:`deployr.repository.file_types.parse_category`.
        """
        wanted = file_types.parse_category(category) if category else None
        async with self._projects.using(caller, project_id, reading=True) as project:
            infos = await self._grid.list_files(project_id)
        return project, [info for info in infos if wanted in (None, file_types.category(info.filename))]

    async def upload(
        self,
        caller: Caller,
        project_id: str,
        filename: str,
        content: AsyncIterable[bytes],
        *,
        descr: str | None = None,
        overwrite: bool = False,
    ) -> tuple[Project, FileInfo]:
        """Write a file.

        Raises:
            AlreadyExists: the name is taken and ``overwrite`` is false.
            InvalidParameter: the name is no plain file name, or its type is black-listed.
        """
        file_types.check_type(filename, self._blacklist, caller)
        async with self._projects.using(caller, project_id) as project:
            info = await self._grid.write_file(project_id, filename, content, descr=descr, overwrite=overwrite)
        return project, info

    async def download(self, caller: Caller, project_id: str, filenames: Sequence[str]) -> Download:
        """One file as it is, several or all (no names) as a zip.

        Raises:
            NotFound: one of them is not there.
        """
        async with self._projects.using(caller, project_id, reading=True):
            return await downloads.directory(self._grid, project_id, filenames)

    async def delete(self, caller: Caller, project_id: str, filenames: Sequence[str]) -> Project:
        """Delete files.

        Raises:
            NotFound: one of them is not there; then none is deleted.
        """
        async with self._projects.using(caller, project_id) as project:
            await self._grid.delete_files(project_id, list(filenames))
        return project
