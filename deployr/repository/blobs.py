"""File contents, addressed by their SHA-256.

A blob is written beside, synced and renamed, and only then may a row refer to it: a crash in between leaves a blob
that no row refers to, never a row without its blob. :mod:`deployr.repository.collection` removes what is left over.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from deployr.errors import TooLarge

_CHUNK = 256 * 1024
"""Bytes read or written at a time; a thread switch a chunk costs little beside its hashing."""


_NAME = re.compile(r"[0-9a-f]{62}")

PREFIXES = tuple(f"{number:02x}" for number in range(256))
"""First two digits of the blobs' names; each has a directory."""


@dataclasses.dataclass(frozen=True, slots=True)
class Blob:
    """A stored content: SHA-256 in lower-case hex, and bytes."""

    sha256: str
    length: int


class BadBlob(Exception):
    """A stored content is missing or damaged; the text says which, as the end of a sentence."""


class Blobs:
    """The blob store.

    Args:
        directory: where it is; made when needed.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def drafts(self) -> Path:
        """Directory of the blobs that are being written."""
        return self.directory / "drafts"

    @property
    def unreferenced(self) -> Path:
        """Directory of the notes about blobs that no row names."""
        return self.directory / "unreferenced"

    @property
    def damaged(self) -> Path:
        """Directory of blobs that a repair took out; for people to look at."""
        return self.directory / "damaged"

    def put(self, chunks: Iterable[bytes], *, limit: int | None = None) -> Blob:
        """Store a content.

        Raises:
            TooLarge: it has more than ``limit`` bytes.
        """
        with _Draft(self, limit) as draft:
            for chunk in chunks:
                draft.write(chunk)
            return draft.keep()

    async def put_stream(self, chunks: AsyncIterable[bytes], *, limit: int | None = None) -> Blob:
        """Store a content as it comes in; hashing and writing happen in threads.

        Raises:
            TooLarge: it has more than ``limit`` bytes.
        """
        draft = await asyncio.to_thread(_Draft, self, limit)
        with draft:
            async for chunk in _gather(chunks):
                await asyncio.to_thread(draft.write, chunk)
            return await asyncio.to_thread(draft.keep)

    def path(self, sha256: str) -> Path:
        """File of a blob; not to be written."""
        return self.directory / sha256[:2] / sha256[2:]

    def read(self, sha256: str) -> bytes:
        """The whole content."""
        return self.path(sha256).read_bytes()

    async def stream(self, sha256: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The content in chunks, or so many bytes of it from a start on."""
        file = await asyncio.to_thread(self.path(sha256).open, "rb")
        with file:
            file.seek(start)
            left = _CHUNK if length is None else length
            while left and (chunk := await asyncio.to_thread(file.read, min(left, _CHUNK))):
                yield chunk
                left -= 0 if length is None else len(chunk)

    def verify(self, sha256: str) -> int:
        """Read a content and compare it with its name; returns its bytes.

        Raises:
            BadBlob: it is not there, or not what was stored.
        """
        try:
            with self.path(sha256).open("rb") as file:
                digest, length = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
        except FileNotFoundError:
            raise BadBlob("is missing") from None
        except OSError as ex:
            raise BadBlob(f"cannot be read ({ex.strerror})") from ex
        if digest != sha256:
            raise BadBlob("is damaged")
        return length

    def set_aside(self, sha256: str) -> bool:
        """Move a damaged blob to ``damaged/``; returns whether it was damaged, or missing."""
        with self._locked(fcntl.LOCK_EX):
            try:
                self.verify(sha256)
            except BadBlob:
                self.damaged.mkdir(mode=0o700, exist_ok=True)
                with contextlib.suppress(FileNotFoundError):
                    self.path(sha256).replace(self.damaged / sha256)
                return True
        return False

    def stored(self, prefix: str) -> list[str]:
        """SHA-256 of the blobs whose names begin with one of :data:`PREFIXES`."""
        with contextlib.suppress(FileNotFoundError):
            names = (path.name for path in (self.directory / prefix).iterdir())
            return [prefix + name for name in names if is_blob_name(name)]
        return []

    def remove_older(self, sha256: str, age: float) -> bool:
        """Remove a blob unless it was stored, or stored again, within the last ``age`` seconds.

        Returns:
            Whether it was removed. The caller answers for no row referring to it.
        """
        path = self.path(sha256)
        with self._locked(fcntl.LOCK_EX):
            if not is_older(path, age):
                return False
            path.unlink()
        return True

    @contextlib.contextmanager
    def _locked(self, mode: int) -> Iterator[None]:
        """Storing a content again and removing its blob exclude one another, in all processes."""
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, mode)
            yield
        finally:
            os.close(descriptor)


def is_blob_name(name: str) -> bool:
    """Whether a file below one of :data:`PREFIXES` is named as blobs are."""
    return _NAME.fullmatch(name) is not None


def is_older(path: Path, age: float) -> bool:
    """Whether a file is there and was not written to in the last ``age`` seconds."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime < time.time() - age
    return False


class _Draft:
    """A blob being written; gone at the end of its block unless kept."""

    def __init__(self, blobs: Blobs, limit: int | None) -> None:
        self._blobs = blobs
        self._limit = limit
        self._hash = hashlib.sha256()
        self._length = 0
        blobs.drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = blobs.drafts / secrets.token_hex(16)
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
        # A blob of this content that is there already becomes as young as this one: it is not collected now.
        os.utime(self._path)
        with self._blobs._locked(fcntl.LOCK_SH):
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
