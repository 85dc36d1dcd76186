"""Files of sessions on their way out: one as it is, several as a zip."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import zipfile
from collections.abc import AsyncIterable, AsyncIterator, Collection, Sequence
from typing import IO

from deployr.errors import NotFound
from deployr.grid.client import Grid
from deployr.grid.protocol import FileArea, FileInfo
from deployr.projects.records import Content, Download

_CHUNK = 256 * 1024
_IN_MEMORY = 1024 * 1024
"""Bytes of a zip that are held in memory; a larger one is written to a temporary file."""

Opening = contextlib.AbstractAsyncContextManager[AsyncIterable[bytes]]
"""Opens a content."""

Entry = tuple[str, Opening]
"""Name of a file in a zip, and its content."""


async def one_file(
    grid: Grid, session: str, filename: str, area: FileArea = "directory", execution: str | None = None
) -> Download:
    """A file of a session.

    Raises:
        NotFound: it is not there (any more).
    """
    stack = contextlib.AsyncExitStack()
    reading = grid.read_file(session, filename, area=area, execution=execution)
    found, chunks = await stack.enter_async_context(reading)
    return Download(filename=filename, length=found.length, content=Content(chunks, stack.aclose))


async def directory(grid: Grid, session: str, filenames: Sequence[str]) -> Download:
    """Files of the working directory: one as it is, several or all (no names) as a zip.

    Raises:
        NotFound: one of them is not there.
    """
    infos = await grid.list_files(session)
    if filenames:
        by_name = {info.filename: info for info in infos}
        infos = [_known(by_name, name) for name in filenames]
    if len(filenames) == 1:
        return await one_file(grid, session, infos[0].filename)
    return await zip_of([(info.filename, _content(grid, session, info)) for info in infos], f"{session}.zip")


async def results(grid: Grid, session: str, executions: Collection[str], filename: str | None) -> Download:
    """Unnamed plots of executions, or of all (no executions): one by its name, else a zip.

    Raises:
        NotFound: there is no plot of that name.
    """
    infos = await grid.list_files(session, "results")
    infos = [info for info in infos if not executions or info.execution in executions]
    if filename:
        # The newest execution's plot is meant when the caller names none.
        plot = _known({info.filename: info for info in infos}, filename)
        return await one_file(grid, session, filename, "results", plot.execution)
    return await results_zip(session, [(info, _content(grid, session, info, "results")) for info in infos])


async def results_zip(session: str, plots: Sequence[tuple[FileInfo, Opening]]) -> Download:
    """A zip of unnamed plots, which are in directories by execution when there are several executions."""
    several = len({info.execution for info, _ in plots}) > 1
    return await zip_of([(_result_name(info, several), opening) for info, opening in plots], f"{session}-results.zip")


async def zip_of(entries: Sequence[Entry], filename: str) -> Download:
    """A zip of these files."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 -- closed by Content
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in entries:
                await _add(archive, name, content)
        length = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Download(filename=filename, length=length, content=_file_content(file))


async def _add(archive: zipfile.ZipFile, name: str, content: Opening) -> None:
    with archive.open(name, "w", force_zip64=True) as entry:
        async with content as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(entry.write, chunk)


def _file_content(file: IO[bytes]) -> Content:
    async def chunks() -> AsyncIterator[bytes]:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk

    async def close() -> None:
        file.close()

    return Content(chunks(), close)


@contextlib.asynccontextmanager
async def _content(
    grid: Grid, session: str, info: FileInfo, area: FileArea = "directory"
) -> AsyncIterator[AsyncIterable[bytes]]:
    async with grid.read_file(session, info.filename, area=area, execution=info.execution) as (_, chunks):
        yield chunks


def _known(by_name: dict[str, FileInfo], name: str) -> FileInfo:
    try:
        return by_name[name]
    except KeyError:
        raise NotFound(f"File not found: {name}.") from None


def _result_name(info: FileInfo, several: bool) -> str:
    return f"{info.execution}/{info.filename}" if several else info.filename
