"""Zips unpacked into a directory of the repository (``/r/repository/directory/upload``)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterable
from typing import IO

from deployr.repository import rows, zips
from deployr.repository.blobs import Blob, Blobs
from deployr.repository.files import RepositoryFiles
from deployr.repository.names import ROOT
from deployr.repository.records import FileProperties
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.caller import Caller


class ZipUploads:
    """Takes zips in."""

    def __init__(self, database: Database, files: RepositoryFiles, blobs: Blobs, settings: Settings) -> None:
        self._database = database
        self._files = files
        self._blobs = blobs
        self._limit = settings.limits.max_upload

    async def unpack(
        self,
        caller: Caller,
        content: AsyncIterable[bytes],
        *,
        directory: str | None = None,
        properties: FileProperties,
        newversion: bool = False,
        newversionmsg: str | None = None,
    ) -> None:
        """Write all files of a zip, or none. Directories are flat, so a zip with files in directories is refused.

        Args:
            content: the zip.
            directory: default root.
            properties, newversion, newversionmsg: of each file, as in :meth:`RepositoryFiles.upload`.

        Raises:
            NotAuthenticated: the caller is anonymous.
            InvalidParameter: it is no zip, or one of its files is not allowed.
            TooLarge: it holds too many or too large files.
            NotFound: there is no such directory.
        """
        directory = directory or ROOT
        with tempfile.TemporaryFile() as file:
            async for chunk in content:
                await asyncio.to_thread(file.write, chunk)
            file.flush()
            blobs = await asyncio.to_thread(self._store, caller, directory, file)
        await asyncio.to_thread(self._write, caller, directory, blobs, properties, newversion, newversionmsg)

    def _store(self, caller: Caller, directory: str, file: IO[bytes]) -> dict[str, Blob]:
        """The contents by file name."""
        with zips.opened(file, self._limit) as archive:
            found = zips.entries(archive)
            self._files.check_upload(caller, [entry.filename for entry in found], directory=directory)
            return {entry.filename: self._blobs.put(zips.chunks(archive, entry)) for entry in found}

    def _write(
        self,
        caller: Caller,
        directory: str,
        blobs: dict[str, Blob],
        properties: FileProperties,
        newversion: bool,
        message: str | None,
    ) -> None:
        username = caller.require_user()
        with self._database.transaction() as connection:
            for filename, blob in blobs.items():
                rows.write_file(connection, username, directory, filename, blob, properties, newversion, message)
