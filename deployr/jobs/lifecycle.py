"""Tells listeners of every change of a job's state, in the order of the changes (7x-facts 18.3)."""

from __future__ import annotations

import asyncio
from collections import deque

from deployr.events.records import JobLifecycle
from deployr.grid.client import Grid
from deployr.jobs.records import Job

_PATIENCE_SECONDS = 2.0


class Lifecycle:
    """Publishes the changes without keeping anybody waiting; its methods need a running loop."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._waiting: deque[JobLifecycle] = deque()
        self._publishing: asyncio.Task[None] | None = None

    def tell(self, job: Job) -> None:
        """The job's state has changed."""
        self._waiting.append(_event(job))
        if self._publishing is None or self._publishing.done():
            self._publishing = asyncio.create_task(self._publish())

    async def published(self) -> None:
        """Wait until all that was told is published, but not for a grid that does not answer."""
        if self._publishing is not None:
            await asyncio.wait([self._publishing], timeout=_PATIENCE_SECONDS)

    async def _publish(self) -> None:
        while self._waiting:
            await self._grid.publish(self._waiting.popleft())


def _event(job: Job) -> JobLifecycle:
    return JobLifecycle(
        job=job.job,
        name=job.name,
        username=job.owner,
        descr=job.descr,
        priority=job.priority,
        status=job.status,
        message=job.status_msg,
        project=job.project,
    )
