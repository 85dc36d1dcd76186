"""Projects: made, found, closed. A project's id is the id of its session on the grid."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from deployr.encodings import model
from deployr.encodings.model import RValue
from deployr.errors import (
    AlreadyExists,
    DeployrError,
    GridError,
    NotAuthenticated,
    PermissionDenied,
    ProjectBusy,
    SessionLost,
)
from deployr.grid.client import Grid
from deployr.grid.protocol import SessionSpec
from deployr.projects import rows, saved_rows, values
from deployr.projects.history import History
from deployr.projects.persistence import ProjectStates
from deployr.projects.records import ORIGINAL, ClosingOptions, Kind, Project, ProjectChanges, StateParts
from deployr.projects.saved_rows import SavedState
from deployr.repository.blobs import Blobs
from deployr.settings import Settings
from deployr.store.database import Database, now_ms
from deployr.store.schema import http_sessions
from deployr.store.schema import projects as table
from deployr.users.caller import Caller

log = logging.getLogger(__name__)

AUTOSAVED = "Project: Autosaved"
"""Name of a project that is saved without one (7x-facts 6.1, 6.3)."""

_AUTOSAVED_DESCR = "Autosaved by DeployR."
_NO_PROJECT = "There is no such project, or it is not yours."


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
        self.executed = History(database, grid, blobs, settings.limits.history_depth)
        self._states = ProjectStates(database, grid, blobs, self.executed)
        self._autosave_temporary = settings.projects.autosave_temporary
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
        await self._grid.open(self._session_spec(project, caller, cluster))
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

    async def pool(
        self,
        caller: Caller,
        size: int,
        *,
        blackbox: bool = False,
        cluster: str | None = None,
        prepare: Callable[[str], Awaitable[None]] | None = None,
        one_by_one: bool = False,
        inputs: Mapping[str, RValue] | None = None,
    ) -> tuple[list[Project], GridError | None]:
        """Make temporary projects that are all alike, side by side; see :meth:`create`.

        Args:
            one_by_one: ``prepare`` takes from other projects, which serve one call at a time.

        Returns:
            As many as the grid gives, and what it said when these are fewer than asked for (7x-facts 6.3).

        Raises:
            GridError: it gives none.
            DeployrError: one could not be prepared; then none is left behind.
        """
        # One more than a user may have is enough to be told of the limit.
        size = min(size, self._limit + 1)
        if prepare and one_by_one:
            prepare = _in_turn(prepare)
        making = [
            asyncio.create_task(self.create(caller, blackbox=blackbox, cluster=cluster, prepare=prepare, inputs=inputs))
            for _ in range(size)
        ]
        try:
            return _pooled(await asyncio.gather(*making, return_exceptions=True))
        except BaseException:
            await asyncio.shield(self._give_back(making))
            raise

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
        if changes.name and not _lasts(project):
            return await self.save(caller, project_id, changes, StateParts())
        with self._database.transaction() as connection:
            rows.update(connection, project_id, **_given(changes))
        if changes.name:
            await self._amend_session(self.find(caller, project_id))
        return await self.about(caller, project_id)

    async def save(self, caller: Caller, project_id: str, changes: ProjectChanges, parts: StateParts) -> Project:
        """Save a project, which is persistent from then on; what is left out is gone from its session too.

        Args:
            changes: what describes it; a project that never had a name is given one.

        Raises:
            ProjectBusy: a call runs in it.
        """
        project, state = await self.state(caller, project_id, parts)
        name = changes.name or project.name or AUTOSAVED
        await self._write(project_id, state, **(_given(changes) | {"name": name, "kind": "persistent"}))
        if project.live:
            await self._states.drop(project_id, parts)
            await self._amend_session(self.find(caller, project_id))
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
        self._check_turn(self.find(caller, project_id), caller)
        async with self.looking_at(caller, project_id) as project:
            source = self._states.capture if project.live else self._states.saved
            return project, await source(project_id, parts)

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
        self._check_turn(project, caller)
        await self._end(project, options.parts if options.autosave and caller.autosave else None)
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
        return await self.about(caller, project_id)

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
            found = rows.select(connection, rows.held_by(_user(caller)), on_the_grid)
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
            raise PermissionDenied(_NO_PROJECT)
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
        if not reading:
            self._check_turn(project, caller)
        if _lasts(project):
            await self._activate(project, caller)
        try:
            yield dataclasses.replace(project, live=True)
        except SessionLost:
            self._note_loss(project)
            raise

    @contextlib.asynccontextmanager
    async def looking_at(self, caller: Caller, project_id: str) -> AsyncIterator[Project]:
        """A project of which saved state will do: one that is not live stays so.

        Raises:
            NotAuthenticated, PermissionDenied: see :meth:`find`.
            SessionLost: it is not persistent, and its session is gone.
        """
        project = self.find(caller, project_id, reading=True)
        if _lasts(project) and not (await self._with_liveness([project]))[0].live:
            yield project
            return
        async with self.using(caller, project_id, reading=True) as live:
            yield live

    async def saved(self, project_id: str) -> SavedState:
        """The saved state of a project that is being looked at and is not live."""
        return await self._states.saved(project_id, StateParts())

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
            await self._grid.open(self._session_spec(project, caller))
        except AlreadyExists:
            raise ProjectBusy from None
        try:
            await self._states.restore(project.project)
            with self._database.transaction() as connection:
                rows.update(connection, project.project, http_session=caller.http_session)
        except BaseException:
            await asyncio.shield(self._grid.close(project.project))
            raise

    async def _give_back(self, making: Sequence[asyncio.Task[Project]]) -> None:
        """Close those projects that were made."""
        for project in await asyncio.gather(*making, return_exceptions=True):
            if isinstance(project, Project):
                await self._end(project, None)

    async def _end_all(self, projects: Sequence[Project], save: bool) -> None:
        for project in projects:
            try:
                await self._end(project, StateParts() if save else None)
            except ProjectBusy:
                log.info("a persistent project is busy and stays live")
            except GridError:
                raise
            except DeployrError as ex:
                log.error("a project could not be saved, what was not saved before is lost: %s", ex.message)
                await self._end(project, None)

    async def _amend_session(self, project: Project) -> None:
        """Tell the grid what the session is for now, if the project has one."""
        with contextlib.suppress(SessionLost):
            await self._grid.amend(
                project.project, context=_context(project), idle_timeout=self._idle_timeout_of(project)
            )

    async def _end(self, project: Project, save: StateParts | None) -> None:
        """Close the session; what cannot be saved because its process is gone is lost, which the next use tells."""
        lasts = _lasts(project)
        if save and (lasts or self._is_autosaved(project)):
            with contextlib.suppress(SessionLost):
                await self._autosave(project, save)
                lasts = True
        elif lasts:
            with self._database.transaction() as connection:
                rows.detach(connection, project.project)
        await self._grid.close(project.project)
        if not lasts:
            self._forget(project.project)

    async def _autosave(self, project: Project, parts: StateParts) -> None:
        """Save a live project at the end of its session; a temporary one becomes persistent."""
        state = await self._states.capture(project.project, parts)
        named = {} if _lasts(project) else {"kind": "persistent", "name": AUTOSAVED, "descr": _AUTOSAVED_DESCR}
        await self._write(project.project, state, http_session=None, **named)

    async def _write(self, project_id: str, state: SavedState, **columns: Any) -> None:
        """Save the state and what describes the project, all at once."""

        def write() -> None:
            with self._database.transaction() as connection:
                if rows.find(connection, project_id) is None:
                    raise PermissionDenied(_NO_PROJECT)
                saved_rows.write(connection, project_id, state)
                rows.update(connection, project_id, **columns)

        await asyncio.to_thread(write)

    async def _leave_authors(self, project: Project, caller: Caller) -> Project:
        """Take the caller's authorship away, after the end of the session that the caller has in the project."""
        with self._database.reading() as connection:
            holder = rows.holder(connection, project.project)
        if holder == caller.username:
            await self._end(project, StateParts() if caller.autosave else None)
        with self._database.transaction() as connection:
            rows.drop_author(connection, project.project, _user(caller))
        return project

    def _check_turn(self, project: Project, caller: Caller) -> None:
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

    def _is_autosaved(self, project: Project) -> bool:
        return project.kind == "temporary" and self._autosave_temporary

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

    def _session_spec(self, project: Project, caller: Caller, cluster: str | None = None) -> SessionSpec:
        return SessionSpec(
            session=project.project,
            owner=caller.owner,
            cluster=cluster,
            context=_context(project),
            idle_timeout=self._idle_timeout_of(project),
            owner_limit=self._limit,
        )

    def _idle_timeout_of(self, project: Project) -> float:
        """A project that is saved is ended by its HTTP session's end only, which has the chance to save it."""
        return 0 if _lasts(project) or self._is_autosaved(project) else self._idle_timeout


def _in_turn(prepare: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
    """The same, for one session after the other."""
    lock = asyncio.Lock()

    async def prepare_in_turn(session: str) -> None:
        async with lock:
            await prepare(session)

    return prepare_in_turn


def _pooled(outcomes: Sequence[Project | BaseException]) -> tuple[list[Project], GridError | None]:
    """The projects that were made and the first refusal of the grid; raises what keeps the pool from being."""
    made = [outcome for outcome in outcomes if isinstance(outcome, Project)]
    refusals = [outcome for outcome in outcomes if isinstance(outcome, GridError)]
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not (made and isinstance(outcome, GridError)):
            raise outcome
    return made, refusals[0] if refusals else None


def _context(project: Project) -> str:
    """What the grid's status says of the project."""
    return f"Project: {project.name}" if project.name else "Temporary Project"


def _given(changes: ProjectChanges) -> dict[str, Any]:
    """The columns that change."""
    return {name: value for name, value in dataclasses.asdict(changes).items() if value is not None}


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
