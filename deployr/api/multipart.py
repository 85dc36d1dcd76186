"""Uploads: ``multipart/form-data`` as real clients write it, the file streamed to a temporary one.

Seen (client-wire-facts 3): chunked bodies, the file part first, in the middle or last, part headers without a blank
after the colon, and with .NET URL-encoded field values, which its ``form-data;name=`` without a blank gives away.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import IO
from urllib.parse import unquote_plus

from multipart import (
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from deployr.errors import TooLarge

__all__ = ["Multipart", "MultipartError", "Read", "Upload", "parse_options_header"]

IN_MEMORY = 1024 * 1024
"""Bytes of an uploaded file, or of all fields, that are held in memory."""

_CHUNK = 64 * 1024
_URL_ENCODED = re.compile(r"form-data;\S", re.IGNORECASE)

Read = Callable[[int], Awaitable[bytes]]
"""Reads up to that many bytes of a body; none at its end."""


class Upload:
    """An uploaded file, on disk when it is large; gone when closed.

    Args:
        filename: as the client sent it, if it did.
    """

    def __init__(self, filename: str | None = None) -> None:
        self.filename = filename
        self.length = 0
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 -- see close()

    async def write(self, chunk: bytes) -> None:
        """Append; a large file is written in a thread."""
        self.length += len(chunk)
        if self.length <= IN_MEMORY:
            self._file.write(chunk)
        else:
            await asyncio.to_thread(self._file.write, chunk)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content from its beginning."""
        self._file.seek(0)
        while chunk := await asyncio.to_thread(self._file.read, _CHUNK * 4):
            yield chunk

    def close(self) -> None:
        """Throw the content away."""
        self._file.close()


class Multipart:
    """Reads one body: afterwards ``fields`` and ``file`` hold what was in it.

    Args:
        boundary: of the body.
        limit: most bytes of the file.
        file: name of its part.
    """

    def __init__(self, boundary: str, limit: int, *, file: str = "file") -> None:
        self.fields: dict[str, str] = {}
        self.file: Upload | None = None
        self._boundary = boundary
        self._limit = limit
        self._name = file

    async def parse(self, read: Read) -> None:
        """Read the body to its end.

        Raises:
            MultipartError: it is malformed, or has several files.
            TooLarge: the file is larger than the limit, or the fields than ``IN_MEMORY``.
        """
        parser = PushMultipartParser(self._boundary)
        segment: MultipartSegment | None = None
        value = bytearray()
        async for event in parser.parse_async(read, _CHUNK):
            if isinstance(event, MultipartSegment):
                segment, value = event, bytearray()
                if segment.name == self._name:
                    self._begin(segment)
            elif segment is None:
                raise MultipartError("content outside of a part")
            elif event is None:
                self._end(segment, value)
            elif segment.name == self._name:
                await self._write(event)
            else:
                self._extend(value, event)

    def _begin(self, segment: MultipartSegment) -> None:
        if self.file:
            raise MultipartError("several files")
        self.file = Upload(segment.filename)

    async def _write(self, chunk: bytes) -> None:
        """What goes beyond the limit is read but not kept: a client that still sends would not see the answer."""
        assert self.file is not None  # noqa: S101
        if self.file.length + len(chunk) > 2 * self._limit:
            raise _too_large(self._limit)
        if self.file.length <= self._limit:
            await self.file.write(chunk)
        else:
            self.file.length += len(chunk)

    def _extend(self, value: bytearray, chunk: bytes) -> None:
        value += chunk
        if len(value) + sum(map(len, self.fields.values())) > IN_MEMORY:
            raise _too_large(IN_MEMORY)

    def _end(self, segment: MultipartSegment, value: bytearray) -> None:
        if segment.name == self._name:
            if self.file and self.file.length > self._limit:
                raise _too_large(self._limit)
            return
        text = value.decode("utf-8", "replace")
        encoded = _URL_ENCODED.match(segment.header("Content-Disposition") or "")
        self.fields[segment.name] = unquote_plus(text) if encoded else text

    def close(self) -> None:
        """Throw the file away."""
        if self.file:
            self.file.close()


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The upload is larger than {limit} bytes.")
