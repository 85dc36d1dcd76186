"""Event streams when processes are killed: they go on, or end so that their client knows."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator

import websockets

from deployr.errors import DeployrError
from deployr.events.records import ExecutionError, user_label
from deployr.grid import processes
from deployr.grid.client import SocketGrid
from tests.crash.processes import MakeServer, WholeServer
from tests.server import Client
from tests.streams import Listening, listening
from tests.waiting import eventually

_STREAMS = 12
"""So many that no web worker serves all of them."""


@contextlib.asynccontextmanager
async def many(server: WholeServer, client: Client) -> AsyncGenerator[list[Listening]]:
    """Streams on all web workers."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(listening(server, client)) for _ in range(_STREAMS)]


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
    async with many(whole_server, client) as streams:
        await raise_event(whole_server, "first")
        assert all([await hears(stream, "first") for stream in streams])
        processes.send_signal(whole_server.web_workers()[:1], signal.SIGKILL)
        await raise_event(whole_server, "second")
        left = [await hears(stream, "second") for stream in streams]
        assert set(left) == {True, False}
        async with listening(whole_server, client) as again:
            await raise_event(whole_server, "third")
            assert await hears(again, "third")


async def test_streams_outlive_the_grid(whole_server: WholeServer, client: Client) -> None:
    async with many(whole_server, client) as streams:
        await asyncio.to_thread(whole_server.kill_part, "grid")
        await eventually(lambda: is_up(whole_server))
        heard = asyncio.gather(*(hears(stream, "after") for stream in streams))
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


async def test_streams_end_at_once_when_the_server_stops(new_server: MakeServer) -> None:
    server = new_server()
    await asyncio.to_thread(server.start)
    async with listening(server) as stream:
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        assert await stream.closed() == ["streamDisconnectEvent"]
        assert await stopping == 0
