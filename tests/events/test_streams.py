"""The event streams of a web worker: how many there may be, and when they end."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from deployr.errors import DeployrError
from deployr.events.listeners import Listener
from deployr.events.streams import Stream, Streams
from deployr.grid import framing
from deployr.grid.client import SocketGrid
from deployr.grid.engine import Engine
from deployr.grid.server import GridServer
from deployr.settings import EventSettings


async def test_anonymous_streams_leave_half_of_the_room_to_users(tmp_path: Path) -> None:
    listener = await framing.listen(tmp_path / "grid", GridServer(Engine([], stateless_keep=1)).serve_connection)
    streams = Streams(SocketGrid(tmp_path / "grid"), set, EventSettings(streams=4))
    async with contextlib.AsyncExitStack() as opened:
        for session in ("a", "b"):
            await opened.enter_async_context(streams.open(anonymous(session)))
        with pytest.raises(DeployrError, match="too many"):
            await opened.enter_async_context(streams.open(anonymous("c")))
        for session in ("d", "e"):
            await opened.enter_async_context(streams.open(user(session)))
        with pytest.raises(DeployrError, match="too many"):
            await opened.enter_async_context(streams.open(user("f")))
    listener.close()


async def test_a_stream_without_an_event_ends_after_a_while() -> None:
    stream = Stream(anonymous("a"), EventSettings(keep_alive=0.1, idle_timeout=1))
    first, *silence, last = [frame async for frame in stream.frames()]
    assert first is not None
    assert last is not None
    assert b"streamConnectEvent" in first.json
    assert set(silence) <= {None}
    assert b"streamDisconnectEvent" in last.json


def anonymous(session: str) -> Listener:
    return Listener(kind="anonymous", username=None, http_session=session)


def user(session: str) -> Listener:
    return Listener(kind="authenticated", username="testuser", http_session=session)
