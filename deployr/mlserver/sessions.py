"""Sessions of the 9.x API: interpreters of one user, opened and closed by hand (9x-facts 10).

A session is one of the grid; the row beside it holds its name, and outlives it for a while, so that a session that
has died is told apart from one that never was.
"""

from __future__ import annotations

import contextlib
import random
import string
import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deployr.errors import DeployrError, NodeNotResponding, NotFound
from deployr.grid.client import Grid
from deployr.grid.protocol import SessionSpec
from deployr.mlserver.records import RUNTIMES, MlSession, Runtime
from deployr.mlserver.roles import Roles
from deployr.mlserver.service_checks import check_label
from deployr.projects import values
from deployr.settings import Settings
from deployr.store.database import Database, now_ms
from deployr.store.schema import mlserver_sessions as table
from deployr.store.schema import users
from deployr.users.caller import Caller

_REMEMBERED_MS = 24 * 3600 * 1000


class SessionGone(DeployrError):
    """The session lived once and does no more."""


class Sessions:
    """Opens, finds and closes sessions. They are private: those of others are absent."""

    def __init__(self, database: Database, grid: Grid, roles: Roles, settings: Settings) -> None:
        self._database = database
        self._grid = grid
        self._roles = roles
        self._limit = settings.limits.live_projects
        self._timeout = settings.mlserver.session_timeout
        self._cpu_limit = settings.mlserver.cpu_limit

    async def create(self, caller: Caller, name: str | None, runtime: Runtime) -> MlSession:
        """Open a session; one without a name gets one.

        Raises:
            PermissionDenied: the caller's role does not allow it.
            InvalidParameter: the name has control characters, or too many.
            UserProjectLimit, NoFreeSlot: there is no room.
        """
        self._roles.require_sessions(caller)
        check_label("name", name or "")
        session = MlSession(str(uuid.uuid4()), name or random_name(), str(caller.username), runtime)
        spec = SessionSpec(
            session=session.id,
            owner=caller.owner,
            runtime=RUNTIMES[runtime],
            context=f"Session {session.name}",
            idle_timeout=self._timeout,
            kept_by_reads=True,
            cpu_limit=self._cpu_limit,
            owner_limit=self._limit,
        )
        try:
            await self._grid.open(spec)
            if runtime == "R":
                await self._grid.call(session.id, "mask_quit", values.arguments())
            await self._remember(session)
        except BaseException:
            # A grid that is gone has no session left, and what the call ran into is to be told.
            with contextlib.suppress(NodeNotResponding):
                await self._grid.close(session.id)
            raise
        return session

    async def live(self, caller: Caller) -> list[MlSession]:
        """The caller's live sessions, oldest first."""
        self._roles.require_sessions(caller)
        return await self._live(self._rows(table.c.owner == caller.username))

    def find(self, caller: Caller, session_id: str) -> MlSession:
        """A session of the caller, which may have died.

        Raises:
            PermissionDenied: the caller's role does not allow it.
            NotFound: the caller has no such session.
        """
        self._roles.require_sessions(caller)
        found = self._rows(sa.and_(table.c.id == session_id, table.c.owner == caller.username))
        if not found:
            raise NotFound(f"Session {session_id} not found.")
        return found[0]

    async def close(self, caller: Caller, session_id: str) -> None:
        """Close a session, whatever runs in it.

        Raises:
            NotFound: the caller has no such session.
        """
        if not await self._close(self.find(caller, session_id)):
            raise NotFound(f"Session {session_id} not found.")

    async def close_of_disabled(self) -> None:
        """Close the sessions of users who may not log in any more, whatever runs in them."""
        disabled = sa.select(users.c.username).where(~users.c.enabled)
        for session in self._rows(table.c.owner.in_(disabled)):
            await self._close(session)

    async def _close(self, session: MlSession) -> bool:
        """Close a session and forget it; false when it was not live."""
        was_live = await self._grid.close(session.id)
        with self._database.transaction() as connection:
            connection.execute(table.delete().where(table.c.id == session.id))
        return was_live

    async def _remember(self, session: MlSession) -> None:
        """Write the row, and forget old ones of sessions that are no more."""
        values = {"id": session.id, "name": session.name, "owner": session.owner, "runtime": session.runtime}
        old = self._rows(sa.and_(table.c.owner == session.owner, table.c.created < now_ms() - _REMEMBERED_MS))
        live = {item.id for item in await self._live(old)}
        gone = [item.id for item in old if item.id not in live]
        with self._database.transaction() as connection:
            connection.execute(table.insert().values(**values, created=now_ms()))
            connection.execute(table.delete().where(table.c.id.in_(gone)))

    async def _live(self, sessions: Sequence[MlSession]) -> list[MlSession]:
        infos = await self._grid.sessions(sessions=[item.id for item in sessions]) if sessions else []
        live = {info.session for info in infos}
        return [item for item in sessions if item.id in live]

    def _rows(self, condition: sa.ColumnElement[bool]) -> list[MlSession]:
        columns: list[sa.Column[Any]] = [table.c.id, table.c.name, table.c.owner, table.c.runtime]
        query = sa.select(*columns).where(condition).order_by(table.c.created, table.c.id)
        with self._database.reading() as connection:
            return [MlSession(*row) for row in connection.execute(query)]


def random_name() -> str:
    """Fifteen letters, as the original named sessions whose client gave no name."""
    return "".join(random.choices(string.ascii_lowercase, k=15))
