"""What snapshots hold: taken from sessions, kept as blobs, brought into sessions (9x-facts 11)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator

from deployr.grid import snapshot_zips
from deployr.grid.client import Grid
from deployr.grid.protocol import FileArea, Runtime
from deployr.mlserver.budgets import Budget
from deployr.projects import downloads, values
from deployr.repository.blobs import Blob, Blobs
from deployr.settings import Settings

_EXPANSION = 4
"""The contents may be so many times larger than the largest upload."""


class SnapshotContents:
    """Captures and restores the state of sessions; all that is loaded is loaded there."""

    def __init__(self, grid: Grid, blobs: Blobs, settings: Settings) -> None:
        self._grid = grid
        self._blobs = blobs
        self._largest = _EXPANSION * settings.limits.max_upload

    async def capture(self, session: str, runtime: Runtime) -> Blob:
        """The zip of a session's workspace and of all files below its working directory; no row refers to it yet.

        Raises:
            ProjectBusy: a call runs in the session.
            TooLarge: the contents are.
        """
        budget = Budget(self._largest)
        async with self._grid.hold(session):
            await self._grid.call(session, "save_workspace", values.arguments())
            saved, zipped = snapshot_zips.SAVED_WORKSPACE[runtime], snapshot_zips.ZIPPED_WORKSPACE[runtime]
            entries = [(zipped, self._content(session, saved, "state", budget))]
            for info in await self._grid.list_files(session, "tree"):
                if info.filename != zipped:
                    entries.append((info.filename, self._content(session, info.filename, "tree", budget)))
            made = await downloads.zip_of(entries, "snapshot.zip")
        try:
            return await self._blobs.put_stream(made.content)
        finally:
            await made.content.close()

    async def restore(self, session: str, runtime: Runtime, sha256: str) -> None:
        """Bring a snapshot into a session: objects and files of the same name are replaced, others stay.

        Raises:
            ProjectBusy: a call runs in the session.
            DeployrError: the workspace cannot be loaded; the text is the interpreter's.
        """
        async with self._grid.hold(session):
            with snapshot_zips.opened(self._blobs.path(sha256), runtime) as archive:
                for name in archive.files:
                    content = _streamed(archive.chunks(name))
                    await self._grid.write_file(session, name, content, overwrite=True, area="tree")
                if archive.workspace is None:
                    return
                saved, content = snapshot_zips.SAVED_WORKSPACE[runtime], _streamed(archive.chunks(archive.workspace))
                await self._grid.write_file(session, saved, content, overwrite=True, area="state")
            await self._grid.call(session, "load_workspace", values.arguments())

    @contextlib.asynccontextmanager
    async def _content(
        self, session: str, filename: str, area: FileArea, budget: Budget
    ) -> AsyncIterator[AsyncIterable[bytes]]:
        async with self._grid.read_file(session, filename, area=area) as (_, chunks):
            yield budget.spent_by(chunks)


async def _streamed(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Chunks that are made in a thread each."""
    while (chunk := await asyncio.to_thread(next, chunks, b"")) != b"":
        yield chunk
