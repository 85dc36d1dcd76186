"""The workspace of a project in rData files: from and to clients, its working directory and the repository."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterable, Collection

from deployr.grid.client import Grid
from deployr.grid.protocol import FileInfo
from deployr.projects import rdata
from deployr.projects.projects import Projects
from deployr.projects.records import Project
from deployr.repository import file_types
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import Destination, RepositoryFile, RepositoryName
from deployr.repository.repositories import Repositories
from deployr.settings import Settings
from deployr.users.caller import Caller

_WORKSPACE = "workspace"
"""Name of the file of a whole workspace, without its extension."""


class WorkspaceFiles:
    """Loads and saves objects (7x-facts 9). R's refusals are :class:`~deployr.errors.DeployrError` (900)."""

    def __init__(
        self,
        projects: Projects,
        grid: Grid,
        files: RepositoryFiles,
        repositories: Repositories,
        settings: Settings,
    ) -> None:
        self._projects = projects
        self._grid = grid
        self._files = files
        self._repositories = repositories
        self._limits = settings.limits

    async def upload(self, caller: Caller, project_id: str, content: AsyncIterable[bytes]) -> Project:
        """Load an rData file; its objects keep the names that they have in it.

        Raises:
            DeployrError: it is no rData file.
        """
        async with self._projects.using(caller, project_id) as project:
            await rdata.load(self._grid, project_id, content)
        return project

    async def load(self, caller: Caller, project_id: str, name: RepositoryName) -> Project:
        """Load an rData file of the repository; see :meth:`deployr.repository.files.RepositoryFiles.find`.

        Raises:
            NotFound: there is no such file that the caller may see.
            DeployrError: it is no rData file.
        """
        async with self._projects.using(caller, project_id) as project:
            file = self._repositories.find(caller, name)
            file_types.check_type(name.filename, self._limits.file_type_blacklist, caller)
            await rdata.load(self._grid, project_id, self._repositories.stream(file))
        return project

    async def save(
        self, caller: Caller, project_id: str, name: str | None, *, descr: str | None = None, version: bool = False
    ) -> tuple[Project, FileInfo]:
        """Save an object, or the workspace (no name), to the working directory.

        Args:
            version: under a name of its own where the file is there already, which is replaced otherwise.

        Raises:
            DeployrError: there is no such object.
            InvalidParameter: its name cannot be a file name.
        """
        filename = rdata.file_name(name or _WORKSPACE)
        async with (
            self._projects.using(caller, project_id) as project,
            self._grid.hold(project_id),
            rdata.saved(self._grid, project_id, name) as content,
        ):
            if version:
                infos = await self._grid.list_files(project_id)
                filename = _unused_name(filename, {info.filename for info in infos})
            info = await self._grid.write_file(project_id, filename, content, descr=descr, overwrite=not version)
        return project, info

    async def store(
        self,
        caller: Caller,
        project_id: str,
        name: str,
        destination: Destination,
        *,
        filename: str | None = None,
    ) -> tuple[Project, RepositoryFile]:
        """Save an object to the caller's repository.

        Args:
            filename: of the file; default the object's name.

        Raises:
            DeployrError: there is no such object.
            TooLarge: the file is larger than an upload may be.
            NotFound: there is no such directory.
            InvalidParameter: the name cannot be a file name.
        """
        async with (
            self._projects.using(caller, project_id, reading=True) as project,
            rdata.saved(self._grid, project_id, name) as content,
        ):
            return project, await self._files.store(caller, rdata.file_name(filename or name), content, destination)


def _unused_name(filename: str, taken: Collection[str]) -> str:
    """The name, or the first of ``name-1``, ``name-2`` … that is free."""
    stem = filename.removesuffix(rdata.EXTENSION)
    names = itertools.chain([filename], (f"{stem}-{number}{rdata.EXTENSION}" for number in itertools.count(1)))
    return next(name for name in names if name not in taken)
