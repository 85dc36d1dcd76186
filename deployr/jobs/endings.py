"""The end of a run: what it stores in the repository, its project and its state, all in one transaction."""

from __future__ import annotations

import asyncio
from typing import Any

from deployr.jobs import rows
from deployr.jobs.records import Ending, Job, Told
from deployr.jobs.schedules import next_start
from deployr.jobs.states import WITH_PROJECT, State
from deployr.projects.job_projects import JobProjects, job_project
from deployr.projects.saved_rows import SavedState
from deployr.projects.storing import Collected, Stores
from deployr.store.database import Database, now_ms


class Endings:
    """Ends the runs of jobs.

    Args:
        tell: is told of each job whose state has changed.
    """

    def __init__(self, database: Database, projects: JobProjects, stores: Stores, tell: Told) -> None:
        self._database = database
        self._projects = projects
        self._stores = stores
        self._tell = tell

    async def end(
        self, job: Job, ending: Ending, *, collected: Collected | None = None, state: SavedState | None = None
    ) -> bool:
        """End the run; all of it happens or nothing does.

        Args:
            collected: what goes to the repository.
            state: of the session, for the project; none for a run of which nothing could be kept.

        Returns:
            False when the run is no longer the runner's to end, or is to be cancelled and ``ending`` says otherwise.

        Raises:
            DeployrError: something cannot be stored.
        """
        changed = await asyncio.to_thread(self._write, job, ending, collected, state)
        if changed is not None:
            self._tell(changed)
        return changed is not None

    def _write(self, job: Job, ending: Ending, collected: Collected | None, state: SavedState | None) -> Job | None:
        """The job afterwards; ``None`` when nothing was written."""
        project = job.session if job.store_project and ending.state in WITH_PROJECT else None
        with self._database.transaction() as connection:
            if not rows.end(connection, job, _next(job, ending), **_values(job, ending, project)):
                return None
            if collected:
                self._stores.write(connection, collected)
            if project:
                made = job_project(project, job.name, job.descr, job.owner)
                self._projects.insert(connection, made, state or SavedState())
            return rows.find(connection, job.job)


def _next(job: Job, ending: Ending) -> State:
    """A job that repeats goes back to its schedule, however the run ended, unless it was cancelled."""
    return "Scheduled" if _goes_on(job, ending) else ending.state


def _goes_on(job: Job, ending: Ending) -> bool:
    return job.repeats and ending.state != "Interrupted"


def _values(job: Job, ending: Ending, project: str | None) -> dict[str, Any]:
    now = now_ms()
    goes_on = _goes_on(job, ending)
    return {
        "status_msg": ending.message,
        "project": project,
        # Times of a job at its end are never 0 (client-wire-facts 16).
        "time_code": max(1, ending.time_code),
        "time_total": max(1, now - job.time_start),
        "runs": job.runs + 1,
        "due": next_start(job.schedstart, job.schedinterval, job.due, now) if goes_on else job.due,
        "queued": None,
    }
