"""Contents that rows name and that are not there, or are not what was stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from deployr.repository import references
from deployr.repository.blobs import Blobs
from deployr.repository.faults import Fault, Repair, running
from deployr.repository.row_faults import name_of
from deployr.store.schema import (
    BLOB_COLUMNS,
    project_saved_files,
    project_saves,
)
from deployr.store.schema import project_saved_executions as executions
from deployr.store.schema import project_saved_results as results
from deployr.store.schema import repository_files as files
from deployr.store.schema import repository_versions as versions

_Key = Mapping[Any, Any]
"""Primary key of a row, by column."""


def of_bad(connection: sa.Connection, blobs: Blobs, sha256: str, problem: str) -> Iterator[Fault]:
    """What a content that cannot be read means for each row that names it."""
    yield from _versions(connection, blobs, sha256, problem)
    for column in BLOB_COLUMNS:
        if column.table is not versions:
            yield from _others(connection, blobs, column, sha256, problem)


def lengths(connection: sa.Connection, prefix: str) -> dict[str, set[int]]:
    """Lengths that versions tell of their contents, by SHA-256."""
    query = sa.select(versions.c.sha256, versions.c.length).distinct()
    found: dict[str, set[int]] = {}
    for row in connection.execute(query.where(references.begins_with(versions.c.sha256, prefix))):
        found.setdefault(row.sha256, set()).add(row.length)
    return found


def of_length(connection: sa.Connection, sha256: str, length: int) -> Iterator[Fault]:
    """Versions that tell another length than their good content has."""
    wrong = versions.c.sha256 == sha256, versions.c.length != length
    query = sa.select(files, versions.c.id.label("version_id"), versions.c.version, versions.c.length)
    for row in connection.execute(query.select_from(files.join(versions)).where(*wrong)):
        update = versions.update().where(versions.c.id == row.version_id, *wrong).values(length=length)
        yield Fault(
            f"{name_of(row)} version {row.version}: has {length} bytes, not {row.length}",
            "corrects the length",
            running(update),
        )


def _versions(connection: sa.Connection, blobs: Blobs, sha256: str, problem: str) -> Iterator[Fault]:
    query = sa.select(files, versions.c.id.label("version_id"), versions.c.version).select_from(files.join(versions))
    for row in connection.execute(query.where(versions.c.sha256 == sha256)):
        yield Fault(
            f"{name_of(row)} version {row.version}: its content {sha256} {problem}",
            "removes the version, and the file when it has no other",
            _unless_good(blobs, sha256, _removing_version(row.id, row.version_id, sha256)),
        )


def _others(
    connection: sa.Connection, blobs: Blobs, column: sa.Column[str], sha256: str, problem: str
) -> Iterator[Fault]:
    keys = list(column.table.primary_key.columns)
    remedy, removing = _REMEDIES.get(column, ("is left as it is", None))
    for row in connection.execute(sa.select(*keys).where(column == sha256)).mappings():
        place = ", ".join(f"{name} {value}" for name, value in row.items())
        yield Fault(
            f"{column.table.name} ({place}): its content {sha256} {problem}",
            remedy,
            removing and _unless_good(blobs, sha256, removing(row, sha256)),
        )


def _unless_good(blobs: Blobs, sha256: str, repair: Repair) -> Repair:
    """A content may have been stored again since it was found bad."""
    return lambda connection: blobs.set_aside(sha256) and repair(connection)


def _removing_version(file_id: int, version_id: int, sha256: str) -> Repair:
    def repair(connection: sa.Connection) -> None:
        connection.execute(versions.delete().where(versions.c.id == version_id, versions.c.sha256 == sha256))
        has_version = sa.exists().where(versions.c.file_id == file_id)
        connection.execute(files.delete().where(files.c.id == file_id, ~has_version))

    return repair


# -- saved projects ---------------------------------------------------------------------------------------


def _clearing_workspace(key: _Key, sha256: str) -> Repair:
    return running(project_saves.update().where(*_named(project_saves, key, workspace=sha256)).values(workspace=None))


def _removing_file(key: _Key, sha256: str) -> Repair:
    return running(project_saved_files.delete().where(*_named(project_saved_files, key, sha256=sha256)))


def _removing_result(key: _Key, sha256: str) -> Repair:
    """The plot's row, and its mention in the record of its execution."""
    execution = _named(executions, {name: key[name] for name in ("project", "execution")})

    def repair(connection: sa.Connection) -> None:
        removed = connection.execute(results.delete().where(*_named(results, key, sha256=sha256)))
        text = connection.scalar(sa.select(executions.c.record).where(*execution))
        if removed.rowcount and text is not None:
            record = json.loads(text)
            record["results"] = [result for result in record["results"] if result["filename"] != key["filename"]]
            connection.execute(executions.update().where(*execution).values(record=json.dumps(record)))

    return repair


def _named(table: sa.Table, key: _Key, **further: str) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in {**key, **further}.items()]


_REMEDIES: dict[sa.Column[str], tuple[str, Callable[[_Key, str], Repair]]] = {
    project_saves.c.workspace: ("leaves the saved project without a workspace", _clearing_workspace),
    project_saved_files.c.sha256: ("removes the file from the saved project", _removing_file),
    results.c.sha256: ("removes the plot from the saved project", _removing_result),
}
