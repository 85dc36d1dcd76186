"""A session's directory with all that lies in directories below it: files are named by their paths, ``data/.x.csv``.

Each directory is opened from the one above it, so no link is followed, whatever user code puts in its place meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, Iterator

import msgspec

from deployr.errors import NotFound, TooLarge
from deployr.grid.files import SessionDirectory, check_name
from deployr.grid.protocol import FileInfo

_DEEPEST = 16
_MOST_ENTRIES = 100_000
_MOST_CHARACTERS = 8_000_000


def check_path(path: str) -> str:
    """The path itself, when it is of plain file names with slashes between.

    Raises:
        InvalidParameter: it is not.
    """
    for name in path.split("/"):
        check_name(name, hidden=True)
    return path


class FileTree:
    """The files below a directory, which is closed by who opened it and shows hidden files."""

    def __init__(self, top: SessionDirectory) -> None:
        self._top = top

    async def files(self) -> list[FileInfo]:
        """All files, by path; looked for in a thread, since there may be many.

        Raises:
            TooLarge: there are more than 100,000 files, directories and what else, their paths are too long together,
                or there are more than 16 levels of directories.
        """
        return await asyncio.to_thread(_all_files, self._top.with_hidden())

    def open(self, path: str) -> tuple[FileInfo, int]:
        """A file and a descriptor for reading it, which the caller closes.

        Raises:
            NotFound: there is no such regular file.
        """
        with self._place(path, make=False) as (directory, name):
            info, fd = directory.open(name)
        return msgspec.structs.replace(info, filename=path), fd

    async def write(
        self, path: str, content: AsyncIterable[bytes], *, descr: str | None = None, overwrite: bool = False
    ) -> FileInfo:
        """Write a file, and make the directories that it is in.

        Raises:
            AlreadyExists: the path is taken and ``overwrite`` is false.
            InvalidParameter: it is no path of plain names, or there is something else where a directory is to be.
        """
        with self._place(check_path(path), make=True) as (directory, name):
            info = await directory.write(name, content, descr=descr, overwrite=overwrite)
        return msgspec.structs.replace(info, filename=path)

    @contextlib.contextmanager
    def _place(self, path: str, *, make: bool) -> Iterator[tuple[SessionDirectory, str]]:
        """The directory that a file is in, and its name there."""
        *parents, name = path.split("/")
        with contextlib.ExitStack() as stack:
            directory = self._top
            for parent in parents:
                directory = stack.enter_context(contextlib.closing(directory.below(parent, make=make)))
            yield directory, name


def _all_files(top: SessionDirectory) -> list[FileInfo]:
    """All files of a directory, which is closed at the end."""
    left = iter(range(_MOST_ENTRIES + 1))
    characters, found = 0, []
    with contextlib.closing(top):
        for info in _walk(top, _DEEPEST, left):
            characters += len(info.filename)
            found.append(info)
            if characters > _MOST_CHARACTERS:
                raise TooLarge("The paths of the files of the working directory are too long together.")
    if next(left, None) is None:
        raise TooLarge(f"The working directory holds more than {_MOST_ENTRIES:,} files and directories.")
    return sorted(found, key=lambda info: info.filename)


def _walk(directory: SessionDirectory, deepest: int, left: Iterator[int]) -> Iterator[FileInfo]:
    """Files of a directory and of those below it; each entry that is looked at takes an item of ``left``."""
    files, names = directory.look(left)
    yield from files
    if names and not deepest:
        raise TooLarge(f"The working directory holds more than {_DEEPEST} levels of directories.")
    for name in names:
        with contextlib.suppress(NotFound), contextlib.closing(directory.below(name)) as below:
            for info in _walk(below, deepest - 1, left):
                yield msgspec.structs.replace(info, filename=f"{name}/{info.filename}")
