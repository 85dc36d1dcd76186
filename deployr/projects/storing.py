"""What goes from a session to the repository after its code ran: the post-execution step of the standard model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import sqlalchemy as sa

from deployr.grid.client import Grid
from deployr.projects import rdata
from deployr.projects.records import Storing
from deployr.repository.blobs import Blob, Blobs
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import FileProperties, RepositoryFile
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.caller import Caller


@dataclasses.dataclass(frozen=True, slots=True)
class Collected:
    """Contents on their way from a session to the repository; ``blobs`` are in the order of their file names."""

    caller: Caller
    storing: Storing
    blobs: Sequence[Blob]


class Stores:
    """Stores files, objects and workspaces of sessions in their callers' repositories."""

    def __init__(
        self, database: Database, grid: Grid, files: RepositoryFiles, blobs: Blobs, settings: Settings
    ) -> None:
        self._database = database
        self._grid = grid
        self._files = files
        self._blobs = blobs
        self._limit = settings.limits.max_upload

    def check(self, caller: Caller, storing: Storing) -> None:
        """Whether all could be stored, as far as that is known before the code runs.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: the directory does not exist.
            InvalidParameter: a name is no file name, or its type is black-listed.
        """
        self._files.check_upload(caller, _filenames(storing), directory=storing.directory)

    async def store(self, caller: Caller, session: str, storing: Storing) -> list[RepositoryFile]:
        """Store files, then objects, then the workspace: all, or none when one of them is not there.

        Raises:
            NotFound: there is no such file in the working directory.
            DeployrError: there is no such object.
            ProjectBusy: another call runs in the session.
            TooLarge: one is larger than an upload may be.
        """
        collected = await self.collect(caller, session, storing)
        with self._database.transaction() as connection:
            return self.write(connection, collected)

    async def collect(self, caller: Caller, session: str, storing: Storing) -> Collected:
        """Take from a session what is to be stored; raises as :meth:`store`. No row refers to the contents yet."""
        blobs = [await self._file(session, name) for name in storing.files]
        blobs += [await self._objects(session, name) for name in storing.objects]
        if storing.workspace:
            blobs.append(await self._objects(session, None))
        return Collected(caller, storing, blobs)

    def write(self, connection: sa.Connection, collected: Collected) -> list[RepositoryFile]:
        """Store what was collected, inside of the caller's transaction.

        Raises:
            NotFound: the directory does not exist (any more).
        """
        storing = collected.storing
        properties = FileProperties(published=True if storing.public else None)
        return [
            self._files.write(
                connection,
                collected.caller,
                filename,
                blob,
                directory=storing.directory,
                properties=properties,
                newversion=storing.newversion,
            )
            for filename, blob in zip(_filenames(storing), collected.blobs, strict=True)
        ]

    async def _file(self, session: str, filename: str) -> Blob:
        async with self._grid.read_file(session, filename) as (_, content):
            return await self._blobs.put_stream(content, limit=self._limit)

    async def _objects(self, session: str, name: str | None) -> Blob:
        """An object, or all."""
        async with rdata.saved(self._grid, session, name) as content:
            return await self._blobs.put_stream(content, limit=self._limit)


def _filenames(storing: Storing) -> list[str]:
    """Names of the stored files, in the order that they are stored in."""
    objects = [*storing.objects, *([storing.workspace] if storing.workspace else [])]
    return [*storing.files, *map(rdata.file_name, objects)]
