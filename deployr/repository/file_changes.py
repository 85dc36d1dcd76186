"""What happens to files of the default repository besides their being written (7x-facts 13.2, 13.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from deployr.errors import AlreadyExists, InvalidParameter, NotFound
from deployr.repository import file_types, names, relocations, rows
from deployr.repository.blobs import Blob
from deployr.repository.names import ROOT
from deployr.repository.records import FileProperties, RepositoryFile
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.schema import repository_file_authors as file_authors
from deployr.store.schema import repository_files as files
from deployr.store.schema import repository_versions as versions
from deployr.store.schema import users
from deployr.users.caller import Caller


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A file to copy or move.

    Attributes:
        version: ``None`` for the latest.
        rename: its new name; ``None`` leaves it as it is.
    """

    filename: str
    directory: str = ROOT
    version: str | None = None
    rename: str | None = None


class FileChanges:
    """Copies, moves, authors and former versions of files."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._blacklist = settings.limits.file_type_blacklist

    def copy(self, caller: Caller, sources: Sequence[Source], destination: str) -> None:
        """Copy files to a directory, as new versions where it has files of their names.

        Raises:
            NotAuthenticated: the caller is anonymous.
            InvalidParameter: a new name is no file name, or its type is black-listed.
            NotFound: the directory, a file or a version does not exist; then nothing is copied.
        """
        username = caller.require_user()
        for source in sources:
            self._check_name(caller, source.rename)
        with self._database.transaction() as connection:
            _check_directory(connection, username, destination)
            for source, file_id in _found(connection, username, sources):
                version, rename = source.version, source.rename
                relocations.copy_file(connection, username, file_id, destination, version=version, filename=rename)

    def move(self, caller: Caller, sources: Sequence[Source], destination: str) -> list[str]:
        """Move files to a directory with their history, which is appended where it has files of their names.

        Returns:
            A warning for each file of several authors, which stays.

        Raises:
            NotAuthenticated, NotFound: as :meth:`copy`.
        """
        username = caller.require_user()
        with self._database.transaction() as connection:
            _check_directory(connection, username, destination)
            found = list(_found(connection, username, dict.fromkeys(sources)))
            warnings: list[str] = []
            for source, file_id in found:
                warnings += relocations.move_files(connection, username, {source.filename: file_id}, destination)
        return warnings

    def _check_name(self, caller: Caller, filename: str | None) -> None:
        if filename is not None:
            names.check_filename(filename)
            file_types.check_type(filename, self._blacklist, caller)

    def grant(
        self,
        caller: Caller,
        filename: str,
        *,
        directory: str | None = None,
        newauthors: Sequence[str] = (),
        revokeauthors: Sequence[str] = (),
    ) -> RepositoryFile:
        """Make users owners of a file and others none; what is revoked from the last one is deleted.

        Returns:
            The file, which the caller may not own any more.

        Raises:
            NotAuthenticated: the caller is anonymous.
            InvalidParameter: nobody is named.
            NotFound: there is no such file or user, or who is to be revoked is no author.
            AlreadyExists: a new author has a file of this name in a directory of this name.
        """
        username, directory = caller.require_user(), directory or ROOT
        if not newauthors and not revokeauthors:
            raise InvalidParameter("Neither newauthor nor revokeauthor is given.")
        with self._database.transaction() as connection:
            file_id = _find(connection, username, directory, filename)
            for author in newauthors:
                _grant(connection, file_id, author, directory, filename)
            file = rows.select(connection, files.c.id == file_id, rows.IS_LATEST)[0]
            for author in dict.fromkeys(revokeauthors):
                if author not in file.authors:
                    raise NotFound(f"{author} is no author of {filename!r}.")
                rows.drop_author(connection, file_id, author)
            return next(iter(rows.select(connection, files.c.id == file_id, rows.IS_LATEST)), file)

    def revert(
        self,
        caller: Caller,
        filename: str,
        version: str,
        *,
        directory: str | None = None,
        properties: FileProperties,
        newversionmsg: str | None = None,
    ) -> RepositoryFile:
        """Make the content of a former version the latest version; the history stays.

        Args:
            newversionmsg: describes the new version; the default names the former one.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: there is no such file or version.
        """
        username = caller.require_user()
        with self._database.transaction() as connection:
            file_id = _find(connection, username, directory or ROOT, filename)
            found = rows.select(connection, files.c.id == file_id, versions.c.version == version)
            if not found:
                raise NotFound(f"There is no version {version!r}.")
            rows.update_properties(connection, file_id, properties)
            message = newversionmsg or f"Reverted to version {version}."
            blob = Blob(found[0].sha256, found[0].length)
            rows.insert_version(connection, file_id, blob, username, message)
            return rows.select(connection, files.c.id == file_id, rows.IS_LATEST)[0]


def _check_directory(connection: sa.Connection, username: str, directory: str) -> None:
    if not rows.has_directory(connection, username, directory):
        raise NotFound(f"There is no directory {directory!r}.")


def _find(connection: sa.Connection, username: str, directory: str, filename: str) -> int:
    file_id = rows.find_id(connection, username, directory, filename)
    if file_id is None:
        raise NotFound(f"There is no file {filename!r}.")
    return file_id


def _found(connection: sa.Connection, username: str, sources: Iterable[Source]) -> Iterator[tuple[Source, int]]:
    for source in sources:
        yield source, _find(connection, username, source.directory, source.filename)


def _grant(connection: sa.Connection, file_id: int, author: str, directory: str, filename: str) -> None:
    if connection.scalar(sa.select(users.c.username).where(users.c.username == author)) is None:
        raise NotFound(f"There is no user {author}.")
    own = rows.find_id(connection, author, directory, filename)
    if own == file_id:
        return
    if own is not None:
        raise AlreadyExists(f"{author} has a file {filename!r} already.")
    if not rows.has_directory(connection, author, directory):
        rows.insert_directory(connection, author, directory)
    connection.execute(file_authors.insert().values(file_id=file_id, username=author))
