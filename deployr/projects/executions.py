"""Executions in projects: code and scripts, history, console, results."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from deployr.errors import InvalidParameter, PermissionDenied
from deployr.grid.client import Grid
from deployr.grid.protocol import ExecutionRecord, FileInfo
from deployr.projects.projects import Projects
from deployr.projects.records import Download, ExecutionOptions, Outcome, Project
from deployr.projects.sources import NOTHING, ScriptSources, Source
from deployr.projects.standard_model import StandardModel
from deployr.repository.records import RepositoryName
from deployr.store.database import now_ms
from deployr.users.caller import Caller


class Executions:
    """Runs R code in projects and tells what was run."""

    def __init__(self, projects: Projects, grid: Grid, sources: ScriptSources, model: StandardModel) -> None:
        self._projects = projects
        self._grid = grid
        self._sources = sources
        self._model = model

    async def execute_code(self, caller: Caller, project_id: str, code: str, options: ExecutionOptions) -> Outcome:
        """Run a block of code.

        Raises:
            PermissionDenied: the caller's roles do not allow it, or the project is not theirs or a blackbox.
            ProjectBusy: another call runs in the project.
            DeployrError: the preparation failed; no code was run.
        """
        # Before a saved project is restored; anonymous callers are told to log in.
        if not (caller.is_anonymous or caller.may_run_code):
            raise PermissionDenied("Your roles allow the execution of repository scripts only.")
        async with self._projects.using(caller, project_id) as project:
            return await self._execute(caller, project, Source(code, visible=True), options)

    async def execute_script(
        self,
        caller: Caller,
        project_id: str,
        scripts: Sequence[RepositoryName],
        options: ExecutionOptions,
        *,
        external: Source = NOTHING,
    ) -> Outcome:
        """Run scripts of the repository one after the other; the first failure ends the chain.

        Args:
            external: code to run after them.

        Raises:
            NotFound: a script does not exist or the caller may not execute it.
            PermissionDenied: the project is not the caller's.
            ProjectBusy: another call runs in the project.
            DeployrError: the preparation failed; no code was run.
        """
        async with self._projects.using(caller, project_id, blackbox=True) as project:
            source = (await self._sources.load(caller, scripts)).then(external)
            return await self._execute(caller, project, source, options)

    async def interrupt(self, caller: Caller, project_id: str) -> Project:
        """Interrupt what runs in the project; no effect when nothing does."""
        project = self._projects.find(caller, project_id, blackbox=True)
        if project.kind == "persistent" and not (await self._projects.ping(caller, project_id)).live:
            return project
        async with self._projects.using(caller, project_id, blackbox=True) as live:
            await self._grid.interrupt(project_id)
            return live

    async def history(
        self,
        caller: Caller,
        project_id: str,
        *,
        depth: int | None = None,
        executions: Collection[str] = (),
        tag: str | None = None,
        newest_first: bool = False,
    ) -> tuple[Project, list[ExecutionRecord]]:
        """Executions of the project, oldest first.

        Args:
            depth: only that many of the most recent ones.
            executions: only these, when there are any.
            tag: only those with this tag.
            newest_first: in reverse.

        Raises:
            InvalidParameter: the depth is negative.
        """
        if depth is not None and depth < 0:
            raise InvalidParameter("A history has no negative depth.")
        async with self._projects.looking_at(caller, project_id) as project:
            records = await self._projects.executed.records(project)
        records = [record for record in records if not executions or record.execution in executions]
        records = [record for record in records if tag is None or record.tag == tag]
        records = records[-depth:] if depth else records
        return project, records[::-1] if newest_first else records

    async def console(self, caller: Caller, project_id: str) -> tuple[Project, str | None]:
        """Console text of the latest execution; ``None`` when there was none."""
        project, records = await self.history(caller, project_id, depth=1)
        return project, records[0].console if records else None

    async def flush(self, caller: Caller, project_id: str, executions: Collection[str] = ()) -> Project:
        """Throw away console text and unnamed plots of the executions, or of all; history keeps their entries.

        Raises:
            NotFound: one of the executions is not known; then nothing is thrown away.
            ProjectBusy: another call runs in the project.
        """
        async with self._projects.using(caller, project_id) as project:
            await self._projects.executed.flush(project, executions)
        return project

    async def delete_results(
        self, caller: Caller, project_id: str, *, executions: Collection[str] = (), filename: str | None = None
    ) -> Project:
        """Delete unnamed plots of the executions, or of all.

        Args:
            filename: only the plot of this name, of the newest of the executions that has it.

        Raises:
            NotFound: one of the executions, or the plot, is not there; then nothing is deleted.
            ProjectBusy: another call runs in the project.
        """
        async with self._projects.using(caller, project_id) as project:
            await self._projects.executed.delete_results(project, executions, filename)
        return project

    async def results(
        self, caller: Caller, project_id: str, executions: Collection[str] = ()
    ) -> tuple[Project, list[FileInfo]]:
        """Unnamed plots of the executions, or of all."""
        async with self._projects.looking_at(caller, project_id) as project:
            found = await self._projects.executed.results(project)
        return project, [info for info in found if not executions or info.execution in executions]

    async def download_results(
        self, caller: Caller, project_id: str, *, executions: Collection[str] = (), filename: str | None = None
    ) -> Download:
        """One plot, or a zip of those of the executions, or of all; of a blackbox too, as its replies name them.

        Raises:
            NotFound: there is no such plot.
        """
        async with self._projects.looking_at(caller, project_id, blackbox=True) as project:
            return await self._projects.executed.download(project, executions, filename)

    async def _execute(self, caller: Caller, project: Project, source: Source, options: ExecutionOptions) -> Outcome:
        plan = self._model.plan(caller, source, options, blackbox=project.kind == "blackbox")
        return await self._model.run(plan, dataclasses.replace(project, lastmodified=now_ms()))
