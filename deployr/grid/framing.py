"""Reading and writing the frames of :mod:`deployr.grid.protocol` on asyncio streams."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import msgspec

from deployr.grid.protocol import Frame

CHUNK = 256 * 1024
"""Largest ``DATA`` frame written, in bytes."""

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
        """Write a frame without waiting for the peer to take it."""
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

    @property
    def writer(self) -> asyncio.StreamWriter:
        """The stream beneath, for transports that relay bytes themselves."""
        return self._writer

    def at_eof(self) -> bool:
        """True once the peer has closed its side."""
        return self._reader.at_eof()

    def close(self) -> None:
        """Close the connection; never raises."""
        self._writer.close()
