"""``python -m deployr.housekeeper``: ends HTTP sessions that idled or were ended, removes what nobody holds."""

from __future__ import annotations

import asyncio
import datetime
import logging
import signal
from collections.abc import Awaitable

import sqlalchemy as sa
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from deployr import handover, logs
from deployr.errors import DeployrError
from deployr.events.records import SecurityLogout
from deployr.grid.client import Grid, SocketGrid
from deployr.mlserver.roles import Roles
from deployr.mlserver.sessions import Sessions as MlSessions
from deployr.projects.projects import Projects
from deployr.projects.scripts import blackbox_ids
from deployr.repository.blobs import Blobs
from deployr.repository.collection import BlobCollector
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.errors import UNAVAILABLE
from deployr.users.http_sessions import ExpiredSession, HttpSessions

log = logging.getLogger(__name__)

_COLLECTING = datetime.timedelta(hours=1)
"""Between two rounds that look for unreferenced blobs."""

_FIRST_COLLECTING = datetime.timedelta(minutes=1)
"""After the start, which has enough to do by itself."""


class Housekeeper:
    """What is done now and then, off every request's path."""

    def __init__(self, projects: Projects, sessions: HttpSessions, ml_sessions: MlSessions, grid: Grid) -> None:
        self._projects = projects
        self._sessions = sessions
        self._ml_sessions = ml_sessions
        self._grid = grid

    async def tick(self) -> None:
        """One round, to be made every :attr:`HttpSessions.interval`; what fails is tried again in the next."""
        await _tried(self._end_expired())
        await _tried(self._ml_sessions.close_of_disabled())
        await _tried(self._projects.end_abandoned())
        await _tried(self._projects.forget_lost())

    async def _end_expired(self) -> None:
        await self._keep_busy()
        # Web workers may not yet have written down that a session is in use.
        for expired in self._sessions.expired(since=self._sessions.interval):
            await _tried(self._end(expired))

    async def _keep_busy(self) -> None:
        """A call that runs for longer than the idle timeout is not idleness; others of its session go through."""
        for idle in self._sessions.expired(since=-2 * self._sessions.interval):
            if await self._is_busy(idle.digest):
                self._sessions.touch(idle.digest)
        self._sessions.flush()

    async def _is_busy(self, http_session: str) -> bool:
        blackboxes = await self._grid.sessions(sessions=blackbox_ids(http_session))
        return any(info.state == "busy" for info in blackboxes) or await self._projects.is_busy(http_session)

    async def _end(self, expired: ExpiredSession) -> None:
        await self._projects.leave(expired.digest, save=expired.autosave)
        for blackbox in blackbox_ids(expired.digest):
            await self._grid.close(blackbox)
        self._sessions.end(expired.digest)
        await self._grid.publish(SecurityLogout(http=expired.digest, username=expired.username, reason="timeout"))


async def _tried(step: Awaitable[None]) -> None:
    """What fails keeps nothing else from being done."""
    try:
        await step
    except DeployrError as ex:
        log.warning("housekeeping: %s", ex.message)
    except UNAVAILABLE as ex:
        log.warning("housekeeping: the database does not respond: %s", ex)


def collect_blobs(collector: BlobCollector) -> None:
    """Remove unreferenced blobs; what fails is tried again in the next round."""
    try:
        collected = collector.collect()
    except (OSError, sa.exc.SQLAlchemyError):
        log.exception("removing unreferenced blobs failed")
        return
    if collected.blobs or collected.drafts:
        log.info("removed %d unreferenced blobs and %d broken uploads", collected.blobs, collected.drafts)


async def keep(settings: Settings) -> None:
    """Keep house until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    database = Database(settings.database_url)
    grid = SocketGrid(settings.grid_socket)
    sessions = HttpSessions(database, settings.secret_key(), settings.server.session_timeout)
    ml_sessions = MlSessions(database, grid, Roles(settings.mlserver), settings)
    housekeeper = Housekeeper(Projects(database, grid, settings), sessions, ml_sessions, grid)
    scheduler = AsyncIOScheduler()
    scheduler.add_job(housekeeper.tick, "interval", seconds=sessions.interval, coalesce=True, max_instances=1)
    collector = BlobCollector(database, Blobs(settings.blobs_directory))
    # A plain function is run in a thread: it reads many rows and file names.
    scheduler.add_job(
        collect_blobs,
        "interval",
        args=[collector],
        seconds=_COLLECTING.total_seconds(),
        next_run_time=datetime.datetime.now(datetime.UTC) + _FIRST_COLLECTING,
        coalesce=True,
        max_instances=1,
    )
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
