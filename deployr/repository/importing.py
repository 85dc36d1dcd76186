"""Archives of repositories on their way in, see :mod:`deployr.repository.exchange`."""

from __future__ import annotations

import dataclasses
from typing import Any, BinaryIO

import sqlalchemy as sa

from deployr.errors import InvalidParameter
from deployr.repository import names, rows
from deployr.repository.blobs import Blobs
from deployr.repository.exchange import ArchivedFile, ArchivedVersion, ArchiveReader, Manifest
from deployr.repository.names import ARCHIVE, ROOT
from deployr.store.database import Database
from deployr.store.schema import repository_directories as directories
from deployr.store.schema import repository_file_authors as file_authors
from deployr.store.schema import repository_files as files
from deployr.store.schema import repository_versions as versions
from deployr.store.schema import users

_PROPERTIES = ("descr", "tags", "restricted", "shared", "published", "inputs", "outputs", "created")


@dataclasses.dataclass(slots=True)
class Imported:
    """What an import did.

    Attributes:
        added: files that were not there.
        extended: files that were there and got versions.
        known: files that had all of the archive's content.
        notes: what people should know: conflicts, in words.
        left_out: files whose author is no user here.
    """

    added: int = 0
    extended: int = 0
    known: int = 0
    left_out: int = 0
    notes: list[str] = dataclasses.field(default_factory=list)


class RepositoryImport:
    """Merges archives into a repository, whose server may run.

    All contents are stored before the first row is written, then each file is a transaction of its own: an import that
    breaks off is made again, and finds what it did already.
    """

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    def load(self, archive: BinaryIO) -> Imported:
        """Add what is not there. A file that is there keeps what describes it; the archive's other versions become
        newer versions of it.

        Raises:
            InvalidParameter: the file is no archive, is incomplete or damaged, or names what no call could have made.
        """
        reader = ArchiveReader(archive)
        manifest = reader.manifest()
        _check(manifest)
        self._store(reader, manifest.contents())
        return self._write(manifest)

    def _store(self, reader: ArchiveReader, expected: dict[str, int]) -> None:
        missing = dict(expected)
        for sha256, length, chunks in reader.contents():
            if missing.pop(sha256, None) != length:
                raise InvalidParameter(f"The archive has a content that none of its files names so: {sha256}.")
            if self._blobs.put(chunks).sha256 != sha256:
                raise InvalidParameter(f"The content {sha256} of the archive is damaged.")
        if missing:
            raise InvalidParameter(f"The archive lacks {len(missing)} contents.")

    def _write(self, manifest: Manifest) -> Imported:
        imported = Imported()
        with self._database.transaction() as connection:
            known = set(connection.scalars(sa.select(users.c.username)))
            for directory in manifest.directories:
                if directory.owner in known:
                    _ensure_directory(connection, directory.owner, directory.name)
        for username in sorted({file.author for file in manifest.files} - known):
            imported.notes.append(f"there is no user {username}, whose files were left out")
        for file in manifest.files:
            if file.author not in known:
                imported.left_out += 1
                continue
            with self._database.transaction() as connection:
                _FileImport(connection, imported, known).merge(file)
        return imported


class _FileImport:
    """Merges one file, inside of a transaction."""

    def __init__(self, connection: sa.Connection, imported: Imported, known: set[str]) -> None:
        self._connection = connection
        self._imported = imported
        self._known = known

    def merge(self, file: ArchivedFile) -> None:
        file_id = rows.find_id(self._connection, file.author, file.directory, file.filename)
        if file_id is None:
            self._add(file)
            self._imported.added += 1
        elif missing := self._missing(file_id, file.versions):
            self._append(file_id, file, missing)
            self._imported.extended += 1
            self._note(file, f"has other content here; {len(missing)} versions of the archive are the newest now")
        else:
            self._imported.known += 1

    def _add(self, file: ArchivedFile) -> None:
        values = {name: getattr(file, name) for name in ("author", "directory", "filename", *_PROPERTIES)}
        file_id = self._connection.execute(files.insert().values(values).returning(files.c.id)).scalar_one()
        for author in dict.fromkeys([file.author, *file.authors]):
            self._add_author(file_id, file, author)
        self._append(file_id, file, file.versions)

    def _add_author(self, file_id: int, file: ArchivedFile, author: str) -> None:
        if author not in self._known:
            self._note(file, f"cannot be owned by {author}, who is no user")
        elif rows.find_id(self._connection, author, file.directory, file.filename) is not None:
            self._note(file, f"cannot be owned by {author} too, who has a file of this name")
        else:
            _ensure_directory(self._connection, author, file.directory)
            self._connection.execute(file_authors.insert().values(file_id=file_id, username=author))

    def _missing(self, file_id: int, archived: list[ArchivedVersion]) -> list[ArchivedVersion]:
        """Versions of the archive that the file does not have; that of the present content is there in any case."""
        query = sa.select(versions).where(versions.c.file_id == file_id).order_by(versions.c.id)
        present = self._connection.execute(query).all()
        moments = {(row.sha256, row.lastmodified) for row in present}
        if present and archived[-1].sha256 == present[-1].sha256:
            return []
        return [version for version in archived if (version.sha256, version.lastmodified) not in moments]

    def _append(self, file_id: int, file: ArchivedFile, missing: list[ArchivedVersion]) -> None:
        for number, version in enumerate(missing, rows.next_number(self._connection, file_id)):
            values: dict[str, Any] = {
                "file_id": file_id,
                "version": f"{number}.0",
                "sha256": version.sha256,
                "length": version.length,
                "message": version.message,
                "latestby": version.latestby if version.latestby in self._known else file.author,
                "lastmodified": version.lastmodified,
            }
            self._connection.execute(versions.insert().values(values))

    def _note(self, file: ArchivedFile, text: str) -> None:
        self._imported.notes.append(f"{file.author} {file.directory}/{file.filename} {text}")


def _ensure_directory(connection: sa.Connection, username: str, directory: str) -> None:
    mine = directories.c.owner == username, directories.c.name == directory
    if directory != ROOT and connection.scalar(sa.select(directories.c.name).where(*mine)) is None:
        rows.insert_directory(connection, username, directory)


def _check(manifest: Manifest) -> None:
    """Names that no call would have taken are not taken from an archive.

    Raises:
        InvalidParameter: one is such a name, or two files have the same one.
    """
    for directory in {directory.name for directory in manifest.directories}:
        _check_directory(directory)
    for directory in {file.directory for file in manifest.files} - {ROOT}:
        _check_directory(directory)
    for file in manifest.files:
        names.check_filename(file.filename)
    if len({(file.author, file.directory, file.filename) for file in manifest.files}) < len(manifest.files):
        raise InvalidParameter("The archive has a file twice.")


def _check_directory(name: str) -> None:
    names.check_directory(name.removesuffix(ARCHIVE))
