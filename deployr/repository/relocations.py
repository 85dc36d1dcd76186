"""Files of one owner that go to other directories; every function works inside of its caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from deployr.errors import NotFound
from deployr.repository import rows
from deployr.repository.blobs import Blob
from deployr.repository.records import FileProperties, RepositoryFile
from deployr.store.schema import repository_file_authors as file_authors
from deployr.store.schema import repository_files as files
from deployr.store.schema import repository_versions as versions

_VERSION = (
    versions.c.sha256,
    versions.c.length,
    versions.c.message,
    versions.c.latestby,
    versions.c.lastmodified,
)


def owned_files(
    connection: sa.Connection, username: str, directory: str, filenames: Sequence[str] = ()
) -> dict[str, int]:
    """Ids by name of the user's files of a directory, of all or of those named; locked against other writers.

    Raises:
        NotFound: one of those named does not exist.
    """
    query = sa.select(files.c.filename, files.c.id).where(rows.owned_by(username), files.c.directory == directory)
    if filenames:
        query = query.where(files.c.filename.in_(filenames))
    found = {row.filename: row.id for row in connection.execute(query.order_by(files.c.filename).with_for_update())}
    for filename in filenames:
        if filename not in found:
            raise NotFound(f"There is no file {filename!r}.")
    return found


def copy_file(
    connection: sa.Connection,
    username: str,
    source: int,
    directory: str,
    *,
    version: str | None = None,
    filename: str | None = None,
) -> None:
    """Make a version of a file the latest one of a directory's file of the same or another name.

    A new file is described as its source is; one that is there keeps its description and its history.

    Args:
        version: default the latest.

    Raises:
        NotFound: there is no such version.
    """
    wanted = rows.IS_LATEST if version is None else versions.c.version == version
    found = rows.select(connection, files.c.id == source, wanted)
    if not found:
        raise NotFound(f"There is no version {version!r}.")
    target = _open_target(connection, username, found[0], directory, filename or found[0].filename)
    blob = Blob(found[0].sha256, found[0].length)
    rows.insert_version(connection, target, blob, username, found[0].versionmsg)


def move_files(
    connection: sa.Connection, username: str, sources: dict[str, int], directory: str, message: str | None = None
) -> list[str]:
    """Move files with their history; returns a warning for each that stays because it has several authors.

    Args:
        sources: ids by name.
        message: describes the latest version from now on.
    """
    staying = _several_authors(connection, sources.values())
    for filename, file_id in sources.items():
        if file_id not in staying:
            _move_file(connection, username, file_id, directory, filename)
            if message:
                _describe_latest(connection, username, directory, filename, message)
    return [
        f"The file {name!r} stays where it is: it has several authors."
        for name, file_id in sources.items()
        if file_id in staying
    ]


def _open_target(
    connection: sa.Connection, username: str, source: RepositoryFile, directory: str, filename: str
) -> int:
    target = rows.find_id(connection, username, directory, filename)
    if target is not None:
        return target
    names = ("descr", "tags", "restricted", "shared", "published", "inputs", "outputs")
    properties = FileProperties(**{name: getattr(source, name) for name in names})
    return rows.insert_file(connection, username, directory, filename, properties)


def _several_authors(connection: sa.Connection, file_ids: Iterable[int]) -> set[int]:
    query = sa.select(file_authors.c.file_id).group_by(file_authors.c.file_id).having(sa.func.count() > 1)
    return set(connection.scalars(query.where(file_authors.c.file_id.in_(list(file_ids)))))


def _move_file(connection: sa.Connection, username: str, file_id: int, directory: str, filename: str) -> None:
    target = rows.find_id(connection, username, directory, filename)
    if target is None:
        connection.execute(files.update().where(files.c.id == file_id).values(directory=directory))
    elif target != file_id:
        _append_history(connection, file_id, target)
        connection.execute(files.delete().where(files.c.id == file_id))


def _append_history(connection: sa.Connection, source: int, target: int) -> None:
    """Add all versions of a file to those of another, as the newer ones."""
    moved = connection.execute(sa.select(*_VERSION).where(versions.c.file_id == source).order_by(versions.c.id)).all()
    for number, row in enumerate(moved, rows.next_number(connection, target)):
        values = {"file_id": target, "version": f"{number}.0", **row._mapping}
        connection.execute(versions.insert().values(values))


def _describe_latest(connection: sa.Connection, username: str, directory: str, filename: str, message: str) -> None:
    file_id = rows.find_id(connection, username, directory, filename)
    latest = sa.select(sa.func.max(versions.c.id)).where(versions.c.file_id == file_id).scalar_subquery()
    connection.execute(versions.update().where(versions.c.id == latest).values(message=message))
