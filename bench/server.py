"""A DeployR server in a temporary home."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench.deployr_client import CallFailed, DeployrClient
from bench.waiting import free_port, until
from deployr.grid.processes import die_with_parent

SCRIPT = "bench-one-line.R"
SCRIPT_CODE = "y <- sum(1:10)"
SCRIPT_VALUE = 55
_START_SECONDS = 120.0
_STOP_SECONDS = 30.0


class Server:
    """``deployr serve`` with a home of its own; it may be started and stopped more than once.

    Attributes:
        port: where it listens.
        home: its home directory.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="deployr-bench-"))
        self.home = self._directory / "home"
        # Session users pass through on their way to their own directories.
        self._directory.chmod(0o711)
        self.process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Process id of the supervisor."""
        if self.process is None:
            raise RuntimeError("the server does not run")
        return self.process.pid

    @property
    def sessions_directory(self) -> Path:
        """Where the sessions live; its name marks every R process of the server."""
        return self._directory / "sessions"

    @property
    def log_file(self) -> Path:
        """What the server wrote on its output."""
        return self._directory / "server.log"

    async def start(self) -> None:
        """Start it and wait until it answers; R may not be ready yet."""
        with self.log_file.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "deployr", "serve", "--home", str(self.home), "--bind", f"127.0.0.1:{self.port}",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment(),
                preexec_fn=lambda: die_with_parent(signal.SIGTERM),
            )  # fmt: skip
        client = DeployrClient(self.port)
        await until(lambda: self._is_answering(client), seconds=_START_SECONDS)
        client.close()

    async def stop(self) -> None:
        """End it as a service manager would."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_STOP_SECONDS):
            await self.process.wait()

    def remove(self) -> None:
        """Remove its home."""
        shutil.rmtree(self._directory, ignore_errors=True)

    async def first_answer_of_r(self) -> float:
        """Start it; the seconds until a call that ran R was answered. The script must be there already."""
        started = time.perf_counter()
        await self.start()
        await self.wait_for_r()
        return time.perf_counter() - started

    async def publish_script(self) -> None:
        """Store the one-line script, and wait until it can be run."""
        client = DeployrClient(self.port)
        await client.login()
        await client.upload_script(SCRIPT, SCRIPT_CODE)
        client.close()
        await self.wait_for_r()

    async def wait_for_r(self, seconds: float = _START_SECONDS) -> None:
        """Return when the script has been run by an anonymous caller; ``TimeoutError`` when that takes longer."""
        client = DeployrClient(self.port)
        await until(lambda: _runs_script(client), seconds=seconds)
        client.close()

    async def _is_answering(self, client: DeployrClient) -> bool:
        if self.process is not None and self.process.returncode is not None:
            raise RuntimeError(f"the server ended with status {self.process.returncode}, see {self.log_file}")
        try:
            await client.call("server/info")
        except (OSError, EOFError, CallFailed):
            return False
        return True

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's configuration; sessions live beside the home."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DEPLOYR_")}
        # One user has all listeners of row j.
        environment["DEPLOYR_EVENTS_STREAMS_PER_CALLER"] = "2000"
        environment["DEPLOYR_GRID_SESSIONS_DIRECTORY"] = str(self.sessions_directory)
        return environment


async def _runs_script(client: DeployrClient) -> bool:
    try:
        await client.call("repository/script/execute", filename=SCRIPT, author="testuser", directory="root")
    except (OSError, EOFError, CallFailed):
        return False
    return True
