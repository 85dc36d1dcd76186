"""Projects: made, found, closed. A project's id is the id of its session on the grid."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence

import sqlalchemy as sa

from deployr.encodings import model
from deployr.encodings.model import RValue
from deployr.errors import AlreadyExists, NotAuthenticated, PermissionDenied, ProjectBusy, SessionLost
from deployr.grid.client import Grid
from deployr.grid.protocol import SessionSpec
from deployr.projects import rows, values
from deployr.projects.persistence import BlobProjectStates, ProjectStates
from deployr.projects.records import ORIGINAL, ClosingOptions, Kind, Project, ProjectChanges
from deployr.repository.blobs import Blobs
from deployr.settings import Settings
from deployr.store.database import Database, now_ms
from deployr.store.schema import http_sessions
from deployr.store.schema import projects as table
from deployr.users.caller import Caller

log = logging.getLogger(__name__)


class Projects:
    """The projects of all users.

    A project that does not exist and one that the caller may not touch are both
    :class:`~deployr.errors.PermissionDenied` (403): pooled brokers read that as "project lost" (7x-facts 20).
    """

    def __init__(self, database: Database, grid: Grid, settings: Settings) -> None:
        self._database = database
        self._grid = grid
        blobs = Blobs(settings.blobs_directory)
        self._states: ProjectStates = BlobProjectStates(grid, blobs, settings.home / "projects")
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
        await self._grid.open(self._session_spec(project, cluster))
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

    async def update(self, caller: Caller, project_id: str, changes: ProjectChanges) -> Project:
        """Change what describes a project; never activates it. A name makes a temporary one persistent (7x-facts 6.3).

        Raises:
            ProjectBusy: a temporary project cannot be saved while a call runs in it.
        """
        project = self.find(caller, project_id)
        values = {name: value for name, value in dataclasses.asdict(changes).items() if value is not None}
        if changes.name and not _lasts(project):
            async with self.using(caller, project_id):
                await self._states.save(project_id)
            values["kind"] = "persistent"
        with self._database.transaction() as connection:
            rows.update(connection, project_id, **values)
        if changes.name:
            await self._amend_session(self.find(caller, project_id))
        return await self.about(caller, project_id)

    async def recycle(
        self, caller: Caller, project_id: str, *, workspace: bool = True, directory: bool = True
    ) -> Project:
        """Clear the workspace and empty the directory, or one of them; packages and history stay.

        Raises:
            ProjectBusy: another call runs in the project.
        """
        async with self.using(caller, project_id, blackbox=True) as project:
            await self._grid.recycle(project_id, workspace=workspace, directory=directory)
        return dataclasses.replace(project, lastmodified=now_ms())

    async def close(self, caller: Caller, project_id: str, options: ClosingOptions) -> Project:
        """Free the project's session; a project that is not persistent goes with it.

        Raises:
            ProjectBusy: a persistent project cannot be saved while a call runs in it.
        """
        project = self.find(caller, project_id, blackbox=True)
        await self._end(project, options if options.autosave and caller.autosave else None)
        if not _lasts(project) or options.cookie is None:
            return project
        with self._database.transaction() as connection:
            rows.update(connection, project_id, cookie=options.cookie)
        return self.find(caller, project_id)

    async def delete(self, caller: Caller, project_id: str) -> Project:
        """Remove the project; of one with several authors only the caller's authorship goes (7x-facts 6.3)."""
        project = self.find(caller, project_id)
        with self._database.transaction() as connection:
            if rows.drop_author(connection, project_id, _user(caller)):
                return project
        await self._grid.close(project_id)
        self._states.delete(project_id)
        self._forget(project_id)
        return project

    # -- for HTTP sessions and housekeeping ---------------------------------------------------------------

    async def leave(self, http_session: str, *, save: bool = True) -> None:
        """End what an HTTP session holds on the grid, at its logout or timeout.

        Args:
            save: persistent projects first; one in which a call runs stays live.
        """
        await self._end_all(self._held(http_session), save)

    async def release(self, caller: Caller) -> None:
        """End all that the caller holds on the grid, in whichever HTTP session it was made (7x-facts 5).

        Persistent projects are saved as at logout; one in which a call runs stays live.
        """
        held = [info.session for info in await self._grid.sessions(owner=caller.owner)]
        on_the_grid = sa.or_(table.c.project.in_(held), table.c.kind != "persistent")
        with self._database.reading() as connection:
            found = rows.select(connection, rows.owned_by(_user(caller)), on_the_grid)
        await self._end_all(found, caller.autosave)

    async def is_busy(self, http_session: str) -> bool:
        """Whether a call runs in one of the HTTP session's projects."""
        held = [project.project for project in self._held(http_session)]
        infos = await self._grid.sessions(sessions=held) if held else []
        return any(info.state == "busy" for info in infos)

    async def forget_lost(self) -> None:
        """Forget projects whose sessions are gone; persistent ones stay.

        While their HTTP session lasts they are kept: who calls one is told 916, that its session is lost. A project is
        written after its session was opened, so what has no session after it was read has lost it.
        """
        ended = table.c.http_session.not_in(sa.select(http_sessions.c.digest))
        with self._database.reading() as connection:
            found = rows.select(connection, table.c.kind != "persistent", ended)
        lost = [project.project for project in await self._with_liveness(found) if not project.live]
        if lost:
            self._forget(*lost)

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
            self._note_loss(project)
            raise

    # -- sessions -----------------------------------------------------------------------------------------

    async def _activate(self, project: Project, caller: Caller) -> None:
        """Give a persistent project a session when it has none.

        Raises:
            SessionLost: it had one that was not closed; said once, since what was not saved is lost.
        """
        if await self._grid.sessions(sessions=[project.project]):
            return
        if project.http_session is not None:
            self._note_loss(project)
            raise SessionLost("The R session is not responding; it is no longer there.")
        try:
            await self._grid.open(self._session_spec(project))
        except AlreadyExists:
            raise ProjectBusy from None
        try:
            await self._states.restore(project.project)
            with self._database.transaction() as connection:
                rows.update(connection, project.project, http_session=caller.http_session)
        except BaseException:
            await asyncio.shield(self._grid.close(project.project))
            raise

    async def _end_all(self, projects: Sequence[Project], save: bool) -> None:
        for project in projects:
            try:
                await self._end(project, ClosingOptions() if save else None)
            except ProjectBusy:
                log.info("a persistent project is busy and stays live")

    async def _amend_session(self, project: Project) -> None:
        """Tell the grid what the session is for now, if the project has one."""
        spec = self._session_spec(project)
        with contextlib.suppress(SessionLost):
            await self._grid.amend(project.project, context=spec.context, idle_timeout=spec.idle_timeout)

    async def _end(self, project: Project, save: ClosingOptions | None) -> None:
        """Close the session; what cannot be saved because its process is gone is lost, which the next use tells."""
        if _lasts(project) and save:
            with contextlib.suppress(SessionLost):
                await self._states.save(project.project, workspace=save.workspace, directory=save.directory)
                with self._database.transaction() as connection:
                    rows.update(connection, project.project, http_session=None)
        elif _lasts(project):
            with self._database.transaction() as connection:
                rows.detach(connection, project.project)
        await self._grid.close(project.project)
        if not _lasts(project):
            self._forget(project.project)

    def _note_loss(self, project: Project) -> None:
        """The session is gone: the project with it, unless it can be had again as it was saved."""
        with self._database.transaction() as connection:
            if _lasts(project):
                rows.detach(connection, project.project)
            else:
                rows.delete(connection, [project.project])

    def _held(self, http_session: str) -> list[Project]:
        with self._database.reading() as connection:
            return rows.select(connection, table.c.http_session == http_session)

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

    def _session_spec(self, project: Project, cluster: str | None = None) -> SessionSpec:
        # A persistent project is ended by its HTTP session's end only, which has the chance to save it.
        return SessionSpec(
            session=project.project,
            owner=f"user:{project.author}",
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
