"""The supervisor: starts the server's processes, restarts each when it dies, ends them all. It holds no state."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployr import handover, logs
from deployr.grid.processes import die_with_parent
from deployr.settings import Settings

log = logging.getLogger(__name__)

_BACK_OFF = (0.1, 0.5, 1.0, 2.0, 5.0)
_STEADY_SECONDS = 30.0
_STOP_SECONDS = 15.0


class AlreadyRunning(Exception):
    """Another server uses the same home directory."""


@dataclass(frozen=True)
class Part:
    """A process of the server: what it is called and how it is started."""

    name: str
    command: Sequence[str]


def parts(settings: Settings) -> list[Part]:
    """The processes, in the order in which they are started; they are stopped in the reverse order."""
    web = [sys.executable, "-m", "gunicorn", "--config", "python:deployr.web", "deployr.api.asgi:application"]
    return [
        Part("grid", [sys.executable, "-m", "deployr.grid"]),
        Part("housekeeper", [sys.executable, "-m", "deployr.housekeeper"]),
        Part("web", web),
    ]


class Supervisor:
    """Runs the parts of one server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._environment = handover.environment(settings)
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = False

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit status."""
        stop = asyncio.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
        if await self._prepare():
            return 1
        keepers = [asyncio.create_task(self._keep(part)) for part in parts(self._settings)]
        announce = asyncio.create_task(self._announce())
        await stop.wait()
        self._stopping = True
        announce.cancel()
        log.info("stopping")
        for part in reversed(parts(self._settings)):
            await self._stop(part)
        await asyncio.gather(*keepers)
        return 0

    async def _prepare(self) -> int:
        command = [sys.executable, "-m", "deployr.prepare"]
        process = await asyncio.create_subprocess_exec(*command, env=self._environment)
        return await process.wait()

    async def _keep(self, part: Part) -> None:
        """Start a part again whenever it dies, the more slowly the sooner it does."""
        failures = 0
        while not self._stopping:
            started = time.monotonic()
            process = await self._start(part)
            status = await process.wait()
            if self._stopping:
                return
            failures = 0 if time.monotonic() - started > _STEADY_SECONDS else failures + 1
            log.error("%s ended with status %s, starting it again", part.name, status)
            await asyncio.sleep(_BACK_OFF[min(failures, len(_BACK_OFF)) - 1] if failures else 0)

    async def _start(self, part: Part) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *part.command,
            env=self._environment,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGTERM),
        )
        self._running[part.name] = process
        return process

    async def _stop(self, part: Part) -> None:
        process = self._running.get(part.name)
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            log.error("%s did not stop in time", part.name)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    async def _announce(self) -> None:
        """Say once when the server can be used."""
        address = self._settings.server.bind[0]
        host, _, port = address.rpartition(":")
        # Nothing tells when another process has begun to listen.
        while not await _accepts(host.strip("[]"), int(port)) or not self._settings.grid_socket.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        log.info("ready at http://%s/deployr", address)


async def _accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


@contextlib.contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Hold the home directory's lock.

    Raises:
        AlreadyRunning: somebody else holds it.
    """
    settings.prepare_home()
    with (settings.run_directory / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as ex:
            raise AlreadyRunning(f"Another server is running with the home directory {settings.home}.") from ex
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def serve(settings: Settings) -> int:
    """Run the server in the foreground; the exit status.

    Raises:
        AlreadyRunning: another server uses the same home directory.
    """
    logs.configure(settings.server.log_level)
    with _only_one(settings):
        return asyncio.run(Supervisor(settings).run())
