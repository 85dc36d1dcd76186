"""Event streams when processes are killed: they go on, or end so that their client knows."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Iterator

import websockets

from deployr.errors import DeployrError
from deployr.events.records import ExecutionError, user_label
from deployr.grid import processes
from deployr.grid.client import SocketGrid
from tests.crash.processes import WholeServer
from tests.server import Client
from tests.streams import Listening, listening
from tests.waiting import eventually


@contextlib.asynccontextmanager
async def on_each_worker(server: WholeServer, client: Client) -> AsyncGenerator[dict[int, Listening]]:
    """A stream on each web worker, by the worker's process id."""
    await eventually(lambda: len(server.web_workers()) == server.settings.server.workers)
    workers = {*server.web_workers()}
    async with contextlib.AsyncExitStack() as stack:
        streams = {}
        for worker in workers:
            with stopped(workers - {worker}):
                streams[worker] = await stack.enter_async_context(listening(server, client))
        yield streams


@contextlib.contextmanager
def stopped(pids: set[int]) -> Iterator[None]:
    """Processes do nothing meanwhile."""
    processes.send_signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        processes.send_signal(pids, signal.SIGCONT)


async def raise_event(server: WholeServer, text: str) -> None:
    """Raise an event from outside of all web workers."""
    grid = SocketGrid(server.settings.grid_socket)
    await grid.publish(ExecutionError(owner=user_label("testuser"), error=text))
    await grid.aclose()


async def hears(stream: Listening, text: str) -> bool:
    """Whether an event reaches the stream; false when it has ended."""
    with contextlib.suppress(websockets.ConnectionClosed):
        return bool((await stream.until("executionErrorEvent", error=text))["error"] == text)
    return False


async def test_events_reach_the_streams_of_all_web_workers_and_survive_the_death_of_one(
    whole_server: WholeServer, client: Client
) -> None:
    async with on_each_worker(whole_server, client) as streams:
        await raise_event(whole_server, "first")
        assert all([await hears(stream, "first") for stream in streams.values()])
        killed = min(streams)
        processes.send_signal([killed], signal.SIGKILL)
        await raise_event(whole_server, "second")
        left = {worker for worker, stream in streams.items() if await hears(stream, "second")}
        assert left == streams.keys() - {killed}
        async with listening(whole_server, client) as again:
            await raise_event(whole_server, "third")
            assert await hears(again, "third")


async def test_streams_outlive_the_grid(whole_server: WholeServer, client: Client) -> None:
    async with on_each_worker(whole_server, client) as streams:
        await asyncio.to_thread(whole_server.kill_part, "grid")
        await eventually(lambda: is_up(whole_server))
        heard = asyncio.gather(*(hears(stream, "after") for stream in streams.values()))
        # Subscriptions are made anew a moment after the grid is there.
        while not heard.done():
            await raise_event(whole_server, "after")
            await asyncio.wait((heard,), timeout=0.1)
        assert all(await heard)


async def is_up(server: WholeServer) -> bool:
    """The grid answers."""
    grid = SocketGrid(server.settings.grid_socket)
    try:
        return bool((await grid.status()).nodes)
    except DeployrError:
        return False
    finally:
        await grid.aclose()
