"""The saved state of projects as rows; every function works inside of its caller's transaction.

Contents are blobs. Rows change in one transaction, after the blobs they refer to are durable: whatever is killed when,
a project has its old state or its new one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from deployr.grid.protocol import ExecutionRecord
from deployr.store.schema import project_saved_executions as executions
from deployr.store.schema import project_saved_files as files
from deployr.store.schema import project_saved_results as results
from deployr.store.schema import project_saves as saves


class SavedFile(msgspec.Struct, frozen=True):
    """A file of the working directory; its content is the blob of that SHA-256."""

    filename: str
    sha256: str
    descr: str | None = None


class SavedExecution(msgspec.Struct, frozen=True):
    """An entry of the history; ``plots`` are the SHA-256 of its record's results by file name."""

    record: ExecutionRecord
    plots: dict[str, str]


class SavedState(msgspec.Struct, frozen=True):
    """What is kept of a project.

    Attributes:
        workspace: SHA-256 of its workspace file; ``None`` when it is empty or was left out.
        packages: attached ones in the order of the search path; ``None`` for those of a new session.
        history: oldest first.
        forgotten: executions that began until then, in milliseconds since 1970, are no part of the history.
    """

    workspace: str | None = None
    packages: list[str] | None = None
    files: list[SavedFile] = []
    history: list[SavedExecution] = []
    forgotten: int = 0


def write(connection: sa.Connection, project: str, state: SavedState) -> None:
    """Replace the saved state of a project, which has a row."""
    connection.execute(saves.delete().where(saves.c.project == project))
    connection.execute(
        saves.insert().values(
            project=project,
            workspace=state.workspace,
            packages=None if state.packages is None else ",".join(state.packages),
            forgotten=state.forgotten,
        )
    )
    _insert(connection, files, [{"project": project, **msgspec.to_builtins(file)} for file in state.files])
    _insert(connection, executions, [_execution_row(project, *numbered) for numbered in enumerate(state.history)])
    _insert(connection, results, [row for saved in state.history for row in _result_rows(project, saved)])


def read(connection: sa.Connection, project: str) -> SavedState | None:
    """The saved state of a project; ``None`` when it was never saved."""
    save = connection.execute(sa.select(saves).where(saves.c.project == project)).one_or_none()
    if save is None:
        return None
    query = sa.select(files).where(files.c.project == project).order_by(files.c.filename)
    return SavedState(
        workspace=save.workspace,
        packages=None if save.packages is None else [name for name in save.packages.split(",") if name],
        files=[SavedFile(row.filename, row.sha256, row.descr) for row in connection.execute(query)],
        history=history(connection, project),
        forgotten=save.forgotten,
    )


def history(connection: sa.Connection, project: str) -> list[SavedExecution]:
    """The saved history of a project, oldest first."""
    plots: dict[str, dict[str, str]] = {}
    for row in connection.execute(sa.select(results).where(results.c.project == project)):
        plots.setdefault(row.execution, {})[row.filename] = row.sha256
    query = sa.select(executions).where(executions.c.project == project).order_by(executions.c.position)
    return [
        SavedExecution(msgspec.json.decode(row.record, type=ExecutionRecord), plots.get(row.execution, {}))
        for row in connection.execute(query)
    ]


def forgotten(connection: sa.Connection, project: str) -> int:
    """See :class:`SavedState`; zero for a project that was never saved."""
    return connection.scalar(sa.select(saves.c.forgotten).where(saves.c.project == project)) or 0


def amend(connection: sa.Connection, project: str, changed: Collection[SavedExecution]) -> None:
    """Replace entries of the saved history."""
    for saved in changed:
        mine = executions.c.project == project, executions.c.execution == saved.record.execution
        connection.execute(executions.update().where(*mine).values(record=_json(saved.record)))
        plots = results.c.project == project, results.c.execution == saved.record.execution
        connection.execute(results.delete().where(*plots))
        _insert(connection, results, _result_rows(project, saved))


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(table.insert(), rows)


def _execution_row(project: str, position: int, saved: SavedExecution) -> dict[str, Any]:
    record = saved.record
    return {"project": project, "execution": record.execution, "position": position, "record": _json(record)}


def _result_rows(project: str, saved: SavedExecution) -> list[dict[str, Any]]:
    return [
        {"project": project, "execution": saved.record.execution, "filename": filename, "sha256": sha256}
        for filename, sha256 in saved.plots.items()
    ]


def _json(record: ExecutionRecord) -> str:
    return msgspec.json.encode(record).decode()
