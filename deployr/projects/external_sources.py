"""R code from outside of the repository: behind URLs, and in files of live projects (7x-facts 7.4)."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from pathlib import PurePosixPath

from deployr.errors import PermissionDenied
from deployr.grid.client import Grid
from deployr.projects.fetching import Fetcher
from deployr.projects.projects import Projects
from deployr.projects.sources import NOTHING, Source, as_text
from deployr.users.caller import Caller


class ExternalSources:
    """Reads code for callers who may run any."""

    def __init__(self, fetcher: Fetcher, projects: Projects, grid: Grid) -> None:
        self._fetcher = fetcher
        self._projects = projects
        self._grid = grid

    async def load(self, caller: Caller, places: Sequence[str]) -> Source:
        """The code at several places, one after the other.

        Args:
            places: URLs, see :meth:`deployr.projects.fetching.Fetcher.fetch`, and absolute paths of files in the
                working directories of the caller's live projects, as R sees them there.

        Raises:
            NotAuthenticated: the caller is anonymous.
            PermissionDenied: the caller's roles do not allow it, or a URL's host is not open.
            NotFound: there is no such file.
            DeployrError: a URL cannot be fetched.
        """
        if not places:
            return NOTHING
        caller.require_user()
        if not caller.may_run_code:
            raise PermissionDenied("Your roles allow the execution of repository scripts only.")
        codes = [await self._read(caller, place) for place in places]
        return Source("\n".join(codes), visible=True)

    async def _read(self, caller: Caller, place: str) -> str:
        path = PurePosixPath(place)
        session = await self._session_of(caller, path) if path.is_absolute() else None
        if session is not None:
            return await self._read_file(caller, session, path)
        async with self._fetcher.fetch(caller, place) as content:
            return as_text(await _joined(content))

    async def _session_of(self, caller: Caller, path: PurePosixPath) -> str | None:
        """The session in whose working directory the file would be."""
        infos = await self._grid.sessions(owner=caller.owner)
        return next((info.session for info in infos if info.directory == str(path.parent)), None)

    async def _read_file(self, caller: Caller, session: str, path: PurePosixPath) -> str:
        async with (
            self._projects.using(caller, session, reading=True),
            self._grid.read_file(session, path.name) as (_, content),
        ):
            return as_text(await _joined(content))


async def _joined(content: AsyncIterable[bytes]) -> bytes:
    return b"".join([chunk async for chunk in content])
