"""The R boundary: CPU time of the processes of a session."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from deployr.grid import processes

_SHORTEST_WAIT = 0.25
_UNSEEN = 1.0
_CORES = os.cpu_count() or 1


class CpuLimit:
    """Watches the CPU time of a process, and of each that it has started, while it is busy.

    The kernel kills at a limit too, but who reaps the process (its Rserve parent) learns why it died, and that is not
    the grid. So the grid looks itself, no more often than a process can have used the rest of its time.

    Args:
        pid: the process.
        seconds: CPU time that each may use in its life; 0 for no limit.
        on_exceeded: called when one has used that.
    """

    def __init__(self, pid: int, seconds: float, on_exceeded: Callable[[], None]) -> None:
        self._pid = pid
        self._limit = seconds
        self._on_exceeded = on_exceeded
        self._used = 0.0
        self._unseen = 0.0
        self._started = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """The process becomes busy."""
        if self._limit:
            self._started = time.monotonic()
            self._arm()

    def stop(self) -> None:
        """The process is busy no more."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        self._unseen += time.monotonic() - self._started
        if self._unseen > _UNSEEN:
            self._look()

    def _arm(self) -> None:
        wait = max((self._limit - self._used) / _CORES, _SHORTEST_WAIT)
        self._timer = asyncio.get_running_loop().call_later(wait, self._check)

    def _check(self) -> None:
        self._look()
        if self._used >= self._limit:
            self._on_exceeded()
        else:
            self._arm()

    def _look(self) -> None:
        self._unseen = 0.0
        found = map(processes.stat, (self._pid, *processes.descendants(self._pid)))
        self._used = max((stat.cpu for stat in found if stat), default=self._used)
