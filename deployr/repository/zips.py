"""Zips that come in: checked as the work of a stranger before anything of them is taken."""

from __future__ import annotations

import contextlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from deployr.errors import InvalidParameter, TooLarge

MAX_FILES = 10_000
"""Most files in a zip, unless its reader says otherwise."""

_MAX_READ = 4 * 1024 * 1024
"""Most bytes that are read at once: of a zip's index too, which takes memory many times its size."""
_CHUNK = 256 * 1024
_METHODS = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
_ENCRYPTED = 1


class _Bounded(io.FileIO):
    """A file that refuses to be read in large pieces, whatever sizes its content claims; its rest is a piece too."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_READ:
            raise TooLarge(f"The zip's list of files is larger than {_MAX_READ} bytes.")
        return super().read(_MAX_READ if size is None or size < 0 else size) or b""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except OSError as ex:
            if whence != io.SEEK_SET:
                raise  # zipfile looks whether the file is long enough: that of an empty zip is not
            raise zipfile.BadZipFile(f"it has no place {offset}") from ex


@contextlib.contextmanager
def opened(file: IO[bytes], limit: int, most: int = MAX_FILES) -> Iterator[zipfile.ZipFile]:
    """A zip whose entries are plain files of plain claims, with different names.

    Args:
        file: a file on disk.
        limit: most bytes of all its files together, unpacked.
        most: files.

    Raises:
        InvalidParameter: it is no zip, is damaged, or holds something else than plain files.
        TooLarge: it holds too many or too large files.
    """
    try:
        with zipfile.ZipFile(_Bounded(file.fileno(), closefd=False)) as archive:
            _check(entries(archive), limit, most)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OverflowError, ValueError) as ex:
        raise InvalidParameter(f"The file is no zip that can be read: {ex}.") from ex


def entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Its files; those of directories are passed over."""
    return [entry for entry in archive.infolist() if not entry.is_dir()]


def chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a file, never more than it claims to have."""
    with archive.open(entry) as content:
        while chunk := content.read(_CHUNK):
            yield chunk


def _check(found: list[zipfile.ZipInfo], limit: int, most: int) -> None:
    if len(found) > most:
        raise TooLarge(f"The zip has more than {most} files.")
    if sum(entry.file_size for entry in found) > limit:
        raise TooLarge(f"The files in the zip are larger than {limit} bytes.")
    if len({entry.filename for entry in found}) < len(found):
        raise InvalidParameter("The zip has several files of the same name.")
    for entry in found:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        is_plain = kind in (0, stat.S_IFREG) and entry.compress_type in _METHODS
        if not is_plain or entry.flag_bits & _ENCRYPTED:
            raise InvalidParameter(f"{entry.filename!r} in the zip is no plain file.")
