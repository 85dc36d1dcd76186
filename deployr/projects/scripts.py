"""Repository scripts outside of projects: stateless, and in the blackbox of an HTTP session."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Collection, Sequence
from typing import get_args

from deployr.errors import AlreadyExists, PermissionDenied, SessionLost
from deployr.grid.client import Grid
from deployr.grid.protocol import Runtime, SessionInfo, SessionSpec
from deployr.projects import downloads
from deployr.projects.external_data import ExternalData
from deployr.projects.records import (
    AUTOSAVED,
    AUTOSAVED_DESCR,
    NO_PROJECT,
    ORIGINAL,
    Download,
    ExecutionOptions,
    Outcome,
    Project,
)
from deployr.projects.sources import NOTHING, ScriptSources, Source
from deployr.projects.standard_model import Plan, StandardModel, outcome
from deployr.repository.records import RepositoryName
from deployr.settings import Settings
from deployr.store.database import now_ms
from deployr.users.caller import Caller

PREFIX = "STATELESS-"
"""Ids of projects that are no projects begin so."""

_AUTHOR = "STATELESS"
_STEP_SECONDS = 60
"""Idle time after which a stateless session is closed that its web worker left between two steps, being killed."""

_BLACKBOXES = uuid.UUID("5c1ad1a4-5b0c-4c57-9d0a-2f0f6a3f2c55")
"""Name space of the ids of blackboxes, which follow from the digests of their HTTP sessions."""

_BLACKBOX_CONTEXT = "HTTP Blackbox Project"
_RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)


class Scripts:
    """Executes scripts for everybody who may see them, anonymous callers included."""

    def __init__(self, grid: Grid, sources: ScriptSources, model: StandardModel, settings: Settings) -> None:
        self._grid = grid
        self._sources = sources
        self._model = model
        self._limits = settings.limits
        self._external_data = ExternalData(settings)

    async def execute(
        self,
        caller: Caller,
        scripts: Sequence[RepositoryName],
        options: ExecutionOptions,
        *,
        external: Source = NOTHING,
        cluster: str | None = None,
    ) -> Outcome:
        """Run scripts in a session of their own, which ends with the call; their files stay readable for a while.

        Args:
            external: code to run after them.
            cluster: tag of the cluster that the session must be on.

        Raises:
            NotFound: a script does not exist or the caller may not execute it.
            AnonymousProjectLimit, NoFreeSlot, BoundaryExceeded: 911, 913, 914.
        """
        source = (await self._sources.load(caller, scripts)).then(external)
        plan = self._plan(caller, source, options, blackbox=False)
        session = f"{PREFIX}{uuid.uuid4()}"
        spec = self._session_spec(session, caller, source.runtime, cluster=cluster, idle_timeout=_STEP_SECONDS)
        if not plan.is_plain:
            return await self._execute_in_steps(plan, spec)
        record, value = await self._grid.execute_stateless(spec, plan.execution, plan.arguments)
        return await outcome(_project(spec.session), record, value, options)

    async def execute_blackbox(
        self,
        caller: Caller,
        scripts: Sequence[RepositoryName],
        options: ExecutionOptions,
        *,
        external: Source = NOTHING,
        recycle: bool = False,
    ) -> Outcome:
        """Run scripts in the HTTP session's blackbox of their runtime, which keeps its objects from call to call.

        Args:
            external: code to run after them.
            recycle: begin with an empty one.

        Raises:
            ProjectBusy: another call runs in the blackbox.
            NotFound, AnonymousProjectLimit, NoFreeSlot, BoundaryExceeded: as :meth:`execute`.
        """
        source = (await self._sources.load(caller, scripts)).then(external)
        plan = self._plan(caller, source, options, blackbox=True)
        blackbox = blackbox_id(caller.http_session, source.runtime)
        if recycle:
            await self._grid.close(blackbox)
        await self._open_blackbox(blackbox, caller, source.runtime)
        return await self._model.run(plan, _project(blackbox))

    async def interrupt(self, caller: Caller) -> bool:
        """Interrupt what runs in the blackboxes of the HTTP session; true when something ran."""
        interrupted = False
        for blackbox in blackbox_ids(caller.http_session):
            with contextlib.suppress(SessionLost):
                interrupted |= await self._grid.interrupt(blackbox)
        return interrupted

    async def leave(self, http_session: str) -> None:
        """End the blackboxes of an HTTP session, at its logout or timeout."""
        for blackbox in blackbox_ids(http_session):
            await self._grid.close(blackbox)

    async def download_files(self, caller: Caller, project_id: str, filenames: Sequence[str]) -> Download:
        """Files that a stateless execution left: one as it is, several or all (no names) as a zip.

        Raises:
            PermissionDenied: they are not the caller's, or gone.
            NotFound: one of them is not there.
        """
        if (await self._find_own(caller, project_id)).context == _BLACKBOX_CONTEXT:
            raise PermissionDenied("The files of a blackbox are hidden.")
        return await downloads.directory(self._grid, project_id, filenames)

    async def download_results(
        self, caller: Caller, project_id: str, *, executions: Collection[str] = (), filename: str | None = None
    ) -> Download:
        """Unnamed plots of a stateless or blackbox execution: one, or a zip of all.

        Raises:
            PermissionDenied: they are not the caller's, or gone.
            NotFound: there is no such plot.
        """
        await self._find_own(caller, project_id)
        return await downloads.results(self._grid, project_id, executions, filename)

    async def _execute_in_steps(self, plan: Plan, spec: SessionSpec) -> Outcome:
        """Run in a new session that is needed before and after the code runs; its files stay readable for a while."""
        await self._grid.open(spec)
        keep = False
        try:
            result = await self._model.run(plan, _project(spec.session))
            keep = bool(result.record.results or result.record.artifacts)
            return result
        finally:
            await asyncio.shield(self._grid.close(spec.session, keep=keep))

    async def _open_blackbox(self, blackbox: str, caller: Caller, runtime: Runtime) -> None:
        """Open the blackbox when it is not there."""
        if not await self._grid.sessions(sessions=[blackbox]):
            # Of two first calls at once one opens it, and the other may find it busy.
            with contextlib.suppress(AlreadyExists):
                idle = self._limits.blackbox_idle
                await self._grid.open(self._session_spec(blackbox, caller, runtime, idle_timeout=idle))

    def _plan(self, caller: Caller, source: Source, options: ExecutionOptions, *, blackbox: bool) -> Plan:
        limit = self._limits.anonymous_time if caller.is_anonymous else 0
        return self._model.plan(caller, source, options, blackbox=blackbox, time_limit=limit, runtime=source.runtime)

    def _session_spec(
        self, session: str, caller: Caller, runtime: Runtime, *, idle_timeout: float, cluster: str | None = None
    ) -> SessionSpec:
        return SessionSpec(
            session=session,
            owner=caller.owner,
            runtime=runtime,
            purpose="anonymous",
            cluster=cluster,
            context=_context(session, caller),
            idle_timeout=idle_timeout,
            owner_limit=self._limits.anonymous_executions,
            private_data=self._external_data.private(caller.username),
            http=caller.http_session,
            address=caller.address,
        )

    async def _find_own(self, caller: Caller, project_id: str) -> SessionInfo:
        """Owner labels decide: the files of an HTTP session are its own, those of a user the user's."""
        found = await self._grid.sessions(sessions=[project_id])
        if not project_id.startswith(PREFIX) or not found or found[0].owner != caller.owner:
            raise PermissionDenied(NO_PROJECT)
        return found[0]


def blackbox_id(http_session: str, runtime: Runtime = "r") -> str:
    """Id of the blackbox of an HTTP session, given the session's digest; it has one a runtime."""
    name = http_session if runtime == "r" else f"{http_session} {runtime}"
    return f"{PREFIX}{uuid.uuid5(_BLACKBOXES, name)}"


def blackbox_ids(http_session: str) -> list[str]:
    """Ids of all blackboxes of an HTTP session."""
    return [blackbox_id(http_session, runtime) for runtime in _RUNTIMES]


def _context(session: str, caller: Caller) -> str:
    return _BLACKBOX_CONTEXT if session in blackbox_ids(caller.http_session) else "Stateless Project"


def _project(session: str) -> Project:
    """What stands for a project in the replies (7x-facts 3.2)."""
    return Project(
        project=session,
        name=AUTOSAVED,
        descr=AUTOSAVED_DESCR,
        longdescr=None,
        author=_AUTHOR,
        authors=(_AUTHOR,),
        shared=False,
        cookie=None,
        origin=ORIGINAL,
        lastmodified=now_ms(),
        kind="temporary",
        http_session=None,
        live=True,
    )
