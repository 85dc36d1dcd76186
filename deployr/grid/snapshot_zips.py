"""Snapshots as zips: the files below a working directory, and the workspace beside them (9x-facts 11).

This server makes them, of what user code left in a session: names and sizes are looked at again when one is read.
"""

from __future__ import annotations

import contextlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from deployr.errors import InternalError
from deployr.grid.file_trees import check_path
from deployr.grid.protocol import Runtime

SAVED_WORKSPACE: dict[Runtime, str] = {"r": "workspace.rData", "python": "workspace.dill"}
"""File that a session saves its workspace to, in the area ``state``."""

ZIPPED_WORKSPACE: dict[Runtime, str] = {"r": ".RData", "python": "workspace.dill"}
"""Name of the workspace in a zip; no file of a working directory has it there."""

_CHUNK = 256 * 1024
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OverflowError, ValueError)


class SnapshotZip:
    """A zip that is open for reading.

    Attributes:
        files: paths of the files below the working directory.
        workspace: name of the workspace, ``None`` when the snapshot has none of this runtime.
    """

    def __init__(self, archive: zipfile.ZipFile, runtime: Runtime) -> None:
        self._archive = archive
        names = [entry.filename for entry in archive.infolist() if _is_plain(entry)]
        self.workspace = next((name for name in names if name == ZIPPED_WORKSPACE[runtime]), None)
        self.files = [check_path(name) for name in names if name != self.workspace]

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of an entry; never more of it than the zip says."""
        with self._archive.open(name) as content:
            while chunk := content.read(_CHUNK):
                yield chunk


@contextlib.contextmanager
def opened(path: Path, runtime: Runtime) -> Iterator[SnapshotZip]:
    """Read a zip.

    Raises:
        InternalError: it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield SnapshotZip(archive, runtime)
    except _BROKEN as ex:
        raise InternalError("The snapshot cannot be read.") from ex


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    return not entry.is_dir() and not entry.flag_bits & 1 and not stat.S_ISLNK(entry.external_attr >> 16)
