"""The archive that repositories are exported to and imported from.

It is a tar with ``repository.json`` (a :class:`Manifest`) first, then the contents of all versions, each once, as
``contents/<sha256>``. It is not compressed, so that it cannot unpack to more than it is; it is written and read from
beginning to end, and holds plain files only.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator
from typing import Annotated, BinaryIO

import msgspec

from deployr.errors import InvalidParameter

MANIFEST = "repository.json"
LARGEST_MANIFEST = 256 * 1024 * 1024
"""Bytes: some 500,000 files."""

_CONTENT = re.compile(r"contents/([0-9a-f]{64})")
_CHUNK = 256 * 1024

Natural = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class ArchivedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version; see :class:`deployr.repository.records.RepositoryFile`."""

    sha256: Digest
    length: Natural
    message: str | None
    latestby: str
    lastmodified: Natural


class ArchivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file with its versions, oldest first; see :class:`deployr.repository.records.RepositoryFile`.

    Attributes:
        created: milliseconds since 1970.
    """

    author: str
    authors: list[str]
    directory: str
    filename: str
    descr: str | None
    tags: str | None
    restricted: str | None
    shared: bool
    published: bool
    inputs: str | None
    outputs: str | None
    created: Natural
    versions: Annotated[list[ArchivedVersion], msgspec.Meta(min_length=1)]


class ArchivedDirectory(msgspec.Struct, frozen=True, kw_only=True):
    """A directory other than root, empty ones included."""

    owner: str
    name: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds.

    Attributes:
        format: of the archive; there is one so far.
    """

    format: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    directories: list[ArchivedDirectory]
    files: list[ArchivedFile]

    def contents(self) -> dict[str, int]:
        """Bytes of the contents by SHA-256.

        Raises:
            InvalidParameter: two versions disagree about one.
        """
        found: dict[str, int] = {}
        for version in (version for file in self.files for version in file.versions):
            if found.setdefault(version.sha256, version.length) != version.length:
                raise InvalidParameter(f"The archive tells two lengths of the content {version.sha256}.")
        return found


# -- writing ----------------------------------------------------------------------------------------------


def write_manifest(archive: BinaryIO, manifest: Manifest) -> None:
    """Begin an archive."""
    data = msgspec.json.encode(manifest)
    _write_entry(archive, MANIFEST, len(data), [data])


def write_content(archive: BinaryIO, sha256: str, length: int, chunks: Iterable[bytes]) -> None:
    """Add a content, whose chunks must have this length together."""
    _write_entry(archive, f"contents/{sha256}", length, chunks)


def write_end(archive: BinaryIO) -> None:
    """End an archive."""
    archive.write(bytes(2 * tarfile.BLOCKSIZE))


def _write_entry(archive: BinaryIO, name: str, length: int, chunks: Iterable[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = length, 0o600
    archive.write(entry.tobuf(tarfile.GNU_FORMAT))
    for chunk in chunks:
        archive.write(chunk)
    archive.write(bytes(-length % tarfile.BLOCKSIZE))


# -- reading ----------------------------------------------------------------------------------------------


class ArchiveReader:
    """Reads an archive as the work of a stranger, in one go; headers that an export does not write are refused.

    Raises:
        InvalidParameter: (of all methods) it is none, or it is damaged.
    """

    def __init__(self, archive: BinaryIO) -> None:
        self._archive = archive

    def manifest(self) -> Manifest:
        """What the archive holds."""
        found = self._next()
        if found is None or found[0] != MANIFEST or found[1] > LARGEST_MANIFEST:
            raise InvalidParameter("The file is no archive of a repository.")
        try:
            return msgspec.json.decode(b"".join(self._content(found[1])), type=Manifest)
        except (msgspec.MsgspecError, RecursionError, ValueError) as ex:
            raise InvalidParameter(f"The archive's list of files cannot be read: {ex}.") from ex

    def contents(self) -> Iterator[tuple[str, int, Iterator[bytes]]]:
        """SHA-256 as told, bytes, and chunks of each content; the chunks must be taken before the next one."""
        while found := self._next():
            name = _CONTENT.fullmatch(found[0])
            if name is None:
                raise InvalidParameter(f"The archive has an entry that cannot be imported: {found[0]!r}.")
            yield name[1], found[1], self._content(found[1])

    def _next(self) -> tuple[str, int] | None:
        """Name and length of the next entry; ``None`` at the end."""
        header = self._archive.read(tarfile.BLOCKSIZE)
        if header == bytes(tarfile.BLOCKSIZE):
            return None
        try:
            entry = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError) as ex:
            raise InvalidParameter(f"The archive cannot be read: {ex}.") from ex
        # Links, devices and directories, but also long names and sparse files, which are kinds of their own.
        if entry.type != tarfile.REGTYPE or entry.size < 0:
            raise InvalidParameter(f"The archive has an entry that is no plain file: {entry.name!r}.")
        return entry.name, entry.size

    def _content(self, length: int) -> Iterator[bytes]:
        left = length
        while left:
            chunk = self._archive.read(min(left, _CHUNK))
            if not chunk:
                raise InvalidParameter("The archive ends too early.")
            left -= len(chunk)
            yield chunk
        self._archive.read(-length % tarfile.BLOCKSIZE)
