"""The directories of the default repository (7x-facts 12): ``root``, custom ones, archives, and three virtual ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from deployr.errors import AlreadyExists, InvalidParameter, NotFound
from deployr.repository import access, file_types, names, relocations, rows
from deployr.repository.names import ARCHIVE, ROOT
from deployr.repository.records import FileProperties, RepositoryFile
from deployr.store.database import Database
from deployr.store.schema import repository_directories as directories
from deployr.store.schema import repository_files as files
from deployr.users.caller import Caller

SHARED = "Restricted", "Shared"
PUBLISHED = ("Public",)
"""System directories, named by the access that other users' files in them have."""


@dataclasses.dataclass(frozen=True, slots=True)
class DirectoryFiles:
    """A directory in a listing."""

    directory: str
    files: Sequence[RepositoryFile] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class DirectoryListing:
    """What ``/r/repository/directory/list`` shows.

    Attributes:
        user: the caller's directories.
        system: virtual ones, with files of others.
        custom, archived: names of all of the caller's directories.
    """

    user: Sequence[DirectoryFiles]
    system: Sequence[DirectoryFiles]
    custom: Sequence[str]
    archived: Sequence[str]


class RepositoryDirectories:
    """The directories of the default repository; they are flat, and each user's are the user's own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- reading ------------------------------------------------------------------------------------------

    def list_directories(
        self,
        caller: Caller,
        *,
        directory: str | None = None,
        category: str | None = None,
        archived: bool = False,
        userfiles: bool = False,
        shared: bool = False,
        published: bool = False,
    ) -> DirectoryListing:
        """The caller's directories.

        Args:
            directory: only this one, with its files; a system directory may be named too.
            category: only files of this category, see :func:`~deployr.repository.file_types.parse_category`.
            archived: with archives.
            userfiles: with the files of the caller's directories.
            shared: with Restricted and Shared, and their files.
            published: with Public, and its files.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: there is no such directory.
        """
        username = caller.require_user()
        system = [*(SHARED if shared else ()), *(PUBLISHED if published else ())]
        with self._database.reading() as connection:
            custom, archives = _names(connection, username)
            user = [ROOT, *custom, *(archives if archived else [])]
            if directory:
                user = [name for name in (ROOT, *custom, *archives) if name == directory]
                system = [name for name in (*SHARED, *PUBLISHED) if name == directory]
            if not user and not system:
                raise NotFound(f"There is no directory {directory!r}.")
            own = _own_files(connection, username, user) if userfiles or directory else []
            others = _files_of_others(connection, caller) if system else []
        return DirectoryListing(
            _group(user, own, "directory", category), _group(system, others, "access", category),
            sorted([ROOT, *custom]), archives,
        )  # fmt: skip

    def select_files(self, caller: Caller, directory: str, filenames: Sequence[str] = ()) -> list[RepositoryFile]:
        """Latest versions of the caller's files of a directory: of all or of those named.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: there is no such directory, or one of the files is not in it.
        """
        username = caller.require_user()
        with self._database.reading() as connection:
            _check_exists(connection, username, directory)
            found = _own_files(connection, username, [directory])
        known = {file.filename: file for file in found}
        for filename in filenames:
            if filename not in known:
                raise NotFound(f"There is no file {filename!r}.")
        return [known[filename] for filename in dict.fromkeys(filenames)] if filenames else found

    # -- writing ------------------------------------------------------------------------------------------

    def create(self, caller: Caller, directory: str) -> None:
        """Make a custom directory.

        Raises:
            NotAuthenticated: the caller is anonymous.
            InvalidParameter: the name is not allowed.
            AlreadyExists: the caller has one of this name.
        """
        username = caller.require_user()
        names.check_directory(directory)
        with self._database.transaction() as connection:
            _create(connection, username, directory)

    def delete(self, caller: Caller, directory: str) -> None:
        """Delete a directory with its files; root is emptied. Of co-authored files only the authorship goes.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: there is no such directory.
        """
        username = caller.require_user()
        with self._database.transaction() as connection:
            _check_exists(connection, username, directory)
            for file_id in relocations.owned_files(connection, username, directory).values():
                rows.drop_author(connection, file_id, username)
            _remove(connection, username, directory)

    def rename(self, caller: Caller, directory: str, destination: str) -> list[str]:
        """Give a directory another name, which makes an archive a custom directory.

        Returns:
            A warning for each file of several authors; these stay, and the directory with them.

        Raises:
            NotAuthenticated: the caller is anonymous.
            InvalidParameter: it is root, or the new name is not allowed.
            AlreadyExists: the caller has a directory of the new name.
            NotFound: there is no such directory.
        """
        username = caller.require_user()
        names.check_directory(destination)
        if directory == ROOT:
            raise InvalidParameter("The directory root cannot be renamed.")
        with self._database.transaction() as connection:
            _check_exists(connection, username, directory)
            _create(connection, username, destination)
            return _empty_into(connection, username, directory, destination)

    def copy(self, caller: Caller, directory: str, destination: str, filenames: Sequence[str] = ()) -> None:
        """Copy all or some files of a directory, as new versions where the destination has files of their names.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: one of the directories or files does not exist.
        """
        username = caller.require_user()
        with self._database.transaction() as connection:
            for name in (directory, destination):
                _check_exists(connection, username, name)
            for file_id in relocations.owned_files(connection, username, directory, filenames).values():
                relocations.copy_file(connection, username, file_id, destination)

    def move(self, caller: Caller, directory: str, destination: str, filenames: Sequence[str] = ()) -> list[str]:
        """Move all or some files of a directory, with their history; the directory stays.

        Returns:
            A warning for each file of several authors, which stays.

        Raises:
            NotAuthenticated, NotFound: as :meth:`copy`.
        """
        username = caller.require_user()
        with self._database.transaction() as connection:
            for name in (directory, destination):
                _check_exists(connection, username, name)
            sources = relocations.owned_files(connection, username, directory, filenames)
            return relocations.move_files(connection, username, sources, destination)

    def update(self, caller: Caller, directory: str, properties: FileProperties, filenames: Sequence[str] = ()) -> None:
        """Set the same properties on all or some files of a directory.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: there is no such directory, or one of the files is not in it; then none is changed.
        """
        username = caller.require_user()
        with self._database.transaction() as connection:
            _check_exists(connection, username, directory)
            for file_id in relocations.owned_files(connection, username, directory, filenames).values():
                rows.update_properties(connection, file_id, properties)

    def archive(
        self, caller: Caller, directory: str, archive: str, filenames: Sequence[str] = ()
    ) -> tuple[str, list[str]]:
        """Move all or some files of root or a custom directory to an archive, made on demand.

        A directory that is empty afterwards is removed.

        Args:
            archive: its name may lack the suffix.

        Returns:
            The archive's name, and a warning for each file of several authors, which stays.

        Raises:
            NotAuthenticated: the caller is anonymous.
            InvalidParameter: the name is not allowed, or the directory is an archive itself.
            NotFound: there is no such directory or file.
        """
        username = caller.require_user()
        plain = archive.removesuffix(ARCHIVE)
        names.check_directory(plain)
        if directory.endswith(ARCHIVE):
            raise InvalidParameter(f"{directory!r} is an archive.")
        with self._database.transaction() as connection:
            _check_exists(connection, username, directory)
            destination = plain + ARCHIVE
            if not rows.has_directory(connection, username, destination):
                rows.insert_directory(connection, username, destination)
            message = f"File archived from {directory} directory."
            return destination, _empty_into(connection, username, directory, destination, filenames, message)


def _names(connection: sa.Connection, username: str) -> tuple[list[str], list[str]]:
    """Custom directories, and archives."""
    query = sa.select(directories.c.name).where(directories.c.owner == username).order_by(directories.c.name)
    found = list(connection.scalars(query))
    archives = [name for name in found if name.endswith(ARCHIVE)]
    return [name for name in found if not name.endswith(ARCHIVE)], archives


def _own_files(connection: sa.Connection, username: str, wanted: Sequence[str]) -> list[RepositoryFile]:
    return rows.select(connection, rows.owned_by(username), rows.IS_LATEST, files.c.directory.in_(wanted))


def _files_of_others(connection: sa.Connection, caller: Caller) -> list[RepositoryFile]:
    opened = files.c.published | files.c.shared | files.c.restricted.is_not(None)
    found = rows.select(connection, ~rows.owned_by(caller.username), rows.IS_LATEST, opened)
    return [file for file in found if access.may_see(caller, file)]


def _group(
    wanted: Iterable[str], found: Iterable[RepositoryFile], attribute: str, category: str | None
) -> list[DirectoryFiles]:
    """The files of a category by directory, of which an attribute of each file holds the name."""
    kind = file_types.parse_category(category) if category else None
    grouped: dict[str, list[RepositoryFile]] = {name: [] for name in wanted}
    for file in found:
        if kind in (None, file.category) and getattr(file, attribute) in grouped:
            grouped[getattr(file, attribute)].append(file)
    return [DirectoryFiles(name, kept) for name, kept in grouped.items()]


def _check_exists(connection: sa.Connection, username: str, directory: str) -> None:
    if not rows.has_directory(connection, username, directory):
        raise NotFound(f"There is no directory {directory!r}.")


def _create(connection: sa.Connection, username: str, directory: str) -> None:
    if rows.has_directory(connection, username, directory):
        raise AlreadyExists(f"There is a directory {directory!r} already.")
    rows.insert_directory(connection, username, directory)


def _remove(connection: sa.Connection, username: str, directory: str) -> None:
    """Remove an empty directory; root has no row and stays."""
    mine = directories.c.owner == username, directories.c.name == directory
    connection.execute(directories.delete().where(*mine))


def _empty_into(
    connection: sa.Connection,
    username: str,
    directory: str,
    destination: str,
    filenames: Sequence[str] = (),
    message: str | None = None,
) -> list[str]:
    """Move files and remove the directory when none is left in it; returns warnings."""
    sources = relocations.owned_files(connection, username, directory, filenames)
    warnings = relocations.move_files(connection, username, sources, destination, message)
    if not relocations.owned_files(connection, username, directory):
        _remove(connection, username, directory)
    return warnings
