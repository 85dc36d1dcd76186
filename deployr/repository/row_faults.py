"""Rows that do not fit together, whatever their contents."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from deployr.repository import rows
from deployr.repository.faults import Fault, running
from deployr.repository.names import ROOT
from deployr.store.schema import repository_directories as directories
from deployr.store.schema import repository_file_authors as authors
from deployr.store.schema import repository_files as files
from deployr.store.schema import repository_versions as versions

_has_version = sa.exists().where(versions.c.file_id == files.c.id).correlate(files)
_has_author = sa.exists().where(authors.c.file_id == files.c.id).correlate(files)
_author_owns = sa.exists().where(authors.c.file_id == files.c.id, authors.c.username == files.c.author).correlate(files)
_has_directory = (
    sa.exists()
    .where(directories.c.owner == authors.c.username, directories.c.name == files.c.directory)
    .correlate(authors, files)
)


def name_of(row: Any) -> str:
    """How a file is called in reports; the row has the columns of a file."""
    return f"{row.author} {row.directory}/{row.filename}"


def find(connection: sa.Connection) -> Iterator[Fault]:
    """All such faults, in one state of the database."""
    yield from _orphans(connection, versions, "version")
    yield from _orphans(connection, authors, "author")
    yield from _without_versions(connection)
    yield from _without_authors(connection)
    yield from _foreign_authors(connection)
    yield from _without_directories(connection)


def _orphans(connection: sa.Connection, table: sa.Table, what: str) -> Iterator[Fault]:
    lost = table.c.file_id.not_in(sa.select(files.c.id))
    for file_id, count in connection.execute(
        sa.select(table.c.file_id, sa.func.count()).where(lost).group_by(table.c.file_id)
    ):
        delete = table.delete().where(lost, table.c.file_id == file_id)
        yield Fault(
            f"{count} rows of the kind {what} belong to no file (id {file_id})", "removes the rows", running(delete)
        )


def _without_versions(connection: sa.Connection) -> Iterator[Fault]:
    for row in connection.execute(sa.select(files).where(~_has_version)):
        delete = files.delete().where(files.c.id == row.id, ~_has_version)
        yield Fault(f"{name_of(row)} has no version", "removes the file", running(delete))


def _without_authors(connection: sa.Connection) -> Iterator[Fault]:
    for row in connection.execute(sa.select(files).where(~_has_author)):
        own = authors.insert().from_select(
            ["file_id", "username"], sa.select(files.c.id, files.c.author).where(files.c.id == row.id, ~_has_author)
        )
        yield Fault(f"{name_of(row)} has no owner", f"gives it to {row.author}", running(own))


def _foreign_authors(connection: sa.Connection) -> Iterator[Fault]:
    heir = sa.select(sa.func.min(authors.c.username)).where(authors.c.file_id == files.c.id).scalar_subquery()
    for row in connection.execute(sa.select(files, heir.label("heir")).where(_has_author, ~_author_owns)):
        update = files.update().where(files.c.id == row.id, ~_author_owns).values(author=row.heir)
        yield Fault(f"{name_of(row)} is not owned by its author", f"makes {row.heir} its author", running(update))


def _without_directories(connection: sa.Connection) -> Iterator[Fault]:
    query = sa.select(authors.c.username, files.c.directory).distinct().select_from(authors.join(files))
    for username, directory in connection.execute(query.where(files.c.directory != ROOT, ~_has_directory)):
        yield Fault(
            f"{username} has files in the directory {directory!r}, which does not exist",
            "makes the directory",
            functools.partial(_make_directory, username=username, directory=directory),
        )


def _make_directory(connection: sa.Connection, username: str, directory: str) -> None:
    if not rows.has_directory(connection, username, directory):
        rows.insert_directory(connection, username, directory)
