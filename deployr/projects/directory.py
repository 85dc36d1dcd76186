"""The working directory of a project."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence

from deployr.errors import AlreadyExists, TooLarge
from deployr.grid.client import Grid
from deployr.grid.files import check_name
from deployr.grid.protocol import FileInfo
from deployr.projects import downloads
from deployr.projects.projects import Projects
from deployr.projects.records import Download, Project
from deployr.repository import file_types
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import Destination, RepositoryFile, RepositoryName
from deployr.repository.repositories import Repositories
from deployr.settings import Settings
from deployr.users.caller import Caller


class Directory:
    """Lists, writes, reads and deletes files, and exchanges them with the repository (7x-facts 10)."""

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
        self._check_type(filename, caller)
        async with self._projects.using(caller, project_id) as project:
            info = await self._grid.write_file(project_id, filename, content, descr=descr, overwrite=overwrite)
        return project, info

    async def write(
        self,
        caller: Caller,
        project_id: str,
        contents: Sequence[tuple[str, bytes]],
        *,
        descr: str | None = None,
        overwrite: bool = False,
    ) -> tuple[Project, list[FileInfo]]:
        """Write files, each a name and its content.

        Raises:
            AlreadyExists: a name is taken and ``overwrite`` is false; then none is written.
            InvalidParameter: a name is no plain file name, or its type is black-listed; then none is written.
            TooLarge: they are larger than an upload may be.
        """
        if sum(len(content) for _, content in contents) > self._limits.max_upload:
            raise TooLarge(f"The text is larger than {self._limits.max_upload} bytes.")
        names = [check_name(name) for name, _ in contents]
        for name in names:
            self._check_type(name, caller)
        async with self._projects.using(caller, project_id) as project, self._grid.hold(project_id):
            if not overwrite:
                await self._check_free(project_id, names)
            infos = [
                await self._grid.write_file(project_id, name, _once(content), descr=descr, overwrite=overwrite)
                for name, content in contents
            ]
        return project, infos

    async def update(
        self,
        caller: Caller,
        project_id: str,
        filename: str,
        *,
        rename: str | None = None,
        descr: str | None = None,
        overwrite: bool = False,
    ) -> tuple[Project, FileInfo]:
        """Rename or describe a file; what is not given stays as it is.

        Raises:
            NotFound: there is no such file.
            AlreadyExists: the new name is taken and ``overwrite`` is false.
            InvalidParameter: the new name is no plain file name, or its type is black-listed.
        """
        if rename:
            self._check_type(rename, caller)
        async with self._projects.using(caller, project_id) as project:
            info = await self._grid.update_file(project_id, filename, rename=rename, descr=descr, overwrite=overwrite)
        return project, info

    async def store(
        self,
        caller: Caller,
        project_id: str,
        filename: str,
        destination: Destination,
    ) -> tuple[Project, RepositoryFile]:
        """Copy a file to the caller's repository.

        Raises:
            NotFound: there is no such file or no such directory of the repository.
            TooLarge: the file is larger than an upload may be.
        """
        async with (
            self._projects.using(caller, project_id, reading=True) as project,
            self._grid.read_file(project_id, filename) as (_, content),
        ):
            return project, await self._files.store(caller, filename, content, destination)

    async def load(self, caller: Caller, project_id: str, name: RepositoryName) -> tuple[Project, FileInfo]:
        """Copy a file of the repository, with its description, to the working directory.

        It replaces a file of its name: the call has no ``overwrite`` that could allow it.
        See :meth:`deployr.repository.files.RepositoryFiles.find`.

        Raises:
            NotFound: there is no such file that the caller may see.
            InvalidParameter: its type is black-listed.
        """
        async with self._projects.using(caller, project_id) as project:
            file = self._repositories.find(caller, name)
            self._check_type(name.filename, caller)
            content = self._repositories.stream(file)
            info = await self._grid.write_file(project_id, name.filename, content, descr=file.descr, overwrite=True)
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

    def _check_type(self, filename: str, caller: Caller) -> None:
        file_types.check_type(filename, self._limits.file_type_blacklist, caller)

    async def _check_free(self, project_id: str, names: Sequence[str]) -> None:
        taken = {info.filename for info in await self._grid.list_files(project_id)}
        for name in names:
            if name in taken:
                raise AlreadyExists(f"File already exists: {name}.")


async def _once(content: bytes) -> AsyncIterator[bytes]:
    """A content in one piece."""
    yield content
