"""The external repository: a directory of the server's disk that clients list, load and execute (7x-facts 15).

Nothing is kept of it, so what changes on disk shows at the next call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import BinaryIO, Literal

from deployr.errors import NotAuthenticated, NotFound, TooLarge
from deployr.repository import addresses, file_types
from deployr.repository.addresses import Address, Place
from deployr.repository.directories import DirectoryFiles, DirectoryListing
from deployr.repository.external_places import ExternalDirectory, ExternalFile, Places
from deployr.repository.external_tree import ExternalTree
from deployr.repository.records import RepositoryName
from deployr.settings import Settings
from deployr.users.caller import Caller

_CHUNK = 256 * 1024


class ExternalRepository:
    """Lists, finds and reads what is below its base directory.

    Of what a caller may not see, and of what does not exist, the same is said.
    """

    def __init__(self, settings: Settings) -> None:
        self._places = Places(ExternalTree(settings.external_repository))
        self._limit = settings.limits.max_upload
        self._login_to_list_scripts = settings.repository.script_list_authenticate

    def list_files(
        self,
        caller: Caller,
        *,
        directory: str | None = None,
        filename: str | None = None,
        category: str | None = None,
        shared: bool = False,
        published: bool = False,
    ) -> list[ExternalFile]:
        """The caller's private files; see :meth:`deployr.repository.files.RepositoryFiles.list_files`.

        Args:
            directory: address of the only one.
            filename: only this file of the directory, default ``external:root``.
            shared, published: with what others have in these places; never with the caller's own, since the Java suite
                counts the same own files with and without them (client-wire-facts 16).

        Raises:
            NotFound: there is no such directory or file.
        """
        if filename:
            found = [self.find(caller, RepositoryName(filename, directory=directory))]
        elif directory:
            found = self._directory(caller, directory).files
        else:
            found = _files(self._own(caller, ["root"]))
            found += self._of_others(caller, "shared") if shared else []
            found += self._of_others(caller, "public") if published else []
        return _of_category(found, category)

    def list_scripts(
        self,
        caller: Caller,
        *,
        directory: str | None = None,
        filename: str | None = None,
        shared: bool = False,
        published: bool = False,
    ) -> list[ExternalFile]:
        """The caller's scripts; see :meth:`deployr.repository.files.RepositoryFiles.list_scripts`.

        Raises:
            NotAuthenticated: a policy asks for login.
            NotFound: there is no such directory or script.
        """
        if caller.is_anonymous and self._login_to_list_scripts:
            raise NotAuthenticated()
        return self.list_files(
            caller,
            directory=directory,
            filename=filename,
            category="script",
            shared=shared,
            published=published or caller.is_anonymous,
        )

    def list_directories(
        self,
        caller: Caller,
        *,
        directory: str | None = None,
        category: str | None = None,
        userfiles: bool = False,
        shared: bool = False,
        published: bool = False,
    ) -> DirectoryListing:
        """The caller's directories; see :meth:`deployr.repository.directories.RepositoryDirectories.list_directories`.

        Files of others are in the same system directories as there: Java knows these by their names.

        Args:
            directory: address of the only one, which may be another's.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: there is no such directory.
        """
        username = caller.require_user()
        own = self._own(caller, _places(shared=True, published=True))
        names = [str(each.address) for each in own]
        if directory:
            found = self._directory(caller, directory)
            is_own = found.address.owner == username
            listed = [DirectoryFiles(directory, _of_category(found.files, category))]
            return DirectoryListing(listed if is_own else [], [] if is_own else listed, names, [])
        shown = _places(shared=shared, published=published)
        user = [
            DirectoryFiles(str(each.address), _of_category(each.files, category) if userfiles else [])
            for each in own
            if each.address.place in shown
        ]
        return DirectoryListing(user, self._system(caller, category, shared=shared, published=published), names, [])

    def find(self, caller: Caller, name: RepositoryName, *, script: bool = False) -> ExternalFile:
        """One file that the caller may see; see :meth:`deployr.repository.files.RepositoryFiles.find`.

        Args:
            name: the directory, default ``external:root``, says already whose it is; there are no versions.

        Raises:
            NotFound: it does not exist or the caller may not see it; the two are not told apart.
        """
        address = addresses.parse(name.directory or addresses.ROOT, caller.username)
        if address is not None and name.author in (None, address.owner) and name.version is None:
            for spelling in file_types.spellings(name.filename) if script else [name.filename]:
                file = self._places.file(caller.username, address, spelling)
                if file is not None:
                    return file
        raise NotFound(f"There is no file {name.filename!r}.")

    def select_files(self, caller: Caller, directory: str, filenames: Sequence[str] = ()) -> list[ExternalFile]:
        """Files of a directory: all, or those named.

        Raises:
            NotFound: there is no such directory, or one of the files is not in it.
        """
        if not filenames:
            return self._directory(caller, directory).files
        names = (RepositoryName(filename, directory=directory) for filename in dict.fromkeys(filenames))
        return [self.find(caller, name) for name in names]

    def open(self, file: ExternalFile) -> BinaryIO:
        """The content of a file that a caller was shown.

        Raises:
            NotFound: it is not there any more, or the server may not read it.
        """
        return self._places.open(file)

    async def stream(self, file: ExternalFile) -> AsyncIterator[bytes]:
        """The content in chunks.

        Raises:
            NotFound: as :meth:`open`.
        """
        with await asyncio.to_thread(self.open, file) as content:
            while chunk := await asyncio.to_thread(content.read, _CHUNK):
                yield chunk

    def read(self, file: ExternalFile) -> bytes:
        """The whole content.

        Raises:
            NotFound: as :meth:`open`.
            TooLarge: it is larger than an upload may be.
        """
        with self.open(file) as content:
            text = content.read(self._limit + 1)
        if len(text) > self._limit:
            raise TooLarge(f"The file {file.filename!r} is larger than {self._limit} bytes.")
        return text

    def _directory(self, caller: Caller, directory: str) -> ExternalDirectory:
        address = addresses.parse(directory, caller.username)
        found = self._places.directory(caller.username, address) if address else None
        if found is None:
            raise NotFound(f"There is no directory {directory!r}.")
        return found

    def _own(self, caller: Caller, places: Sequence[Place]) -> list[ExternalDirectory]:
        """The caller's directories in these places."""
        username = caller.username
        if username is None:
            return []
        starts = [
            Address(place, username) for place in places if place != "root" or addresses.has_private_place(username)
        ]
        return [directory for start in starts for directory in self._places.directories(username, start)]

    def _system(self, caller: Caller, category: str | None, *, shared: bool, published: bool) -> list[DirectoryFiles]:
        """System directories with the files of others."""
        found = {}
        if shared:
            found["Shared"] = self._of_others(caller, "shared")
        if published:
            found["Public"] = self._of_others(caller, "public")
        return [DirectoryFiles(name, _of_category(files, category)) for name, files in found.items()]

    def _of_others(self, caller: Caller, place: Literal["shared", "public"]) -> list[ExternalFile]:
        """The files of others in a place."""
        owners = [owner for owner in self._places.owners(place) if owner != caller.username]
        return _files(
            directory
            for owner in owners
            for directory in self._places.directories(caller.username, Address(place, owner))
        )


def _places(*, shared: bool, published: bool) -> list[Place]:
    """The private place, and those that are asked for."""
    wanted: dict[Place, bool] = {"root": True, "shared": shared, "public": published}
    return [place for place, is_wanted in wanted.items() if is_wanted]


def _files(directories: Iterable[ExternalDirectory]) -> list[ExternalFile]:
    return [file for directory in directories for file in directory.files]


def _of_category(files: list[ExternalFile], category: str | None) -> list[ExternalFile]:
    wanted = file_types.parse_category(category) if category else None
    return [file for file in files if wanted in (None, file.category)]
