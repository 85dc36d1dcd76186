"""Projects: made, found, closed. A project's id is the id of its session on the grid."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence

import sqlalchemy as sa

from deployr.encodings import model
from deployr.encodings.model import RValue
from deployr.errors import NotAuthenticated, PermissionDenied, SessionLost
from deployr.grid.client import Grid
from deployr.grid.protocol import SessionSpec
from deployr.projects import rows, values
from deployr.projects.records import ORIGINAL, Kind, Project
from deployr.settings import Settings
from deployr.store.database import Database, now_ms
from deployr.store.schema import projects as table
from deployr.users.caller import Caller


class Projects:
    """The projects of all users.

    A project that does not exist and one that the caller may not touch are both
    :class:`~deployr.errors.PermissionDenied` (403): pooled brokers read that as "project lost" (7x-facts 20).
    """

    def __init__(self, database: Database, grid: Grid, settings: Settings) -> None:
        self._database = database
        self._grid = grid
        self._limit = settings.limits.live_projects
        self._idle_timeout = settings.server.session_timeout

    # -- calls --------------------------------------------------------------------------------------------

    async def create(
        self,
        caller: Caller,
        *,
        name: str | None = None,
        descr: str | None = None,
        blackbox: bool = False,
        cluster: str | None = None,
        inputs: Mapping[str, RValue] | None = None,
    ) -> Project:
        """Make a project with a live session; when that fails nothing is left behind.

        Args:
            name: makes it persistent.
            descr: ignored without a name.
            blackbox: only scripts may be run in it; ignored with a name.
            cluster: tag of the cluster that its session must be on.
            inputs: objects to assign.

        Raises:
            NotAuthenticated: the caller is anonymous.
            UserProjectLimit, NoFreeSlot: 910, 913.
        """
        kind: Kind = "persistent" if name else "blackbox" if blackbox else "temporary"
        project = _new_project(caller, kind, name, descr)
        await self._grid.open(self._session_spec(project, caller, cluster))
        try:
            if inputs:
                arguments = values.arguments(inputs=model.named_list(inputs))
                await self._grid.call(project.project, "assign_objects", arguments)
            with self._database.transaction() as connection:
                rows.insert(connection, project)
        except BaseException:
            await asyncio.shield(self._grid.close(project.project))
            raise
        return project

    async def list_projects(
        self, caller: Caller, *, shared_also: bool = False, shared_only: bool = False, ordered: bool = False
    ) -> list[Project]:
        """The caller's persistent and live projects.

        Args:
            shared_also: with projects that others share.
            shared_only: those only.
            ordered: most recently modified first, else in the order of creation.
        """
        username = _user(caller)
        mine, shared = rows.owned_by(username), table.c.shared & ~rows.owned_by(username)
        wanted = shared if shared_only else sa.or_(mine, shared) if shared_also else mine
        with self._database.reading() as connection:
            found = rows.select(connection, wanted)
        projects = [project for project in await self._with_liveness(found) if project.live or _lasts(project)]
        return sorted(projects, key=lambda project: -project.lastmodified) if ordered else projects

    async def about(self, caller: Caller, project_id: str) -> Project:
        """One project, for its authors and, when it is shared, for all users."""
        project = self.find(caller, project_id, reading=True)
        return (await self._with_liveness([project]))[0]

    async def ping(self, caller: Caller, project_id: str) -> Project:
        """One project, whose ``live`` tells the truth; never activates it."""
        project = self.find(caller, project_id, reading=True, blackbox=True)
        return (await self._with_liveness([project]))[0]

    async def close(self, caller: Caller, project_id: str, *, cookie: str | None = None) -> Project:
        """Free the project's session; a project that is not persistent goes with it.

        Args:
            cookie: text to store with the project.
        """
        project = self.find(caller, project_id, blackbox=True)
        await self._end(project)
        if _lasts(project) and cookie is not None:
            with self._database.transaction() as connection:
                rows.update(connection, project.project, cookie=cookie)
            project = dataclasses.replace(project, cookie=cookie)
        return project

    async def delete(self, caller: Caller, project_id: str) -> Project:
        """Remove the project; of one with several authors only the caller's authorship goes (7x-facts 6.3)."""
        project = self.find(caller, project_id)
        with self._database.transaction() as connection:
            if rows.drop_author(connection, project_id, _user(caller)):
                return project
        await self._grid.close(project_id)
        self._forget(project_id)
        return project

    async def leave(self, http_session: str) -> None:
        """End the sessions that an HTTP session holds, at its logout or timeout."""
        with self._database.reading() as connection:
            held = rows.select(connection, table.c.http_session == http_session)
        for project in held:
            await self._end(project)

    # -- for the other parts of the domain ----------------------------------------------------------------

    def find(self, caller: Caller, project_id: str, *, reading: bool = False, blackbox: bool = False) -> Project:
        """A project that the caller may use.

        Args:
            reading: it is only looked at, which others may do too when it is shared.
            blackbox: the call is one of the few that a blackbox project allows (7x-facts 6.1).

        Raises:
            NotAuthenticated: the caller is anonymous.
            PermissionDenied: the caller may not use it so, or it does not exist.
        """
        username = _user(caller)
        with self._database.reading() as connection:
            project = rows.find(connection, project_id)
        if project is None or not (username in project.authors or (reading and project.shared)):
            raise PermissionDenied("There is no such project, or it is not yours.")
        if project.kind == "blackbox" and not blackbox:
            raise PermissionDenied("The project is a blackbox: it only executes scripts.")
        return project

    @contextlib.asynccontextmanager
    async def using(
        self, caller: Caller, project_id: str, *, reading: bool = False, blackbox: bool = False
    ) -> AsyncIterator[Project]:
        """A live project, for calls of the grid; when they find the session lost the project is forgotten.

        Raises:
            NotAuthenticated, PermissionDenied: see :meth:`find`.
            SessionLost: 916, the session is gone, and the project with it unless it is persistent.
        """
        project = self.find(caller, project_id, reading=reading, blackbox=blackbox)
        if _lasts(project):
            await self._activate(project, caller)
        try:
            yield dataclasses.replace(project, live=True)
        except SessionLost:
            if not _lasts(project):
                self._forget(project_id)
            raise

    # -- sessions -----------------------------------------------------------------------------------------

    async def _activate(self, project: Project, caller: Caller) -> None:
        """Give a persistent project a session when it has none."""
        if await self._grid.sessions(sessions=[project.project]):
            return
        await self._grid.open(self._session_spec(project, caller))
        with self._database.transaction() as connection:
            rows.update(connection, project.project, http_session=caller.http_session)

    async def _end(self, project: Project) -> None:
        await self._grid.close(project.project)
        if not _lasts(project):
            self._forget(project.project)

    def _forget(self, *ids: str) -> None:
        with self._database.transaction() as connection:
            rows.delete(connection, ids)

    async def _with_liveness(self, projects: Sequence[Project]) -> list[Project]:
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

    def _session_spec(self, project: Project, caller: Caller, cluster: str | None = None) -> SessionSpec:
        # A persistent project is ended by its HTTP session's end only, which has the chance to save it.
        return SessionSpec(
            session=project.project,
            owner=caller.owner,
            cluster=cluster,
            context=f"Project: {project.name}" if project.name else "Temporary Project",
            idle_timeout=0 if _lasts(project) else self._idle_timeout,
            owner_limit=self._limit,
        )


def _lasts(project: Project) -> bool:
    """It outlives its session."""
    return project.kind == "persistent"


def _new_project(caller: Caller, kind: Kind, name: str | None, descr: str | None) -> Project:
    username = _user(caller)
    return Project(
        project=f"PROJECT-{uuid.uuid4()}",
        name=name,
        descr=descr if name else None,
        longdescr=None,
        author=username,
        authors=(username,),
        shared=False,
        cookie=None,
        origin=ORIGINAL,
        lastmodified=now_ms(),
        kind=kind,
        http_session=caller.http_session,
        live=True,
    )


def _user(caller: Caller) -> str:
    if caller.username is None:
        raise NotAuthenticated()
    return caller.username
