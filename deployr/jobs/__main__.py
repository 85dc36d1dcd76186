"""``python -m deployr.jobs``: runs the jobs and batches of the database on this server's grid, and keeps its pools."""

from __future__ import annotations

import asyncio
import logging
import signal

from deployr import handover, logs
from deployr.backend import Backend
from deployr.jobs import bell
from deployr.settings import Settings


async def run(settings: Settings) -> None:
    """Run jobs, and batches of the 9.x API, and keep its pools, until SIGTERM or SIGINT."""
    stop, jobs, batches = asyncio.Event(), asyncio.Event(), asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, _set_all, stop, jobs, batches)
    backend, directory = Backend(settings), settings.run_directory
    with bell.listening(directory, jobs), bell.listening(directory, batches):
        async with asyncio.TaskGroup() as group:
            group.create_task(backend.job_runner(jobs).serve(stop))
            group.create_task(backend.batch_runner(batches).serve(stop))
            group.create_task(backend.mlserver.service_pools.serve(stop))
    await backend.aclose()


def _set_all(*events: asyncio.Event) -> None:
    for event in events:
        event.set()


if __name__ == "__main__":
    handed_over = handover.receive()
    logs.configure(handed_over.server.log_level)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    asyncio.run(run(handed_over))
