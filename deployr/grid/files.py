"""Files of a session's directory, which belongs to an attacker.

User code may put symbolic links, FIFOs, devices, hard links and sparse giants there, at any moment. So everything
goes through a descriptor of the directory opened when it was made, names are plain, links are never followed, and
only regular files with one name are seen.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from pathlib import Path

from deployr.errors import AlreadyExists, InvalidParameter, NotFound
from deployr.grid.protocol import FileInfo

_CHUNK = 256 * 1024
_LONGEST_NAME = 255

Snapshot = dict[str, tuple[int, int, int]]
"""State of a directory: inode, length and change time in nanoseconds by file name."""


def check_name(name: str) -> str:
    """The name itself, when it is a plain file name that is not hidden.

    Raises:
        InvalidParameter: it is empty, too long, hidden, or holds a separator or control character.
    """
    if not name or name.startswith(".") or "/" in name or "\\" in name:
        raise InvalidParameter(f"Invalid file name: {name!r}.")
    if any(ord(char) < 32 or ord(char) == 127 for char in name) or len(os.fsencode(name)) > _LONGEST_NAME:
        raise InvalidParameter("Invalid file name.")
    return name


class SessionDirectory:
    """One directory of a session, held open.

    Args:
        path: the directory, made by the grid.
        uid, gid: owner of files written; ``None`` when sessions share the server's user id.
    """

    def __init__(self, path: Path, uid: int | None = None, gid: int | None = None) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._uid = uid
        self._gid = gid
        self._descriptions: dict[str, str] = {}

    def close(self) -> None:
        """Let go of the directory; it must not be used afterwards."""
        os.close(self._fd)

    def snapshot(self) -> Snapshot:
        """State of all visible files, to be compared with a later one."""
        return {name: (st.st_ino, st.st_size, st.st_mtime_ns) for name, st in self._scan()}

    def changed_since(self, before: Snapshot) -> list[FileInfo]:
        """Files created or changed since a snapshot, by name."""
        return [
            self._info(name, st)
            for name, st in sorted(self._scan())
            if before.get(name) != (st.st_ino, st.st_size, st.st_mtime_ns)
        ]

    def files(self, execution: str | None = None) -> list[FileInfo]:
        """All visible files, by name."""
        return [self._info(name, st, execution) for name, st in sorted(self._scan())]

    def open(self, name: str, execution: str | None = None) -> tuple[FileInfo, int]:
        """A file and a descriptor for reading it, which the caller closes.

        Raises:
            NotFound: there is no such regular file.
        """
        try:
            fd = os.open(check_name(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._fd)
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
        check_name(name)
        if not overwrite and self._taken(name):
            raise AlreadyExists(f"File already exists: {name}.")
        temporary = f".upload-{os.urandom(8).hex()}"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self._fd)
        try:
            async for chunk in content:
                _write_all(fd, chunk)
            if self._uid is not None and self._gid is not None:
                os.fchown(fd, self._uid, self._gid)
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

    def delete(self, names: list[str]) -> None:
        """Delete files, all or none.

        Raises:
            NotFound: one of them is not there.
        """
        present = {name for name, _ in self._scan()}
        for name in names:
            if name not in present:
                raise _missing(name)
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._fd)
            self._descriptions.pop(name, None)

    def _place(self, temporary: str, name: str, overwrite: bool) -> None:
        try:
            if overwrite:
                os.rename(temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            else:
                os.link(temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)
                os.unlink(temporary, dir_fd=self._fd)
        except FileExistsError as ex:
            raise AlreadyExists(f"File already exists: {name}.") from ex
        except OSError as ex:
            raise InvalidParameter(f"The file cannot be written: {name}.") from ex

    def _taken(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except OSError:
            return False
        return True

    def _scan(self) -> Iterator[tuple[str, os.stat_result]]:
        # scandir() of a descriptor works on a duplicate that shares its position.
        os.lseek(self._fd, 0, os.SEEK_SET)
        with os.scandir(self._fd) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not _is_text(entry.name):
                    continue
                with contextlib.suppress(OSError):
                    st = entry.stat(follow_symlinks=False)
                    if _is_plain(st):
                        yield entry.name, st

    def _info(self, name: str, st: os.stat_result, execution: str | None = None) -> FileInfo:
        return FileInfo(
            filename=name,
            length=st.st_size,
            modified=st.st_mtime_ns // 1_000_000,
            descr=self._descriptions.get(name),
            execution=execution,
        )


async def read_chunks(fd: int, length: int) -> AsyncIterator[bytes]:
    """The first ``length`` bytes of an open file, which is closed at the end; zeros where it shrank meanwhile."""
    try:
        while length:
            chunk = os.read(fd, min(length, _CHUNK)) or bytes(min(length, _CHUNK))
            length -= len(chunk)
            yield chunk
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _is_plain(st: os.stat_result) -> bool:
    return stat.S_ISREG(st.st_mode) and st.st_nlink == 1


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _missing(name: str) -> NotFound:
    return NotFound(f"File not found: {name}.")
