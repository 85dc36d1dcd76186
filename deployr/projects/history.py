"""The history of projects: what was saved, and what the live session adds to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Sequence

import msgspec

from deployr.errors import NotFound
from deployr.grid.client import Grid
from deployr.grid.protocol import ExecutionRecord, FileInfo
from deployr.projects import downloads, saved_rows
from deployr.projects.records import Content, Download, Project, StateParts
from deployr.projects.saved_rows import SavedExecution
from deployr.repository.blobs import Blobs
from deployr.store.database import Database


class History:
    """Executions of projects and their unnamed plots.

    What was saved can be read although the project is not live. An execution that is in both is as its session has it.

    Args:
        depth: most executions of a history.
        storage: bytes of its plots, beyond which those of the oldest executions are not saved.
    """

    def __init__(self, database: Database, grid: Grid, blobs: Blobs, depth: int, storage: int) -> None:
        self._database = database
        self._grid = grid
        self._blobs = blobs
        self._depth = depth
        self._storage = storage

    async def records(self, project: Project) -> list[ExecutionRecord]:
        """All executions, oldest first."""
        live = await self._live(project.project) if project.live else []
        return self._merge(self._saved(project.project), live)

    async def results(self, project: Project) -> list[FileInfo]:
        """Unnamed plots of all executions; those of the latest phantom ones last as long as the session."""
        return [info for info, _ in await self._plots(project)]

    async def download(self, project: Project, executions: Collection[str], filename: str | None) -> Download:
        """A plot of this name, of the newest execution that has one, or a zip of all.

        Args:
            executions: only of these, when there are any.

        Raises:
            NotFound: there is no such plot.
        """
        plots = [plot for plot in await self._plots(project) if not executions or plot[0].execution in executions]
        if not filename:
            return await downloads.results_zip(
                project.project, [(info, self._opening(project.project, info, sha256)) for info, sha256 in plots]
            )
        info, sha256 = _newest(plots, filename)
        if sha256 is None:
            return await downloads.one_file(self._grid, project.project, info.filename, "results", info.execution)
        return Download(filename=filename, length=info.length, content=Content(self._blobs.stream(sha256)))

    async def flush(self, project: Project, executions: Collection[str]) -> None:
        """Throw away console text and plots of the executions of a live project, or of all; of saved ones for good.

        Raises:
            NotFound: one of the executions is not known; then nothing is thrown away.
            ProjectBusy: another call runs in the project.
        """
        live = await self._known_live(project.project, executions)
        if live or not executions:
            await self._grid.flush(project.project, live)
        await self._amend_saved(project.project, executions, flushed)

    async def delete_results(self, project: Project, executions: Collection[str], filename: str | None) -> None:
        """Delete plots of the executions of a live project, or of all; those of saved executions for good.

        Args:
            filename: only the plot of this name, of the newest of the executions that has it.

        Raises:
            NotFound: one of the executions, or the plot, is not known; then nothing is deleted.
            ProjectBusy: another call runs in the project.
        """
        live = await self._known_live(project.project, executions)
        if filename:
            await self._delete_plot(project, executions, filename)
            return
        if live or not executions:
            await self._grid.delete_results(project.project, live)
        await self._amend_saved(project.project, executions, _without_plots)

    async def capture(self, project: str, parts: StateParts) -> list[SavedExecution]:
        """The history of a live project, to be saved: plots become blobs, saved ones already are."""
        if not parts.history:
            return []
        saved = {entry.record.execution: entry for entry in self._saved(project)}
        records = _within(self._storage, self._merge(list(saved.values()), await self._live(project)))
        if parts.flush_history:
            return [flushed(SavedExecution(record, {})) for record in records]
        return [await self._capture(project, record, saved.get(record.execution)) for record in records]

    # -- live and saved -----------------------------------------------------------------------------------

    async def _live(self, project: str) -> list[ExecutionRecord]:
        with self._database.reading() as connection:
            forgotten = saved_rows.forgotten(connection, project)
        return [record for record in await self._grid.history(project) if record.time_start > forgotten]

    def _saved(self, project: str) -> list[SavedExecution]:
        with self._database.reading() as connection:
            return saved_rows.history(connection, project)

    def _merge(self, saved: list[SavedExecution], live: list[ExecutionRecord]) -> list[ExecutionRecord]:
        ids = {record.execution for record in live}
        older = [entry.record for entry in saved if entry.record.execution not in ids]
        return [*older, *live][-self._depth :]

    async def _plots(self, project: Project) -> list[tuple[FileInfo, str | None]]:
        """Plots, oldest first, with the SHA-256 of those that are blobs."""
        live: list[FileInfo] = []
        ids: set[str] = set()
        if project.live:
            history = await self._grid.history(project.project)
            current = {record.execution for record in await self._live(project.project)}
            ids = {record.execution for record in history}
            found = await self._grid.list_files(project.project, "results")
            live = [info for info in found if info.execution in current or info.execution not in ids]
        saved = [entry for entry in self._saved(project.project) if entry.record.execution not in ids]
        older = [(info, entry.plots[info.filename]) for entry in saved for info in entry.record.results]
        return [*older, *((info, None) for info in live)]

    async def _known_live(self, project: str, executions: Collection[str]) -> list[str]:
        """Those of the executions that the session has."""
        live = {record.execution for record in await self._live(project)}
        live |= {info.execution for info in await self._grid.list_files(project, "results") if info.execution}
        saved = {entry.record.execution for entry in self._saved(project)}
        for execution in executions:
            if execution not in live | saved:
                raise NotFound(f"Execution not found: {execution}.")
        return [execution for execution in executions if execution in live]

    # -- contents -----------------------------------------------------------------------------------------

    async def _capture(self, project: str, record: ExecutionRecord, saved: SavedExecution | None) -> SavedExecution:
        known = {info: saved.plots[info.filename] for info in saved.record.results} if saved else {}
        plots = {}
        for info in record.results:
            # The session may take it away meanwhile.
            with contextlib.suppress(NotFound):
                plots[info.filename] = known.get(info) or await self._store(project, info)
        results = [info for info in record.results if info.filename in plots]
        return SavedExecution(msgspec.structs.replace(record, results=results), plots)

    async def _store(self, project: str, info: FileInfo) -> str:
        reading = self._grid.read_file(project, info.filename, area="results", execution=info.execution)
        async with reading as (_, chunks):
            return (await self._blobs.put_stream(chunks)).sha256

    @contextlib.asynccontextmanager
    async def _opening(self, project: str, info: FileInfo, sha256: str | None) -> AsyncIterator[AsyncIterable[bytes]]:
        if sha256 is not None:
            yield self._blobs.stream(sha256)
            return
        reading = self._grid.read_file(project, info.filename, area="results", execution=info.execution)
        async with reading as (_, chunks):
            yield chunks

    async def _delete_plot(self, project: Project, executions: Collection[str], filename: str) -> None:
        plots = [plot for plot in await self._plots(project) if not executions or plot[0].execution in executions]
        info, sha256 = _newest(plots, filename)
        execution = [info.execution or ""]
        if sha256 is None:
            await self._grid.delete_results(project.project, execution, filename=filename)
        await self._amend_saved(project.project, execution, lambda entry: _without_plots(entry, filename))

    async def _amend_saved(
        self, project: str, executions: Collection[str], change: Callable[[SavedExecution], SavedExecution]
    ) -> None:
        """Change saved entries, of the executions or all."""

        def amend() -> None:
            with self._database.transaction() as connection:
                found = saved_rows.history(connection, project)
                wanted = [entry for entry in found if not executions or entry.record.execution in executions]
                saved_rows.amend(connection, project, [change(entry) for entry in wanted])

        await asyncio.to_thread(amend)


def _newest(plots: Sequence[tuple[FileInfo, str | None]], filename: str) -> tuple[FileInfo, str | None]:
    for info, sha256 in reversed(plots):
        if info.filename == filename:
            return info, sha256
    raise NotFound(f"File not found: {filename}.")


def _within(storage: int, records: Sequence[ExecutionRecord]) -> list[ExecutionRecord]:
    """The records without those plots that do not fit together with newer ones; those of the newest always fit."""
    taken, kept = 0, []
    for record in reversed(records):
        fits = taken == 0
        taken += sum(info.length for info in record.results)
        kept.append(record if fits or taken <= storage else msgspec.structs.replace(record, results=[]))
    return kept[::-1]


def flushed(entry: SavedExecution) -> SavedExecution:
    """The entry without console text and plots."""
    return SavedExecution(msgspec.structs.replace(entry.record, console="", results=[]), {})


def _without_plots(entry: SavedExecution, filename: str | None = None) -> SavedExecution:
    """The entry without its plots, or without the one of this name."""
    kept = [info for info in entry.record.results if filename not in (None, info.filename)]
    plots = {info.filename: entry.plots[info.filename] for info in kept}
    return SavedExecution(msgspec.structs.replace(entry.record, results=kept), plots)
