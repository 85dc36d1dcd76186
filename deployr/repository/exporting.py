"""Repositories on their way into an archive, see :mod:`deployr.repository.exchange`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import sqlalchemy as sa

from deployr.errors import DeployrError, NotFound
from deployr.repository import exchange, rows
from deployr.repository.blobs import Blobs
from deployr.repository.exchange import ArchivedDirectory, ArchivedFile, ArchivedVersion, Manifest
from deployr.store.database import Database
from deployr.store.schema import repository_directories as directories
from deployr.store.schema import repository_file_authors as file_authors
from deployr.store.schema import repository_files as files
from deployr.store.schema import repository_versions as versions
from deployr.store.schema import users

_CHUNK = 256 * 1024
_FILE = ("author", "directory", "filename", "descr", "tags", "restricted", "shared", "published", "inputs", "outputs",
         "created")  # fmt: skip
_VERSION = ("sha256", "length", "message", "latestby", "lastmodified")


def export(database: Database, blobs: Blobs, archive: BinaryIO, *, username: str | None = None) -> Manifest:
    """Write all files with all their versions, in the state of one moment; the server may run.

    Args:
        username: only what this user owns, alone or with others.

    Raises:
        NotFound: there is no such user.
        DeployrError: a content is missing or damaged.
    """
    with database.reading() as connection:
        manifest = _manifest(connection, username)
    exchange.write_manifest(archive, manifest)
    for sha256, length in manifest.contents().items():
        exchange.write_content(archive, sha256, length, _content(blobs, sha256, length))
    exchange.write_end(archive)
    return manifest


def _manifest(connection: sa.Connection, username: str | None) -> Manifest:
    if (
        username is not None
        and connection.scalar(sa.select(users.c.username).where(users.c.username == username)) is None
    ):
        raise NotFound(f"There is no user {username}.")
    made = sa.select(directories).order_by(directories.c.owner, directories.c.name)
    wanted = sa.select(files).order_by(files.c.author, files.c.directory, files.c.filename)
    if username is not None:
        made = made.where(directories.c.owner == username)
        wanted = wanted.where(rows.owned_by(username))
    authors = _grouped(connection, sa.select(file_authors).order_by(file_authors.c.username))
    history = _grouped(connection, sa.select(versions).order_by(versions.c.id))
    return Manifest(
        directories=[ArchivedDirectory(owner=row.owner, name=row.name) for row in connection.execute(made)],
        files=[_file(row, authors, history) for row in connection.execute(wanted) if row.id in history],
    )


def _grouped(connection: sa.Connection, query: sa.Select[Any]) -> dict[int, list[sa.Row[Any]]]:
    """Rows by file."""
    found: dict[int, list[sa.Row[Any]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.file_id, []).append(row)
    return found


def _file(
    row: sa.Row[Any], authors: dict[int, list[sa.Row[Any]]], history: dict[int, list[sa.Row[Any]]]
) -> ArchivedFile:
    return ArchivedFile(
        **{name: getattr(row, name) for name in _FILE},
        authors=[author.username for author in authors.get(row.id, [])],
        versions=[
            ArchivedVersion(**{name: getattr(version, name) for name in _VERSION}) for version in history[row.id]
        ],
    )


def _content(blobs: Blobs, sha256: str, length: int) -> Iterator[bytes]:
    """The content, compared with its name on the way."""
    digest, found = hashlib.sha256(), 0
    try:
        with blobs.path(sha256).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                found += len(chunk)
                yield chunk
    except FileNotFoundError:
        found = -1
    if (digest.hexdigest(), found) != (sha256, length):
        raise DeployrError(f"The content {sha256} is missing or damaged: `deployr repository check` tells more.")
