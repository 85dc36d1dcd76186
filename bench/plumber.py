"""plumber, the usual way to serve R over HTTP: one process, one R session, one request at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.waiting import free_port, listens, until
from deployr.grid.processes import die_with_parent

HERE = Path(__file__).parent
FRAME_SOURCE = HERE / "frame.R"


class Plumber:
    """A running plumber service (``plumber.R``)."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            "Rscript", "--vanilla", str(HERE / "plumber.R"), str(self.port), str(FRAME_SOURCE),
            preexec_fn=die_with_parent,
        )  # fmt: skip
        await until(lambda: listens(self.port), seconds=60)

    async def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
