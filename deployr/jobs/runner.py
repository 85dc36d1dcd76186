"""The jobs process: it queues what is due, runs what is queued, and takes over from such processes as are gone.

Any number of these processes may share a database. The rows alone say who does what: the process that dies loses
nothing but the time until its leases end.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from deployr.errors import DeployrError
from deployr.grid.client import Grid
from deployr.jobs import capacity, leases
from deployr.jobs.endings import Endings
from deployr.jobs.queue import JobQueue
from deployr.jobs.records import Ending, Job
from deployr.jobs.running import CONTEXT, JobRun
from deployr.store.errors import UNAVAILABLE

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
"""How long a process that nobody wakes waits until it looks for jobs and cancellations by itself."""

_LATEST = 253402214400000
"""A day before the end of the year 9999, the last that there are dates for; in milliseconds since 1970."""

_GONE = "The process that ran the job ended unexpectedly; what it had done so far is lost."


class Runner:
    """Runs jobs on one grid.

    Args:
        most: how many jobs run at a time.
        delay: milliseconds until a job that it was woken for may be claimed.
        make_run: makes the run of a claimed job.
        woken: set when there is something new.
    """

    def __init__(
        self,
        queue: JobQueue,
        grid: Grid,
        endings: Endings,
        make_run: Callable[[Job], JobRun],
        *,
        most: int,
        delay: int,
        woken: asyncio.Event,
    ) -> None:
        self._queue = queue
        self._grid = grid
        self._endings = endings
        self._make_run = make_run
        self._most = most
        self._delay = delay / 1000
        self._woken = woken
        self._runs: dict[asyncio.Task[None], JobRun] = {}
        self._scheduler = AsyncIOScheduler(timezone=datetime.UTC)
        self._schedules = False

    async def serve(self, stop: asyncio.Event) -> None:
        """Run jobs until told to stop; jobs that run then are aborted."""
        for step in (self._renew, self._sweep):
            self._scheduler.add_job(
                self._guarded, "interval", [step], seconds=leases.RENEWAL_SECONDS, id=step.__name__, coalesce=True
            )
        self._scheduler.start()
        await self._guarded(self._renew)
        pause = _LOOK_SECONDS
        while not stop.is_set():
            await self._guarded(self._look)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)
            # What it was woken for may be a job that has to wait a little yet.
            pause = min(self._delay, _LOOK_SECONDS) if self._woken.is_set() else _LOOK_SECONDS
            self._woken.clear()
        self._scheduler.shutdown(wait=False)
        await self._abort_all()
        self._queue.retire()

    async def _renew(self) -> None:
        """Renew the leases; as the one that schedules, see to what others left."""
        self._schedules = self._queue.renew([run.job.job for run in self._runs.values()])
        if not self._schedules:
            return
        for job in self._queue.forsaken():
            await self._take_over(job)

    async def _take_over(self, job: Job) -> None:
        """A job that had begun is not run again: nobody knows what its code has done outside of the server."""
        log.warning("the process that had a job is gone")
        if job.status == "Running":
            await self._endings.end(job, Ending(state="Aborted", message=_GONE))
        elif job.status == "Cancelling":
            await self._endings.end(job, Ending(state="Interrupted", message=_GONE))
        else:
            self._queue.free(job)
        self._woken.set()

    async def _sweep(self) -> None:
        """Close the sessions of jobs that nobody has: a session's id is in its job's row before it is opened."""
        found = [info.session for info in await self._grid.sessions() if _is_of_job(info.purpose, info.context)]
        held = self._queue.sessions() if found else set()
        for session in found:
            if session not in held:
                await self._grid.close(session)

    async def _look(self) -> None:
        """Do what there is to do now."""
        self._plan_due()
        await self._cancel()
        while len(self._runs) < self._most and await self._start_next():
            pass

    def _plan_due(self) -> None:
        """Let the next start of all schedules be seen to in time; the table says which it is, every time anew."""
        due = self._queue.next_due() if self._schedules else None
        if due is None:
            return
        when = datetime.datetime.fromtimestamp(min(due, _LATEST) / 1000, datetime.UTC)
        self._scheduler.add_job(
            self._guarded,
            "date",
            [self._queue_due],
            run_date=when,
            id="due",
            replace_existing=True,
            misfire_grace_time=None,
        )

    async def _queue_due(self) -> None:
        if self._queue.queue_due():
            self._woken.set()

    async def _cancel(self) -> None:
        cancelling = self._queue.cancelling() if self._runs else set()
        for run in list(self._runs.values()):
            if run.job.job in cancelling:
                await run.cancel()

    async def _start_next(self) -> bool:
        """Start the first job that there is room for; false when there is none, or it has to wait all the same."""
        job = self._queue.claim(await self._full())
        if job is None:
            return False
        run = self._make_run(job)
        try:
            opened = await run.open()
        except BaseException:
            self._queue.give_back(job)
            raise
        if opened == "begun":
            task = asyncio.create_task(run.run())
            self._runs[task] = run
            task.add_done_callback(self._ended)
        return opened != "given back"

    async def _full(self) -> set[str | None]:
        """Clusters that waiting jobs ask for and that have no room; one that does not exist has none to wait for."""
        wanted = self._queue.clusters()
        if not wanted:
            return set()
        nodes, sessions = (await self._grid.status()).nodes, await self._grid.sessions()
        known = [cluster for cluster in wanted if capacity.is_known(nodes, cluster)]
        return {cluster for cluster in known if not capacity.has_room(nodes, sessions, cluster)}

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._runs[task]
        self._woken.set()

    async def _abort_all(self) -> None:
        for task in list(self._runs):
            task.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)

    async def _guarded(self, step: Callable[[], Awaitable[None]]) -> None:
        """What fails is tried again at the next round: the grid or the database may be away for a while."""
        try:
            await step()
        except DeployrError as ex:
            log.warning("jobs: %s", ex.message)
        except UNAVAILABLE as ex:
            log.warning("jobs: the database does not respond: %s", ex)
        except Exception:
            log.exception("jobs: something failed")


def _is_of_job(purpose: str, context: str) -> bool:
    return purpose == "asynchronous" and context.startswith(CONTEXT)
