"""What callers do with their jobs: send, look, cancel, delete. None of it waits for a job to run."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Sequence

import msgspec

from deployr.errors import InvalidParameter, NotFound, PermissionDenied
from deployr.jobs import rows
from deployr.jobs.lifecycle import Lifecycle
from deployr.jobs.records import Job, Schedule, Submission
from deployr.jobs.states import OPEN, State, cancelled_from
from deployr.repository.blobs import Blobs
from deployr.store.database import Database, now_ms
from deployr.users.caller import Caller

_LARGE = 64 * 1024
"""Bytes of parameters from which on they are a blob and not part of the row."""

_AT_ONCE = Schedule(start=0, repeat=0, interval=0)
_PATIENCE_SECONDS = 3.0
_POLL_SECONDS = 0.02
_CANCELLED = "Job cancelled before it ran."


class Jobs:
    """The jobs of all users. Those of others are absent to a caller.

    Args:
        ring: wakes the processes that run jobs.
        lifecycle: is told of each job whose state has changed.
    """

    def __init__(self, database: Database, blobs: Blobs, ring: Callable[[], None], lifecycle: Lifecycle) -> None:
        self._database = database
        self._blobs = blobs
        self._ring = ring
        self._lifecycle = lifecycle

    async def send(self, caller: Caller, submission: Submission) -> Job:
        """Queue or schedule a job. What it asks for is looked for when it runs: what lacks then makes it fail.

        Raises:
            NotAuthenticated: the caller is anonymous.
            PermissionDenied: the caller's roles allow scripts of the repository only.
        """
        job = _new_job(caller, submission)
        if (submission.request.code or submission.request.external) and not caller.may_run_code:
            raise PermissionDenied("Your roles allow the execution of repository scripts only.")
        text = msgspec.json.encode(submission.parameters)
        blob = None
        if len(text) > _LARGE:
            blob = (await asyncio.to_thread(self._blobs.put, [text])).sha256
        with self._database.transaction() as connection:
            rows.insert(connection, job, parameters=None if blob else text.decode(), parameters_blob=blob)
        await self._changed(job)
        return job

    def list_jobs(self, caller: Caller, *, open_only: bool = False) -> list[Job]:
        """The caller's jobs in the order in which they were sent.

        Args:
            open_only: only those that are not at their end.

        Raises:
            NotAuthenticated: the caller is anonymous.
        """
        wanted = [rows.owned_by(caller.require_user()), *([rows.in_states(OPEN)] if open_only else [])]
        with self._database.reading() as connection:
            return rows.select(connection, *wanted)

    def query(self, caller: Caller, jobs: Sequence[str]) -> list[Job]:
        """Jobs of the caller, in the order asked for.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: one of them is not there.
        """
        mine = rows.owned_by(caller.require_user())
        with self._database.reading() as connection:
            found = {job.job: job for job in rows.select(connection, mine, rows.all_of(jobs))}
        for job in jobs:
            if job not in found:
                raise NotFound(f"There is no job {job}.")
        return [found[job] for job in jobs]

    async def cancel(self, caller: Caller, job_id: str) -> Job:
        """Take a job from the schedule or the queue, or interrupt it; no effect on one at its end (7x-facts 17.3).

        A run that ends soon is waited for: brokers cancel a job and delete it at once (client-wire-facts 13).

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: it is not there.
        """
        while True:
            [job] = self.query(caller, [job_id])
            state = cancelled_from(job.status)
            if state == job.status:
                return job
            if self._move(job, state):
                [job] = self.query(caller, [job_id])
                await self._changed(job)
                return await self._settled(caller, job)

    def delete(self, caller: Caller, job_id: str) -> None:
        """Remove a job that is at its end; its project stays.

        Raises:
            NotAuthenticated: the caller is anonymous.
            NotFound: it is not there.
            InvalidParameter: it is not at its end.
        """
        [job] = self.query(caller, [job_id])
        if job.is_open:
            raise InvalidParameter(f"The job is {job.status} and cannot be deleted before it is at its end.")
        with self._database.transaction() as connection:
            rows.delete(connection, job_id)

    def _move(self, job: Job, state: State) -> bool:
        """False when the job has gone on meanwhile."""
        message = _CANCELLED if state == "Cancelled" else job.status_msg
        with self._database.transaction() as connection:
            return rows.move(connection, job.job, state, status_msg=message)

    async def _settled(self, caller: Caller, job: Job) -> Job:
        """The job at its end, or still being cancelled when its run does not end soon."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                # The end is written by another process.
                while job.status == "Cancelling":
                    await asyncio.sleep(_POLL_SECONDS)
                    [job] = self.query(caller, [job.job])
        return job

    async def _changed(self, job: Job) -> None:
        """Told before the others are woken, whose changes come after this one."""
        self._lifecycle.tell(job)
        await self._lifecycle.published()
        self._ring()


def _new_job(caller: Caller, submission: Submission) -> Job:
    schedule = submission.schedule or _AT_ONCE
    return Job(
        job=f"JOB-{uuid.uuid4()}",
        owner=caller.require_user(),
        name=submission.name,
        descr=submission.descr,
        tag=submission.request.options.tag,
        priority=submission.priority,
        cluster=submission.request.cluster,
        store_project=submission.request.store_project,
        schedstart=schedule.start,
        schedrepeat=schedule.repeat,
        schedinterval=schedule.interval,
        runs=0,
        due=schedule.start,
        status="Scheduled" if submission.schedule else "Queued",
        status_msg=None,
        project=None,
        time_start=0,
        time_code=0,
        time_total=0,
        created=now_ms(),
        session=None,
    )
