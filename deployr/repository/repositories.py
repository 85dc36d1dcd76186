"""Both repositories, the default and the external one, as far as their files are loaded and executed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO

from deployr.repository.addresses import is_external
from deployr.repository.blobs import Blobs
from deployr.repository.external import ExternalRepository
from deployr.repository.external_places import ExternalFile
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import RepositoryFile, RepositoryName
from deployr.users.caller import Caller

_LARGE = 256 * 1024
"""Bytes of a blob from which on it is read in a thread."""


class Repositories:
    """Finds and reads files: the directory of each says in which repository it is."""

    def __init__(self, files: RepositoryFiles, blobs: Blobs, external: ExternalRepository) -> None:
        self._files = files
        self._blobs = blobs
        self._external = external

    def find(self, caller: Caller, name: RepositoryName, *, script: bool = False) -> RepositoryFile:
        """One file that the caller may see; see :meth:`deployr.repository.files.RepositoryFiles.find`.

        Raises:
            NotFound: it does not exist or the caller may not see it; the two are not told apart.
        """
        repository = self._external if is_external(name.directory) else self._files
        return repository.find(caller, name, script=script)

    def list_directory(self, caller: Caller, directory: str) -> list[RepositoryFile]:
        """The files of a directory.

        Raises:
            NotFound: there is no such directory.
        """
        if is_external(directory):
            return [*self._external.list_files(caller, directory=directory)]
        return self._files.list_files(caller, directory=directory)

    def may_download(self, caller: Caller, file: RepositoryFile) -> bool:
        """Whether the caller may have the file's content under the server's policies."""
        return self._files.may_download(caller, file)

    def stream(self, file: RepositoryFile) -> AsyncIterator[bytes]:
        """The content of a file that the caller was shown, in chunks.

        Raises:
            NotFound: while it is taken: an external file is not there any more.
        """
        return self._external.stream(file) if isinstance(file, ExternalFile) else self._blobs.stream(file.sha256)

    def open(self, file: RepositoryFile) -> BinaryIO:
        """The content of a file that the caller was shown, to be read.

        Raises:
            NotFound: an external file is not there any more.
        """
        return self._external.open(file) if isinstance(file, ExternalFile) else self._blobs.path(file.sha256).open("rb")

    async def read(self, file: RepositoryFile) -> bytes:
        """The whole content of a file that the caller was shown.

        Raises:
            NotFound: an external file is not there any more.
            TooLarge: an external file is larger than an upload may be.
        """
        if isinstance(file, ExternalFile):
            return await asyncio.to_thread(self._external.read, file)
        if file.length < _LARGE:
            return self._blobs.read(file.sha256)
        return await asyncio.to_thread(self._blobs.read, file.sha256)
