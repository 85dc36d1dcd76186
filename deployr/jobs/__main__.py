"""``python -m deployr.jobs``: runs the jobs of the database on this server's grid."""

from __future__ import annotations

import asyncio
import logging
import signal

from deployr import handover, logs
from deployr.backend import Backend
from deployr.jobs import bell
from deployr.settings import Settings


async def run(settings: Settings) -> None:
    """Run jobs until SIGTERM or SIGINT."""
    stop, woken = asyncio.Event(), asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, _stop, stop, woken)
    backend = Backend(settings)
    with bell.listening(settings.run_directory, woken):
        await backend.job_runner(woken).serve(stop)
    await backend.aclose()


def _stop(stop: asyncio.Event, woken: asyncio.Event) -> None:
    stop.set()
    woken.set()


if __name__ == "__main__":
    handed_over = handover.receive()
    logs.configure(handed_over.server.log_level)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    asyncio.run(run(handed_over))
