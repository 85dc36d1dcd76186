"""The saved state of persistent projects: workspace and working directory.

Contents are blobs; a manifest for each project, a file in the home directory, says which. A save is complete or did
not happen: the manifest is replaced at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from pathlib import Path
from typing import Protocol

import msgspec

from deployr.grid.client import Grid
from deployr.grid.protocol import FileArea
from deployr.projects import values
from deployr.repository.blobs import Blob, Blobs

_WORKSPACE = "workspace.rData"
"""File that the runtime saves the workspace to, in the area ``state``."""


class SavedFile(msgspec.Struct, frozen=True):
    """A file of the working directory; its content is the blob of that SHA-256."""

    filename: str
    sha256: str
    descr: str | None


class SavedState(msgspec.Struct, frozen=True):
    """A saved project; ``workspace`` is the SHA-256 of its workspace file, ``None`` when that was left out."""

    workspace: str | None
    files: list[SavedFile]


class ProjectStates(Protocol):
    """Saves and restores what is in the sessions of persistent projects."""

    async def save(self, project: str, *, workspace: bool = True, directory: bool = True) -> None:
        """Save the state of a live project, or the part of it that is wanted.

        Raises:
            ProjectBusy: a call runs in it.
        """

    async def restore(self, project: str) -> None:
        """Bring the saved state, if there is one, into the project's new session."""

    def delete(self, project: str) -> None:
        """Forget the saved state."""


class BlobProjectStates:
    """:class:`ProjectStates` in blobs.

    Args:
        directory: of the manifests; made when needed.
    """

    def __init__(self, grid: Grid, blobs: Blobs, directory: Path) -> None:
        self._grid = grid
        self._blobs = blobs
        self._directory = directory

    async def save(self, project: str, *, workspace: bool = True, directory: bool = True) -> None:
        objects = await self._store_workspace(project) if workspace else None
        infos = await self._grid.list_files(project) if directory else []
        files = [
            SavedFile(info.filename, (await self._store(project, info.filename)).sha256, info.descr) for info in infos
        ]
        await asyncio.to_thread(self._write, project, SavedState(objects, files))

    async def restore(self, project: str) -> None:
        state = await asyncio.to_thread(self._read, project)
        if state is None:
            return
        for file in state.files:
            await self._grid.write_file(project, file.filename, self._blobs.stream(file.sha256), descr=file.descr)
        if state.workspace is None:
            return
        content = self._blobs.stream(state.workspace)
        await self._grid.write_file(project, _WORKSPACE, content, overwrite=True, area="state")
        await self._grid.call(project, "load_workspace", values.arguments())

    def delete(self, project: str) -> None:
        self._manifest(project).unlink(missing_ok=True)

    async def _store_workspace(self, project: str) -> str:
        await self._grid.call(project, "save_workspace", values.arguments())
        return (await self._store(project, _WORKSPACE, "state")).sha256

    async def _store(self, project: str, filename: str, area: FileArea = "directory") -> Blob:
        async with self._grid.read_file(project, filename, area=area) as (_, chunks):
            return await self._blobs.put_stream(chunks)

    def _write(self, project: str, state: SavedState) -> None:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        draft = self._directory / f".{project}.{secrets.token_hex(4)}"
        draft.write_bytes(msgspec.json.encode(state))
        draft.replace(self._manifest(project))

    def _read(self, project: str) -> SavedState | None:
        with contextlib.suppress(FileNotFoundError):
            return msgspec.json.decode(self._manifest(project).read_bytes(), type=SavedState)
        return None

    def _manifest(self, project: str) -> Path:
        return self._directory / f"{project}.json"
