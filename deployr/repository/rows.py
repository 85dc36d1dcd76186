"""The repository's rows; every function works inside of its caller's transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deployr.errors import NotFound
from deployr.repository import file_types
from deployr.repository.addresses import refuse_external
from deployr.repository.blobs import Blob
from deployr.repository.names import ROOT
from deployr.repository.records import FileProperties, RepositoryFile
from deployr.store.database import now_ms
from deployr.store.schema import repository_directories as directories
from deployr.store.schema import repository_file_authors as file_authors
from deployr.store.schema import repository_files as files
from deployr.store.schema import repository_versions as versions

_latest_id = (
    sa.select(sa.func.max(versions.c.id)).where(versions.c.file_id == files.c.id).correlate(files).scalar_subquery()
)
IS_LATEST = versions.c.id == _latest_id
"""Condition: the row is its file's latest version."""

# No user name has a comma, so one separates them safely.
_authors = (
    sa.select(sa.func.aggregate_strings(file_authors.c.username, ","))
    .where(file_authors.c.file_id == files.c.id)
    .correlate(files)
    .scalar_subquery()
)
_QUERY = sa.select(
    files,
    versions.c.version,
    versions.c.sha256,
    versions.c.length,
    versions.c.message,
    versions.c.latestby,
    versions.c.lastmodified,
    IS_LATEST.label("is_latest"),
    _authors.label("authors"),
).select_from(files.join(versions))


def owned_by(username: str | sa.BindParameter[str] | None) -> sa.ColumnElement[bool]:
    """Condition: the user is one of the file's owners; the query goes through all that the user owns."""
    owner = sa.select(file_authors.c.file_id).where(file_authors.c.username == username)
    return files.c.id.in_(owner)


def is_owner(username: str | sa.BindParameter[str] | None) -> sa.ColumnElement[bool]:
    """As :func:`owned_by`, for queries that find few files by name: each is asked for its owners."""
    mine = file_authors.c.file_id == files.c.id, file_authors.c.username == username
    return sa.exists().where(*mine).correlate(files)


def of_category(category: str) -> sa.ColumnElement[bool]:
    """Condition: the name has one of the extensions of a category, see :mod:`deployr.repository.file_types`."""
    name = sa.func.lower(files.c.filename)
    if category == file_types.OTHER:
        return sa.not_(sa.or_(*(name.endswith(f".{known}", autoescape=True) for known in file_types.CATEGORY_OF)))
    return sa.or_(*(name.endswith(f".{known}", autoescape=True) for known in file_types.CATEGORIES[category]))


def select(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[RepositoryFile]:
    """Versions by directory, file name and author, the newest of a file first."""
    order = files.c.directory, files.c.filename, files.c.author, versions.c.id.desc()
    return [_record(row) for row in connection.execute(_QUERY.where(*conditions).order_by(*order))]


# Built once: putting a statement together costs more than running it, and each execution of a script needs one.
_NAMED = _QUERY.where(
    is_owner(sa.bindparam("owner")),
    files.c.directory == sa.bindparam("directory"),
    files.c.filename.in_([sa.bindparam(f"spelling{number}") for number in range(3)]),
)
_LATEST_NAMED = _NAMED.where(IS_LATEST)
_VERSION_NAMED = _NAMED.where(versions.c.version == sa.bindparam("wanted"))


def find(
    connection: sa.Connection, owner: str | None, directory: str, spellings: Sequence[str], version: str | None
) -> list[RepositoryFile]:
    """The files of an owner that have one of three names, in their latest or the given version."""
    names = {f"spelling{number}": spelling for number, spelling in enumerate(spellings)}
    values = {"owner": owner, "directory": directory, **names}
    if version is None:
        return [_record(row) for row in connection.execute(_LATEST_NAMED, values)]
    return [_record(row) for row in connection.execute(_VERSION_NAMED, values | {"wanted": version})]


def find_id(connection: sa.Connection, username: str, directory: str, filename: str) -> int | None:
    """Id of a file that the user owns, locked against other writers.

    Raises:
        InvalidParameter: the directory is one of the external repository, which no call changes.
    """
    refuse_external(directory)
    condition = is_owner(username), files.c.directory == directory, files.c.filename == filename
    return connection.scalar(sa.select(files.c.id).where(*condition).with_for_update())


def has_directory(connection: sa.Connection, username: str | None, directory: str) -> bool:
    """Whether the user has this directory.

    Raises:
        InvalidParameter: it is one of the external repository, which no call changes.
    """
    refuse_external(directory)
    condition = directories.c.owner == username, directories.c.name == directory
    return directory == ROOT or connection.scalar(sa.select(directories.c.name).where(*condition)) is not None


def insert_directory(connection: sa.Connection, username: str, directory: str) -> None:
    """Make a custom directory."""
    connection.execute(directories.insert().values(owner=username, name=directory))


def is_empty(connection: sa.Connection) -> bool:
    """Whether nobody has a file or a custom directory."""
    tables = directories.c.name, files.c.filename
    return all(connection.scalar(sa.select(column).limit(1)) is None for column in tables)


def insert_file(
    connection: sa.Connection, username: str, directory: str, filename: str, properties: FileProperties
) -> int:
    """Make a file without versions, owned by the user; returns its id.

    Raises:
        NotFound: the user has no such directory.
    """
    if not has_directory(connection, username, directory):
        raise NotFound(f"There is no directory {directory!r}.")
    values = {"author": username, "directory": directory, "filename": filename, "created": now_ms()}
    insert = files.insert().values(**values, **_set_properties(properties)).returning(files.c.id)
    file_id = int(connection.execute(insert).scalar_one())
    connection.execute(file_authors.insert().values(file_id=file_id, username=username))
    return file_id


def update_properties(connection: sa.Connection, file_id: int, properties: FileProperties) -> None:
    """Set what the properties say."""
    values = _set_properties(properties)
    if values:
        connection.execute(files.update().where(files.c.id == file_id).values(values))


def insert_version(connection: sa.Connection, file_id: int, blob: Blob, username: str, message: str | None) -> None:
    """Make the content the latest version; the former latest becomes history."""
    number = next_number(connection, file_id)
    values = {"file_id": file_id, "version": f"{number}.0", "message": message}
    connection.execute(versions.insert().values(**values, **_content(blob, username)))


def next_number(connection: sa.Connection, file_id: int) -> int:
    """Number of the version that comes after the latest; former ones may be missing, where they were damaged."""
    query = sa.select(versions.c.version).where(versions.c.file_id == file_id).order_by(versions.c.id.desc()).limit(1)
    latest = connection.scalar(query)
    return int(latest.partition(".")[0]) + 1 if latest else 1


def replace_latest(connection: sa.Connection, file_id: int, blob: Blob, username: str, message: str | None) -> None:
    """Replace the content of the latest version; its message stays unless a new one is given."""
    values = _content(blob, username) | ({"message": message} if message else {})
    latest = sa.select(sa.func.max(versions.c.id)).where(versions.c.file_id == file_id).scalar_subquery()
    connection.execute(versions.update().where(versions.c.id == latest).values(values))


def write_file(
    connection: sa.Connection,
    username: str,
    directory: str,
    filename: str,
    blob: Blob,
    properties: FileProperties,
    newversion: bool,
    message: str | None,
) -> int:
    """Make a file, replace its latest version, or add a version; returns its id.

    Raises:
        NotFound: the user has no such directory.
    """
    file_id = find_id(connection, username, directory, filename)
    if file_id is None:
        file_id = insert_file(connection, username, directory, filename, properties)
        newversion = True
    else:
        update_properties(connection, file_id, properties)
    write = insert_version if newversion else replace_latest
    write(connection, file_id, blob, username, message)
    return file_id


def drop_author(connection: sa.Connection, file_id: int, username: str) -> None:
    """Take a user's ownership away: the last one takes the file along, else it passes to the others."""
    mine = file_authors.c.file_id == file_id, file_authors.c.username == username
    connection.execute(file_authors.delete().where(*mine))
    query = sa.select(sa.func.min(file_authors.c.username)).where(file_authors.c.file_id == file_id)
    heir = connection.scalar(query)
    if heir is None:
        connection.execute(files.delete().where(files.c.id == file_id))
    else:
        made = files.c.id == file_id, files.c.author == username
        connection.execute(files.update().where(*made).values(author=heir))


def _content(blob: Blob, username: str) -> dict[str, Any]:
    return {"sha256": blob.sha256, "length": blob.length, "latestby": username, "lastmodified": now_ms()}


def _set_properties(properties: FileProperties) -> dict[str, Any]:
    """Columns that the properties set."""
    values = {name: value for name, value in dataclasses.asdict(properties).items() if value is not None}
    if properties.restricted is not None:
        roles = [role.strip() for role in properties.restricted.split(",")]
        values["restricted"] = ",".join(role for role in roles if role) or None
    return values


def _record(row: sa.Row[Any]) -> RepositoryFile:
    return RepositoryFile(
        filename=row.filename,
        directory=row.directory,
        author=row.author,
        authors=tuple(sorted(row.authors.split(","))),
        version=None if row.is_latest else row.version,
        versionmsg=row.message,
        latestby=row.latestby,
        descr=row.descr,
        tags=row.tags,
        restricted=row.restricted,
        shared=row.shared,
        published=row.published,
        inputs=row.inputs,
        outputs=row.outputs,
        sha256=row.sha256,
        length=row.length,
        last_modified=row.lastmodified,
    )
