"""Frames on a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployr.grid import framing
from deployr.grid.framing import CHUNK, FrameError, FrameStream
from deployr.grid.protocol import Frame
from tests.grid.grid_support import make_home, remove_home, stream

Serve = Callable[[FrameStream], Awaitable[None]]
Connect = Callable[[Serve], Awaitable[FrameStream]]


@pytest.fixture
async def connect() -> AsyncGenerator[Connect]:
    """Connects to a peer that runs the given function."""
    home = make_home()
    servers: list[asyncio.Server] = []
    streams: list[FrameStream] = []

    async def to(serve: Serve) -> FrameStream:
        path = home / str(len(servers))
        servers.append(await framing.listen(path, serve))
        streams.append(await framing.connect(path))
        return streams[-1]

    yield to
    for stream_ in streams:
        stream_.close()
    for server in servers:
        server.close()
    remove_home(home)


async def echo(peer: FrameStream) -> None:
    await peer.send_bytes(await peer.receive_bytes())


async def say(raw: bytes, peer: FrameStream) -> None:
    peer._writer.write(raw)
    await peer.flush()
    peer.close()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 3])
async def test_bytes_of_any_size_arrive_whole(connect: Connect, size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    peer = await connect(echo)
    _, received = await asyncio.gather(peer.send_bytes(data), peer.receive_bytes())
    assert received == data


@given(chunks=st.lists(st.binary(max_size=2000), max_size=5))
@settings(max_examples=25)
def test_chunks_arrive_joined(chunks: list[bytes]) -> None:
    async def check() -> bytes:
        home = make_home()
        server = await framing.listen(home / "s", echo)
        peer = await framing.connect(home / "s")
        await peer.send_chunks(stream(*chunks))
        received = await peer.receive_bytes()
        peer.close()
        server.close()
        remove_home(home)
        return received

    assert asyncio.run(check()) == b"".join(chunks)


async def test_a_connection_is_in_step_again_at_the_end_of_a_reply(connect: Connect) -> None:
    async def serve(peer: FrameStream) -> None:
        await peer.receive()
        await peer.send_bytes(b"content")

    peer = await connect(serve)
    peer.put_head(["any", "message"])
    assert not peer.in_step
    assert await peer.receive_bytes() == b"content"
    assert peer.in_step


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\0",
        b"\0\0\0\5\2abc",
        b"\0\0\0\1\x63x",
        b"\xff\xff\xff\xff\2",
        b"\0\0\0\1\1x",
    ],
    ids=["nothing", "half a header", "half a body", "an unknown kind", "too long", "another kind"],
)
async def test_what_is_no_frame_is_an_error(connect: Connect, raw: bytes) -> None:
    peer = await connect(lambda stream_: say(raw, stream_))
    with pytest.raises(FrameError):
        await peer.receive_bytes()


async def test_writing_to_a_peer_that_is_gone_is_an_error(connect: Connect) -> None:
    async def hang_up(peer: FrameStream) -> None:
        peer.close()

    peer = await connect(hang_up)
    with pytest.raises(FrameError):
        await peer.send_bytes(bytes(100 * CHUNK))


async def test_a_writer_waits_for_its_reader(connect: Connect) -> None:
    sent = 0

    async def pour(peer: FrameStream) -> None:
        nonlocal sent
        for _ in range(200):
            peer.put(Frame.DATA, bytes(CHUNK))
            await peer.flush()
            sent += CHUNK

    peer = await connect(pour)
    # It stops long before the 50 MB are written, and goes on when they are read.
    while await _grows(lambda: sent, sent) or not sent:
        pass
    assert sent < 10_000_000
    for _ in range(200):
        await peer.receive()
    assert sent == 200 * CHUNK


async def _grows(value: Callable[[], int], before: int) -> bool:
    await asyncio.sleep(0.05)
    return value() > before


async def test_hanging_up_is_told_without_reading(connect: Connect) -> None:
    told = asyncio.Event()

    async def serve(peer: FrameStream) -> None:
        await peer.wait_closed()
        told.set()

    peer = await connect(serve)
    peer.put(Frame.DATA, b"unread")
    await peer.flush()
    assert not told.is_set()
    peer.close()
    await told.wait()


async def test_the_socket_is_for_its_user_only(tmp_path: Path) -> None:
    home = make_home()
    server = await framing.listen(home / "s", echo)
    assert (home / "s").stat().st_mode & 0o777 == 0o600
    server.close()
    remove_home(home)
