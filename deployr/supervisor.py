"""The supervisor: starts the server's processes, restarts each when it dies, ends them all. It holds no state.

Nothing outlives it: its parts end when it is killed, and the next supervisor of the home kills what is left by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployr import addresses, handover, logs
from deployr.grid import processes
from deployr.settings import Settings, split_address

log = logging.getLogger(__name__)

_BACK_OFF = (0.1, 0.5, 1.0, 2.0, 5.0)
_STEADY_SECONDS = 30.0
_STOP_SECONDS = 12.0
"""For all parts together; web workers have 8 seconds of it to finish their calls."""


class AlreadyRunning(Exception):
    """Another server uses the same home directory."""


class CannotListen(OSError):
    """One of the addresses to listen on is taken or is not this machine's."""


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
        Part("jobs", [sys.executable, "-m", "deployr.jobs"]),
        Part("web", web),
    ]


class Supervisor:
    """Runs the parts of one server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._environment = handover.environment(settings)
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit status."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, self._stop.set)
        if await self._prepare():
            return 1
        keepers = [asyncio.create_task(self._keep(part)) for part in parts(self._settings)]
        announce = asyncio.create_task(self._announce())
        await self._stop.wait()
        announce.cancel()
        log.info("stopping")
        await self._end_all()
        await asyncio.gather(*keepers)
        return 0

    async def _prepare(self) -> int:
        self._settings.grid_socket.unlink(missing_ok=True)
        process = await self._spawn([sys.executable, "-m", "deployr.prepare"])
        return await process.wait()

    async def _keep(self, part: Part) -> None:
        """Start a part again whenever it dies, the more slowly the sooner it does."""
        failures = 0
        while not self._stop.is_set():
            started = time.monotonic()
            end = await self._run_once(part)
            if self._stop.is_set():
                return
            failures = 0 if time.monotonic() - started > _STEADY_SECONDS else failures + 1
            log.error("%s %s, starting it again", part.name, end)
            await self._pause(_BACK_OFF[min(failures, len(_BACK_OFF)) - 1] if failures else 0)

    async def _run_once(self, part: Part) -> str:
        """Run a part to its end; what the log says of that."""
        try:
            process = self._running[part.name] = await self._spawn(part.command)
        except (OSError, subprocess.SubprocessError) as ex:
            # No memory or descriptors just now, or its program is being replaced.
            return f"cannot be started ({ex})"
        if self._stop.is_set():
            # Asked to stop while it was being started: nobody else knows of it.
            await self._end(part.name, _STOP_SECONDS)
        status = await process.wait()
        # Web workers outlive their master for a while and would hold its addresses.
        _kill_group(process)
        return f"ended with status {status}"

    async def _spawn(self, command: Sequence[str]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command,
            env=self._environment,
            start_new_session=True,
            preexec_fn=lambda: processes.die_with_parent(signal.SIGTERM),
        )

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when the server is to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _end_all(self) -> None:
        """End the parts in the order in which callers notice least, and what a part that was killed left."""
        deadline = time.monotonic() + _STOP_SECONDS
        for part in reversed(parts(self._settings)):
            await self._end(part.name, deadline - time.monotonic())
        await asyncio.to_thread(processes.kill_grid, str(self._settings.sessions_directory))
        await asyncio.to_thread(_kill_leftovers, self._settings)

    async def _end(self, name: str, seconds: float) -> None:
        process = self._running.get(name)
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), max(seconds, 1.0))
        except TimeoutError:
            log.error("%s did not stop in time", name)
            _kill_group(process)

    async def _announce(self) -> None:
        """Say once when the server can be used."""
        host, port = split_address(self._settings.server.bind[0])
        # Nothing tells when another process has begun to listen.
        while not await _accepts(host, port) or not self._settings.grid_socket.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        urls = " and ".join(f"http://{bound}" for bound in self._settings.server.bind)
        log.info("ready at %s, the API of DeployR 7 and 8 below /deployr", urls)


def _kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill what belongs to a part; sessions and their parents are groups of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


@contextlib.contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the home directory's lock, with nothing left of a server that was killed.

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
        _kill_leftovers(settings)
        yield


def _kill_leftovers(settings: Settings) -> None:
    """Kill the parts of a supervisor that was killed: they may take a while to end by themselves."""
    left = [pid for pid in processes.all_pids() if handover.belongs_to(processes.environment(pid), settings.home)]
    processes.kill_and_wait(left)


def _check_addresses(settings: Settings) -> None:
    """Complain here, once, about what would fail in the web workers again and again.

    Raises:
        CannotListen: the server cannot listen on one of its addresses.
    """
    for address in settings.server.bind:
        try:
            addresses.check_free(address)
        except OSError as ex:
            raise CannotListen(f"Cannot listen on {address}: {ex.strerror}.") from ex


def serve(settings: Settings) -> int:
    """Run the server in the foreground, within :func:`only_one`; the exit status.

    Raises:
        CannotListen: the server cannot listen on one of its addresses.
    """
    logs.configure(settings.server.log_level)
    _check_addresses(settings)
    return asyncio.run(Supervisor(settings).run())
