"""File contents, addressed by their SHA-256.

A blob is written beside, synced and renamed, and only then may a row refer to it: a crash in between leaves a blob
that no row refers to, never a row without its blob.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from deployr.errors import TooLarge

_CHUNK = 256 * 1024
"""Bytes read or written at a time; a thread switch a chunk costs little beside its hashing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Blob:
    """A stored content: SHA-256 in lower-case hex, and bytes."""

    sha256: str
    length: int


class Blobs:
    """The blob store.

    Args:
        directory: where it is; made when needed.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, chunks: Iterable[bytes], *, limit: int | None = None) -> Blob:
        """Store a content.

        Raises:
            TooLarge: it has more than ``limit`` bytes.
        """
        with _Draft(self._directory, limit) as draft:
            for chunk in chunks:
                draft.write(chunk)
            return draft.keep()

    async def put_stream(self, chunks: AsyncIterable[bytes], *, limit: int | None = None) -> Blob:
        """Store a content as it comes in; hashing and writing happen in threads.

        Raises:
            TooLarge: it has more than ``limit`` bytes.
        """
        draft = await asyncio.to_thread(_Draft, self._directory, limit)
        with draft:
            async for chunk in _gather(chunks):
                await asyncio.to_thread(draft.write, chunk)
            return await asyncio.to_thread(draft.keep)

    def path(self, sha256: str) -> Path:
        """File of a blob; not to be written."""
        return self._directory / sha256[:2] / sha256[2:]

    def read(self, sha256: str) -> bytes:
        """The whole content."""
        return self.path(sha256).read_bytes()

    async def stream(self, sha256: str) -> AsyncIterator[bytes]:
        """The content in chunks."""
        file = await asyncio.to_thread(self.path(sha256).open, "rb")
        with file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                yield chunk


class _Draft:
    """A blob being written; gone at the end of its block unless kept."""

    def __init__(self, directory: Path, limit: int | None) -> None:
        self._blobs = Blobs(directory)
        self._limit = limit
        self._hash = hashlib.sha256()
        self._length = 0
        drafts = directory / "drafts"
        drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = drafts / secrets.token_hex(16)
        self._file: BinaryIO = self._path.open("xb")

    def __enter__(self) -> _Draft:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        self._length += len(chunk)
        if self._limit is not None and self._length > self._limit:
            raise TooLarge(f"The file is larger than {self._limit} bytes.")
        self._hash.update(chunk)
        self._file.write(chunk)

    def keep(self) -> Blob:
        """Make it a blob, durable when this returns."""
        blob = Blob(self._hash.hexdigest(), self._length)
        self._file.flush()
        os.fsync(self._file.fileno())
        target = self._blobs.path(blob.sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        self._path.replace(target)
        _sync_directory(target.parent)
        return blob


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _gather(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Small chunks joined to larger ones."""
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        if len(gathered) >= _CHUNK:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)
