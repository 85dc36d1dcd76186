"""Files of a session's directory, which belongs to an attacker.

User code may put symbolic links, FIFOs, devices, hard links and sparse giants there, at any moment. So everything
goes through a descriptor of the directory opened when it was made, names are plain, links are never followed, and
only regular files with one name are seen, the first 10,000 of them. Hidden ones are seen only where that is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import os
import re
import stat
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from pathlib import Path

from deployr.errors import AlreadyExists, DeployrError, InvalidParameter, NotFound, SessionLost
from deployr.grid.protocol import FileInfo

_CHUNK = 256 * 1024
_LONGEST_NAME = 255
_DEPTH = 8
_CLEAR_SECONDS = 30.0
_MOST_FILES = 10_000
_TURN = 200
_UPLOAD = ".upload-"
_PLAIN_NAME = re.compile(r"[^/\\\x00-\x1f\x7f\ud800-\udfff]+")
"""Surrogates stand for bytes that are no text."""
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Snapshot = dict[str, tuple[int, int, int]]
"""State of a directory: inode, length and change time in nanoseconds by file name."""


def check_name(name: str, *, hidden: bool = False) -> str:
    """The name itself, when it is a plain file name.

    Args:
        hidden: it may begin with a dot, but not as those of files that are being written do.

    Raises:
        InvalidParameter: it is empty, too long, hidden, no text, or holds a separator or control character.
    """
    if not _is_plain_name(name, hidden):
        raise InvalidParameter(f"Invalid file name: {name!r}.")
    return name


def open_directory(path: Path | str, parent: int | None = None) -> int:
    """A descriptor of a directory; ``OSError`` when it is none, or a link.

    Args:
        path: of the directory, or its plain name below ``parent``, a descriptor.
    """
    return os.open(path, _OPEN_DIRECTORY, dir_fd=parent)


class SessionDirectory:
    """One directory of a session, held open.

    Args:
        fd: of the directory, see :func:`open_directory`; closed by :meth:`close`.
        uid, gid: owner of files written; ``None`` when sessions share the server's user id.
        hidden: hidden files and directories are seen.
    """

    def __init__(self, fd: int, uid: int | None = None, gid: int | None = None, *, hidden: bool = False) -> None:
        self._fd = fd
        self._uid = uid
        self._gid = gid
        self._hidden = hidden
        self._descriptions: dict[str, str] = {}

    def with_hidden(self) -> SessionDirectory:
        """The same directory with its hidden files, to be closed by itself.

        Raises:
            DeployrError: its owner has shut it.
        """
        if self._fd < 0:
            raise SessionLost("The R session is no longer there.")
        try:
            fd = open_directory(".", self._fd)
        except OSError as ex:
            raise DeployrError("The working directory cannot be read.") from ex
        return SessionDirectory(fd, self._uid, self._gid, hidden=True)

    def close(self) -> None:
        """Let go of the directory; it must not be used afterwards."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def give_to_owner(self) -> None:
        """Make the directory the session's own."""
        if self._uid is not None and self._gid is not None:
            os.fchown(self._fd, self._uid, self._gid)

    async def snapshot(self) -> Snapshot:
        """State of all visible files, to be compared with a later one."""
        return {name: (st.st_ino, st.st_size, st.st_mtime_ns) for name, st in await self._scan()}

    async def changed_since(self, before: Snapshot) -> list[FileInfo]:
        """Files created or changed since a snapshot, by name."""
        changed = [
            (name, st) for name, st in await self._scan() if before.get(name) != (st.st_ino, st.st_size, st.st_mtime_ns)
        ]
        return [self._info(name, st) for name, st in sorted(changed)]

    def files(self, execution: str | None = None) -> list[FileInfo]:
        """All visible files, by name."""
        entries = sorted(self._entries(range(_MOST_FILES)))
        return [self._info(name, st, execution) for name, st in entries if _is_plain(st)]

    def look(self, left: Iterator[int]) -> tuple[list[FileInfo], list[str]]:
        """Visible files, and the names of visible directories.

        Args:
            left: an item for each entry that may be looked at; each takes one.
        """
        files, directories = [], []
        for name, st in self._entries(left):
            if _is_plain(st):
                files.append(self._info(name, st))
            elif stat.S_ISDIR(st.st_mode):
                directories.append(name)
        return files, directories

    def below(self, name: str, *, make: bool = False) -> SessionDirectory:
        """A directory in this one, which the caller closes.

        Args:
            make: when it is not there.

        Raises:
            NotFound: there is none, or something else.
            InvalidParameter: it was to be made and could not be.
        """
        made = make and self._make(name)
        try:
            fd = open_directory(self._checked(name), self._fd)
        except (OSError, InvalidParameter) as ex:
            raise _not_written(name) if make else _missing(name) from ex
        below = SessionDirectory(fd, self._uid, self._gid, hidden=self._hidden)
        if made:
            below.give_to_owner()
        return below

    def open(self, name: str, execution: str | None = None) -> tuple[FileInfo, int]:
        """A file and a descriptor for reading it, which the caller closes.

        Raises:
            NotFound: there is no such regular file.
        """
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            fd = os.open(self._checked(name), flags, dir_fd=self._fd)
        except (OSError, InvalidParameter) as ex:
            raise _missing(name) from ex
        st = os.fstat(fd)
        if not _is_plain(st):
            os.close(fd)
            raise _missing(name)
        return self._info(name, st, execution), fd

    async def write(
        self, name: str, content: AsyncIterable[bytes], *, descr: str | None = None, overwrite: bool = False
    ) -> FileInfo:
        """Write a file; it appears whole or not at all.

        Raises:
            AlreadyExists: the name is taken and ``overwrite`` is false.
            InvalidParameter: the name is not a plain file name.
        """
        self._checked(name)
        if not overwrite and self._taken(name):
            raise AlreadyExists(f"File already exists: {name}.")
        temporary = f"{_UPLOAD}{os.urandom(8).hex()}"
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self._fd)
        except OSError as ex:
            raise _not_written(name) from ex
        try:
            await self._fill(fd, name, content)
            self._place(temporary, name, overwrite)
            if descr is not None:
                self._descriptions[name] = descr
            return self._info(name, os.fstat(fd))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=self._fd)
            raise
        finally:
            os.close(fd)

    def update(
        self, name: str, *, rename: str | None = None, descr: str | None = None, overwrite: bool = False
    ) -> FileInfo:
        """Rename or describe a file; what is ``None`` stays as it is.

        Raises:
            NotFound: there is no such file.
            AlreadyExists: the new name is taken and ``overwrite`` is false.
            InvalidParameter: the new name is not a plain file name.
        """
        if not self._is_seen(name):
            raise _missing(name)
        if rename is not None and rename != name:
            self._place(name, self._checked(rename), overwrite)
            kept = self._descriptions.pop(name, None)
            self._descriptions.pop(rename, None)
            name, descr = rename, kept if descr is None else descr
        if descr is not None:
            self._descriptions[name] = descr
        return self._stat(name)

    def delete(self, names: list[str]) -> None:
        """Delete files, all or none.

        Raises:
            NotFound: one of them is not there.
            DeployrError: the session's code keeps one from being deleted.
        """
        for name in names:
            if not self._is_seen(name):
                raise _missing(name)
        for name in names:
            self._remove(name)
            self._descriptions.pop(name, None)

    async def clear(self) -> None:
        """Remove everything: hidden files, links and directories to any depth.

        Raises:
            DeployrError: something stayed, such as what a background process keeps writing.
        """
        if self._fd < 0:
            raise SessionLost("The R session is no longer there.")
        with contextlib.suppress(OSError):
            os.fchmod(self._fd, 0o700)
        # With a position of its own: this one may be listed meanwhile, or let go of.
        fd = os.open(".", _OPEN_DIRECTORY, dir_fd=self._fd)
        self._descriptions.clear()
        if not await asyncio.to_thread(_clear, fd):
            raise DeployrError("The directory cannot be emptied.")

    async def _fill(self, fd: int, name: str, content: AsyncIterable[bytes]) -> None:
        async for chunk in content:
            try:
                _write_all(fd, chunk)
            except OSError as ex:
                raise _not_written(name) from ex
        if self._uid is not None and self._gid is not None:
            os.fchown(fd, self._uid, self._gid)

    def _place(self, source: str, name: str, overwrite: bool) -> None:
        """Rename a file, which replaces another only when it may."""
        try:
            if overwrite:
                os.rename(source, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            else:
                os.link(source, name, src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)
                os.unlink(source, dir_fd=self._fd)
        except FileExistsError as ex:
            raise AlreadyExists(f"File already exists: {name}.") from ex
        except OSError as ex:
            raise _not_written(name) from ex

    def _make(self, name: str) -> bool:
        """Make a directory; false when the name is taken."""
        try:
            os.mkdir(self._checked(name), 0o700, dir_fd=self._fd)
        except FileExistsError:
            return False
        except OSError as ex:
            raise _not_written(name) from ex
        return True

    def _remove(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._fd)
        except FileNotFoundError:
            pass
        except OSError as ex:
            raise DeployrError(f"The file cannot be deleted: {name}.") from ex

    def _is_seen(self, name: str) -> bool:
        try:
            return _is_plain(os.stat(self._checked(name), dir_fd=self._fd, follow_symlinks=False))
        except (OSError, InvalidParameter):
            return False

    def _stat(self, name: str) -> FileInfo:
        try:
            return self._info(name, os.stat(name, dir_fd=self._fd, follow_symlinks=False))
        except OSError as ex:
            raise _missing(name) from ex

    def _taken(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except OSError:
            return False
        return True

    async def _scan(self) -> list[tuple[str, os.stat_result]]:
        """All visible files; where there are many, other sessions have their turns meanwhile."""
        entries, found = self._entries(range(_MOST_FILES)), []
        while turn := list(itertools.islice(entries, _TURN)):
            found += [(name, st) for name, st in turn if _is_plain(st)]
            if len(turn) == _TURN:
                await asyncio.sleep(0)
        return found

    def _entries(self, left: Iterable[int]) -> Iterator[tuple[str, os.stat_result]]:
        """Visible entries of whatever kind, while ``left`` has an item for each that is looked at.

        What :func:`check_name` would refuse could not be read by anyone, and is not visible either.
        """
        if self._fd < 0:
            raise SessionLost("The R session is no longer there.")
        # scandir() of a descriptor works on a duplicate that shares its position.
        os.lseek(self._fd, 0, os.SEEK_SET)
        with os.scandir(self._fd) as entries:
            names = [entry.name for entry, _ in zip(entries, left, strict=False)]
        for name in names:
            if _is_plain_name(name, self._hidden):
                with contextlib.suppress(OSError):
                    yield name, os.stat(name, dir_fd=self._fd, follow_symlinks=False)

    def _checked(self, name: str) -> str:
        return check_name(name, hidden=self._hidden)

    def _info(self, name: str, st: os.stat_result, execution: str | None = None) -> FileInfo:
        return FileInfo(
            filename=name,
            length=st.st_size,
            modified=st.st_mtime_ns // 1_000_000,
            descr=self._descriptions.get(name),
            execution=execution,
        )


def remove_tree(path: Path) -> None:
    """Remove a directory that a session may have filled with anything, to any depth; links are not followed."""
    with contextlib.suppress(OSError):
        fd = os.open(path, _OPEN_DIRECTORY)
        try:
            _empty_wholly(fd, math.inf)
        finally:
            os.close(fd)
        path.rmdir()


def _clear(fd: int) -> bool:
    """Empty an open directory, which is closed at the end; true when it is empty."""
    try:
        _empty_wholly(fd, time.monotonic() + _CLEAR_SECONDS)
        os.lseek(fd, 0, os.SEEK_SET)
        return not os.listdir(fd)
    finally:
        os.close(fd)


def _empty_wholly(fd: int, deadline: float) -> None:
    """Remove what is in an open directory, until nothing is left that can be removed, or for so long."""
    moved = True
    while moved and time.monotonic() < deadline:
        os.lseek(fd, 0, os.SEEK_SET)
        moved = _empty(fd, fd, _DEPTH, deadline)


def _empty(top: int, fd: int, depth: int, deadline: float) -> bool:
    """Remove what is in an open directory; what lies deeper than ``depth`` is moved to the top.

    So neither the stack nor the open files grow with the depth. A process of the session may go on filling it.

    Returns:
        True when something was moved.
    """
    moved = False
    with os.scandir(fd) as entries:
        for entry in entries:
            if time.monotonic() > deadline:
                break
            with contextlib.suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.name, dir_fd=fd)
                elif depth:
                    moved |= _remove_directory(top, fd, entry.name, depth, deadline)
                else:
                    os.rename(entry.name, f"moved-{os.urandom(8).hex()}", src_dir_fd=fd, dst_dir_fd=top)
                    moved = True
    return moved


def _remove_directory(top: int, fd: int, name: str, depth: int, deadline: float) -> bool:
    if os.geteuid() != 0:
        os.chmod(name, 0o700, dir_fd=fd)
    below = os.open(name, _OPEN_DIRECTORY, dir_fd=fd)
    try:
        moved = _empty(top, below, depth - 1, deadline)
    finally:
        os.close(below)
    os.rmdir(name, dir_fd=fd)
    return moved


@contextlib.contextmanager
def reading(fd: int, length: int) -> Iterator[AsyncIterator[bytes]]:
    """The first ``length`` bytes of an open file, which is closed at the end; zeros where it shrank meanwhile."""
    try:
        yield _chunks(fd, length)
    finally:
        os.close(fd)


async def _chunks(fd: int, length: int) -> AsyncIterator[bytes]:
    while length:
        chunk = os.read(fd, min(length, _CHUNK)) or bytes(min(length, _CHUNK))
        length -= len(chunk)
        yield chunk


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _is_plain(st: os.stat_result) -> bool:
    return stat.S_ISREG(st.st_mode) and st.st_nlink == 1


def _is_plain_name(name: str, hidden: bool) -> bool:
    is_refused = name in (".", "..") or name.startswith(_UPLOAD) if hidden else name.startswith(".")
    return not is_refused and _PLAIN_NAME.fullmatch(name) is not None and len(name.encode()) <= _LONGEST_NAME


def _not_written(name: str) -> InvalidParameter:
    return InvalidParameter(f"The file cannot be written: {name}.")


def _missing(name: str) -> NotFound:
    return NotFound(f"File not found: {name}.")
