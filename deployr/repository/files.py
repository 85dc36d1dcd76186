"""The default repository: users' versioned files."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence

import sqlalchemy as sa

from deployr.errors import NotAuthenticated, NotFound
from deployr.repository import access, file_types, names, rows
from deployr.repository.blobs import Blob, Blobs
from deployr.repository.names import ARCHIVE, ROOT
from deployr.repository.records import Destination, FileProperties, RepositoryFile, RepositoryName
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.schema import repository_files as files
from deployr.users.caller import Caller


class RepositoryFiles:
    """The files of the default repository. Contents lie in :class:`~deployr.repository.blobs.Blobs`."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._blobs = Blobs(settings.blobs_directory)
        self._largest = settings.limits.max_upload
        self._policies = settings.repository
        self._blacklist = settings.limits.file_type_blacklist

    # -- reading ------------------------------------------------------------------------------------------

    def list_files(
        self,
        caller: Caller,
        *,
        directory: str | None = None,
        filename: str | None = None,
        category: str | None = None,
        archived: bool = False,
        shared: bool = False,
        published: bool = False,
    ) -> list[RepositoryFile]:
        """The caller's files, latest versions (``/r/repository/file/list``).

        Args:
            directory: only this one.
            filename: all versions of this file of the directory (default root), newest first.
            category: only files of this category, see :func:`~deployr.repository.file_types.parse_category`.
            archived: with files of archives, which are left out unless one is named.
            shared: with files of others that are shared, or restricted to a role of the caller.
            published: with published files of others.

        Raises:
            NotFound: there is no such directory or file.
        """
        wanted = file_types.parse_category(category) if category else None
        own = rows.is_owner if filename else rows.owned_by
        conditions = [_shown(own(caller.username), shared, published)]
        conditions += _versions_of(filename, directory) if filename else _latest_in(directory, archived)
        narrowed = [*conditions, rows.of_category(wanted)] if wanted and not filename else conditions
        with self._database.reading() as connection:
            found = _select(connection, caller, narrowed)
            if not found and (filename or not _is_known(connection, caller, directory, conditions)):
                raise NotFound(f"There is no {filename or directory!r}.")
        return [file for file in found if wanted in (None, file.category)]

    def list_scripts(
        self,
        caller: Caller,
        *,
        directory: str | None = None,
        filename: str | None = None,
        archived: bool = False,
        shared: bool = False,
        published: bool = False,
    ) -> list[RepositoryFile]:
        """The caller's R scripts; for an anonymous caller the published ones (``/r/repository/script/list``).

        Raises:
            NotAuthenticated: a policy asks for login.
            NotFound: there is no such directory or script.
        """
        if caller.is_anonymous and self._policies.script_list_authenticate:
            raise NotAuthenticated()
        return self.list_files(
            caller,
            directory=directory,
            filename=filename,
            category="script",
            archived=archived,
            shared=shared,
            published=published or caller.is_anonymous,
        )

    def find(self, caller: Caller, name: RepositoryName, *, script: bool = False) -> RepositoryFile:
        """One file that the caller may see.

        Args:
            script: the name may lack its ``.R``.

        Raises:
            NotFound: it does not exist or the caller may not see it; the two are not told apart.
        """
        spellings = file_types.spellings(name.filename) if script else [name.filename] * 3
        owner, directory = name.author or caller.username, name.directory or ROOT
        with self._database.reading() as connection:
            named = rows.find(connection, owner, directory, spellings, name.version)
        found = [file for file in named if access.may_see(caller, file)]
        if not found:
            raise NotFound(f"There is no file {name.filename!r}.")
        return min(found, key=lambda file: spellings.index(file.filename))

    def may_download(self, caller: Caller, file: RepositoryFile) -> bool:
        """Whether the caller may have the file's content under the server's policies."""
        return access.may_download(caller, file, self._policies)

    # -- writing ------------------------------------------------------------------------------------------

    def check_upload(self, caller: Caller, filenames: Sequence[str], *, directory: str | None = None) -> None:
        """Whether :meth:`upload` would take files of these names; nothing is written.

        Raises:
            NotAuthenticated, InvalidParameter, NotFound: as :meth:`upload`.
        """
        username = caller.require_user()
        for filename in filenames:
            names.check_filename(filename)
            file_types.check_type(filename, self._blacklist, caller)
        with self._database.reading() as connection:
            if not rows.has_directory(connection, username, directory or ROOT):
                raise NotFound(f"There is no directory {directory!r}.")

    async def store(
        self, caller: Caller, filename: str, content: AsyncIterable[bytes], destination: Destination
    ) -> RepositoryFile:
        """Write a content that comes in pieces to a file of the caller.

        Raises:
            TooLarge: it is larger than an upload may be.
            NotAuthenticated, InvalidParameter, NotFound: as :meth:`upload`.
        """
        blob = await self._blobs.put_stream(content, limit=self._largest)
        return self.upload(
            caller,
            filename,
            blob,
            directory=destination.directory,
            properties=destination.properties,
            newversion=destination.newversion,
            newversionmsg=destination.newversionmsg,
        )

    def upload(
        self,
        caller: Caller,
        filename: str,
        blob: Blob,
        *,
        directory: str | None = None,
        properties: FileProperties | None = None,
        newversion: bool = False,
        newversionmsg: str | None = None,
    ) -> RepositoryFile:
        """Write a file of the caller: make it, replace its latest version, or add a version.

        Args:
            blob: the stored content.
            directory: default root.
            properties: what is not given stays as it is.
            newversion: keep the former latest version as history.
            newversionmsg: describes the version.

        Raises:
            NotAuthenticated: the caller is anonymous.
            InvalidParameter: the name is no file name, or its type is black-listed.
            NotFound: there is no such directory.
        """
        with self._database.transaction() as connection:
            return self.write(
                connection,
                caller,
                filename,
                blob,
                directory=directory,
                properties=properties,
                newversion=newversion,
                newversionmsg=newversionmsg,
            )

    def write(
        self,
        connection: sa.Connection,
        caller: Caller,
        filename: str,
        blob: Blob,
        *,
        directory: str | None = None,
        properties: FileProperties | None = None,
        newversion: bool = False,
        newversionmsg: str | None = None,
    ) -> RepositoryFile:
        """As :meth:`upload`, inside of a transaction that writes more than this file."""
        username = caller.require_user()
        names.check_filename(filename)
        file_types.check_type(filename, self._blacklist, caller)
        directory, properties = directory or ROOT, properties or FileProperties()
        file_id = rows.write_file(
            connection, username, directory, filename, blob, properties, newversion, newversionmsg
        )
        return rows.select(connection, files.c.id == file_id, rows.IS_LATEST)[0]

    def update(
        self, caller: Caller, filename: str, properties: FileProperties, *, directory: str | None = None
    ) -> RepositoryFile:
        """Change what describes a file of the caller; no new version.

        Args:
            directory: default root.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: the caller has no such file.
        """
        username = caller.require_user()
        with self._database.transaction() as connection:
            file_id = rows.find_id(connection, username, directory or ROOT, filename)
            if file_id is None:
                raise NotFound(f"There is no file {filename!r}.")
            rows.update_properties(connection, file_id, properties)
            return rows.select(connection, files.c.id == file_id, rows.IS_LATEST)[0]

    def delete(self, caller: Caller, filenames: Sequence[str], *, directory: str | None = None) -> None:
        """Delete files of the caller with all versions; of co-authored files only the caller's authorship goes.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: one of them does not exist; then none is deleted.
        """
        username = caller.require_user()
        with self._database.transaction() as connection:
            for filename in dict.fromkeys(filenames):
                file_id = rows.find_id(connection, username, directory or ROOT, filename)
                if file_id is None:
                    raise NotFound(f"There is no file {filename!r}.")
                rows.drop_author(connection, file_id, username)


def _shown(own: sa.ColumnElement[bool], shared: bool, published: bool) -> sa.ColumnElement[bool]:
    """Condition: the caller's own, and candidates of others."""
    candidates = [own]
    if shared:
        candidates.append(~files.c.published & (files.c.shared | files.c.restricted.is_not(None)))
    if published:
        candidates.append(files.c.published)
    return sa.or_(*candidates)


def _latest_in(directory: str | None, archived: bool) -> list[sa.ColumnElement[bool]]:
    if directory:
        return [rows.IS_LATEST, files.c.directory == directory]
    return [rows.IS_LATEST] if archived else [rows.IS_LATEST, ~files.c.directory.endswith(ARCHIVE, autoescape=True)]


def _versions_of(filename: str, directory: str | None) -> list[sa.ColumnElement[bool]]:
    return [files.c.filename == filename, files.c.directory == (directory or ROOT)]


def _select(
    connection: sa.Connection, caller: Caller, conditions: Sequence[sa.ColumnElement[bool]]
) -> list[RepositoryFile]:
    return [file for file in rows.select(connection, *conditions) if access.may_see(caller, file)]


def _is_known(
    connection: sa.Connection, caller: Caller, directory: str | None, conditions: Sequence[sa.ColumnElement[bool]]
) -> bool:
    """Whether the directory, in which nothing of the wanted category was found, is the caller's or shows any file."""
    return (
        directory is None
        or rows.has_directory(connection, caller.username, directory)
        or bool(_select(connection, caller, conditions))
    )
