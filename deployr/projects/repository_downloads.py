"""Contents of repository files under the download policies (7x-facts 13.5)."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import BinaryIO

from deployr.errors import DeployrError, NotFound, PermissionDenied
from deployr.projects.downloads import zip_of
from deployr.projects.records import Content, Download, StoredDownload
from deployr.repository.blobs import Blobs
from deployr.repository.external import ExternalRepository
from deployr.repository.external_places import ExternalFile
from deployr.repository.records import RepositoryFile, RepositoryName
from deployr.repository.repositories import Repositories
from deployr.users.caller import Caller

_CHUNK = 256 * 1024


class RepositoryDownloads:
    """Opens files for sending."""

    def __init__(self, repositories: Repositories, external: ExternalRepository, blobs: Blobs) -> None:
        self._repositories = repositories
        self._external = external
        self._blobs = blobs

    async def open(self, caller: Caller, names: Sequence[RepositoryName]) -> Download:
        """One file as it is, several files of an author as a zip.

        Raises:
            NotFound: one of them does not exist or the caller may not see it.
            NotAuthenticated, PermissionDenied: the caller may see it, but not have its content.
        """
        found = await asyncio.to_thread(self._find_all, caller, names)
        if len(found) == 1:
            return await self._open(found[0])
        return await zip_of([(file.filename, self._content(file)) for file in found], f"{names[0].author}.zip")

    async def open_path(self, caller: Caller, filename: str, *, author: str, places: Sequence[str]) -> Download:
        """One file, in a directory and of a version; a single place is looked up as a version first (7x-facts 13.1).

        Raises:
            NotFound, NotAuthenticated, PermissionDenied: as :meth:`open`.
        """
        if len(places) == 1:
            with contextlib.suppress(NotFound):
                return await self._open(self._find(caller, RepositoryName(filename, author=author, version=places[0])))
        if len(places) > 2:
            raise NotFound(f"There is no file {filename!r}.")
        directory, version, *_ = [*places, None, None]
        name = RepositoryName(filename, author=author, directory=directory or None, version=version or None)
        return await self._open(self._find(caller, name))

    async def open_all(self, caller: Caller, found: Sequence[RepositoryFile], filename: str) -> Download:
        """A zip of files, even of one or none.

        Raises:
            NotAuthenticated, PermissionDenied: as :meth:`open`.
        """
        for file in found:
            self.check(caller, file)
        return await zip_of([(file.filename, self._content(file)) for file in found], filename)

    def check(self, caller: Caller, file: RepositoryFile) -> None:
        """Check that the caller, who sees a file, may have its content.

        Raises:
            NotAuthenticated, PermissionDenied: as :meth:`open`.
        """
        if self._repositories.may_download(caller, file):
            return
        caller.require_user()
        raise PermissionDenied("Only its authors may download the file.")

    def _find_all(self, caller: Caller, names: Sequence[RepositoryName]) -> list[RepositoryFile]:
        return [self._find(caller, name) for name in names]

    def _find(self, caller: Caller, name: RepositoryName) -> RepositoryFile:
        file = self._repositories.find(caller, name)
        self.check(caller, file)
        return file

    async def _open(self, file: RepositoryFile) -> Download:
        if isinstance(file, ExternalFile):
            return await self._open_external(file)
        return StoredDownload(
            filename=file.filename,
            length=file.length,
            content=Content(self._blobs.stream(file.sha256)),
            etag=file.sha256,
            modified=file.last_modified,
            part=lambda start, length: Content(self._blobs.stream(file.sha256, start, length)),
        )

    async def _open_external(self, file: ExternalFile) -> Download:
        """Others may change the file: it is sent as long as it is now."""
        opened = await asyncio.to_thread(self._external.open, file)
        length = os.fstat(opened.fileno()).st_size

        async def close() -> None:
            opened.close()

        return Download(filename=file.filename, length=length, content=Content(_chunks(opened, length), close))

    @contextlib.asynccontextmanager
    async def _content(self, file: RepositoryFile) -> AsyncIterator[AsyncIterable[bytes]]:
        yield self._repositories.stream(file)


async def _chunks(opened: BinaryIO, length: int) -> AsyncIterator[bytes]:
    """So many bytes of a file.

    Raises:
        DeployrError: it has become shorter.
    """
    while length:
        chunk = await asyncio.to_thread(opened.read, min(length, _CHUNK))
        if not chunk:
            raise DeployrError("The file was cut short while it was sent.")
        length -= len(chunk)
        yield chunk
