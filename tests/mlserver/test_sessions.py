"""Sessions of the 9.x API, on a grid of the test's own making."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from deployr.errors import SessionLost
from deployr.grid.client import SocketGrid
from deployr.grid.protocol import SessionInfo, SessionSpec
from deployr.mlserver.roles import Roles
from deployr.mlserver.sessions import Sessions
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.caller import Caller
from tests.databases import make_tables

NOBODY = Caller(http_session="", username="nobody", roles=frozenset(["POWER_USER"]))


class _Grid(SocketGrid):
    """Knows which sessions are open."""

    def __init__(self, *, survives: bool) -> None:
        super().__init__(Path())
        self.live: set[str] = set()
        self._survives = survives

    async def open(self, spec: SessionSpec) -> SessionInfo:
        self.live.add(spec.session)
        return SessionInfo(
            session=spec.session, owner=spec.owner, purpose=spec.purpose, node="", cluster=None, context="",
            directory="", state="idle", opened=0, used=0,
        )  # fmt: skip

    async def call(self, session: str, function: str, arguments: bytes) -> bytes:
        if not self._survives:
            raise SessionLost("died")
        return b""

    async def close(self, session: str, *, keep: bool = False) -> bool:
        self.live.remove(session)
        return True


@pytest.mark.parametrize(("survives", "error"), [(False, SessionLost), (True, sa.exc.IntegrityError)])
async def test_a_session_that_cannot_be_settled_or_written_down_is_closed(
    tmp_path: Path, database_url: str, survives: bool, error: type[Exception]
) -> None:
    make_tables(database_url)
    grid, settings = _Grid(survives=survives), Settings.load(environ={}, flags={"home": tmp_path})
    sessions = Sessions(Database(database_url), grid, Roles(settings.mlserver), settings)
    with pytest.raises(error):
        await sessions.create(NOBODY, None, "R")
    assert grid.live == set()
