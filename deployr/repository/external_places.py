"""What a caller may see of the places of the external repository, as files and directories with addresses."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import BinaryIO, Literal

from deployr.errors import NotFound
from deployr.repository.addresses import Address, is_addressable, may_see, owner_of
from deployr.repository.external_tree import Entry, ExternalTree, Names, is_plain
from deployr.repository.records import RepositoryFile


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExternalFile(RepositoryFile):
    """A file of the external repository: of one author, without versions, and seen by whom its place says.

    Its ``latestby`` is the user in whose directory it lies: another than its author where a link leads there. Its
    ``sha256`` is empty, since nobody has read it.

    Attributes:
        real: where it lies, below the base.
    """

    real: Names


@dataclasses.dataclass(frozen=True, slots=True)
class ExternalDirectory:
    """A directory and the files in it, by name."""

    address: Address
    files: list[ExternalFile]


class Places:
    """Reads the tree for users, or for nobody in particular (``None``)."""

    def __init__(self, tree: ExternalTree) -> None:
        self._tree = tree

    def file(self, username: str | None, address: Address, filename: str) -> ExternalFile | None:
        """A file of a directory; ``None`` when the user sees no such file."""
        directory = self._look_up(username, address)
        if directory is None or not is_plain(filename):
            return None
        try:
            entry = self._tree.look_up((*directory.real, filename))
        except OSError:
            return None
        is_seen = not entry.is_directory and may_see(username, entry.real)
        return _file(address, str(address), filename, entry) if is_seen else None

    def directory(self, username: str | None, address: Address) -> ExternalDirectory | None:
        """A directory; ``None`` when the user sees none there. One's own private one is always there."""
        found = self._look_up(username, address)
        if found is not None and found.is_directory:
            return ExternalDirectory(address, _files(address, self._entries(username, found.real)))
        return ExternalDirectory(address, []) if address.is_root else None

    def directories(self, username: str | None, start: Address) -> list[ExternalDirectory]:
        """A directory and all below it, by address; links to directories are listed, but not gone into."""
        found = self._look_up(username, start)
        if found is None or not found.is_directory:
            return [ExternalDirectory(start, [])] if start.is_root else []
        return sorted(self._walk(username, start, found.real), key=lambda each: str(each.address))

    def owners(self, place: Literal["shared", "public"]) -> list[str]:
        """Whose directories are in a place, whether or not they have accounts."""
        try:
            return sorted(filter(is_addressable, self._tree.names((place,))))
        except OSError:
            return []

    def open(self, file: ExternalFile) -> BinaryIO:
        """The content of a file that a user was shown.

        Raises:
            NotFound: it is not there any more, or the server may not read it.
        """
        try:
            return os.fdopen(self._tree.open(file.real), "rb")
        except OSError:
            raise NotFound(f"There is no file {file.filename!r}.") from None

    def _walk(self, username: str | None, start: Address, real: Names) -> Iterator[ExternalDirectory]:
        pending = [(start, real, True)]
        while pending:
            address, real, is_descended = pending.pop()
            entries = self._entries(username, real)
            yield ExternalDirectory(address, _files(address, entries))
            for name, entry in entries.items() if is_descended else ():
                if entry.is_directory and is_addressable(name):
                    pending.append((address.joined(name), entry.real, entry.real == (*real, name)))

    def _look_up(self, username: str | None, address: Address) -> Entry | None:
        """What is at an address; the owner's name must be spelled as on disk, where case may not matter."""
        *parent, owner = address.names[: len(address.names) - len(address.below)]
        try:
            if owner not in self._tree.names(parent):
                return None
            entry = self._tree.look_up(address.names)
        except OSError:
            return None
        return entry if may_see(username, entry.real) else None

    def _entries(self, username: str | None, real: Names) -> dict[str, Entry]:
        try:
            found = self._tree.entries(real)
        except OSError:
            return {}
        return {name: entry for name, entry in found.items() if may_see(username, entry.real)}


def _files(address: Address, entries: dict[str, Entry]) -> list[ExternalFile]:
    directory = str(address)
    return [_file(address, directory, name, entry) for name, entry in entries.items() if not entry.is_directory]


def _file(address: Address, directory: str, filename: str, entry: Entry) -> ExternalFile:
    return ExternalFile(
        filename=filename,
        directory=directory,
        author=address.owner,
        authors=(address.owner,),
        version=None,
        versionmsg=None,
        latestby=owner_of(entry.real),
        descr=None,
        tags=None,
        restricted=None,
        shared=address.place == "shared",
        published=address.place == "public",
        inputs=None,
        outputs=None,
        sha256="",
        length=entry.length,
        last_modified=entry.modified,
        real=entry.real,
    )
