"""What a session is given before code runs in it: the pre-execution step of the standard execution model.

All that is asked for is looked up first, so that nothing was touched when a part of it does not exist. Then it is
brought in, from the general to the specific, later wins (7x-facts 7.2): what is adopted, whole directories, single
files, objects. The inputs come after that, with the execution.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

from deployr.grid.client import Grid
from deployr.projects import rdata
from deployr.projects.adoption import Adoption
from deployr.projects.projects import Projects
from deployr.projects.records import Preparation
from deployr.repository import file_types
from deployr.repository.blobs import Blobs
from deployr.repository.records import RepositoryFile, RepositoryName
from deployr.repository.repositories import Repositories
from deployr.settings import Settings
from deployr.users.caller import Caller


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """A preparation whose parts were found, for any number of sessions; see :meth:`Preparing.apply`.

    Attributes:
        adopting: held by the session that adopts: a project serves one at a time.
    """

    caller: Caller
    adopted: Preparation
    files: Sequence[RepositoryFile]
    objects: Sequence[RepositoryFile]
    adopting: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)

    def __bool__(self) -> bool:
        """Whether there is anything to bring in."""
        adopted = self.adopted
        return bool(adopted.workspace or adopted.files or adopted.packages or self.files or self.objects)


class Preparing:
    """Prepares sessions for callers."""

    def __init__(
        self, projects: Projects, grid: Grid, repositories: Repositories, blobs: Blobs, settings: Settings
    ) -> None:
        self._grid = grid
        self._repositories = repositories
        self._blacklist = settings.limits.file_type_blacklist
        self._adoption = Adoption(projects, grid, blobs)

    def plan(self, caller: Caller, preparation: Preparation) -> Prepared:
        """Look up all that is asked for.

        Raises:
            NotFound: a file or directory does not exist or the caller may not see it.
            InvalidParameter: a file's type is black-listed.
            NotAuthenticated, PermissionDenied: the caller may not read a project that is to be adopted.
        """
        for project_id in {preparation.workspace, preparation.files, preparation.packages} - {None}:
            self._adoption.check(caller, str(project_id))
        listed = [file for name in preparation.directories for file in self._repositories.list_directory(caller, name)]
        files = listed + [self._find(caller, name) for name in preparation.preloaded_files]
        objects = [self._find(caller, name) for name in preparation.preloaded_objects]
        for file in (*files, *objects):
            file_types.check_type(file.filename, self._blacklist, caller)
        return Prepared(caller, preparation, files, objects)

    async def apply(self, prepared: Prepared, session: str) -> None:
        """Bring all in; files of the same name are replaced, and so are objects.

        Raises:
            ProjectBusy: another call runs in the session or in a project that is adopted.
            DeployrError: a file of objects cannot be loaded, or a file not be written.
        """
        async with prepared.adopting:
            await self._adopt(prepared.caller, prepared.adopted, session)
        for file in prepared.files:
            content = self._repositories.stream(file)
            await self._grid.write_file(session, file.filename, content, descr=file.descr, overwrite=True)
        for file in prepared.objects:
            await rdata.load(self._grid, session, self._repositories.stream(file))

    async def _adopt(self, caller: Caller, adopted: Preparation, session: str) -> None:
        """A project has its own parts already."""
        if adopted.workspace and adopted.workspace != session:
            await self._adoption.workspace(caller, adopted.workspace, session)
        if adopted.files and adopted.files != session:
            await self._adoption.directory(caller, adopted.files, session)
        if adopted.packages and adopted.packages != session:
            await self._adoption.packages(caller, adopted.packages, session)

    def _find(self, caller: Caller, name: RepositoryName) -> RepositoryFile:
        return self._repositories.find(caller, name)
