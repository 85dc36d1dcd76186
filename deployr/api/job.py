"""``/r/job/*``: background execution, at once or on a schedule."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api import envelope, records
from deployr.api.call import Call
from deployr.api.job_params import read_scheduled, read_submission
from deployr.jobs.jobs import Jobs


class JobResource:
    """Calls of ``/r/job``."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def on_post_submit(self, req: Call, resp: Response) -> None:
        """Queue a job."""
        caller = req.require_user()
        submission = await read_submission(req, await req.read_params())
        envelope.succeed(req, resp, job=records.job(await self._jobs.send(caller, submission)))

    async def on_post_schedule(self, req: Call, resp: Response) -> None:
        """Schedule a job."""
        caller = req.require_user()
        submission = await read_scheduled(req, await req.read_params())
        envelope.succeed(req, resp, job=records.job(await self._jobs.send(caller, submission)))

    async def on_post_list(self, req: Call, resp: Response) -> None:
        """The caller's jobs."""
        caller = req.require_user()
        params = await req.read_params()
        found = self._jobs.list_jobs(caller, open_only=params.flag("openonly"))
        extended = params.flag("extended")
        envelope.succeed(req, resp, jobs=[records.job(job, extended=extended) for job in found])

    async def on_post_query(self, req: Call, resp: Response) -> None:
        """One job, or several as a list."""
        caller = req.require_user()
        params = await req.read_params()
        found = self._jobs.query(caller, params.required_names("job"))
        jobs = [records.job(job, extended=params.flag("extended")) for job in found]
        if len(jobs) == 1:
            envelope.succeed(req, resp, job=jobs[0])
        else:
            envelope.succeed(req, resp, jobs=jobs)

    async def on_post_cancel(self, req: Call, resp: Response) -> None:
        """Take a job from the schedule or the queue, or interrupt it."""
        caller = req.require_user()
        params = await req.read_params()
        envelope.succeed(req, resp, job=records.job(await self._jobs.cancel(caller, params.required("job"))))

    async def on_post_delete(self, req: Call, resp: Response) -> None:
        """Remove a job that is at its end."""
        caller = req.require_user()
        params = await req.read_params()
        self._jobs.delete(caller, params.required("job"))
        envelope.succeed(req, resp)

    on_get_submit = on_post_submit
    on_get_schedule = on_post_schedule
    on_get_list = on_post_list
    on_get_query = on_post_query
    on_get_cancel = on_post_cancel
    on_get_delete = on_post_delete
