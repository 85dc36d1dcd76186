"""R objects in files: written and read by R itself, in the session that they belong to.

No process of the server ever looks into such a file. On its way it lies in the session's area ``state``, under a
name of its own.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterable, AsyncIterator

from deployr.encodings import model
from deployr.errors import DeployrError
from deployr.grid.client import Grid
from deployr.projects import values

EXTENSION = ".rData"


def file_name(name: str) -> str:
    """Name of the file of an object or workspace: the extension is added when it lacks."""
    return name if name.lower().endswith(EXTENSION.lower()) else name + EXTENSION


def object_name(filename: str) -> str:
    """Name of the object of such a file."""
    return filename[: -len(EXTENSION)] if filename.lower().endswith(EXTENSION.lower()) else filename


async def load(grid: Grid, session: str, content: AsyncIterable[bytes]) -> None:
    """Load the objects of an rData file into the workspace; they keep the names that they have in it.

    Raises:
        ProjectBusy: another call runs in the session.
        DeployrError: it is no rData file.
    """
    async with _passing_file(grid, session) as filename:
        await grid.write_file(session, filename, content, area="state")
        await grid.call(session, "load_objects", values.arguments(file=model.character(filename)))


@contextlib.asynccontextmanager
async def saved(grid: Grid, session: str, name: str | None) -> AsyncIterator[AsyncIterator[bytes]]:
    """An rData file with one object of the workspace, or with all (no name).

    Raises:
        ProjectBusy: another call runs in the session.
        DeployrError: there is no such object.
    """
    names = None if name is None else model.character(name)
    async with _passing_file(grid, session) as filename:
        await grid.call(session, "save_objects", values.arguments(file=model.character(filename), names=names))
        async with grid.read_file(session, filename, area="state") as (_, chunks):
            yield chunks


@contextlib.asynccontextmanager
async def _passing_file(grid: Grid, session: str) -> AsyncIterator[str]:
    """Name of a file that is gone at the end; it goes with the session at the latest."""
    filename = f"{uuid.uuid4()}{EXTENSION}"
    try:
        yield filename
    finally:
        with contextlib.suppress(DeployrError):
            await grid.delete_files(session, [filename], area="state")
