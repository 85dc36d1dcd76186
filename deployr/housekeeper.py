"""``python -m deployr.housekeeper``: ends HTTP sessions that idled for too long, removes what nobody holds."""

from __future__ import annotations

import asyncio
import logging
import signal

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from deployr import handover, logs
from deployr.errors import DeployrError
from deployr.grid.client import SocketGrid
from deployr.projects.projects import Projects
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.http_sessions import HttpSessions

log = logging.getLogger(__name__)

_TICK_SECONDS = 5


class Housekeeper:
    """What is done now and then, off every request's path."""

    def __init__(self, projects: Projects, sessions: HttpSessions) -> None:
        self._projects = projects
        self._sessions = sessions

    async def tick(self) -> None:
        """One round; what fails is tried again in the next."""
        try:
            for expired in self._sessions.expired():
                await self._end(expired.digest)
            await self._projects.forget_lost()
        except DeployrError as ex:
            log.warning("housekeeping: %s", ex.message)

    async def _end(self, http_session: str) -> None:
        if await self._projects.is_busy(http_session):
            # A call that runs for longer than the idle timeout is not idleness.
            self._sessions.touch(http_session)
            self._sessions.flush()
            return
        await self._projects.leave(http_session)
        self._sessions.end(http_session)


async def keep(settings: Settings) -> None:
    """Keep house until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    database = Database(settings.database_url)
    grid = SocketGrid(settings.grid_socket)
    sessions = HttpSessions(database, settings.secret_key(), settings.server.session_timeout)
    housekeeper = Housekeeper(Projects(database, grid, settings), sessions)
    scheduler = AsyncIOScheduler()
    scheduler.add_job(housekeeper.tick, "interval", seconds=_TICK_SECONDS, coalesce=True, max_instances=1)
    scheduler.start()
    await stop.wait()
    scheduler.shutdown(wait=False)
    await grid.aclose()
    database.close()


if __name__ == "__main__":
    handed_over = handover.receive()
    logs.configure(handed_over.server.log_level)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    asyncio.run(keep(handed_over))
