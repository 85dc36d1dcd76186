"""A directory tree on disk that others change at any time, seen through descriptors.

A path is opened with ``O_PATH``, which touches nothing: no FIFO is waited for and no device woken. The kernel then says
where the descriptor leads, and that is judged, not the path: so symbolic links may lead anywhere inside of the tree
and nowhere else, and nobody can swap a directory for a link between look and use. What is hidden is not there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

_PLACE = os.O_PATH | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_CLOEXEC

Names = tuple[str, ...]
"""A path below the base: the names on it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """What is at a path.

    Attributes:
        real: where it lies without symbolic links.
        length: bytes.
        modified: last change, milliseconds since 1970.
    """

    real: Names
    is_directory: bool
    length: int
    modified: int


class ExternalTree:
    """Looks up, lists and opens what is below a base directory.

    ``OSError`` says that something is not there: it does not exist, is hidden, leads out of the tree, may not be read,
    or is neither a regular file nor a directory.
    """

    def __init__(self, base: Path) -> None:
        self._base = base

    def look_up(self, names: Sequence[str]) -> Entry:
        """What is at a path; its names must be plain."""
        with self._placed(names) as (real, place):
            return _entry(real, os.fstat(place))

    def names(self, names: Sequence[str]) -> list[str]:
        """Names in a directory, as they are spelled on disk; hidden ones are left out."""
        with self._directory(names) as (_, directory), os.scandir(directory) as entries:
            return [entry.name for entry in entries if is_plain(entry.name)]

    def entries(self, names: Sequence[str]) -> dict[str, Entry]:
        """What is in a directory, by name in order; what is not there for us is left out."""
        found = {}
        with self._directory(names) as (real, directory), os.scandir(directory) as entries:
            for entry in entries:
                if is_plain(entry.name):
                    with contextlib.suppress(OSError):
                        found[entry.name] = self._listed(real, entry)
        return dict(sorted(found.items()))

    def open(self, real: Names) -> int:
        """A descriptor for reading a regular file, which the caller closes.

        Args:
            real: where a look-up found it; when it lies elsewhere by now, it is not there.
        """
        with self._placed(real) as (now, place):
            if now != real or not stat.S_ISREG(os.fstat(place).st_mode):
                raise FileNotFoundError(real)
            return _reopened(place)

    @contextlib.contextmanager
    def _placed(self, names: Sequence[str]) -> Iterator[tuple[Names, int]]:
        """Where a path leads, and a descriptor that stands for it."""
        with contextlib.ExitStack() as stack:
            base = os.open(self._base, _PLACE | os.O_DIRECTORY)
            stack.callback(os.close, base)
            place = os.open("/".join(names) or ".", _PLACE, dir_fd=base)
            stack.callback(os.close, place)
            yield _below(base, place), place

    @contextlib.contextmanager
    def _directory(self, names: Sequence[str]) -> Iterator[tuple[Names, int]]:
        """Where a directory lies, and a descriptor for reading it."""
        with self._placed(names) as (real, place):
            directory = _reopened(place, os.O_DIRECTORY)
        try:
            yield real, directory
        finally:
            os.close(directory)

    def _listed(self, parent: Names, entry: os.DirEntry[str]) -> Entry:
        if not entry.is_symlink():
            return _entry((*parent, entry.name), entry.stat(follow_symlinks=False))
        return self.look_up((*parent, entry.name))


def is_plain(name: str) -> bool:
    """Whether a name can stand in a path: not hidden, no separator, no control character, and text."""
    is_text = name.isprintable() or not any(unicodedata.category(each) in ("Cc", "Cs") for each in name)
    return is_text and name != "" and not name.startswith(".") and "/" not in name and "\\" not in name


def _below(base: int, place: int) -> Names:
    """Where a descriptor leads, below the base."""
    path = _path_of(place)
    try:
        real = path.relative_to(_path_of(base)).parts
    except ValueError:
        raise FileNotFoundError(str(path)) from None
    if not all(map(is_plain, real)):
        raise FileNotFoundError(str(path))
    return real


def _path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def _reopened(place: int, flags: int = 0) -> int:
    """The very thing that a descriptor stands for, opened for reading."""
    return os.open(f"/proc/self/fd/{place}", _READ | flags)


def _entry(real: Names, st: os.stat_result) -> Entry:
    if not stat.S_ISREG(st.st_mode) and not stat.S_ISDIR(st.st_mode):
        raise FileNotFoundError(real)
    return Entry(real, stat.S_ISDIR(st.st_mode), st.st_size, st.st_mtime_ns // 1_000_000)
