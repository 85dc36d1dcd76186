"""The sessions of projects: opened, given up, and what is saved when they end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Sequence

from deployr.errors import DeployrError, GridError, ProjectBusy, SessionLost
from deployr.grid.client import Grid
from deployr.grid.protocol import SessionSpec
from deployr.projects import rows
from deployr.projects.external_data import ExternalData
from deployr.projects.persistence import ProjectStates
from deployr.projects.records import AUTOSAVED, AUTOSAVED_DESCR, Project, StateParts
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.caller import Caller

log = logging.getLogger(__name__)


class LiveSessions:
    """The sessions that projects have on the grid; what a caller may do is not decided here."""

    def __init__(self, database: Database, grid: Grid, states: ProjectStates, settings: Settings) -> None:
        self._database = database
        self._grid = grid
        self._states = states
        self._autosave_temporary = settings.projects.autosave_temporary
        self._limit = settings.limits.live_projects
        self._external_data = ExternalData(settings)
        self._idle_timeout = settings.server.session_timeout

    async def open(self, project: Project, caller: Caller, cluster: str | None = None) -> None:
        """Give a project that has none a session.

        Raises:
            UserProjectLimit, NoFreeSlot: 910, 913.
        """
        await self._grid.open(
            SessionSpec(
                session=project.project,
                owner=caller.owner,
                cluster=cluster,
                context=_context(project),
                idle_timeout=self._idle_timeout_of(project),
                owner_limit=self._limit,
                private_data=self._external_data.private(caller.username) if _is_of_one(project, caller) else None,
                http=caller.http_session or None,
                address=caller.address,
            )
        )

    async def activate(self, project: Project, caller: Caller) -> None:
        """Give a persistent project a session when it has none.

        Raises:
            SessionLost: it had one that was not closed; said once, since what was not saved is lost.
        """
        found = await self._grid.sessions(sessions=[project.project])
        if found and (project.http_session is not None or found[0].state == "busy"):
            return
        if project.http_session is not None:
            self.note_loss(project)
            raise SessionLost("The R session is not responding; it is no longer there.", project.project)
        async with self._grid.hold(project.project):
            await self._reopen(project, caller)

    async def _reopen(self, project: Project, caller: Caller) -> None:
        """Open a session as the project was saved; who comes in between must not see a part of that."""
        with self._database.reading() as connection:
            current = rows.find(connection, project.project)
        if current is None or current.http_session is not None:
            # Deleted, or restored by another call, meanwhile.
            return
        # It has none, unless a web worker was killed while it restored the project.
        await self._grid.close(project.project)
        await self.open(project, caller)
        try:
            await self._states.restore(project.project)
            with self._database.transaction() as connection:
                rows.update(connection, project.project, http_session=caller.http_session)
        except BaseException:
            await asyncio.shield(self._grid.close(project.project))
            raise

    async def amend(self, project: Project) -> None:
        """Tell the grid what the session is for now, if the project has one."""
        with contextlib.suppress(SessionLost):
            await self._grid.amend(
                project.project,
                context=_context(project),
                idle_timeout=self._idle_timeout_of(project),
                private=len(project.authors) == 1,
            )

    async def end(self, project: Project, save: StateParts | None) -> None:
        """Close the session; what cannot be saved because its process is gone is lost, which the next use tells."""
        lasts = project.lasts
        saved = save if lasts or self._is_autosaved(project) else None
        async with self._grid.hold(project.project) if saved else contextlib.nullcontext():
            if saved:
                with contextlib.suppress(SessionLost):
                    await self._autosave(project, saved)
                    lasts = True
            elif lasts:
                with self._database.transaction() as connection:
                    rows.detach(connection, project.project)
            await self._grid.close(project.project)
        if not lasts:
            with self._database.transaction() as connection:
                rows.delete(connection, [project.project])

    async def end_all(self, projects: Sequence[Project], save: bool) -> None:
        """End several; a persistent one in which a call runs, and that is to be saved, stays live."""
        for project in projects:
            try:
                await self.end(project, StateParts() if save else None)
            except ProjectBusy:
                log.info("a persistent project is busy and stays live")
            except GridError:
                raise
            except DeployrError as ex:
                log.error("a project could not be saved, what was not saved before is lost: %s", ex.message)
                await self.end(project, None)

    def check_turn(self, project: Project, caller: Caller) -> None:
        """One author at a time may work in a project; a session that a reader began goes over to the author.

        Raises:
            ProjectBusy: another author has it live.
        """
        if project.http_session in (None, caller.http_session):
            return
        with self._database.transaction() as connection:
            holder = rows.holder(connection, project.project)
            if holder in project.authors and holder != caller.username:
                raise ProjectBusy("Another author works in the project.")
            if holder not in project.authors:
                rows.attach(connection, project.project, caller.http_session)

    def note_loss(self, project: Project) -> None:
        """The session is gone: the project with it, unless it can be had again as it was saved."""
        with self._database.transaction() as connection:
            if project.lasts:
                rows.detach(connection, project.project)
            else:
                rows.delete(connection, [project.project])

    async def with_liveness(self, projects: Sequence[Project]) -> list[Project]:
        """The projects as the grid knows them; work in a session counts as a change of its project."""
        if not projects:
            return []
        found = await self._grid.sessions(sessions=[project.project for project in projects])
        used = {info.session: info.used for info in found}
        return [
            dataclasses.replace(
                project,
                live=project.project in used,
                lastmodified=max(project.lastmodified, used.get(project.project, 0)),
            )
            for project in projects
        ]

    async def _autosave(self, project: Project, parts: StateParts) -> None:
        """Save a live project at the end of its session; a temporary one becomes persistent."""
        state = await self._states.capture(project.project, parts)
        named = {} if project.lasts else {"kind": "persistent", "name": AUTOSAVED, "descr": AUTOSAVED_DESCR}
        await self._states.write(project.project, state, http_session=None, **named)

    def _is_autosaved(self, project: Project) -> bool:
        return project.kind == "temporary" and self._autosave_temporary

    def _idle_timeout_of(self, project: Project) -> float:
        """A project that is saved is ended by its HTTP session's end only, which has the chance to save it."""
        return 0 if project.lasts or self._is_autosaved(project) else self._idle_timeout


def _is_of_one(project: Project, caller: Caller) -> bool:
    """Nobody else's code, or objects, can ever be in a session that the caller opens."""
    return project.authors == (caller.username,)


def _context(project: Project) -> str:
    """What the grid's status says of the project."""
    return f"Project: {project.name}" if project.name else "Temporary Project"
