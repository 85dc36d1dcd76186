"""The subscription that all streams of a web worker share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployr.events.feed import Feed
from deployr.events.records import Event, ExecutionError
from deployr.grid import framing
from deployr.grid.client import SocketGrid
from deployr.grid.engine import Engine
from deployr.grid.server import GridServer


def error(owner: str) -> ExecutionError:
    return ExecutionError(owner=owner, error="told")


class Ears:
    """Hears the events of a feed."""

    def __init__(self, grid: SocketGrid) -> None:
        self.heard: asyncio.Queue[Event] = asyncio.Queue()
        self.feed = Feed(grid, self._hear)
        self.fails = False

    async def _hear(self, event: Event) -> None:
        if self.fails:
            self.fails = False
            raise ZeroDivisionError
        await self.heard.put(event)

    async def next(self) -> Event:
        return await self.heard.get()


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[SocketGrid]:
    """A grid without nodes, which passes events on."""
    listener = await framing.listen(tmp_path / "grid", GridServer(Engine([], stateless_keep=1)).serve_connection)
    grid = SocketGrid(tmp_path / "grid")
    yield grid
    await grid.aclose()
    listener.close()


@pytest.fixture
async def ears(hub: SocketGrid) -> AsyncIterator[Ears]:
    ears = Ears(hub)
    yield ears
    ears.feed.close()


async def test_what_is_followed_is_heard(hub: SocketGrid, ears: Ears) -> None:
    await ears.feed.follow(["user:a"])
    await ears.feed.follow(["user:b"])
    await hub.publish(error("user:b"))
    assert await ears.next() == error("user:b")


async def test_what_is_followed_while_the_connection_is_made_is_heard(hub: SocketGrid, tmp_path: Path) -> None:
    ears = Ears(grid := SlowGrid(tmp_path / "grid"))
    first = asyncio.create_task(ears.feed.follow(["user:a"]))
    await grid.asked.wait()
    second = asyncio.create_task(ears.feed.follow(["user:b"]))
    await asyncio.sleep(0)
    ears.feed.unfollow(["user:a"])
    grid.may_answer.set()
    await asyncio.gather(first, second)
    await hub.publish(error("user:a"))
    await hub.publish(error("user:b"))
    assert await ears.next() == error("user:b")
    ears.feed.close()


class SlowGrid(SocketGrid):
    """A grid whose connections take their time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def _connection(self) -> framing.FrameStream:
        self.asked.set()
        await self.may_answer.wait()
        return await super()._connection()


async def test_an_event_that_cannot_be_told_does_not_make_the_feed_deaf(hub: SocketGrid, ears: Ears) -> None:
    await ears.feed.follow(["user:a"])
    ears.fails = True
    await hub.publish(error("user:a"))
    while ears.heard.empty():
        await hub.publish(error("user:a"))
        await asyncio.sleep(0.05)
    assert await ears.next() == error("user:a")
