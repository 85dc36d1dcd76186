"""Housekeeping, without a grid process."""

from __future__ import annotations

from pathlib import Path

from deployr.errors import NodeNotResponding
from deployr.events.records import Event
from deployr.grid.client import SocketGrid
from deployr.grid.protocol import SessionInfo
from deployr.housekeeper import Housekeeper
from deployr.mlserver.roles import Roles
from deployr.mlserver.sessions import Sessions
from deployr.projects.projects import Projects
from deployr.projects.scripts import blackbox_ids
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.schema import http_sessions, users
from deployr.users.http_sessions import HttpSessions
from tests.databases import make_tables


class _Grid(SocketGrid):
    """Has one session, which cannot be ended."""

    def __init__(self, stuck: str) -> None:
        super().__init__(Path())
        self._stuck = stuck

    async def close(self, session: str, *, keep: bool = False) -> bool:
        if session == self._stuck:
            raise NodeNotResponding("stuck")
        return False

    async def sessions(self, *, sessions: list[str] | None = None, owner: str | None = None) -> list[SessionInfo]:
        return []

    async def publish(self, event: Event) -> None:
        pass


async def test_one_http_session_that_cannot_be_ended_does_not_keep_the_others(
    tmp_path: Path, database_url: str
) -> None:
    make_tables(database_url)
    database, settings = Database(database_url), Settings.load(environ={}, flags={"home": tmp_path})
    with database.transaction() as connection:
        connection.execute(users.insert().values(username="u", displayname="u", password_hash="", last_modified=0))
        expired = [{"digest": f"d{used}", "username": "u", "created": used, "used": used} for used in (1, 2, 3)]
        connection.execute(http_sessions.insert(), expired)
    sessions, grid = HttpSessions(database, b"key", 60), _Grid(stuck=blackbox_ids("d2")[0])
    ml_sessions = Sessions(database, grid, Roles(settings.mlserver), settings)
    await Housekeeper(Projects(database, grid, settings), sessions, ml_sessions, grid).tick()
    assert [session.digest for session in sessions.expired()] == ["d2"]
    database.close()
