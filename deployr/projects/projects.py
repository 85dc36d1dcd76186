"""Projects: made, found, closed. A project's id is the id of its session on the grid."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from deployr.encodings import model
from deployr.encodings.model import RValue
from deployr.errors import PermissionDenied, SessionLost
from deployr.grid.client import Grid
from deployr.projects import rows, saved_rows, values
from deployr.projects.history import History
from deployr.projects.live import LiveSessions
from deployr.projects.persistence import ProjectStates
from deployr.projects.records import (
    AUTOSAVED,
    NO_PROJECT,
    ORIGINAL,
    ClosingOptions,
    Kind,
    Project,
    ProjectChanges,
    StateParts,
)
from deployr.projects.saved_rows import SavedState
from deployr.repository.blobs import Blobs
from deployr.settings import Settings
from deployr.store.database import Database, now_ms
from deployr.store.schema import http_sessions
from deployr.store.schema import projects as table
from deployr.users.caller import Caller

_PREFIX = "PROJECT-"
_has_ended = table.c.http_session.not_in(sa.select(http_sessions.c.digest))
"""Condition: the HTTP session that has the project live is no more."""


class Projects:
    """The projects of all users.

    Attributes:
        executed: their history.

    A project that does not exist and one that the caller may not touch are both
    :class:`~deployr.errors.PermissionDenied` (403): pooled brokers read that as "project lost" (7x-facts 20).
    """

    def __init__(self, database: Database, grid: Grid, settings: Settings) -> None:
        self._database = database
        self._grid = grid
        blobs = Blobs(settings.blobs_directory)
        limits = settings.limits
        self.executed = History(database, grid, blobs, limits.history_depth, limits.history_storage)
        self._states = ProjectStates(database, grid, blobs, self.executed)
        self._live = LiveSessions(database, grid, self._states, settings)
        self._session_timeout = settings.server.session_timeout

    # -- calls --------------------------------------------------------------------------------------------

    async def create(
        self,
        caller: Caller,
        *,
        name: str | None = None,
        descr: str | None = None,
        blackbox: bool = False,
        cluster: str | None = None,
        prepare: Callable[[str], Awaitable[None]] | None = None,
        inputs: Mapping[str, RValue] | None = None,
    ) -> Project:
        """Make a project with a live session; when that fails nothing is left behind.

        Args:
            name: makes it persistent.
            descr: ignored without a name.
            blackbox: only scripts may be run in it; ignored with a name.
            cluster: tag of the cluster that its session must be on.
            prepare: called with the id of the session, to bring in what the project begins with.
            inputs: objects to assign after that.

        Raises:
            NotAuthenticated: the caller is anonymous.
            UserProjectLimit, NoFreeSlot: 910, 913.
        """
        kind: Kind = "persistent" if name else "blackbox" if blackbox else "temporary"
        project = _new_project(caller, kind, name, descr)
        await self._live.open(project, caller, cluster)
        try:
            if prepare:
                await prepare(project.project)
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
        username = caller.require_user()
        mine, shared = rows.owned_by(username), table.c.shared & ~rows.owned_by(username)
        wanted = shared if shared_only else sa.or_(mine, shared) if shared_also else mine
        with self._database.reading() as connection:
            found = rows.select(connection, wanted)
        projects = [project for project in await self._live.with_liveness(found) if project.live or project.lasts]
        return sorted(projects, key=lambda project: -project.lastmodified) if ordered else projects

    async def about(self, caller: Caller, project_id: str) -> Project:
        """One project, for its authors and, when it is shared, for all users."""
        project = self.find(caller, project_id, reading=True)
        return (await self._live.with_liveness([project]))[0]

    async def ping(self, caller: Caller, project_id: str) -> Project:
        """One project, whose ``live`` tells the truth; never activates it."""
        project = self.find(caller, project_id, reading=True, blackbox=True)
        return (await self._live.with_liveness([project]))[0]

    async def update(self, caller: Caller, project_id: str, changes: ProjectChanges) -> Project:
        """Change what describes a project; never activates it. A name makes a temporary one persistent (7x-facts 6.3).

        Raises:
            ProjectBusy: a temporary project cannot be saved while a call runs in it.
        """
        project = self.find(caller, project_id)
        if changes.name and not project.lasts:
            return await self.save(caller, project_id, changes, StateParts())
        with self._database.transaction() as connection:
            rows.update(connection, project_id, **_given(changes))
        if changes.name:
            await self._live.amend(self.find(caller, project_id))
        return await self.about(caller, project_id)

    async def save(self, caller: Caller, project_id: str, changes: ProjectChanges, parts: StateParts) -> Project:
        """Save a project, which is persistent from then on; what is left out is gone from its session too.

        Args:
            changes: what describes it; a project that never had a name is given one.

        Raises:
            ProjectBusy: a call runs in it.
        """
        async with self._holding(caller, project_id) as project:
            state = await self._states.of(project, parts)
            name = changes.name or project.name or AUTOSAVED
            await self._states.write(project_id, state, **(_given(changes) | {"name": name, "kind": "persistent"}))
            if project.live:
                await self._states.drop(project_id, parts)
                await self._live.amend(self.find(caller, project_id))
        return await self.about(caller, project_id)

    async def save_as(self, caller: Caller, project_id: str, changes: ProjectChanges, parts: StateParts) -> Project:
        """Save a copy under a new id; what ``changes`` does not say is as in the project itself, which stays.

        Raises:
            ProjectBusy: a call runs in it.
        """
        source, state = await self.state(caller, project_id, parts)
        origin = f"Project copied from project named,  {source.name or source.project}."
        described = ProjectChanges(
            name=changes.name or source.name or AUTOSAVED,
            descr=changes.descr or source.descr,
            longdescr=changes.longdescr or source.longdescr,
            shared=changes.shared,
            cookie=changes.cookie or source.cookie,
        )
        return await self.add(caller, described, origin, state)

    async def add(self, caller: Caller, described: ProjectChanges, origin: str, state: SavedState) -> Project:
        """Make a persistent project that is not live, with this state.

        Args:
            described: must have a name.
        """
        project = dataclasses.replace(
            _new_project(caller, "persistent", described.name, described.descr),
            **_given(described),
            origin=origin,
            http_session=None,
            live=False,
        )

        def insert() -> None:
            with self._database.transaction() as connection:
                rows.insert(connection, project)
                saved_rows.write(connection, project.project, state)

        await asyncio.to_thread(insert)
        return project

    async def state(self, caller: Caller, project_id: str, parts: StateParts) -> tuple[Project, SavedState]:
        """A project of the caller's and its state: as its session has it, or else as it was saved.

        Raises:
            ProjectBusy: a call runs in it.
            SessionLost: it is not persistent, and its session is gone.
        """
        async with self._holding(caller, project_id) as project:
            return project, await self._states.of(project, parts)

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
        self._live.check_turn(project, caller)
        await self._live.end(project, options.parts if options.autosave and caller.autosave else None)
        with self._database.transaction() as connection:
            if options.cookie is not None:
                rows.update(connection, project_id, cookie=options.cookie)
            return rows.find(connection, project_id) or project

    async def delete(self, caller: Caller, project_id: str) -> Project:
        """Remove the project; of one with several authors only the caller's authorship goes (7x-facts 6.3)."""
        project = self.find(caller, project_id)
        if len(project.authors) > 1:
            return await self._leave_authors(project, caller)
        await self._grid.close(project_id)
        self._forget(project_id)
        return project

    async def grant(self, caller: Caller, project_id: str, usernames: Sequence[str]) -> Project:
        """Make users authors of the project, with all rights; never activates it.

        Raises:
            NotFound: one of them does not exist; then none becomes an author.
        """
        self.find(caller, project_id)
        with self._database.transaction() as connection:
            rows.add_authors(connection, project_id, usernames)
        await self._live.amend(self.find(caller, project_id))
        return await self.about(caller, project_id)

    # -- for HTTP sessions and housekeeping ---------------------------------------------------------------

    async def leave(self, http_session: str, *, save: bool = True) -> None:
        """End what an HTTP session holds on the grid, at its logout or timeout.

        Args:
            save: persistent projects first; one in which a call runs stays live.
        """
        await self._live.end_all(self._held(http_session), save)

    async def release(self, caller: Caller) -> None:
        """End all that the caller holds on the grid, in whichever HTTP session it was made (7x-facts 5).

        Persistent projects are saved as at logout; one in which a call runs stays live.
        """
        held = [info.session for info in await self._grid.sessions(owner=caller.owner)]
        on_the_grid = sa.or_(table.c.project.in_(held), table.c.kind != "persistent")
        with self._database.reading() as connection:
            found = rows.select(connection, rows.held_by(caller.require_user()), on_the_grid)
        await self._live.end_all(found, caller.autosave)

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
        with self._database.reading() as connection:
            found = rows.select(connection, table.c.kind != "persistent", _has_ended)
        lost = [project.project for project in await self._live.with_liveness(found) if not project.live]
        if lost:
            self._forget(*lost)

    async def end_abandoned(self) -> None:
        """End sessions that no HTTP session has, once nobody has used them for as long as one lasts.

        Those without a row, or whose row names no HTTP session, are of calls whose process was killed while it made or
        restored a project: they are closed. Those whose HTTP session ended without them, since a call ran or the grid
        was away, are saved first.
        """
        idle = await self._idle_sessions()
        with self._database.reading() as connection:
            known = rows.select(connection, table.c.project.in_(idle), table.c.http_session.is_not(None))
            left = rows.select(connection, table.c.project.in_(idle), _has_ended)
        for session in idle - {project.project for project in known}:
            await self._grid.close(session)
        await self._live.end_all(left, save=True)

    async def _idle_sessions(self) -> set[str]:
        """Sessions of projects, those of jobs left out, that nobody has used for as long as an HTTP session lasts."""
        limit = now_ms() - self._session_timeout * 1000
        idle = [info for info in await self._grid.sessions() if info.state == "idle" and info.used < limit]
        return {info.session for info in idle if info.purpose == "authenticated" and info.session.startswith(_PREFIX)}

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
        username = caller.require_user()
        with self._database.reading() as connection:
            project = rows.find(connection, project_id)
        if project is None or not (username in project.authors or (reading and project.shared)):
            raise PermissionDenied(NO_PROJECT)
        if project.kind == "blackbox" and not blackbox:
            raise PermissionDenied("The project is a blackbox: it only executes scripts.")
        return project

    @contextlib.asynccontextmanager
    async def using(
        self, caller: Caller, project_id: str, *, reading: bool = False, blackbox: bool = False
    ) -> AsyncIterator[Project]:
        """A live project, for calls of the grid; when they find its session lost the project is forgotten.

        Raises:
            NotAuthenticated, PermissionDenied: see :meth:`find`.
            SessionLost: 916, the session is gone, and the project with it unless it is persistent.
        """
        project = self.find(caller, project_id, reading=reading, blackbox=blackbox)
        if not reading:
            self._live.check_turn(project, caller)
        if project.lasts:
            await self._live.activate(project, caller)
        try:
            yield dataclasses.replace(project, live=True)
        except SessionLost as ex:
            if ex.session == project_id:
                self._live.note_loss(project)
            raise

    @contextlib.asynccontextmanager
    async def looking_at(self, caller: Caller, project_id: str, *, blackbox: bool = False) -> AsyncIterator[Project]:
        """A project of which saved state will do: one that is not live stays so.

        Raises:
            NotAuthenticated, PermissionDenied: see :meth:`find`.
            SessionLost: it is not persistent, and its session is gone.
        """
        project = self.find(caller, project_id, reading=True, blackbox=blackbox)
        if project.lasts and not (await self._live.with_liveness([project]))[0].live:
            yield project
            return
        async with self.using(caller, project_id, reading=True, blackbox=blackbox) as live:
            yield live

    @contextlib.asynccontextmanager
    async def _holding(self, caller: Caller, project_id: str) -> AsyncIterator[Project]:
        """A project of the caller's, live or not, that nobody else changes meanwhile.

        Raises:
            NotAuthenticated, PermissionDenied, SessionLost: see :meth:`looking_at`.
            ProjectBusy: a call runs in it.
        """
        self._live.check_turn(self.find(caller, project_id), caller)
        async with self.looking_at(caller, project_id) as project, self._grid.hold(project_id):
            yield project

    async def saved(self, project_id: str) -> SavedState:
        """The saved state of a project that is being looked at and is not live."""
        return await self._states.saved(project_id, StateParts())

    # -- rows ---------------------------------------------------------------------------------------------

    async def _leave_authors(self, project: Project, caller: Caller) -> Project:
        """Take the caller's authorship away, after the end of the session that the caller has in the project."""
        with self._database.reading() as connection:
            holder = rows.holder(connection, project.project)
        if holder == caller.username:
            await self._live.end(project, StateParts() if caller.autosave else None)
        with self._database.transaction() as connection:
            rows.drop_author(connection, project.project, caller.require_user())
        return project

    def _held(self, http_session: str) -> list[Project]:
        with self._database.reading() as connection:
            return rows.select(connection, table.c.http_session == http_session)

    def _forget(self, *ids: str) -> None:
        with self._database.transaction() as connection:
            rows.delete(connection, ids)


def _given(changes: ProjectChanges) -> dict[str, Any]:
    """The columns that change."""
    return {name: value for name, value in dataclasses.asdict(changes).items() if value is not None}


def _new_project(caller: Caller, kind: Kind, name: str | None, descr: str | None) -> Project:
    username = caller.require_user()
    return Project(
        project=f"{_PREFIX}{uuid.uuid4()}",
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
