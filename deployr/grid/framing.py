"""Reading and writing the frames of :mod:`deployr.grid.protocol` on asyncio streams."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from deployr.grid.protocol import Frame

CHUNK = 256 * 1024
"""Largest ``DATA`` frame written, in bytes."""

STREAM_LIMIT = 1024 * 1024
"""Bytes buffered on a connection before its peer is held up."""

_HEADER = struct.Struct(">IB")
_MAX_FRAME = 64 * 1024 * 1024

_encoder = msgspec.msgpack.Encoder()


class FrameError(Exception):
    """The peer closed the connection in the middle of a message or sent what makes no sense."""


class FrameStream:
    """One connection, seen as frames.

    Errors: every method raises :class:`FrameError` when the peer is gone or out of step.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.in_step = True
        """False while a reply is outstanding; a connection out of step must not be used again."""

    async def receive(self) -> tuple[Frame, bytes]:
        """The next frame."""
        try:
            length, kind = _HEADER.unpack(await self._reader.readexactly(_HEADER.size))
            if length > _MAX_FRAME:
                raise FrameError(f"frame of {length} bytes")
            return Frame(kind), await self._reader.readexactly(length)
        except (OSError, EOFError, ValueError) as ex:
            raise FrameError(str(ex) or "connection lost") from ex

    def put(self, kind: Frame, body: bytes | memoryview = b"") -> None:
        """Write a frame without waiting for the peer to take it; that it is gone is told by :meth:`flush`."""
        if self._writer.transport.is_closing():
            # uvloop raises a RuntimeError for what is written to a closed connection.
            return
        self._writer.write(_HEADER.pack(len(body), kind))
        if body:
            self._writer.write(body)

    def put_head(self, message: Any) -> None:
        """Write a ``HEAD`` frame holding a message."""
        self.in_step = False
        self.put(Frame.HEAD, _encoder.encode(message))

    async def flush(self) -> None:
        """Wait until the peer has taken most of what was written (back-pressure)."""
        try:
            await self._writer.drain()
        except OSError as ex:
            raise FrameError(str(ex) or "connection lost") from ex

    async def send_bytes(self, data: bytes | memoryview) -> None:
        """Send a whole value as ``DATA`` frames and the end mark."""
        view = memoryview(data)
        for start in range(0, len(view), CHUNK):
            self.put(Frame.DATA, view[start : start + CHUNK])
            if len(view) > CHUNK:
                await self.flush()
        self.put(Frame.DATA)
        await self.flush()

    async def send_chunks(self, chunks: AsyncIterable[bytes]) -> None:
        """Send a stream as ``DATA`` frames and the end mark."""
        async for chunk in chunks:
            view = memoryview(chunk)
            for start in range(0, len(view), CHUNK):
                self.put(Frame.DATA, view[start : start + CHUNK])
                await self.flush()
        self.put(Frame.DATA)
        await self.flush()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content of the ``DATA`` frames up to the end mark."""
        while True:
            kind, body = await self.receive()
            if kind is not Frame.DATA:
                raise FrameError(f"{kind.name} in the place of DATA")
            if not body:
                self.in_step = True
                return
            yield body

    async def receive_bytes(self) -> bytes:
        """The whole content of the ``DATA`` frames up to the end mark."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def wait_closed(self) -> None:
        """Return when the peer has hung up (on connections that came through :func:`listen`)."""
        protocol = self._writer.transport.get_protocol()
        if isinstance(protocol, _WatchedProtocol):
            await protocol.gone.wait()

    def at_eof(self) -> bool:
        """True once the peer has closed its side."""
        return self._reader.at_eof()

    def close(self) -> None:
        """Close the connection; never raises."""
        self._writer.close()


class _WatchedProtocol(asyncio.StreamReaderProtocol):
    """Tells when the peer hangs up without reading: what it sends meanwhile belongs to the next request."""

    def __init__(self, serve: Callable[[FrameStream], Awaitable[None]]) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(FrameStream(reader, writer))

        super().__init__(asyncio.StreamReader(limit=STREAM_LIMIT), connected)
        self.gone = asyncio.Event()

    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)


async def listen(path: Path, serve: Callable[[FrameStream], Awaitable[None]]) -> asyncio.Server:
    """Listen on a Unix socket that only this user may use; ``serve`` is run for each connection."""
    path.unlink(missing_ok=True)
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: _WatchedProtocol(serve), str(path), backlog=512)
    path.chmod(0o600)
    return server


async def connect(path: Path) -> FrameStream:
    """A connection to a socket made by :func:`listen`; ``OSError`` when nobody listens."""
    return FrameStream(*await asyncio.open_unix_connection(str(path), limit=STREAM_LIMIT))
