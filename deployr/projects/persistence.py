"""The state of projects: captured from their sessions, kept as rows and blobs, restored into new sessions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import msgspec

from deployr.errors import NotFound, PermissionDenied
from deployr.grid.client import Grid
from deployr.grid.protocol import FileArea
from deployr.projects import rows, saved_rows, session_packages, values
from deployr.projects.history import History, flushed
from deployr.projects.records import NO_PROJECT, Project, StateParts
from deployr.projects.saved_rows import SavedFile, SavedState
from deployr.repository.blobs import Blobs
from deployr.store.database import Database, now_ms

log = logging.getLogger(__name__)

WORKSPACE = "workspace.rData"
"""File that the runtime saves the workspace to, in the area ``state``."""


class ProjectStates:
    """Takes the state of live projects, and brings saved state into their sessions."""

    def __init__(self, database: Database, grid: Grid, blobs: Blobs, history: History) -> None:
        self._database = database
        self._grid = grid
        self._blobs = blobs
        self._history = history

    async def of(self, project: Project, parts: StateParts) -> SavedState:
        """The state of a project: as its session has it, or else as it was saved.

        Raises:
            ProjectBusy, SessionLost: see :meth:`capture`.
        """
        source = self.capture if project.live else self.saved
        return await source(project.project, parts)

    async def capture(self, project: str, parts: StateParts) -> SavedState:
        """The state of a live project at one moment; its contents are blobs, to which no row refers yet.

        Raises:
            ProjectBusy: a call runs in it.
            SessionLost: it is not live.
        """
        async with self._grid.hold(project):
            packages = await session_packages.attached(self._grid, project)
            workspace = await self._store_workspace(project) if parts.workspace else None
            files = await self._store_files(project) if parts.directory else []
            history = await self._history.capture(project, parts)
            return SavedState(workspace, packages, files, history, self._forgotten(project, parts))

    async def write(self, project: str, state: SavedState, **columns: Any) -> None:
        """Save the state and what describes the project, all at once.

        Raises:
            PermissionDenied: the project is no longer there.
        """

        def write() -> None:
            with self._database.transaction() as connection:
                if rows.find(connection, project) is None:
                    raise PermissionDenied(NO_PROJECT)
                saved_rows.write(connection, project, state)
                rows.update(connection, project, **columns)

        await asyncio.to_thread(write)

    async def saved(self, project: str, parts: StateParts) -> SavedState:
        """What was saved of a project, so far as it is wanted."""
        state = await asyncio.to_thread(self._read, project) or SavedState()
        return _wanted(state, parts)

    async def restore(self, project: str) -> None:
        """Bring the saved state, if there is one, into the project's new session."""
        state = await asyncio.to_thread(self._read, project)
        if state is None:
            return
        if state.packages is not None:
            gone = await session_packages.settle(self._grid, project, state.packages)
            if gone:
                log.warning("packages of a project are no longer installed: %s", ", ".join(gone))
        for file in state.files:
            await self._grid.write_file(project, file.filename, self._blobs.stream(file.sha256), descr=file.descr)
        if state.workspace is None:
            return
        content = self._blobs.stream(state.workspace)
        await self._grid.write_file(project, WORKSPACE, content, overwrite=True, area="state")
        await self._grid.call(project, "load_workspace", values.arguments())

    async def drop(self, project: str, parts: StateParts) -> None:
        """Take from a live project what was left out when it was saved (7x-facts 6.3, 23)."""
        if not (parts.workspace and parts.directory):
            await self._grid.recycle(project, workspace=not parts.workspace, directory=not parts.directory)
        if parts.flush_history:
            await self._grid.flush(project)

    async def _store_workspace(self, project: str) -> str:
        await self._grid.call(project, "save_workspace", values.arguments())
        return await self._put(project, WORKSPACE, "state")

    async def _store_files(self, project: str) -> list[SavedFile]:
        """What the session takes away between listing and reading is not there, which is no failure."""
        files = []
        for info in await self._grid.list_files(project):
            with contextlib.suppress(NotFound):
                files.append(SavedFile(info.filename, await self._put(project, info.filename), info.descr))
        return files

    async def _put(self, project: str, filename: str, area: FileArea = "directory") -> str:
        async with self._grid.read_file(project, filename, area=area) as (_, chunks):
            return (await self._blobs.put_stream(chunks)).sha256

    def _forgotten(self, project: str, parts: StateParts) -> int:
        if not parts.history:
            return now_ms()
        with self._database.reading() as connection:
            return saved_rows.forgotten(connection, project)

    def _read(self, project: str) -> SavedState | None:
        with self._database.reading() as connection:
            return saved_rows.read(connection, project)


def _wanted(state: SavedState, parts: StateParts) -> SavedState:
    history = state.history if parts.history else []
    return msgspec.structs.replace(
        state,
        workspace=state.workspace if parts.workspace else None,
        files=state.files if parts.directory else [],
        history=[flushed(entry) for entry in history] if parts.flush_history else history,
    )
