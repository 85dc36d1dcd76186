"""Files and plots of projects, and of what ran outside of projects: the id says which."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from deployr.grid.client import Grid
from deployr.projects.directory import Directory
from deployr.projects.executions import Executions
from deployr.projects.records import Download
from deployr.projects.scripts import PREFIX as STATELESS
from deployr.projects.scripts import Scripts
from deployr.settings import Settings
from deployr.users.caller import Caller


class ProjectDownloads:
    """Opens them for sending. Errors are those of :class:`Directory`, :class:`Executions` and :class:`Scripts`."""

    def __init__(
        self, directory: Directory, executions: Executions, scripts: Scripts, grid: Grid, settings: Settings
    ) -> None:
        self._directory = directory
        self._executions = executions
        self._scripts = scripts
        self._grid = grid
        self._open_urls = settings.projects.open_urls

    async def files(self, caller: Caller, project: str, filenames: Sequence[str]) -> Download:
        """Files of the directory: one as it is, several or all (no names) as a zip."""
        if project.startswith(STATELESS):
            return await self.artifacts(caller, project, filenames)
        caller = await self._reader(caller, project, one=len(filenames) == 1)
        return await self._directory.download(caller, project, filenames)

    async def artifacts(self, caller: Caller, project: str, filenames: Sequence[str]) -> Download:
        """Files that a stateless execution left, in the same way."""
        caller = await self._reader(caller, project, one=len(filenames) == 1)
        return await self._scripts.download_files(caller, project, filenames)

    async def results(
        self, caller: Caller, project: str, *, executions: Collection[str] = (), filename: str | None = None
    ) -> Download:
        """One unnamed plot, or a zip of those of the executions, or of all."""
        caller = await self._reader(caller, project, one=bool(filename))
        source = self._scripts if project.startswith(STATELESS) else self._executions
        return await source.download_results(caller, project, executions=executions, filename=filename)

    async def _reader(self, caller: Caller, project: str, *, one: bool) -> Caller:
        """The caller; where URLs are open, of one file of what is live an anonymous one reads as its owner."""
        if not (self._open_urls and one and caller.is_anonymous):
            return caller
        found = await self._grid.sessions(sessions=[project])
        return Caller.of(found[0].owner) if found else caller
